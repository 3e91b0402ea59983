"""Two outlets, one of them down: each reads what was approved for it, once; and what had no impact is taken down."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from incident.outlets import Outlet
from tests.configured import example
from tests.stories.copy import Copy, running
from workflows import retries

PAGE = "PRACTICE Checkout is down. More by 14:20 UTC."
SHORT = "PRACTICE Checkout is down."


async def test_x_is_down_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(retries.FIRST_PUBLISH, "schedule_to_close_timeout", timedelta(seconds=2))
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.say("bob", "command")
        await copy.say("bob", "customer-liaison @carla")
        await copy.say("carla", "component checkout major_outage")
        await copy.say(
            "carla", f"draft investigating {PAGE.removeprefix('PRACTICE ')}\nX: {SHORT.removeprefix('PRACTICE ')}"
        )
        number = max((await copy.look()).drafts)
        # The first post gets through, but its answer is lost; from then on X is away.
        await copy.fault("x", "POST /2/tweets", fault="drop_after")
        await copy.fault("x", "*", fault="status", code=503, times=3, about="")
        await copy.say("bob", f"announce yes {number}")
        await copy.heard_in_room(f"Public message {number} is out on the status page")
        await copy.heard_in_room(f"Public message {number} is not out on X yet: X cannot be reached")
        await copy.heard_in_room(f"Public message {number} is out on X: https://x.com/examplestatus/status/")
        assert await _page(copy) == [PAGE]
        assert await _x(copy) == [SHORT]
        states = {c["name"]: c["status"] for c in await copy.control("GET", "statuspage/components")}
        assert "major_outage" in states.values()
        await _notice_reads(copy, number, "X: Approved by Bob Boberson", "Out since", "https://x.com/examplestatus/")
        await copy.say("bob", f"message retract {number}")
        await copy.heard_in_room(f"Taken down on X: public message {number}.")
        await copy.heard_in_room(f"Taken down on the status page: public message {number}.")
        assert await _page(copy) == [] and await _x(copy) == []
        assert (await copy.look()).announcement == "no"
        await _notice_reads(copy, number, "X: Approved by Bob Boberson", "Taken down.")


async def test_what_x_missed_does_not_come_behind_a_newer_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(retries.FIRST_PUBLISH, "schedule_to_close_timeout", timedelta(seconds=2))
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.say("bob", "command")
        await copy.heard_in_room("Public message 1 (investigating) waits for the IC")
        await copy.fault("x", "*", fault="status", code=503, times=-1)
        await copy.say("bob", "announce yes 1")
        await copy.heard_in_room("Public message 1 is not out on X yet")
        await copy.say("bob", "draft identified We found it. More by 14:40 UTC.")
        await copy.say("bob", f"message approve {max((await copy.look()).drafts)}")
        await copy.heard_in_room("Public message 2 is out on the status page")
        await copy.until(lambda: _state(copy, "superseded"), "message 1 is tried no more")
        await copy.control("DELETE", "faults")
        await copy.heard_in_room("Public message 2 is out on X")
        assert await _x(copy) == ["PRACTICE We found it. More by 14:40 UTC."]
        assert len(await _page(copy)) == 2


async def _state(copy: Copy, state: str) -> bool:
    return (await copy.look()).drafts[1].also[Outlet.X].state == state


async def _notice_reads(copy: Copy, number: int, *parts: str) -> None:
    """The draft's own message in the room, which is edited in place; a part after the other."""

    async def read() -> bool:
        texts = [
            m["text"] for m in (await copy.room())["messages"] if m["text"].startswith(f"Public message {number} (")
        ]
        return len(texts) == 1 and all(part in texts[0] for part in parts)

    await copy.until(read, f"message {number} shows {parts}")


async def _page(copy: Copy) -> list[str]:
    entries = [entry for entry in await copy.control("GET", "statuspage") if not entry["deleted"]]
    return [update["body"] for entry in entries for update in reversed(entry["incident_updates"])]


async def _x(copy: Copy) -> list[str]:
    return [post["text"] for post in await copy.control("GET", "x") if not post["deleted"]]
