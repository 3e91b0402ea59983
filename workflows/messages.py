"""Messages that anybody with access to the namespace may send.

A conversion error in a handler holds the workflow for ever, or the SDK drops the Signal without a word. So handlers take
their arguments raw, and read them here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RawValue

MESSAGE_BYTES = 64 * 1024
"""More than any command of a person takes."""
RULES_BYTES = 1024 * 1024
"""For what carries an organisation's configuration, or a role's view of an incident."""
M = TypeVar("M")


class Malformed(Exception):
    """A message of another shape than its name says. The text says what is wrong with it."""


def read(arguments: Sequence[RawValue], kind: type[M], *, most: int = MESSAGE_BYTES) -> M:
    """The message, if there is exactly one argument of this kind. Raises Malformed."""
    if len(arguments) != 1:
        raise Malformed(f"it takes one argument and got {len(arguments)}")
    payload = arguments[0].payload
    if len(payload.data) > most:
        raise Malformed(f"it has {len(payload.data)} bytes of at most {most}")
    try:
        found: Any = workflow.payload_converter().from_payload(payload, kind)
    except Exception as fault:  # noqa: BLE001  # whatever a converter raises about bytes that anybody may send
        raise Malformed(f"it cannot be read ({type(fault).__name__})") from None
    if found is None:
        raise Malformed("it is empty")
    return found  # type: ignore[no-any-return]  # the converter gives what it was asked for
