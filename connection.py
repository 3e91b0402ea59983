"""The connection to Temporal: the standard `TEMPORAL_*` variables and profiles, nothing of our own."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)
from temporalio.envconfig import ClientConfig

_JSON = PydanticJSONPlainPayloadConverter()


class PayloadConverter(CompositePayloadConverter):
    """The SDK's pydantic converter, but one for all: it remembers how each type is read.

    The SDK makes a converter for each workflow; learning an incident's types anew costs 25 ms of each.
    """

    def __init__(self) -> None:
        usual = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(_JSON if isinstance(one, JSONPlainPayloadConverter) else one for one in usual))


data_converter = DataConverter(payload_converter_class=PayloadConverter)


async def connect(*, lazy: bool = False) -> Client:
    """Raises RuntimeError when the server cannot be reached."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**config, data_converter=data_converter, lazy=lazy)
