"""The measures, checked against numbers worked out by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from incident import figures
from incident.model import Incident
from incident.severity import Severity
from tests.documents.story import two_hours
from tests.domain.conftest import Told


def minutes(*values: float) -> list[timedelta]:
    return [timedelta(minutes=value) for value in values]


def test_median_and_ninetieth_percentile() -> None:
    assert figures.figure(minutes(7)) == figures.Figure(1, *minutes(7, 7))
    assert figures.figure(minutes(10, 2)) == figures.Figure(2, *minutes(6, 10))
    # Ten values: the ninth is the smallest that nine in ten do not exceed.
    assert figures.figure(minutes(1, 2, 3, 4, 5, 6, 7, 8, 9, 100)) == figures.Figure(10, *minutes(5.5, 9))
    assert figures.figure(minutes(*range(1, 12))) == figures.Figure(11, *minutes(6, 10))


def test_the_times_of_one_incident(told: Callable[..., Told]) -> None:
    times = figures.times(two_hours(told))
    assert times.acknowledge == timedelta(minutes=1)
    assert times.command == timedelta(minutes=2)
    assert times.public == timedelta(minutes=8, seconds=50)
    assert times.resolve == timedelta(hours=1, minutes=34, seconds=12)


def test_a_false_alarm_resolves_nothing(told: Callable[..., Told]) -> None:
    story = told()
    story.say("bob", "cancel", after=5)
    assert figures.times(story.incident).resolve is None


def test_a_row_a_month_and_worst_severity_the_newest_first(told: Callable[..., Told]) -> None:
    def commanded(month: int, day: int, after: float, severity: Severity = Severity.SEV1) -> Incident:
        at = datetime(2026, month, day, tzinfo=UTC)
        incident = told(severity, commanded=False).incident
        return dataclasses.replace(incident, declared_at=at, first_commanded_at=at + timedelta(minutes=after))

    lowered = commanded(2, 1, 3)
    lowered.severity = Severity.SEV3
    cancelled = told()
    cancelled.say("bob", "cancel", after=1)
    rows = figures.table(
        [commanded(1, 31, 1), lowered, commanded(2, 28, 9), commanded(2, 2, 4, Severity.SEV2), cancelled.incident]
    )
    seen = [(row.month, row.severity, row.count, row.false_alarms) for row in rows]
    assert seen == [
        ("2026-03", "SEV-1", 1, 1),
        ("2026-02", "SEV-1", 2, 0),
        ("2026-02", "SEV-2", 1, 0),
        ("2026-01", "SEV-1", 1, 0),
    ]
    assert rows[1].figures == {"command": figures.Figure(2, *minutes(6, 9))}
