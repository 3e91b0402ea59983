"""Slack drops the connection, answers 429, or is away: nothing is lost, nothing is said twice, all in order."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.hands import hands
from workflows import retries

pytestmark = pytest.mark.story


async def plain(copy: Copy) -> list[str]:
    """What the room was told, without the notices that are edited."""
    messages = (await copy.room())["messages"]
    mine = [m for m in messages if m.get("bot_id") and not m.get("blocks") and not m.get("ephemeral_to")]
    return [line for m in mine for line in m["text"].splitlines()]


async def test_the_socket_is_lost_in_mid_incident(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await use.presses("bob", "command")
        for n in range(3):
            await copy.control("POST", "slack/socket", {"refuse_for": 0.3})
            # Said while nobody listens: Slack keeps it, and sends it again.
            await use.types("anne", f"NOTE number {n}")

        async def noted() -> bool:
            return len((await copy.look()).notes) == 3

        await copy.until(noted, "all notes")
        assert sorted(n.text for n in (await copy.look()).notes) == ["number 0", "number 1", "number 2"]


@pytest.mark.parametrize("away", [pytest.param(15, id="short"), pytest.param(120, id="long", marks=pytest.mark.soak)])
async def test_slack_is_away_for_two_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: float) -> None:
    """As long as the promise; or shorter by as much as the attempts come faster, so that as many fail."""
    monkeypatch.setattr(retries.POST["retry_policy"], "maximum_interval", timedelta(seconds=30) * (away / 120))
    async with running(tmp_path, example(ending={"watched_for": '"2s"'})) as copy:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.heard_in_room("Status: shop ok")
        await copy.fault("slack", "*", fault="drop_before", times=-1)
        gone = time.monotonic()
        await copy.say("bob", "command")
        expected = ["This is Bob Boberson, I am the Incident Commander"]
        for n in range(12):
            begun = time.monotonic()
            await copy.say("sam", f"finding number {n}")
            assert time.monotonic() - begun < 2, "a command waited for Slack"
            expected.append(f"Sam Storeson found: number {n}")
        await asyncio.sleep(max(0.0, away - (time.monotonic() - gone)))
        await copy.control("DELETE", "faults")
        await copy.heard_in_room("Sam Storeson found: number 11")
        lines = [line for line in await plain(copy) if line in expected]
        assert lines == expected
        await copy.say("bob", "resolve --insist recovered")
        await copy.ended()
        assert any("*closed* after" in line for line in await copy.lines())  # the card has caught up


async def test_every_second_call_is_put_off(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending={"watched_for": '"1s"'})) as copy:
        await copy.fault("slack", "*", fault="status", code=429, retry_after=0.2, every=2, times=-1)
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.say("bob", "command")
        expected = ["This is Bob Boberson, I am the Incident Commander"]
        for n in range(10):
            await copy.say("sam", f"finding number {n}")
            expected.append(f"Sam Storeson found: number {n}")
        await copy.say("bob", "resolve --insist")
        await copy.ended()
        assert [line for line in await plain(copy) if line in expected] == expected
        keys = [m["metadata"]["event_payload"]["key"] for m in (await copy.room())["messages"]]
        assert len(keys) == len(set(keys))
