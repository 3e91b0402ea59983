"""Four simulated hours of a SEV-1 with Slack away in the middle: nothing lost, nothing twice."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from pathlib import Path

from incident.model import Incident
from tests.stories import four_hours
from tests.stories.copy import Copy
from tests.stories.skipping import skipping


async def test_four_hours_with_slack_away_for_twelve_minutes(tmp_path: Path) -> None:
    async with skipping(tmp_path, four_hours.config()) as time:
        incident, copy = await four_hours.play(time), time.copy
        lasted = (incident.ended_at or incident.declared_at) - incident.declared_at
        assert timedelta(hours=3, minutes=30) < lasted < timedelta(hours=4, minutes=15)
        await _nothing_was_said_twice(copy)
        await _the_marks_are_all_there(copy)
        _executives_heard_on_the_grid(incident)
        _customers_heard_what_was_approved(incident)
        assert {t.letter: t.result for t in incident.teams.values()} == {
            "alpha": "writes wait for the replicas",
            "bravo": "the replicas are level",
            "charlie": "the carts are copied aside",
        }
        assert "Kim Kommandson: the primary answers, the replicas lag by an hour" in await copy.lines("team-bravo")


async def _nothing_was_said_twice(copy: Copy) -> None:
    for room in await copy.control("GET", "slack/rooms"):
        said = [m["metadata"]["event_payload"]["key"] for m in room["messages"] if "metadata" in m]
        assert len(said) == len(set(said)), room["name"]


async def _the_marks_are_all_there(copy: Copy) -> None:
    marks = [
        (int(m[1]), line) for line in await copy.lines() if (m := re.search(r"now at the (\d+) minute mark", line))
    ]
    minutes = [minute for minute, _ in marks]
    assert minutes == sorted(set(minutes))
    assert set(minutes) >= {*range(10, 121, 10), *range(150, 210, 30)}


def _executives_heard_on_the_grid(incident: Incident) -> None:
    sent = [summary.sent_at for summary in incident.summaries]
    assert sent == sorted(sent)
    quiet = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert max(quiet) < timedelta(minutes=43), quiet  # the grid, and what the outage made late
    assert len({summary.key for summary in incident.summaries}) == len(incident.summaries)


def _customers_heard_what_was_approved(incident: Incident) -> None:
    out = [draft for draft in incident.drafts.values() if draft.published_at is not None]
    assert len(out) >= 8 and all(draft.approved_by in ("bob", "kim") for draft in out)
    assert out[-1].stage == "resolved" and "three orders" in out[-1].text
