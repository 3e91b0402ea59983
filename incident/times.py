"""Durations and times of day, as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def minutes(duration: timedelta) -> str:
    """A duration as people say it: `40 s`, `12 min`, `2 h 5 min`."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    hours, rest = divmod(seconds // 60, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def dated(at: datetime, now: datetime) -> str:
    """A time of day, with its date when that is not today's."""
    day = "" if at.astimezone(UTC).date() == now.astimezone(UTC).date() else f"{at.astimezone(UTC):%Y-%m-%d} "
    return f"{day}{clock(at)}"


def clock(at: datetime, zone: str = "UTC") -> str:
    """A time of day, local and UTC: `16:05 CET (15:05 UTC)`."""
    utc = at.astimezone(UTC)
    if zone == "UTC":
        return f"{utc:%H:%M} UTC"
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M %Z} ({utc:%H:%M} UTC)"
