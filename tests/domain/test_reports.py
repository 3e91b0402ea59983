"""Reports are taken once each; what must never happen twice is not kept in the list of them, which forgets."""

from __future__ import annotations

from collections.abc import Callable

from incident import reports, settling
from incident.duties.base import Remark
from incident.model import Room
from incident.reports import Report
from tests.domain.conftest import NOW, Told


def test_it_is_announced_once_however_much_is_reported(told: Callable[..., Told]) -> None:
    story = told(commanded=False)
    first = [key for key in story.incident.effects if key.startswith("announced/")]
    assert first
    for key in first:
        del story.incident.effects[key]
    for n in range(reports.KEPT + 1):
        reports.take(story.incident, Report("scribe", f"status/{n}", Remark("")), NOW)
    settling.room_opened(story.incident, Room("C1", "inc-lusab-babad"), NOW)
    assert not [key for key in story.incident.effects if key.startswith("announced/")]
