"""What somebody types in Slack, which Slack rewrites, on its way to everybody who reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chat.wire import unescaped
from documents.render import render
from incident.outlets import Outlet
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.hands import Hands, hands
from tests.stories.shell import ic

pytestmark = pytest.mark.story

GENERAL = "C0GENERAL"
TYPED = (
    "shop.example.com is down, see https://g.example.com/d/1?org=1&from=now-1h,"
    " write to help@example.com or +1 555 0199: a <b> & c"
)
ODD = "{phone:vic} {bridge.pin} {person:dee}{here} {since:2026-13-45T00:00:00Z} at 12:05:36 UTC, `date -d 14:05 UTC`"


async def declared(copy: Copy, use: Hands, text: str) -> None:
    await use.types("anne", text, GENERAL)

    async def found() -> str:
        running = await copy.gateway.list()
        return running[0].id if running else ""

    copy.incident = await copy.until(found, "an incident")
    await use.room()


async def test_links_reach_every_outlet_as_they_were_typed(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use, f"!ic declare 1 {TYPED}")
        await use.presses("bob", "command")
        await use.slashes("bob", f"impact {TYPED}")
        await use.slashes("bob", "customer-liaison <@U0CARLA>")
        await copy.heard_in_room("Customer liaison: Carla Clientson")
        await use.presses("bob", "draft", form=True)
        text = f"{TYPED}. More by 23:59 UTC."
        assert not await use.fills("bob", stage="investigating", text=text, x=text)
        number = max((await copy.look()).drafts)
        typed = f"PRACTICE {TYPED}. More by 23:59 UTC."
        shown = await copy.until(lambda: _preview(copy, number), "the preview")
        assert shown == [typed, typed]
        await use.presses("bob", f"announce yes {number}")
        await copy.heard_in_room(f"Public message {number} is out on the status page")
        await copy.heard_in_room(f"Public message {number} is out on X")
        (entry,) = [one for one in await copy.control("GET", "statuspage") if not one.get("deleted")]
        assert [update["body"] for update in entry["incident_updates"]] == [typed]
        assert [post["text"] for post in await copy.control("GET", "x")] == [typed]
        assert (await copy.look()).drafts[number].also[Outlet.X].text == typed
        pages = await copy.control("GET", "pagerduty/incidents")
        assert pages and not [page["title"] for page in pages if "<http" in str(page) or "&amp;" in str(page)]
        assert any("shop.example.com is down, see https://g.example.com/d/1?org=1&from" in p["title"] for p in pages)
        said = "\n".join(await copy.lines())
        escaped = "https://g.example.com/d/1?org=1&amp;from=now-1h"
        assert escaped in said and "&amp;amp;" not in said and "&lt;http" not in said
        for name, file in render(await copy.look()).items():
            assert b"<http://shop" not in file and b"&lt;http" not in file and b"amp;amp;" not in file, name


async def _preview(copy: Copy, number: int) -> list[str]:
    """What the draft's notice shows of its texts, one for each outlet."""
    for message in (await copy.room())["messages"]:
        if message["text"].startswith(f"Public message {number} ("):
            return [unescaped(found) for found in re.findall(r"```\n(.*?)\n```", message["text"], re.DOTALL)]
    return []


async def test_what_only_looks_like_a_place_is_text_everywhere(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use, f"!ic declare 2 {ODD}")
        await use.presses("bob", "command")
        await use.types("sam", f"!ic finding {ODD}")
        await copy.heard_in_room(f"Sam Storeson found: {ODD}")
        await use.types("sam", "!ic finding and this is said, too")
        await copy.heard_in_room("Sam Storeson found: and this is said, too")
        said = "\n".join(await copy.lines())
        assert "PIN 4711" in said, "the product's own places are filled in"
        assert said.count("4711") == said.count("PIN 4711") and "{person" in said
        assert ODD[:30] in await use.slashes("anne", "list")
        assert "{phone:vic}" in await use.slashes("anne", "show")
        timeline = await use.slashes("anne", "timeline")
        lines = [line for line in timeline.splitlines() if line[:2].isdigit()]
        assert len(lines) > 3 and all(re.match(r"\d\d:\d\d:\d\d UTC  \w", line) for line in lines)
        assert "<!date" not in timeline and ODD in timeline
        code, out, _ = await ic(copy.environment, "list")
        assert code == 0 and "{since:2026-13-45T00:00:00Z}" in out
        await copy.control("POST", "slack/home", {"user": "U0SAM"})

        async def home() -> bool:
            views = await copy.control("GET", "slack/views")
            return any(v["type"] == "home" and ODD[:30] in str(v) for v in views)

        await copy.until(home, "the App Home shows it")
        answer = await use.slashes("anne", "declare 1 the search is slow", GENERAL)
        if answer == "…":
            await use.hears("anne", "Open as well")
        else:
            assert "Declared: incident" in answer and "{phone:vic}" in answer


async def test_an_answer_of_any_length_comes_in_pages(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use, "!ic declare 2 the search is slow")
        notes = [f"note {n} of many: " + "the queue is full, " * 8 for n in range(100)]
        for note in notes:
            await copy.say("sam", note)

        async def saved() -> bool:
            return len((await copy.look()).notes) == len(notes)

        await copy.until(saved, "the snapshot has all of them")
        first = await use.slashes("anne", "timeline")
        assert len(first) <= 3000 and "declared" in first

        async def read() -> bool:
            said = [first, *await use.told("anne", await use.room())]
            return all(any(note.strip()[5:] in page for page in said) for note in notes)

        await copy.until(read, "all of it is there")
        pages = await use.told("anne", await use.room())
        assert all(len(page) <= 3000 for page in pages) and 5 < len(pages) < 11
        assert not any(line and not line[:1].isdigit() for page in pages for line in page.splitlines() if page != first)


async def test_a_text_that_a_form_cannot_hold_is_not_cut(tmp_path: Path) -> None:
    long = " ".join(f"sentence {n}." for n in range(260))
    assert 3000 < len(long) < 4900
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await declared(copy, use, "!ic declare 1 the search is slow")
        await use.presses("bob", "command")
        await copy.say("bob", f"draft investigating {long} More by 23:59 UTC.\nX: It is slow. More by 23:59 UTC.")
        number = max((await copy.look()).drafts)
        await use.presses("bob", f"message edit {number}", form=True)
        await use.hears("bob", f"a form takes 3000. Type it: `!ic message edit {number} …`")
        views = await copy.control("GET", "slack/views")
        assert not [view for view in views if view["type"] == "modal"]
        assert (await copy.look()).drafts[number].text == f"PRACTICE {long} More by 23:59 UTC."
