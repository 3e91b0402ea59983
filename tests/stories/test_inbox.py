"""What is acknowledged to Slack is done, or on disk: it survives Temporal's and the listener's death, and counts once."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.on_call_book import now
from chat.inbox import Inbox, Received
from tests.configured import example
from tests.conftest import ROOT
from tests.stories.blinking import hanging
from tests.stories.copy import Copy, running
from tests.stories.hands import hands


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[Copy]:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.heard_in_room("Incident")
        yield copy


@asynccontextmanager
async def listener(copy: Copy, address: str, *, full: bool = False) -> AsyncIterator[None]:
    """As a process of its own, killed at the end. `full`: no byte can be written to any file."""
    ready = copy.settings.state / "listener.ready"
    ready.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "chat.app", "--ready-file", str(ready)),
        cwd=ROOT,
        env={**os.environ, **copy.environment, "TEMPORAL_ADDRESS": address},
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))) if full else None,
    )
    try:

        async def listens() -> bool:
            return ready.exists()  # an empty file where the disk is full

        await copy.until(listens, "the listener listens")
        yield
    finally:
        process.kill()
        await process.wait()


async def slashes(copy: Copy, text: str) -> Any:
    room = (await copy.room())["id"]
    return await copy.control("POST", "slack/command", {"user": "U0ANNE", "channel": room, "text": text})


async def types(copy: Copy, text: str) -> None:
    room = (await copy.room())["id"]
    await copy.control("POST", "slack/message", {"user": "U0ANNE", "channel": room, "text": text})


async def heard(copy: Copy, text: str) -> None:
    async def told() -> bool:
        messages = (await copy.room())["messages"]
        return any(text in m["text"] for m in messages if m.get("ephemeral_to") == "U0ANNE")

    await copy.until(told, f"Anne hears {text!r}")


async def notes(copy: Copy) -> list[str]:
    return sorted(note.text for note in (await copy.look()).notes)


def waiting(copy: Copy) -> list[str]:
    return [file.name for file in (copy.settings.state / "inbox").glob("*")]


async def test_a_listener_that_is_killed_loses_nothing_that_was_acknowledged(copy: Copy) -> None:
    address = copy.environment["TEMPORAL_ADDRESS"]
    async with hanging(address) as (away, _), listener(copy, away):
        assert (await slashes(copy, "note the queue is full"))["acknowledged"]
        await types(copy, "!ic note the disk is full")

        async def kept() -> bool:
            return len(waiting(copy)) == 2

        await copy.until(kept, "both are on disk")
    # It was killed with -9. Another one starts, and Temporal answers.
    async with listener(copy, address):

        async def noted() -> bool:
            return await notes(copy) == ["the disk is full", "the queue is full"]

        await copy.until(noted, "both notes, once")
        await heard(copy, "noted")

        async def nothing_waits() -> bool:
            return not waiting(copy)

        await copy.until(nothing_waits, "nothing is left on disk")
    assert await notes(copy) == ["the disk is full", "the queue is full"]


async def test_temporal_comes_back_and_it_is_delivered_once(copy: Copy) -> None:
    async with hanging(copy.environment["TEMPORAL_ADDRESS"]) as (away, answers), listener(copy, away):
        assert (await slashes(copy, "note the queue is full"))["answer"]["text"] == "…"
        answers.set()
        await heard(copy, "noted")

        async def nothing_waits() -> bool:
            return not waiting(copy)

        await copy.until(nothing_waits, "nothing is left on disk")
    assert await notes(copy) == ["the queue is full"]


async def test_with_temporal_gone_it_is_saved_and_said_so(copy: Copy) -> None:
    """The connection is refused at once: no less is lost than when it hangs."""
    async with listener(copy, "127.0.0.1:9"):
        await slashes(copy, "note the queue is full")
        await heard(copy, "It is saved here and tried again")
        assert len(waiting(copy)) == 1
        # A question is not worth keeping: who asked is answered.
        await slashes(copy, "list")
        await heard(copy, "Temporal cannot be reached")
        assert len(waiting(copy)) == 1
    async with listener(copy, copy.environment["TEMPORAL_ADDRESS"]):
        await heard(copy, "noted")
    assert await notes(copy) == ["the queue is full"]


async def test_what_cannot_be_saved_is_not_acknowledged(copy: Copy) -> None:
    async with hanging(copy.environment["TEMPORAL_ADDRESS"]) as (away, _), listener(copy, away, full=True):
        assert not (await slashes(copy, "note the queue is full"))["acknowledged"]


async def test_a_decision_that_is_too_old_is_not_delivered(copy: Copy) -> None:
    """Whoever typed it may not mean it any more; they are told, and say it again."""
    room = (await copy.room())["id"]
    inbox = Inbox(copy.settings.state / "inbox")
    what = {"text": "!ic command", "user": "U0BOB", "channel": room, "thread": "", "place": "1.1"}
    old = Received("message", "Ev1", now() - timedelta(minutes=10), what)
    await inbox.keep(old)
    await inbox.keep(replace(old, id="Ev2", what={**what, "text": "!ic note the queue is full", "user": "U0ANNE"}))
    async with hands(copy) as use:
        await use.hears("bob", "was not delivered in time")
        await use.hears("anne", "noted")
    incident = await copy.look()
    assert incident.commander is None and [note.text for note in incident.notes] == ["the queue is full"]


async def test_what_is_said_while_slack_cannot_say_whose_token_it_is(copy: Copy) -> None:
    """Bolt asks Slack for that before the first event of a listener, and would acknowledge what it then drops."""
    await copy.fault("slack", "auth.test", code=503, times=-1)
    async with listener(copy, copy.environment["TEMPORAL_ADDRESS"]):
        await types(copy, "!note typed at once")
        assert (await slashes(copy, "note slashed at once"))["acknowledged"]

        async def both() -> bool:
            return await notes(copy) == ["slashed at once", "typed at once"]

        await copy.until(both, "both are noted", 20)
