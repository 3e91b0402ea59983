"""Everything that was begun ends: whatever is cancelled, away, late or taken, no workflow is left waiting for ever."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle, WorkflowHistory

import workflows.incident
from activities.records import Records
from incident import identity
from incident.model import Incident, Phase, RepairState
from incident.severity import Role
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.repairing import QUICK, Site
from workflows import retries

SOON = {"watched_for": '"1s"'}
MARKS = {"mark_every": '"2s"', "later_after": '"1h"'}
ENTRY = """
[[catalogue]]
id = "{id}"
trouble = "any"
title = "{id} it"
risk = "low"
practice = true
[catalogue.apply]
argv = ["sh", "-c", '''{apply}''']
{more}
"""
SLOW = "echo half of it is done; sleep 60"


def catalogue(tmp_path: Path, **entries: tuple[str, str]) -> Path:
    """`id=(shell, further lines of the entry)`."""
    folder = tmp_path / "entries"
    folder.mkdir()
    for id, (apply, more) in entries.items():
        (folder / f"{id}.toml").write_text(ENTRY.format(id=id, apply=apply, more=more))
    return folder


def configured(folder: Path, **sections: dict[str, str]) -> str:
    return example(folder, repair=QUICK, **{"ending": SOON, **sections})


async def commanded(copy: Copy, words: str = "declare 1 checkout is down", *, key: str = "") -> None:
    await copy.say("anne", words, id=key)
    await copy.say("bob", "command")


async def kept(copy: Copy) -> Incident:
    """The record, as it stands when all is over."""
    found = await asyncio.to_thread(Records(copy.settings.records_url).find, copy.incident, copy.organisation.policy())
    assert found is not None
    return found


def handle(copy: Copy, part: str = "") -> WorkflowHandle[Any, Any]:
    return copy.client.get_workflow_handle(f"{identity.workflow_id(copy.incident)}{part}")


async def squat(copy: Copy, id: str) -> WorkflowHandle[Any, Any]:
    """Stand under an id that the product is about to need, on a queue that nobody serves."""
    return await copy.client.start_workflow("SomebodyElses", id=id, task_queue="nobody")


# -- repair actions ---------------------------------------------------------------------------------------


async def test_the_ic_judges_before_the_verify_step_has_answered(tmp_path: Path) -> None:
    verify = '[catalogue.verify]\nargv = ["sh", "-c", "sleep 20; echo all is well"]'
    async with running(tmp_path, configured(catalogue(tmp_path, quick=("true", verify)))) as copy:
        here = Site(copy, None)  # type: ignore[arg-type]  # no shop is repaired here
        await commanded(copy)
        numbers = [await here.proposed("propose quick") for _ in range(3)]
        for number in numbers:
            await copy.say("bob", f"approve {number}")
        for number in numbers:
            await here.came_to(number, RepairState.SUCCEEDED)
            await copy.say("bob", f"{'un' if number == numbers[1] else ''}verified {number}")
        for number in numbers:
            result = await asyncio.wait_for(handle(copy, f"/repair-{number}").result(), 20)
            assert result == (RepairState.NOT_VERIFIED if number == numbers[1] else RepairState.VERIFIED)
        assert not any("Verify of" in line for line in await copy.lines())
        await copy.say("bob", "resolve --insist")
        await copy.everything_ended()


async def test_the_incident_closes_while_repairs_run(tmp_path: Path) -> None:
    """What runs is stopped, and its last word stands in the channel, the timeline and the record."""
    folder = catalogue(tmp_path, slow=(SLOW, ""), other=(SLOW, ""))
    manual = '[[catalogue]]\nid = "by-hand"\ntrouble = "any"\ntitle = "By hand"\nrisk = "low"\npractice = true\nowner = "anne"\n[catalogue.apply]\nmanual = "Pull the plug."\n'
    (folder / "by-hand.toml").write_text(manual)
    async with running(tmp_path, configured(folder)) as copy:
        here = Site(copy, None)  # type: ignore[arg-type]  # no shop is repaired here
        await commanded(copy)
        runs, lost, by_hand = [await here.proposed(f"propose {what}") for what in ("slow", "other", "by-hand")]
        for number in (runs, lost, by_hand):
            await copy.say("bob", f"approve {number}")
        await copy.say("anne", f"ack {by_hand}")
        for number in (runs, lost, by_hand):
            await here.came_to(number, RepairState.RUNNING)
        await here.notice_says(runs, "half of it is done")
        await handle(copy, f"/repair-{lost}").terminate()
        await copy.say("bob", "resolve --insist")
        ended = await copy.everything_ended()
        assert ended[f"{identity.workflow_id(copy.incident)}/repair-{runs}"] == "completed"
        incident = await kept(copy)
        states = {number: incident.repairs[number].state for number in (runs, lost, by_hand)}
        assert states == {runs: RepairState.ABORTED, lost: RepairState.UNKNOWN, by_hand: RepairState.UNKNOWN}
        assert "half of it is done" in incident.repairs[runs].outcome
        lines, timeline = "\n".join(await copy.lines()), [e.text for e in incident.timeline if e.kind == "repair"]
        for number, state in states.items():
            assert f"repair {number}" in lines and any(text.startswith(f"{number} {state}") for text in timeline)
        assert "slow it (repair 1): aborted" in lines or f"repair {runs}" in lines
        assert not any(state is RepairState.RUNNING for state in states.values())


async def test_a_repair_whose_workflow_is_cancelled_while_it_runs(tmp_path: Path) -> None:
    async with running(tmp_path, configured(catalogue(tmp_path, slow=(SLOW, "")))) as copy:
        here = Site(copy, None)  # type: ignore[arg-type]  # no shop is repaired here
        await commanded(copy)
        number, waits = await here.proposed("propose slow"), await here.proposed("propose slow")
        await copy.say("bob", f"approve {number}")
        await here.notice_says(number, "half of it is done")
        await handle(copy, f"/repair-{number}").cancel()
        repair = await here.came_to(number, RepairState.ABORTED)
        assert "cancelled from outside" in repair.outcome and "half of it is done" in repair.outcome
        await copy.heard_in_room("half of it is done")
        await handle(copy, f"/repair-{waits}").cancel()
        waiting = f"{identity.workflow_id(copy.incident)}/repair-{waits}"
        await copy.until(lambda: _is(copy, waiting, "CANCELED"), "the one that waits has ended as well")
        await copy.say("bob", f"approve {waits} --also")
        await here.came_to(waits, RepairState.VOID)
        await copy.heard_in_room("propose it again")
        await copy.say("bob", "resolve --insist")
        await copy.everything_ended()


# -- a new history ----------------------------------------------------------------------------------------


async def test_a_new_history_begins_though_pagerduty_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows.incident, "HISTORY_LIMIT", 200)
    monkeypatch.setitem(retries.FIRST_PAGE, "schedule_to_close_timeout", timedelta(seconds=1))
    async with running(tmp_path, example(ending=SOON)) as copy:
        await copy.fault("pagerduty", "*", fault="drop_before", times=-1)
        await commanded(copy)
        await copy.heard_in_room("could not page")
        first = (await handle(copy).describe()).run_id
        said = 0

        async def begun_anew() -> bool:
            nonlocal said
            await asyncio.gather(*(copy.say("anne", f"finding number {n}") for n in range(said, said + 8)))
            said += 8
            return (await handle(copy).describe()).run_id != first

        await copy.until(begun_anew, "a new history")
        await copy.say("anne", "finding one more")
        await copy.heard_in_room("Anne Apison found: one more")
        await copy.control("DELETE", "faults")
        await copy.heard_in_room("paged Bob Boberson after all", patience=60)
        await copy.say("bob", "resolve --insist")
        await copy.everything_ended()


async def test_it_closes_with_a_full_history_before_its_roles_have_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The roles wait for the pages' answers; PagerDuty hangs, and it was a false alarm."""
    monkeypatch.setattr(workflows.incident, "HISTORY_LIMIT", 40)
    async with running(tmp_path, example(ending=SOON)) as copy:
        await copy.fault("pagerduty", "POST /incidents", fault="slow", seconds=9, times=-1)
        await commanded(copy)
        for n in range(12):
            await copy.say("anne", f"finding number {n}")
        assert (await handle(copy).describe()).history_length > 40
        await copy.say("bob", "cancel --yes it was the toaster")
        stand = await copy.everything_ended()
        ours = identity.workflow_id(copy.incident)
        assert set(stand) == {ours, f"{ours}/after"}, "somebody joined: the false alarm is reviewed"


# -- cancelled from outside -------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["open", "resolved"])
async def test_an_incident_is_cancelled_from_outside(tmp_path: Path, when: str) -> None:
    folder = catalogue(tmp_path, slow=(SLOW, ""))
    async with running(tmp_path, configured(folder, ending={"watched_for": '"1h"'})) as copy:
        here = Site(copy, None)  # type: ignore[arg-type]  # no shop is repaired here
        await commanded(copy)
        await copy.say("bob", "team alpha @sam 20m look at the database")
        number = await here.proposed("propose slow")
        await copy.say("bob", f"approve {number}")
        await here.notice_says(number, "half of it is done")
        if when == "resolved":
            await copy.say("bob", "resolve --insist")
        await handle(copy).cancel(reason="the namespace is moved")
        stand = await copy.everything_ended()
        assert stand.pop(identity.workflow_id(copy.incident)) == "canceled"
        stand.pop(f"{identity.workflow_id(copy.incident)}/after", None)
        assert len(stand) == 6 and set(stand.values()) == {"completed"}, stand
        opened = await copy.control("GET", "pagerduty/incidents")
        assert opened and all(page["status"] == "resolved" for page in opened)
        lines = "\n".join(await copy.lines())
        assert "cancelled from outside (the namespace is moved)" in lines and "false alarm" not in lines
        incident = await kept(copy)
        assert incident.phase is Phase.CLOSED
        assert incident.ended_as is (Phase.RESOLVED if when == "resolved" else Phase.CANCELLED)
        assert incident.repairs[number].state is RepairState.ABORTED
        assert any("cancelled from outside" in entry.text for entry in incident.timeline)


async def test_a_role_is_cancelled_from_outside(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending=SOON, deputy=MARKS)) as copy:
        await commanded(copy)
        await copy.heard_in_room("the 0 minute mark")
        for part in ("/deputy", "/scribe"):
            await handle(copy, part).cancel()
        await copy.heard_in_room("The deputy's timers are gone: its workflow was ended from outside.")
        await copy.heard_in_room("The scribe's timers are gone: its workflow was ended from outside.")
        await copy.say("bob", "resolve --insist")
        stand = await copy.everything_ended()
        assert stand[identity.workflow_id(copy.incident)] == "completed"
        assert stand[f"{identity.workflow_id(copy.incident)}/scribe"] == "canceled"
        assert [line for line in await copy.lines() if "deputy's timers are gone" in line] != []


async def test_a_sub_team_and_the_weeks_after_are_ended_from_outside_before_the_close(tmp_path: Path) -> None:
    ending = {"watched_for": '"6s"'}
    async with running(tmp_path, example(ending=ending)) as copy:
        await commanded(copy)
        await copy.say("bob", "team alpha @sam 20m look at the database")
        await copy.heard_in_room("Sub-team Alpha")

        async def both() -> bool:
            return "sub-team-alpha" in await copy.workflows()

        await copy.until(both, "its workflow runs")
        await copy.client.get_workflow_handle("sub-team-alpha").cancel()
        await copy.until(lambda: _is(copy, "sub-team-alpha", "CANCELED"), "it has ended")
        await copy.say("bob", "team more 10m alpha")
        await copy.heard_in_room("Sub-team Alpha's timers are gone: its workflow was ended from outside.")
        await copy.say("bob", "resolve --insist recovered")
        after = f"{identity.workflow_id(copy.incident)}/after"
        await copy.until(lambda: _is(copy, after, "RUNNING"), "the weeks after have begun")
        await handle(copy, "/after").cancel()
        await copy.until(lambda: _is(copy, after, "CANCELED"), "they have ended")
        await copy.heard_in_room("Nobody is reminded of the postmortem: its workflow was ended from outside.")
        await copy.everything_ended()


async def _is(copy: Copy, id: str, status: str) -> bool:
    found = (await copy.workflows()).get(id)
    return found is not None and found.name == status


async def test_a_role_that_is_reset_is_not_gone(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending=SOON, deputy=MARKS)) as copy:
        await commanded(copy)
        await copy.heard_in_room("the 0 minute mark")
        deputy, first = handle(copy, "/deputy"), (await handle(copy, "/deputy").describe()).run_id
        await reset(copy, deputy.id, last_completed(await deputy.fetch_history()))

        async def another_run() -> bool:
            return (await deputy.describe()).run_id != first

        await copy.until(another_run, "it was reset")
        for n in range(3):
            await copy.say("anne", f"finding number {n}")
        await copy.say("bob", "resolve --insist")
        stand = await copy.everything_ended()
        assert stand[deputy.id] == "completed"
        assert not any("timers are gone" in line for line in await copy.lines())


async def test_an_incident_that_is_reset_takes_its_children_on(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending=SOON)) as copy:
        await commanded(copy)
        await copy.heard_in_room("waits for the IC")
        before = await first_runs(copy)
        completed = [e.event_id for e in (await handle(copy).fetch_history()).events if e.event_type == COMPLETED]
        await reset(copy, handle(copy).id, completed[0])

        async def asked() -> bool:
            events = (await handle(copy).fetch_history()).events
            names = [e.activity_task_scheduled_event_attributes.activity_type.name for e in events]
            return names.count("describe_execution") == len(before)

        await copy.until(asked, "it knows its children again")
        await copy.say("anne", "finding it goes on")
        await copy.heard_in_room("Anne Apison found: it goes on")
        assert await first_runs(copy) == before
        assert not any("is taken by" in line for line in await copy.lines())


async def test_an_incident_that_is_reset_while_it_closes(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending=SOON)) as copy:
        await commanded(copy)
        await copy.heard_in_room("I am the Incident Commander")
        await copy.say("bob", "resolve --insist")
        await copy.fault("slack", "chat.update", fault="slow", seconds=8, times=-1)

        async def closes() -> bool:
            return "closed" in [e.kind for e in (await copy.look()).timeline]

        await copy.until(closes, "the watch is over")
        await reset(copy, handle(copy).id, last_completed(await handle(copy).fetch_history()))
        await copy.control("DELETE", "faults")
        await copy.heard_in_room("workflow had stopped")
        await copy.everything_ended()


COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


def last_completed(history: WorkflowHistory) -> int:
    return max(event.event_id for event in history.events if event.event_type == COMPLETED)


async def reset(copy: Copy, id: str, event: int) -> None:
    """As `temporal workflow reset` does."""
    request = ResetWorkflowExecutionRequest(
        namespace=copy.client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=id),
        reason="by hand",
        workflow_task_finish_event_id=event,
        request_id=str(uuid.uuid4()),
    )
    await copy.client.workflow_service.reset_workflow_execution(request)


async def first_runs(copy: Copy) -> dict[str, str]:
    """The roles that run, each with its run."""
    prefix = f"{identity.workflow_id(copy.incident)}/"
    return {run.id: run.run_id async for run in copy.client.list_workflows("") if run.id.startswith(prefix)}


async def test_the_weeks_after_are_cancelled_from_outside(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending=SOON)) as copy:
        await commanded(copy)
        await copy.say("bob", "resolve --insist recovered")
        await copy.say("bob", "postmortem @anne")
        await copy.everything_ended()

        async def own() -> bool:
            return (await copy.look()).phase is Phase.CLOSED

        await copy.until(own, "the weeks after have a workflow of their own")
        await copy.say("anne", "note we looked at the pool")
        await handle(copy, "/after").cancel(reason="moved to the wiki")
        stand = await copy.everything_ended(but="")
        assert stand[f"{identity.workflow_id(copy.incident)}/after"] == "canceled"
        await copy.heard_in_room("cancelled from outside (moved to the wiki)")
        assert [note.text for note in (await kept(copy)).notes] == ["we looked at the pool"]


# -- what cannot be done ----------------------------------------------------------------------------------


async def test_an_incident_whose_room_never_opened_ends_all_the_same(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending=SOON)) as copy:
        await copy.fault("slack", "conversations.create", fault="drop_before", times=-1)
        await commanded(copy)
        await copy.say("bob", "resolve --insist recovered")
        await copy.everything_ended()
        incident = await kept(copy)
        assert incident.room is None and incident.phase is Phase.CLOSED


@pytest.mark.parametrize("end", ["the watch is over", "cancelled"])
async def test_what_was_approved_and_is_not_out_when_the_incident_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setitem(retries.FIRST_PUBLISH, "schedule_to_close_timeout", timedelta(seconds=1))
    ending = {"watched_for": '"1s"', "public_end_within": '"3s"'}
    async with running(tmp_path, example(ending=ending)) as copy:
        await commanded(copy)
        await copy.heard_in_room("Public message 1 (investigating) waits for the IC")
        await copy.fault("statuspage", "*", fault="status", code=503, times=-1)
        await copy.say("bob", "announce yes 1")
        await copy.heard_in_room("Public message 1 is out on X")
        await copy.heard_in_room("Public message 1 is not out on the status page yet")
        await copy.say("bob", "resolve --insist recovered" if end != "cancelled" else "cancel")
        await copy.everything_ended()
        draft = (await kept(copy)).drafts[1]
        assert [v.state for v in draft.versions.values()] == ["dropped", "published"]
        said = "Public message 1 was approved and is not out on the status page: the incident is closed, it is tried no more."
        assert said in await copy.lines()
        assert any("1 dropped on the status page" in e.text for e in (await kept(copy)).timeline if e.kind == "message")


# -- ids that are taken -----------------------------------------------------------------------------------


async def test_every_id_that_an_incident_needs_is_taken(tmp_path: Path) -> None:
    """Roles, a repair, a sub-team, the weeks after: each finds another id, and the channel is told."""
    key = "taken before"
    prefix = f"incident-{identity.incident_id(key)}"
    roles = [role for role in Role if role is not Role.COMMANDER]
    async with running(tmp_path, configured(catalogue(tmp_path, quick=("true", "")), deputy=MARKS)) as copy:
        here = Site(copy, None)  # type: ignore[arg-type]  # no shop is repaired here
        parts = [*roles, *(f"repair-{number}" for number in range(1, 6)), "after"]
        squatters = [await squat(copy, id) for id in (*(f"{prefix}/{part}" for part in parts), "sub-team-alpha")]
        await commanded(copy, key=key)
        assert prefix == identity.workflow_id(copy.incident)
        await copy.heard_in_room("the 0 minute mark")  # the deputy's
        await copy.heard_in_room("Status: shop ok")  # the scribe's
        await copy.heard_in_room("(investigating) waits for the IC")  # the customer liaison's
        await copy.say("bob", "team alpha @sam 20m look at the database")
        await copy.heard_in_room("with another letter: look at the database")
        number = await here.proposed("propose quick")
        await copy.say("bob", f"approve {number}")
        await here.came_to(number, RepairState.SUCCEEDED)
        await copy.say("bob", f"verified {number}")
        await copy.say("bob", "resolve --insist recovered")
        await copy.say("bob", "postmortem @anne")
        for id in (f"{prefix}/{role}" for role in roles):
            await copy.heard_in_room(f"`{id}` is taken by a workflow that is not ours")
        for part in (f"repair-{number}", "after"):
            await copy.heard_in_room(f"`{prefix}/{part}` is taken by a workflow that is not ours")
        for squatter in squatters:
            await squatter.terminate()
        stand = await copy.everything_ended()

        async def own() -> bool:
            return (await copy.look()).phase is Phase.CLOSED

        await copy.until(own, "the weeks after have a workflow of their own")
        assert await copy.say("anne", "note we looked at the pool") == "noted"
        assert await copy.say("anne", "postmortem review") == "The postmortem is in review."
        assert len(stand) >= 12


async def test_another_incidents_id_is_taken(tmp_path: Path) -> None:
    """A further trigger that was declared separately is an incident, whatever stands under the id it was to have."""
    async with running(tmp_path, example()) as copy:
        await commanded(copy)
        await copy.say("anne", "further the mail is late as well")
        trigger = max((await copy.look()).triggers)
        id = identity.incident_id(f"{copy.incident}/trigger/{trigger}", 3)
        await squat(copy, identity.workflow_id(id))
        await copy.say("bob", f"separate {trigger}")

        async def declared() -> Mapping[str, Any] | None:
            became = (await copy.look()).triggers[trigger].became
            return {"id": became} if became != id else None

        other = (await copy.until(declared, "it has another id"))["id"]
        copy.incident = other
        assert (await copy.look()).title.startswith("the mail is late")


# -- clocks -----------------------------------------------------------------------------------------------


async def test_a_worker_whose_clock_is_ahead_waits_as_long_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from activities import paging
    from activities.on_call_book import now

    monkeypatch.setattr(paging, "now", lambda: now() + timedelta(hours=3))
    rules = {"poll_every": '"200ms"', "round_every": '"1h"'}
    async with running(tmp_path, example(paging=rules)) as copy:
        await copy.control("POST", "pagerduty/acknowledgement", {"user": "PDEE001", "after_seconds": 6})
        await commanded(copy)
        await asyncio.sleep(4)
        begun = [
            event.activity_task_scheduled_event_attributes.activity_type.name
            async for event in handle(copy).fetch_history_events()
            if event.HasField("activity_task_scheduled_event_attributes")
        ]
        pages = begun.count("page")
        assert pages and begun.count("await_acknowledgement") <= 2 * pages, begun
        await copy.heard_in_room("Deputy Deputyson acknowledged the page.")
