"""What people type and press in Slack: by whom, once, and what they hear."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.hands import Hands, hands

pytestmark = pytest.mark.story

GENERAL = "C0GENERAL"


async def declared(copy: Copy, use: Hands, text: str = "!ic page checkout answers with 500") -> None:
    """An incident that was declared in #general."""
    await use.types("anne", text, GENERAL)

    async def found() -> str:
        running = await copy.gateway.list()
        return running[0].id if running else ""

    copy.incident = await copy.until(found, "an incident")
    await use.room()


async def test_one_event_is_one_command_however_often_it_comes(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use)
        said = (await copy.room("general"))["messages"][0]
        for _ in range(3):
            await copy.control("POST", "slack/redeliver", {"channel": GENERAL, "ts": said["ts"]})
        note = await use.types("anne", "NOTE the graphs look odd")
        await copy.control("POST", "slack/redeliver", {"channel": note["channel"], "ts": note["ts"]})
        await use.hears("anne", "noted")

        async def settled() -> bool:
            return len(await use.told("anne", note["channel"])) >= 2  # both deliveries got the same answer

        await copy.until(settled, "both are answered")
        assert len(await copy.gateway.list(everything=True)) == 1
        incident = await copy.look()
        assert [n.text for n in incident.notes] == ["the graphs look odd"] and not incident.triggers
        assert len([p for p in incident.pages.values() if p.round == 1]) == 3


async def test_two_press_the_same_button_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use)
        await asyncio.gather(
            use.presses("bob", "command"), use.presses("bob", "command"), use.presses("kim", "command")
        )
        incident = await copy.look()
        first, second = ("bob", "kim") if incident.commander == "bob" else ("kim", "bob")
        assert incident.commander == first and incident.challenge is None
        await use.hears(second, f"{copy.organisation.policy().name(first)} commands since")
        taken = [e for e in incident.timeline if e.kind == "command"]
        assert len(taken) == 1
        await use.types("anne", "!ic propose clear the cache risk: low")
        number = await copy.until(lambda: _first_repair(copy), "a proposal")
        await use.presses("sam", f"approve {number}")
        await use.hears("sam", "Only the IC decides that.")
        await asyncio.gather(use.presses(first, f"approve {number}"), use.presses(first, f"approve {number}"))
        incident = await copy.look()
        assert incident.repairs[number].approvals == 1
        await use.types(first, f"!ic approve {number}")
        await use.hears(first, f"approved repair {number} at")


async def _first_repair(copy: Copy) -> int:
    return next(iter((await copy.look()).repairs), 0)


async def test_who_may_speak_and_who_is_who(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use, "!page the search is slow")
        await use.presses("bob", "command")
        await use.types("pat", "!ic join as post expert")  # known by e-mail alone
        await copy.heard_in_room("Pat Postson joined as post expert.")
        await use.types("gil", "!ic note a guest saw it, too")
        await use.hears("gil", "noted")
        await use.types("zoe", "!ic command")  # carries Bob's address, in another workspace
        await use.hears("zoe", "Bob Boberson commands")
        await use.types("zoe", "!ic note seen from elsewhere")
        await use.hears("zoe", "noted")
        body = {"user": "U0PANIC", "channel": await use.room(), "text": "!ic note by a bot"}
        await copy.control("POST", "slack/message", body)
        await use.types("anne", "!ic aprove 3")
        await use.hears("anne", "Did you mean `!ic approve N")
        incident = await copy.look()
        assert [n.who for n in incident.notes] == ["Gil Guestson", "Zoe Elsewhere"]
        assert {"pat"} <= set(incident.responders) and "bob" in incident.responders
        assert not [
            m for m in (await copy.room())["messages"] if "Did you mean" in m["text"] and not m.get("ephemeral_to")
        ]
        assert not any("!ic note by a bot" in text for text in await copy.told("U0PANIC"))


async def test_what_was_typed_survives(tmp_path: Path) -> None:
    typed = "NOTE: \u201cquoted\u201d, <@U0SAM> in <#C0GENERAL|general>: `a && b < c`\nsecond line :fire: \U0001f525"
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use)
        await use.types("anne", typed)
        await use.hears("anne", "noted")
        note = (await copy.look()).notes[0].text
        assert note == "\u201cquoted\u201d, @sam in #general: `a && b < c`\nsecond line :fire: \U0001f525"
        await use.types("anne", "TODO is the word of the day", GENERAL)
        await use.types("anne", "!todo write a <https://example.com|runbook>")
        await use.hears("anne", "follow-up 1 kept")
        incident = await copy.look()
        assert [t.text for t in incident.todos] == ["write a runbook (https://example.com)"]
        assert len(await copy.gateway.list(everything=True)) == 1


async def test_shortcuts_on_a_message(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use)
        said = await use.types("sam", "the queue is full")
        place = {"user": "U0ANNE", "channel": said["channel"], "ts": said["ts"]}
        for verb in ("note", "note", "todo"):
            assert (await copy.control("POST", "slack/shortcut", {**place, "callback_id": verb}))["acknowledged"]
        await copy.control("POST", "slack/shortcut", {**place, "callback_id": "propose"})
        form = await use.form_of("anne")
        assert "the queue is full" in str(form["blocks"])
        assert not await use.fills("anne", risk="low")
        incident = await copy.look()
        assert [n.text for n in incident.notes] == ["Sam Storeson: the queue is full"]
        assert [t.text for t in incident.todos] == ["Sam Storeson: the queue is full"]
        assert [r.title for r in incident.repairs.values()] == ["the queue is full"]


async def test_forms_show_what_is_wrong_in_them(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        assert await use.slashes("anne", "declare", GENERAL) == ""
        assert await use.fills("anne", title=" ") == {"title": "Say in a sentence what is wrong."}
        assert not await use.fills("anne", title="checkout is down", severity="SEV-1", service="shop-api")

        async def found() -> str:
            return next((one.id for one in await copy.gateway.list()), "")

        copy.incident = await copy.until(found, "an incident")
        assert (await copy.look()).severity == "SEV-1" and (await copy.look()).service == "shop-api"
        await use.presses("bob", "command")
        await use.presses("anne", "propose", form=True)
        form = await use.changes("anne", "entry", entry="throttle")
        assert [b["block_id"] for b in form["blocks"]] == ["entry", "percent:throttle", "risk", "fallback"]
        wrong = await use.fills("anne", entry="throttle", percent="900")
        assert wrong == {"percent:throttle": "percent must be a whole number from 1 to 90."}
        assert not await use.fills("anne", entry="throttle", percent="40")
        repair = next(iter((await copy.look()).repairs.values()))
        assert repair.parameters == {"percent": "40"}
        await copy.say("bob", f"approve {repair.number} @sam")
        await use.presses("sam", "task", form=True)
        refused = await use.fills("sam", person="U0ANNE", minutes="5", text="look at the queue")
        assert "Only the IC decides that" in refused["person"]
        await use.presses("bob", "draft", form=True)
        form = await use.changes("bob", "text", text="x" * 120)
        assert "120 of 5000 characters" in str(form["blocks"])
        await copy.control("POST", "slack/view/close", {"view_id": form["id"]})
        await use.presses("bob", "resolve", form=True)
        assert "Not yet" in (await use.fills("bob", state="recovered", owner="U0ANNE"))["state"]
        assert not await use.fills("bob", state="recovered", owner="U0ANNE", insist="yes")
        await copy.heard_in_room("Anne Apison owns the postmortem.")
        assert (await copy.look()).phase == "resolved"


async def test_prompts_are_private_and_answered_by_a_press(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use)
        await use.presses("bob", "command")
        await use.hears("bob", "announce publicly?")
        await use.presses("bob", "announce no", channel="DU0BOB")
        await use.hears("bob", "✓ `!ic announce no`: no announcement")
        prompt = next(
            m
            for room in await copy.control("GET", "slack/rooms")
            if room["id"] == "DU0BOB"
            for m in room["messages"]
            if "✓" in m["text"]
        )
        assert [b["type"] for b in prompt["blocks"]] == ["section"]  # its buttons are gone
        assert not any("announce publicly?" in line for line in await copy.lines())


async def test_the_app_home_shows_what_is_open_and_what_i_owe(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use)
        await use.presses("bob", "command")
        await use.types("bob", "!ic task @sam 5m look at the slow queries")
        await copy.heard_in_room("look at the slow queries")

        async def shown() -> bool:
            await copy.control("POST", "slack/home", {"user": "U0SAM"})
            views = await copy.control("GET", "slack/views")
            home = str([v for v in views if v["type"] == "home" and v["user"] == "U0SAM"])
            return "checkout answers with 500" in home and "look at the slow queries" in home

        await copy.until(shown, "Sam's home")


async def test_an_envelope_is_acknowledged_within_two_seconds_with_no_worker_alive(tmp_path: Path) -> None:
    async with running(tmp_path, example(), worker="none") as copy, hands(copy) as use:
        copy.incident = await copy.gateway.declare(
            "checkout", by="anne", by_name="Anne", policy=copy.organisation.policy(), practice=True
        )
        await copy.control("POST", "slack/message", {"user": "U0ANNE", "channel": GENERAL, "text": "hello"})
        begun = time.monotonic()
        assert await use.slashes("anne", "note is anybody there", GENERAL) == "…"
        assert 1.5 < time.monotonic() - begun < 2.8


async def test_without_temporal_a_page_goes_straight_to_pagerduty_and_is_adopted(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        address = copy.environment["TEMPORAL_ADDRESS"]
        copy.environment["TEMPORAL_ADDRESS"] = "127.0.0.1:9"
        async with hands(copy) as use:
            await use.types("anne", "!ic", GENERAL)
            await use.hears("anne", "primary IC: Bob Boberson, +1 555 0100")
            await use.types("anne", "!ic page checkout answers with 500", GENERAL)
            await use.hears("anne", "paged Bob Boberson")
            await use.types("anne", "!ic page @sam", GENERAL)
            await use.hears("anne", "paged Sam Storeson")
        paged = await copy.control("GET", "pagerduty/incidents")
        assert len(paged) == 4
        copy.incident = paged[0]["incident_key"].split("/")[0].removeprefix("incident-")
        copy.environment["TEMPORAL_ADDRESS"] = address
        async with hands(copy):
            await copy.heard_in_room("paged Bob Boberson")
            await copy.heard_in_room("SEV-2: checkout answers with 500")
        again = await copy.control("GET", "pagerduty/incidents")
        assert sorted(i["incident_key"] for i in again) == sorted(i["incident_key"] for i in paged)
        assert not list((copy.settings.state / "standby").iterdir())
