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
        # The first is being posted while the others gather and join.
        for finding in ("poison", "the queue is full", "poison again", "the disk is full"):
            await copy.say("sam", f"finding {finding}")
        await copy.heard_in_room("Sam Storeson found: the disk is full", patience=120)
        found = [line for line in await copy.lines() if line.startswith("Sam Storeson found")]
        assert found == ["Sam Storeson found: the queue is full", "Sam Storeson found: the disk is full"]
        assert not any("poison" in line for line in await copy.lines())

        async def said() -> bool:
            timeline = (await copy.look()).timeline
            return any(entry.kind == "not said" and "poison" in entry.text for entry in timeline)

        await copy.until(said, "the timeline says what was not posted")
