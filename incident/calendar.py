"""Working days: when a meeting is proposed, and when somebody is reminded (process, 6).

A working day is neither a Saturday, nor a Sunday, nor one of the organisation's holidays. Times of day are those of
the person's own time zone, so a change to or from summer time moves the moment and not the clock on the wall.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SATURDAY = 5


def working(day: date, holidays: Container[date]) -> bool:
    return day.weekday() < SATURDAY and day not in holidays


def first_working(day: date, holidays: Container[date]) -> date:
    """`day` itself, or the first working day after it."""
    while not working(day, holidays):
        day += DAY
    return day


def after_working_days(day: date, days: int, holidays: Container[date]) -> date:
    """The working day that is `days` working days after `day`, which does not count."""
    for _ in range(days):
        day = first_working(day + DAY, holidays)
    return day


def meeting_day(rule: str, ended: date, holidays: Container[date]) -> date:
    """The last working day within `rule` ("3 calendar days", "5 business days") of the end.

    When there is none within that many calendar days, the first one after them.
    """
    count, kind, _ = rule.split()
    if kind == "business":
        return after_working_days(ended, int(count), holidays)
    within = (ended + DAY * n for n in range(int(count), 0, -1))
    return next((day for day in within if working(day, holidays)), first_working(ended + DAY * int(count), holidays))


def moment(day: date, at: time, zone: str) -> datetime:
    """That time of day in `zone`, as a moment in UTC."""
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def next_morning(after: datetime, at: time, zone: str, holidays: Container[date]) -> datetime:
    """The first moment later than `after` at which it is `at` o'clock on a working day in `zone`."""
    day = first_working(local_day(after, zone), holidays)
    if moment(day, at, zone) <= after:
        day = first_working(day + DAY, holidays)
    return moment(day, at, zone)


def local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
