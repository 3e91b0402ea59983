"""Somebody who is not the IC tries each of the IC's commands, by CLI and by Signal: refused, nothing changed."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from entrypoints.conversation import Conversation, Heard
from entrypoints.problems import NoSuchIncident, Refused
from incident import grammar, identity
from incident.commands import VOCABULARY, Command, Said, Who
from incident.model import Incident
from incident.severity import Role
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.program import ic
from tests.vocabulary import SPOKEN
from workflows.command_handlers import NOTES_A_WINDOW

DECIDED_BY_THE_IC = [kind for kind in VOCABULARY if kind.who is Who.COMMANDER]
AT_ONCE = 4


async def commanded(copy: Copy) -> None:
    """An incident in which each of the IC's commands would mean something: 1 is a repair action, 2 a message."""
    await copy.say("anne", "declare 1 checkout is down")
    await copy.say("bob", "command")
    await copy.say("anne", "propose clear the cache risk: low")

    async def drafted() -> object:
        return (await copy.look()).drafts

    await copy.until(drafted, "the first message is drafted")


def kept(incident: Incident) -> dict[str, Any]:
    """All that a command could have changed; what goes on by itself (posts, pages, the refusals' own lines) left out."""
    by_itself = {
        "outbox",
        "effects",
        "said",
        "asked",
        "timeline",
        "pages",
        "room",
        "status",
        "reported",
        "heard",
        "topic",
        "shown",
        "statuses",
        "changed",
        "invited",
    }
    return {f.name: getattr(incident, f.name) for f in dataclasses.fields(incident) if f.name not in by_itself}


async def test_by_signal_and_answer(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await commanded(copy)
        before = kept(await copy.look())
        for kind in DECIDED_BY_THE_IC:
            said: Said[Command] = Said(_command(copy, kind), "anne")
            with pytest.raises(Refused, match=r"Only the IC decides that\. The IC is Bob Boberson"):
                await copy.gateway.pass_on(copy.incident, said)
        assert kept(await copy.look()) == before


async def test_by_signal_the_room_hears_the_refusal(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await commanded(copy)
        before = kept(await copy.look())
        handle = copy.client.get_workflow_handle(identity.workflow_id(copy.incident))
        for kind in DECIDED_BY_THE_IC:
            said: Said[Command] = Said(_command(copy, kind), "anne")
            await handle.signal(kind.verb, said)
        # Nobody waits for these answers. The channel hears of the first ones; then the same author says it in vain.
        for kind in DECIDED_BY_THE_IC[:NOTES_A_WINDOW]:
            words = _command(copy, kind).words().splitlines()[0]
            await copy.heard_in_room(f"Anne Apison's `!ic {words}` was refused: Only the IC decides that.")
        await copy.say("anne", "note that was it")
        assert sum("was refused" in line for line in await copy.lines()) == NOTES_A_WINDOW
        assert kept(await copy.look()) == before | {"notes": (await copy.look()).notes}


@pytest.mark.long
async def test_by_cli(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await commanded(copy)
        before = kept(await copy.look())
        turn = asyncio.Semaphore(AT_ONCE)

        async def refused(kind: type[Command]) -> None:
            async with turn:
                code, _, reason = await ic(
                    copy, *SPOKEN[kind.verb].split(), "--as", "anne", "--incident", copy.incident
                )
            assert code == 1, (kind.verb, code, reason)
            assert "Only the IC decides that. The IC is Bob Boberson" in reason, kind.verb

        await asyncio.gather(*(refused(kind) for kind in DECIDED_BY_THE_IC))
        assert kept(await copy.look()) == before


async def test_the_ic_decides_by_signal_too(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await commanded(copy)
        handle = copy.client.get_workflow_handle(identity.workflow_id(copy.incident))
        said: Said[Command] = Said(grammar.read("reject 1 not now", copy.organisation.policy()), "bob")  # type: ignore[arg-type]  # a command, as the words say
        await handle.signal("reject", said)
        await copy.heard_in_room("The IC rejects repair 1: clear the cache: not now.")


async def test_rubbish_signals_and_reports_do_not_hold_the_incident(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await commanded(copy)
        handle = copy.client.get_workflow_handle(identity.workflow_id(copy.incident))
        await handle.signal(
            "report", {"source": "x", "key": "1", "what": {"kind": "check", "number": 99, "answer": ""}}
        )
        await handle.signal("report", "nonsense")
        await handle.signal("approve", {"nonsense": True})
        await handle.signal("approve", None)
        await handle.signal("report", None)
        await handle.signal("report")
        await handle.signal("approve")
        page = next(iter((await copy.look()).pages))
        for at in ("2026-03-02T14:00:00", "9999-12-31T23:59:59Z"):
            what = {"kind": "acknowledged", "page": page, "person": "zoe", "name": "Zoe", "at": at}
            await handle.signal("report", {"source": "x", "key": at, "what": what})
        for nothing in ([], [None]):
            for name in ("claim", "note", "approve"):
                await handle.signal(name, args=nothing)
        assert (await copy.say("anne", "note still here")) == "noted"


async def test_rubbish_views_do_not_hold_a_role(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await commanded(copy)
        for role in (Role.DEPUTY, Role.SCRIBE, Role.CUSTOMER_LIAISON, Role.INTERNAL_LIAISON):
            handle = copy.client.get_workflow_handle(identity.role_workflow_id(copy.incident, role))
            for rubbish in (None, "nonsense", {"version": 10**9}, {"version": 10**9, "view": None}):
                await handle.signal("see", rubbish)
            await copy.until(functools.partial(_has_read_its_signals, handle), f"{role} goes on")
        assert "goes out now" in await copy.say("bob", "summary send")
        await copy.until(lambda: _informed(copy), "the executives hear of it")


async def test_a_secret_is_read_in_its_own_room_and_not_in_one_that_is_called_so(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 --security stolen tokens")

        async def has_its_room() -> bool:
            return (await copy.look()).room is not None

        await copy.until(has_its_room, "its room is open")
        room = (await copy.look()).room
        assert room is not None
        conversation = Conversation(
            copy.gateway.at_hand, copy.gateway.snapshots, copy.organisation, copy.book, practice=True, door="slack"
        )
        there = Heard("show", "carla", "Carla Clientson", incident=copy.incident, channel=room.channel)
        assert "stolen tokens" in (await conversation.act(there)).text
        with pytest.raises(Refused, match="you are not in it"):
            await conversation.act(dataclasses.replace(there, channel="C0CALLEDSO"))
        with pytest.raises(NoSuchIncident, match="No incident is open"):
            await conversation.act(Heard("note hello", "carla", "Carla Clientson"))


async def _has_read_its_signals(handle: WorkflowHandle[Any, Any]) -> bool:
    events = (await handle.fetch_history()).events
    assert not any(event.HasField("workflow_task_failed_event_attributes") for event in events)
    signalled = max(n for n, e in enumerate(events) if e.HasField("workflow_execution_signaled_event_attributes"))
    return any(e.HasField("workflow_task_completed_event_attributes") for e in events[signalled:])


async def _informed(copy: Copy) -> bool:
    return bool((await copy.look()).summaries)


def _command(copy: Copy, kind: type[Command]) -> Command:
    command = grammar.read(SPOKEN[kind.verb], copy.organisation.policy())
    assert isinstance(command, Command)
    return command
