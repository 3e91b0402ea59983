"""The connection to Temporal: the standard `TEMPORAL_*` variables and profiles, nothing of our own."""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import re
import zlib
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
)
from temporalio.envconfig import ClientConfig
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from incident import texts

LARGE = 512 * 1024
LARGEST = 16 * 1024 * 1024
"""More than eight times what an incident's state may be; 58 kB can be made to become gigabytes."""
COMPRESSED = b"binary/zlib"
_RESERVED = re.compile(rb"\xef\xb7[\x90-\x92]|\\u[fF][dD][dD][0-2]")
"""Where JSON may have a character that places are made with."""


class _Json(PydanticJSONPlainPayloadConverter):
    """Texts travel as what they are (`incident.texts`): a list of words and places, where a field holds a `Text`.

    Every other string arrives without the characters that places are made with.
    """

    def to_payload(self, value: Any) -> Payload | None:
        payload = super().to_payload(value)
        if payload is not None and _RESERVED.search(payload.data):
            return super().to_payload(_written(value))
        return payload

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        return super().from_payload(_typed(payload), type_hint)


def _written(value: Any) -> Any:
    """What is in `value`, with each field that is a `Text` as a list; a place anywhere else reads as words."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: texts.written(found) if field.type == "Text" else _written(found)
            for field in dataclasses.fields(value)
            for found in (getattr(value, field.name),)
        }
    match value:
        case str():
            return texts.plain(value)
        case list() | tuple():
            return [_written(one) for one in value]
        case dict():
            return {key: _written(one) for key, one in value.items()}
        case _:
            return value


def _typed(payload: Payload) -> Payload:
    data = payload.data
    if _RESERVED.search(data) is None:
        return payload
    cleaned = json.dumps(texts.all_typed(json.loads(data)), ensure_ascii=False)
    return Payload(metadata=payload.metadata, data=cleaned.encode())


_JSON = _Json()


class PayloadConverter(CompositePayloadConverter):
    """The SDK's pydantic converter, but one for all: it remembers how each type is read.

    The SDK makes a converter for each workflow; learning an incident's types anew costs 25 ms of each. What no type is
    known for and cannot be read stays raw: an exception here would hold the workflow that was sent it.
    """

    def __init__(self) -> None:
        usual = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(_JSON if isinstance(one, JSONPlainPayloadConverter) else one for one in usual))

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        if type_hints:
            return super().from_payloads(payloads, type_hints)
        return [self._read_or_raw(payload) for payload in payloads]

    def _read_or_raw(self, payload: Payload) -> Any:
        try:
            return super().from_payloads([payload])[0]
        except Exception:  # noqa: BLE001  # whatever a converter raises about bytes that anybody may send
            return RawValue(payload)


class SmallEnough(PayloadCodec):
    """What is larger than LARGE travels compressed: the server takes 2 MB, and the state of an incident of days is text.

    All else stays as it is, so that the Web UI shows it. What cannot be decompressed, or would become too large, stays as
    it came: whoever reads it then finds an encoding that nobody knows, as with any other bad input.
    """

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [_compressed(one) if len(one.data) > LARGE else one for one in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [_plain(one) if one.metadata.get("encoding") == COMPRESSED else one for one in payloads]


def _compressed(payload: Payload) -> Payload:
    return Payload(metadata={"encoding": COMPRESSED}, data=zlib.compress(payload.SerializeToString()))


def _plain(payload: Payload) -> Payload:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(payload.data, LARGEST)
        return Payload.FromString(data) if stream.eof else payload
    except (zlib.error, DecodeError):
        return payload


data_converter = DataConverter(payload_converter_class=PayloadConverter, payload_codec=SmallEnough())


@functools.cache
def runtime() -> Runtime:
    """The SDK's runtime of this process. Left to itself its core logs to stdout, where `ic … --json` answers."""
    logs = LogForwardingConfig(logging.getLogger("temporalio.core"))
    levels = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(levels, logs)))


async def connect(*, lazy: bool = False) -> Client:
    """Raises RuntimeError when the server cannot be reached."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**config, data_converter=data_converter, lazy=lazy, runtime=runtime())
