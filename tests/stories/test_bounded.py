"""Histories stay bounded: a day of an incident, and a stalk with much to report; nothing is lost across the seam."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client

import workflows.incident
import workflows.role
from incident import identity
from incident.severity import Role
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.four_hours import announce, approve_waiting
from tests.stories.skipping import quiet, skipping

MORE = 3_000
"""What may still come when a history is long enough; the server's own limits are far above it."""
FLIPS = 60


async def runs(client: Client, workflow_id: str) -> list[int]:
    """How many events each run of a workflow has, the newest first."""
    lengths, run = [], ""
    while True:
        history = await client.get_workflow_handle(workflow_id, run_id=run or None).fetch_history()
        lengths.append(len(history.events))
        run = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run:
            return lengths


@pytest.mark.long
@pytest.mark.parametrize(
    ("hours", "limit"),
    [
        pytest.param(6, 500, id="short"),
        pytest.param(24, workflows.incident.HISTORY_LIMIT, id="long", marks=pytest.mark.soak),
    ],
)
async def test_an_incident_of_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int, limit: int) -> None:
    """Or of a quarter of one, with histories that may be a quarter as long."""
    for module in (workflows.incident, workflows.role):
        monkeypatch.setattr(module, "HISTORY_LIMIT", limit)
    async with skipping(tmp_path, quiet(ending={"watched_for": '"10m"'})) as time:
        copy = time.copy
        await copy.say("anne", "declare 1 checkout is down")
        await copy.heard_in_room("Tara Traineeson acknowledged the page.")
        await copy.say("bob", "command")
        await copy.say("dee", "join")
        await announce(time)
        for hour in range(hours):
            await seam_passed(copy)
            await copy.say("bob", f"task @sam 20m look again, round {hour}")
            for part in range(3):
                await seam_passed(copy)
                await copy.say("anne", f"finding number {hour}.{part}")
                await time.sleep(20)
                await approve_waiting(time, "bob")
            await copy.say("sam", f"done nothing new in round {hour}")
        incident = await copy.look()
        await copy.say("bob", "resolve --insist")
        ids = [identity.workflow_id(copy.incident)]
        ids += [identity.role_workflow_id(copy.incident, role) for role in Role if role is not Role.COMMANDER]
        lengths = {id: await runs(copy.client, id) for id in ids}
        assert max(max(each) for each in lengths.values()) < limit + MORE, lengths
        assert len(lengths[ids[0]]) > 1, "the incident never began a new history"
        found = [f"number {hour}.{part}" for hour in range(hours) for part in range(3)]
        assert incident.facts.findings == found
        lines = await copy.lines()
        assert [x.partition("found: ")[2] for x in lines if x.startswith("Anne Apison found: ")] == found
        keys = [m["metadata"]["event_payload"]["key"] for m in (await copy.room())["messages"] if "metadata" in m]
        assert len(keys) == len(set(keys))
        assert [s.key for s in incident.summaries] == sorted({s.key for s in incident.summaries}, key=_number)
        assert len(incident.summaries) >= 2 * hours - 1


async def seam_passed(copy: Copy) -> None:
    """An Update that meets a new history leaves the time of this server standing still, so a history about to end is
    given a moment to. Commands that meet one on the real server are in test_long.py."""
    handle = copy.client.get_workflow_handle(identity.workflow_id(copy.incident))
    for _ in range(40):
        if (await handle.describe()).history_length < workflows.incident.HISTORY_LIMIT - 60:
            return
        await asyncio.sleep(0.05)


def _number(key: str) -> int:
    return int(key.rpartition("/")[2])


async def test_a_stalk_that_reports_all_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many changes as fill several histories; the limit is lower here, so that they come in seconds."""
    monkeypatch.setattr(workflows.role, "HISTORY_LIMIT", 200)
    config = example(stalk={"every": '"50ms"', "flapping_changes": "1000"})
    async with running(tmp_path, config) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.heard_in_room("Status: shop ok")
        for n in range(FLIPS):
            state = ("degraded", "ok")[n % 2]
            await copy.control("POST", "status/shop", {"status": state})

            async def seen(state: str = state) -> bool:
                status = (await copy.look()).status
                return status is not None and status.state == state

            await copy.until(seen, f"change {n}")
        changes = [e for e in (await copy.look()).timeline if e.kind == "status"]
        assert len(changes) == FLIPS + 1
        lengths = await runs(copy.client, identity.role_workflow_id(copy.incident, Role.SCRIBE))
        assert len(lengths) > 1 and max(lengths) < 400, lengths
