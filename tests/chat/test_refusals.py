"""What Slack refuses a person who types or presses: they hear what to do instead, and nothing of theirs is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chat.forms import About, typed
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.hands import hands

pytestmark = pytest.mark.story
GENERAL = "C0GENERAL"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("reject 3", "reject 3 WHY"),
        ("done 3", "done 3 [RESULT]"),
        ("declare", "declare [SEV-N] [security:] WHAT [service: NAME]"),
        ("approve 4 --also", "approve 4 --also"),
        ("task", "task @USER 5m WHAT"),
    ],
)
def test_what_to_type_instead_of_a_form(words: str, line: str) -> None:
    assert typed(About(words.split()[0], words=words)) == line


@pytest.mark.parametrize("error", ["expired_trigger_id", "internal_error", "view_too_large"])
async def test_a_form_that_slack_does_not_open(tmp_path: Path, error: str) -> None:
    async with running(tmp_path, example(), worker="none") as copy, hands(copy) as use:
        await copy.fault("slack", "views.open", fault="refused", error=error, times=-1)
        await use.slashes("anne", "declare", GENERAL)
        await use.hears("anne", "Type it instead: `/ic declare [SEV-N] [security:] WHAT")


MANY = 32
"""So many long notes take more messages than are shown where somebody asks."""


async def test_an_answer_of_many_pages_comes_in_private(tmp_path: Path) -> None:
    """Typed as a message and as a slash command; all of it, in order, with a link where it was asked for."""
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await copy.say("anne", "declare 1 checkout answers with 500")
        room = await use.room()
        await noted(copy, MANY)
        await use.types("anne", "!ic timeline", room)
        await use.hears("anne", "The answer is long: it's in your direct messages: <https://")

        async def all_of_it() -> bool:
            pages = await copy.told("U0ANNE")
            places = [" ".join(pages).find(f"number-{n} ") for n in range(MANY)]
            return min(places) >= 0 and places == sorted(places) and max(map(len, pages)) <= 3_000

        await copy.until(all_of_it, "all pages")
        assert await use.slashes("bob", "timeline", room) == ""
        await use.hears("bob", "The answer is long: it's in your direct messages")
        await copy.until(lambda: _reads(copy, "U0BOB", f"number-{MANY - 1} "), "the last page")


async def noted(copy: Copy, count: int) -> None:
    """So many long notes, and a snapshot that has them: what others read is a moment behind."""
    for n in range(count):
        await copy.say("sam", f"note number-{n} {'a long line of it ' * 60}")

    async def saved() -> bool:
        return len((await copy.gateway.look(copy.incident)).notes) == count

    await copy.until(saved, "the notes are saved")


async def _reads(copy: Copy, user: str, text: str) -> bool:
    return any(text in one for one in await copy.told(user))


async def test_a_long_answer_where_no_direct_message_can_be_sent(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await copy.say("anne", "declare 1 checkout answers with 500")
        room = await use.room()
        await noted(copy, MANY)
        await copy.fault("slack", "conversations.open", fault="refused", error="user_not_visible", times=-1)
        await use.types("anne", "!ic timeline", room)
        await use.hears("anne", f"number-{MANY - 1} ")


async def test_nobody_is_a_stranger_because_slack_did_not_answer(tmp_path: Path) -> None:
    """Pat is known by e-mail: what Pat says waits until Slack says who that is."""
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await copy.say("anne", "declare 1 checkout answers with 500")
        room = await use.room()
        await copy.fault("slack", "users.info", fault="refused", error="internal_error")
        await use.types("pat", "!ic join as payments", room)

        async def joined() -> bool:
            return "pat" in (await copy.look()).responders

        await copy.until(joined, "Pat is in it as Pat")
        assert "U0PAT" not in (await copy.look()).responders


async def test_everything_is_acknowledged_in_time_whatever_slack_does(tmp_path: Path) -> None:
    """Slack's three seconds, with each call of ours to it taking four."""
    async with running(tmp_path, example(), worker="none") as copy, hands(copy) as use:
        said = await use.types("anne", "a talk", GENERAL)
        await copy.control("POST", "latency", {"slack": 4.0})
        heard = await asyncio.gather(
            use.slashes("pat", "list", GENERAL),
            use.slashes("pat", "propose", GENERAL),
            copy.control("POST", "slack/shortcut", {"user": "U0PAT", "callback_id": "declare"}),
            copy.control(
                "POST",
                "slack/shortcut",
                {"user": "U0PAT", "callback_id": "note", "channel": GENERAL, "ts": said["ts"]},
            ),
            copy.control(
                "POST",
                "slack/action",
                {"user": "U0PAT", "channel": GENERAL, "ts": said["ts"], "action_id": "choice-0", "value": "|say|list"},
            ),
        )
        assert all(one["acknowledged"] for one in heard[2:])
        await copy.control("POST", "latency", {"slack": 0.0})
