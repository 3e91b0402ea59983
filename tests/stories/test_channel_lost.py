"""The incident's channel is its id: renamed it stays the same, lost it is regained, and what was not said is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.hands import Hands, hands

pytestmark = pytest.mark.story
GENERAL = "C0GENERAL"


async def commanded(copy: Copy, use: Hands) -> str:
    await copy.say("anne", "declare 1 checkout answers with 500")
    await use.presses("bob", "command")
    await copy.heard_in_room("I am the Incident Commander")
    return await use.room()


async def card(copy: Copy, channel: str) -> dict[str, Any] | None:
    rooms = await copy.control("GET", f"slack/rooms?id={channel}")
    return next((m for m in rooms[0]["messages"] if "Contact card" in m["text"]), None)


async def test_a_channel_that_is_archived_is_replaced_and_what_was_not_said_is_said(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        lost = await commanded(copy, use)
        await use.types("sam", "!ic join as database")
        await copy.heard_in_room("Sam Storeson")
        await copy.control("POST", "slack/channel", {"channel": lost, "is_archived": True})
        await copy.say("sam", "finding the connection pool is full")

        async def moved() -> dict[str, Any] | None:
            room = (await copy.look()).room
            return await copy.room(room.name) if room is not None and room.channel != lost else None

        room = await copy.until(moved, "another channel")
        assert room["name"] == f"inc-{copy.incident}-2"

        async def goes_on() -> bool:
            lines = await copy.lines(room["name"])
            return any("the connection pool is full" in line for line in lines)

        await copy.until(goes_on, "what was not said")
        spoken = [m["text"] for m in (await copy.room(room["name"]))["messages"] if not m.get("blocks")]
        assert f"#inc-{copy.incident} is archived" in spoken[0]
        await copy.until(lambda: card(copy, room["id"]), "the card")
        await use.hears("bob", "is archived. I'm opening another channel")

        async def invited() -> bool:
            return {"U0BOB", "U0SAM", "U0ANNE"} <= set((await copy.room(room["name"]))["members"])

        await copy.until(invited, "everybody is there")
        await use.types("sam", "!ic finding and the queue grows", room["id"])
        await copy.until(goes_on, "it hears what is typed there")
        assert (await copy.room(room["name"]))["topic"]["value"]


async def test_our_app_is_removed_and_joins_again(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        channel = await commanded(copy, use)
        await copy.control("POST", "slack/channel", {"channel": channel, "remove": ["U0PANIC"]})
        await copy.heard_in_room("have joined it again", patience=15)
        assert "U0PANIC" in (await copy.room())["members"]
        await use.hears("bob", "have joined it again")
        await use.types("anne", "!note it hears again")
        await use.hears("anne", "noted")


async def test_our_app_is_removed_from_a_private_channel(tmp_path: Path) -> None:
    """Nobody but a member could let it in again: the incident goes on in another private one."""
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await copy.say("anne", "declare --security odd logins")
        await copy.is_in_it("bob")
        lost = await use.room()
        await copy.say("bob", "command")
        await copy.heard_in_room("I am the Incident Commander")
        await copy.control("POST", "slack/channel", {"channel": lost, "remove": ["U0PANIC"]})

        async def moved() -> dict[str, Any] | None:
            room = (await copy.look()).room
            return await copy.room(room.name) if room is not None and room.channel != lost else None

        room = await copy.until(moved, "another channel")
        assert room["is_private"] and room["id"] != lost

        async def invited() -> bool:
            return "U0BOB" in (await copy.room(room["name"]))["members"]

        await copy.until(invited, "the IC is there")


async def test_a_channel_archived_after_the_end_stays_archived(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending={"watched_for": '"2s"'})) as copy, hands(copy) as use:
        channel = await commanded(copy, use)
        await copy.say("bob", "resolve --insist recovered")
        await copy.heard_in_room("is resolved")
        await copy.control("POST", "slack/channel", {"channel": channel, "is_archived": True})
        await copy.ended()
        assert not (await copy.room(f"inc-{copy.incident}-2"))["messages"]


async def test_a_channel_renamed_in_mid_incident_is_the_same_to_another_listener(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        async with hands(copy) as use:
            channel = await commanded(copy, use)
        await copy.control("POST", "slack/channel", {"channel": channel, "name": "checkout-is-down"})
        async with hands(copy) as use:
            await use.types("anne", "!note the channel has another name", channel)
            await use.hears("anne", "noted")


async def test_a_name_makes_no_channel_an_incidents(tmp_path: Path) -> None:
    """`!ic page` pages, in a channel that only looks like an incident's and in that of a past one."""
    async with running(tmp_path, example(ending={"watched_for": '"1s"'})) as copy, hands(copy) as use:
        await copy.control(
            "POST", "slack/channel/create", {"name": "inc-planning", "user": "U0GIL", "add": ["U0PANIC"]}
        )
        (planning,) = await copy.control("GET", "slack/rooms?name=inc-planning")
        before = len(await copy.control("GET", "pagerduty/incidents"))
        await use.types("gil", "!ic page @sam", planning["id"])
        await use.hears("gil", "paged Sam Storeson")
        past = await commanded(copy, use)
        await copy.say("bob", "resolve --insist recovered")
        await copy.ended()
        paged = len(await copy.control("GET", "pagerduty/incidents"))
        assert paged > before + 1
        await use.types("anne", "!ic page @kim", past)
        await use.hears("anne", "paged Kim Kommandson")
        assert len(await copy.control("GET", "pagerduty/incidents")) == paged + 1
        await use.types("anne", "!note nothing is open", GENERAL)
        await use.hears("anne", "No incident is open")


async def test_a_deleted_card_comes_back(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        channel = await commanded(copy, use)
        first = await copy.until(lambda: card(copy, channel), "the card")
        await copy.control("POST", "slack/delete", {"channel": channel, "ts": first["ts"]})
        again = await copy.until(lambda: card(copy, channel), "the card is back")
        assert again["ts"] != first["ts"]

        async def pinned() -> bool:
            return again["ts"] in (await copy.room())["pins"]

        await copy.until(pinned, "it is pinned")
        await copy.say("bob", "impact nobody can pay")

        async def current() -> bool:
            return "nobody can pay" in ((await card(copy, channel)) or {"text": ""})["text"]

        await copy.until(current, "it is kept up to date")


async def test_edits_that_are_refused_for_a_while_do_not_freeze_the_card(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        channel = await commanded(copy, use)
        await copy.until(lambda: card(copy, channel), "the card")
        await copy.fault("slack", "chat.update", fault="refused", error="restricted_action", times=4)
        await copy.say("bob", "impact nobody can pay")
        await copy.say("bob", "cause a bad deployment")

        async def current() -> bool:
            await copy.say("bob", "eta in 5 minutes")
            text = ((await card(copy, channel)) or {"text": ""})["text"]
            return "nobody can pay" in text and "a bad deployment" in text

        await copy.until(current, "the card is current")


async def test_who_cannot_come_is_named_and_the_others_are_there(tmp_path: Path) -> None:
    """Zoe, of another workspace, declares; who is paged comes all the same, each asked for once."""
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await copy.say("U0ZOE", "declare 1 checkout answers with 500")
        await use.presses("bob", "command")
        await copy.heard_in_room("Slack doesn't let U0ZOE into this channel (from another workspace).")
        await copy.say("bob", "page @sam")

        async def there() -> bool:
            return {"U0BOB", "U0SAM"} <= set((await copy.room())["members"])

        await copy.until(there, "Bob and Sam are there")
        asked = [call["arguments"]["users"].split(",") for call in await copy.received("slack", "conversations.invite")]
        assert len([users for users in asked if "U0ZOE" in users]) == 1, asked
        assert len([users for users in asked if "U0SAM" in users]) == 1, asked
