"""Meetings and reminders fall on working days, at the hour on the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident import calendar

DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
HOLIDAYS = st.lists(DAYS, max_size=30).map(frozenset)
ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland"])
RULES = st.tuples(st.integers(1, 20), st.sampled_from(["calendar", "business"])).map(lambda r: f"{r[0]} {r[1]} days")
TEN = time(10)


@pytest.mark.parametrize(
    ("rule", "ended", "meeting"),
    [
        ("3 calendar days", "2026-03-02", "2026-03-05"),  # a Monday
        ("3 calendar days", "2026-03-04", "2026-03-06"),  # the third day is a Saturday: the Friday before
        ("3 calendar days", "2026-03-06", "2026-03-09"),  # over a weekend
        ("3 calendar days", "2026-04-02", "2026-04-07"),  # Good Friday and Easter Monday: the first day that can be
        ("5 business days", "2026-03-02", "2026-03-09"),
        ("5 business days", "2026-04-01", "2026-04-10"),
    ],
)
def test_by_hand(rule: str, ended: str, meeting: str) -> None:
    holidays = {date(2026, 4, 3), date(2026, 4, 6)}
    assert calendar.meeting_day(rule, date.fromisoformat(ended), holidays) == date.fromisoformat(meeting)


@given(RULES, DAYS, HOLIDAYS)
def test_never_on_a_weekend_or_holiday_and_never_the_same_day(
    rule: str, ended: date, holidays: frozenset[date]
) -> None:
    day = calendar.meeting_day(rule, ended, holidays)
    assert day > ended and day.weekday() < 5 and day not in holidays


@given(st.integers(1, 20), DAYS, HOLIDAYS)
def test_within_the_calendar_days_when_one_of_them_can_be(days: int, ended: date, holidays: frozenset[date]) -> None:
    within = [ended + timedelta(days=n) for n in range(1, days + 1)]
    possible = [day for day in within if calendar.working(day, holidays)]
    day = calendar.meeting_day(f"{days} calendar days", ended, holidays)
    assert day == possible[-1] if possible else day > within[-1]


@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 1), timezones=st.just(UTC)), ZONES, HOLIDAYS)
def test_mornings_are_ten_on_the_wall_whatever_the_clocks_do(
    at: datetime, zone: str, holidays: frozenset[date]
) -> None:
    morning = calendar.next_morning(at, TEN, zone, holidays)
    local = morning.astimezone(ZoneInfo(zone))
    assert morning > at and (local.hour, local.minute) == (10, 0)
    assert calendar.working(local.date(), holidays)
    again = calendar.next_morning(morning, TEN, zone, holidays)
    between = [local.date() + timedelta(days=n) for n in range(1, (again - morning).days + 1)]
    assert not [
        day for day in between if calendar.working(day, holidays) and day < again.astimezone(ZoneInfo(zone)).date()
    ]


def test_the_hour_stays_when_summer_time_begins() -> None:
    friday = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert calendar.next_morning(friday, TEN, "Europe/Berlin", ()) == datetime(2026, 3, 30, 8, tzinfo=UTC)
    thursday = datetime(2026, 3, 26, 12, tzinfo=UTC)
    assert calendar.next_morning(thursday, TEN, "Europe/Berlin", ()) == datetime(2026, 3, 27, 9, tzinfo=UTC)
