"""What everything that is read from TOML is made of: frozen shapes, durations, handles, and faults that say what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_DURATION = re.compile(r"(?<!\d)(\d{1,9})(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _days(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]? (calendar|business) days?", value):
        return value
    raise ValueError("must read like 3 calendar days, or 5 business days")


def _zone(value: object) -> object:
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Berlin") from None
    return value


Days = Annotated[str, BeforeValidator(_days)]
Zone = Annotated[str, BeforeValidator(_zone)]


class BadPolicy(ValueError):
    """The organisation's file cannot be used. The message names file, key, what stands there, what may."""


def _duration(value: object) -> object:
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    if isinstance(value, timedelta):
        return value
    raise ValueError("must be a duration such as 30s, 5m or 2h")


Duration = Annotated[
    timedelta, BeforeValidator(_duration), PlainSerializer(lambda d: d.total_seconds(), return_type=float)
]
Handle = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def fault(where: str, found: Mapping[str, Any], may: str = "") -> str:
    """One line for one of pydantic's errors: `where` (the file), key, what is wrong, what stands there, what `may`."""
    key = ".".join(str(part) for part in found["loc"]) or "(the whole file)"
    message = str(found["msg"]).removeprefix("Value error, ")
    stands = found.get("input")
    shown = "" if isinstance(stands, (dict, list, tuple, BaseModel)) else f"; there stands {stands!r}"
    return f"{where}: {key}: {message}{shown}{f'; {may}' if may else ''}"
