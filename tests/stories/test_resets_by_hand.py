"""`temporal workflow reset`: what was done is done again, and happens once; a repair that may have run does not run again."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from incident.model import Incident, RepairState
from tests.configured import example
from tests.stories import temporal
from tests.stories.copy import Copy, running
from tests.stories.once import nothing_twice
from tests.stories.repairing import runner, site
from tests.stories.test_runner import SET, catalogue

STARTED = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
SIGNALED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
SLOW = SET + "import time\ntime.sleep(30)\n"


async def reset(copy: Copy, workflow_id: str, *how: str) -> None:
    """As somebody would who has nothing but Temporal's own program."""
    address, namespace = copy.environment["TEMPORAL_ADDRESS"], copy.environment["TEMPORAL_NAMESPACE"]
    where = ("--address", address, "--namespace", namespace, "--workflow-id", workflow_id)
    process = await asyncio.create_subprocess_exec(
        temporal.PROGRAM, "workflow", "reset", *where, *how, "--reason", "a test", stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


def _approves(event: HistoryEvent) -> bool:
    signaled = event.workflow_execution_signaled_event_attributes
    return event.event_type == SIGNALED and signaled.signal_name == "approve"


@pytest.mark.parametrize("to", ["the beginning", "its roles"])
async def test_an_incident(tmp_path: Path, to: str) -> None:
    """To its first task, or to the first one after its roles had been started: it comes to where it was."""
    rounds = {"round_every": '"2s"', "grace_after_acknowledgement": '"500ms"', "poll_every": '"200ms"'}
    async with running(tmp_path, example(paging=rounds)) as copy:
        await copy.say("anne", "declare 2 checkout answers with 500 service: shop-api")
        await copy.heard_in_room("Nobody commands yet: paging round 3")
        await copy.say("bob", "command")
        await copy.say("anne", "note it began at noon")
        await copy.say("bob", "task @sam 10m look at the queries")
        for words in (
            "team alpha @kim 10m look at the cache",
            "team close alpha it was cold",
            "team bravo @lee 10m restart it",
        ):
            await copy.say("bob", words)
        await copy.heard_in_room("Status: shop ok")
        await settled(copy)
        before, lines = await copy.look(), await said(copy)
        where = ("--type", "FirstWorkflowTask")
        if to == "its roles":
            where = ("--event-id", str(await after_the_roles_began(copy)))
        await reset(copy, f"incident-{copy.incident}", *where)
        await copy.heard_in_room("This incident's workflow had stopped. It was reset")
        (number,) = before.tasks
        assert f"task {number}" in await copy.say("sam", f"ack {number}")

        async def is_where_it_was() -> bool:
            return told(before) <= told(await copy.look())

        await copy.until(is_where_it_was, "all that was recorded is recorded again")
        await settled(copy)
        after = await copy.look()
        assert {kind for kind, _ in told(after) - told(before)} <= {"reset", "task", "acknowledged"}
        assert (after.rounds, after.commander, list(after.pages)) == (before.rounds, "bob", list(before.pages))
        assert paged(before) == paged(after)
        assert set(lines) <= set(await said(copy))
        await nothing_twice(copy, lines)


async def after_the_roles_began(copy: Copy) -> int:
    events = (await copy.client.get_workflow_handle(f"incident-{copy.incident}").fetch_history()).events
    began = max(event.event_id for event in events if event.event_type == STARTED)
    return next(event.event_id for event in events if event.event_type == COMPLETED and event.event_id > began)


async def settled(copy: Copy) -> None:
    """Nothing is under way but what waits for news."""

    async def nothing() -> bool:
        found = await copy.client.get_workflow_handle(f"incident-{copy.incident}").describe()
        pending = {one.activity_type.name for one in found.raw_description.pending_activities}
        return pending <= {"await_acknowledgement"}

    await copy.until(nothing, "nothing is under way")


def told(incident: Incident) -> Counter[tuple[str, str]]:
    """Without what PagerDuty is asked again: of pages that were merged it keeps neither assignees nor acknowledgements."""
    kinds = ("page", "acknowledged")
    return Counter((entry.kind, entry.text) for entry in incident.timeline if entry.kind not in kinds)


async def said(copy: Copy) -> list[str]:
    """What was said once and for all: notices are edited, and who was paged is asked of PagerDuty anew."""
    messages = [message for message in (await copy.room())["messages"] if not message.get("blocks")]
    lines = [line for message in messages for line in message["text"].splitlines()]
    return [line for line in lines if not line.startswith(("paged ", "```"))]


def paged(incident: Incident) -> set[str]:
    """Everybody who is said to have been paged."""
    texts = [entry.text for entry in incident.timeline if entry.kind == "page" and entry.text.startswith("paged ")]
    return {name for text in texts for name in text.removeprefix("paged ").split(", ")}


async def test_a_repair_that_may_have_run_is_not_run_again(tmp_path: Path) -> None:
    folder = catalogue(
        tmp_path, slow=(SLOW, "local", "", ""), quick=(SET, "local", "", ""), later=(SET, "nowhere", "", "")
    )
    async with site(tmp_path, folder) as here:
        copy = here.copy
        await here.commanded()

        async def approved(words: str) -> int:
            number = await here.proposed(f"propose {words}")
            await copy.say("bob", f"approve {number}")
            return number

        waiting = await approved("later to=10")
        await copy.heard_in_room("No runner serves runner.nowhere")
        await reset(copy, f"incident-{copy.incident}/repair-{waiting}", "--type", "LastWorkflowTask")
        await copy.heard_in_room(f"Repair {waiting}'s workflow had stopped")
        async with runner(copy, "nowhere"):
            await here.came_to(waiting, RepairState.SUCCEEDED)

        done = await approved("quick to=20")
        await here.came_to(done, RepairState.SUCCEEDED)
        events = (await copy.client.get_workflow_handle(f"incident-{copy.incident}").fetch_history()).events
        asked = max(event.event_id for event in events if _approves(event))
        point = max(event.event_id for event in events if event.event_type == COMPLETED and event.event_id < asked)
        await reset(copy, f"incident-{copy.incident}", "--event-id", str(point))
        await copy.heard_in_room("This incident's workflow had stopped")
        assert (await here.repair(done)).state is RepairState.SUCCEEDED

        under_way = await approved("slow to=30")

        async def begun() -> bool:
            return "throttle 30" in here.did()

        await copy.until(begun, "it is under way")
        await reset(copy, f"incident-{copy.incident}/repair-{under_way}", "--type", "FirstWorkflowTask")
        repair = await here.came_to(under_way, RepairState.UNKNOWN)
        assert "stopped what ran" in repair.outcome
        assert here.did("throttle") == ["throttle 10", "throttle 20", "throttle 30"]
        await nothing_twice(copy)
