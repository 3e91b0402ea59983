"""One message that can never be posted does not hold those behind it."""

from __future__ import annotations

from pathlib import Path

from tests.configured import example
from tests.stories.copy import running


async def test_what_makes_an_activity_fail_for_ever_is_dropped_and_stands_in_the_timeline(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.heard_in_room("Status: shop ok")
        # Slack says that all is well and leaves out what the product reads of the answer.
        await copy.fault("slack", "chat.postMessage", fault="odd", body='{"ok": true}', about="poison", times=-1)
        await copy.say("sam", "finding poison")
        await copy.say("sam", "finding the queue is full")
        await copy.heard_in_room("Sam Storeson found: the queue is full", patience=60)
        assert not any("poison" in line for line in await copy.lines())

        async def said() -> bool:
            timeline = (await copy.look()).timeline
            return any(entry.kind == "not said" and "poison" in entry.text for entry in timeline)

        await copy.until(said, "the timeline says what was not posted")
