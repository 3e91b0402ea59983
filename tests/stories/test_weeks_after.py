"""The weeks after a major incident, on the time-skipping server: who is reminded when, with bounded histories.

Without a workflow cache: each step is read again from the history.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.worker import Replayer

import workflows.after_incident
from activities.records import Records
from connection import data_converter
from entrypoints.problems import NoSuchIncident, Refused, Unreachable
from incident import identity
from incident.model import Stage
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.skipping import quiet, skipping
from worker import workflow_runner

NEW_YORK = ZoneInfo("America/New_York")
LIMIT = 120
DAY = timedelta(days=1)


def config(holiday: date) -> str:
    """Anne lives in New York; soon there is a holiday."""
    text = quiet().replace('id = "anne"\nname', 'id = "anne"\ntime_zone = "America/New_York"\nname')
    return text.replace("holidays = []", f"holidays = [{holiday.isoformat()}]")


async def test_three_weeks_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows.after_incident, "HISTORY_LIMIT", LIMIT)
    holiday = datetime.now(UTC).date() + DAY * 5
    while holiday.weekday() > 4:
        holiday += DAY
    async with skipping(tmp_path, config(holiday), max_cached_workflows=0) as time:
        copy, server = time.copy, time.server
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        await copy.say("sam", "join as database expert")
        await copy.say("anne", "todo write a runbook")
        for name in ("Deputy Deputyson", "Tara Traineeson"):  # who takes command has answered by that
            await copy.heard_in_room(f"{name} acknowledged the page.")
        await copy.say("bob", "resolve --insist recovered")
        await _told(copy, "U0BOB", "Nobody owns the postmortem")
        await _told(copy, "U0SAM", "add your notes")
        await copy.say("bob", "postmortem @anne")
        await _told(copy, "U0ANNE", "names you owner")
        assert await copy.say("sam", "note we will read it", id="n1") == "noted"
        resolved_at = (await copy.look()).ended_at
        assert resolved_at is not None
        for _ in range(21 * 2):
            await server.sleep(timedelta(hours=12))
        await _at_ten_on_each_working_day(copy, "U0ANNE", resolved_at, holiday)
        told = await copy.told("U0ANNE")
        assert len([t for t in told if "`!ic postmortem review` when others may read it" in t]) in (13, 14, 15)
        weekly = [t for t in await copy.told("U0BOB") if "is not closed yet" in t]
        assert len(weekly) in (1, 2)
        assert len([line for line in await copy.lines() if "is discussed on" in line]) == 1

        # The incident's own workflow is long over; the same words go on being heard.
        assert await copy.say("sam", "note we will read it", id="n1") == "noted"
        assert await copy.say("anne", "note we have read it") == "noted"
        assert await copy.say("anne", "postmortem review") == "The postmortem is in review."
        with pytest.raises(Refused, match="`!ic postmortem reviewed` comes next"):
            await copy.say("anne", "postmortem close")
        with pytest.raises(Refused, match=r"owner \(Anne Apison\) or the IC \(Bob Boberson\)"):
            await copy.say("sam", "postmortem reviewed")
        assert await copy.say("anne", "followup 1 done") == "follow-up 1 is done"
        assert await copy.say("bob", "postmortem reviewed") == "The postmortem is reviewed."
        assert "Postmortem: reviewed, owned by Anne Apison" in await copy.say("anne", "show")
        assert await copy.say("anne", "postmortem close --insist", id="last") == "The postmortem is closed."
        await copy.heard_in_room("Anne Apison: The postmortem is closed.")
        handle = copy.client.get_workflow_handle(identity.after_workflow_id(copy.incident))
        await asyncio.wait_for(handle.result(), 20)
        with pytest.raises(NoSuchIncident):
            await copy.say("anne", "postmortem review")

        kept = await asyncio.to_thread(
            Records(copy.settings.records_url).find, copy.incident, copy.organisation.policy()
        )
        assert kept is not None and kept.after is not None
        assert kept.after.stage is Stage.CLOSED and [n.text for n in kept.notes] == [
            "we will read it",
            "we have read it",
        ]
        await _every_run_is_short(copy)
        room = await copy.room()
        (card,) = [m["text"] for m in room["messages"] if m["ts"] in room["pins"]]
        assert "Postmortem: closed, owned by Anne Apison" in card


async def test_when_the_incidents_own_workflow_was_ended_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows.after_incident, "LOST_AFTER", timedelta(seconds=8))
    async with running(tmp_path, example(ending={"public_end_within": '"1s"'})) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        await copy.say("bob", "resolve --insist recovered")
        await _told(copy, "U0BOB", "Nobody owns the postmortem")
        await copy.client.get_workflow_handle(identity.workflow_id(copy.incident)).terminate("by hand")
        with pytest.raises(Unreachable, match="just being closed"):
            await copy.say("bob", "postmortem @anne")

        async def heard() -> bool:
            try:
                await copy.say("bob", "postmortem @anne", id="p1")
            except Unreachable:
                return False
            return True

        await copy.until(heard, "what comes after hears it by itself")
        assert (await copy.look()).postmortem_owner == "anne"


async def _told(copy: Copy, who: str, text: str) -> None:
    async def told() -> bool:
        return any(text in one for one in await copy.told(who))

    await copy.until(told, f"{who} hears {text!r}")


async def _at_ten_on_each_working_day(copy: Copy, who: str, resolved_at: datetime, holiday: date) -> None:
    """By the server's clock, as its history has it: each working morning once, and at no other time."""
    mornings = []
    for number in range(22):
        day = resolved_at.astimezone(NEW_YORK).date() + DAY * number
        ten = datetime(day.year, day.month, day.day, 10, tzinfo=NEW_YORK)
        if day.weekday() < 5 and day != holiday and resolved_at < ten < resolved_at + DAY * 21:
            mornings.append(ten)
    scheduled = []
    for run_id in await _runs(copy):
        history = await copy.client.get_workflow_handle(
            identity.after_workflow_id(copy.incident), run_id=run_id
        ).fetch_history()
        for event in history.events:
            order = event.activity_task_scheduled_event_attributes
            if order.activity_type.name == "tell" and b"/daily/" in order.input.payloads[0].data:
                scheduled.append(event.event_time.ToDatetime(UTC).replace(microsecond=0))
    assert [at - due for at, due in zip(sorted(scheduled), mornings, strict=True)] == [
        pytest.approx(timedelta(0), abs=timedelta(seconds=5))
    ] * len(mornings)


async def _runs(copy: Copy) -> list[str]:
    """The runs of what comes after, first to last."""
    handle = copy.client.get_workflow_handle(identity.after_workflow_id(copy.incident))
    run_id = (await handle.describe()).run_id or ""
    found: list[str] = []
    while run_id:
        found.insert(0, run_id)
        history = await copy.client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return found


async def _every_run_is_short(copy: Copy) -> None:
    """And replays: it survives a deploy on any day."""
    replayer = Replayer(
        workflows=[workflows.after_incident.AfterIncidentWorkflow],
        data_converter=data_converter,
        workflow_runner=workflow_runner(),
    )
    runs = await _runs(copy)
    assert len(runs) > 1, "it never began anew"
    handle = copy.client.get_workflow_handle(identity.after_workflow_id(copy.incident))
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    for run_id in runs:
        history = await copy.client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        assert len(history.events) < LIMIT + 60
        await replayer.replay_workflow(history)
