"""`ic at` shows what was true then: compared with what stood there at the time, also when all is over."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

import workflows.incident
from activities.on_call_book import now
from incident.model import Incident
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.program import ic

STORY = (
    ("anne", "declare 1 checkout answers with 500 service: shop-api"),
    ("bob", "command"),
    ("bob", "scribe @mac"),
    ("sam", "join as database expert"),
    ("bob", "task @sam 5m look at the slow queries"),
    ("sam", "ack"),
    ("anne", "propose rollback service=shop-api"),
    ("bob", "impact nobody can pay"),
    ("sam", "done the pool is exhausted"),
    ("bob", "reject 3 too risky"),
    ("bob", "sev 2"),
    ("bob", "resolve --insist recovered"),
)


async def test_each_moment_is_shown_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Across a continue-as-new, while the incident is open and once it is over."""
    monkeypatch.setattr(workflows.incident, "HISTORY_LIMIT", 200)
    async with running(tmp_path, example(ending={"watched_for": '"1s"'})) as copy:
        begun = now()
        then: dict[datetime, Incident] = {}
        for who, words in STORY:
            await copy.say(who, words)
            at, incident = await _as_it_is(copy)
            then[at] = incident
        await _same(copy, then)
        runs = [run async for run in copy.client.list_workflows(f'WorkflowId = "incident-{copy.incident}"')]
        assert len(runs) > 1, "its history began anew in between"
        await copy.everything_ended()
        await _same(copy, then)
        await _told(copy, then, begun)


async def _as_it_is(copy: Copy) -> tuple[datetime, Incident]:
    """A moment, and what stood there: nothing was saved between the look and the moment."""
    while True:
        found, at = await copy.gateway.snapshot(copy.incident, live=True), now()
        if (await copy.gateway.snapshot(copy.incident, live=True)).version == found.version:
            return at, found.incident


async def _same(copy: Copy, then: dict[datetime, Incident]) -> None:
    for at, incident in then.items():
        found = await copy.gateway.snapshots.at(copy.incident, at)
        assert found is not None
        assert found.incident == incident, at


async def _told(copy: Copy, then: dict[datetime, Incident], begun: datetime) -> None:
    (early, *_), late = list(then)[1:], list(then)[-2]
    code, out, err = await ic(copy, "at", copy.incident, early.isoformat(), "--as", "anne")
    assert (code, err) == (0, "")
    assert "IC: Bob Boberson" in out and "slow queries" not in out and "As it was on" in out
    _, out, _ = await ic(copy, "at", copy.incident, late.isoformat(), "--as", "anne")
    assert "SEV-2" in out and "the pool is exhausted" in out and "nobody can pay" in out
    _, out, _ = await ic(copy, "at", copy.incident, early.isoformat(), "--json", "--as", "anne")
    assert json.loads(out)["severity"] == "SEV-1"
    code, _, err = await ic(copy, "at", copy.incident, begun.isoformat(), "--as", "anne")
    assert code == 2 and "At that time there was nothing yet" in err
    code, _, err = await ic(copy, "at", "babad-babad", "+5m", "--as", "anne")
    assert code == 1 and "Nothing is saved of an incident" in err
