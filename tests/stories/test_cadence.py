"""Three simulated hours of a quiet SEV-1 on the time-skipping server: what comes by itself, when, and no drift."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from tests.stories.copy import Copy
from tests.stories.skipping import quiet, skipping


async def test_three_quiet_hours(tmp_path: Path) -> None:
    async with skipping(tmp_path, quiet()) as time, time.working():
        copy = time.copy
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        await copy.say("dee", "join")
        await copy.heard_in_room("Tara Traineeson acknowledged the page.")
        await time.sleep(180)
        await copy.heard_in_room("180 minute mark")
        await _only_what_the_process_derives(copy)


async def _only_what_the_process_derives(copy: Copy) -> None:
    marks = [int(m[1]) for line in await copy.lines() if (m := re.search(r"now at the (\d+) minute mark", line))]
    assert marks == [*range(10, 121, 10), 150, 180]
    texts = [m["text"] for m in (await copy.room("executive-summary"))["messages"]]
    assert [re.search(r"((?:\d+ h ?)?(?:\d+ min)?) in\.", text)[1] for text in texts] == [  # type: ignore[index]  # a text without it is the failure meant
        "5 min",
        "35 min",
        "1 h 5 min",
        "1 h 35 min",
        "2 h 5 min",
        "2 h 35 min",
    ]
    incident = await copy.look()
    late = [summary.sent_at - summary.due_at for summary in incident.summaries]
    assert all(timedelta(0) <= wait < timedelta(seconds=5) for wait in late), late
    assert not any("late by" in line for line in [*await copy.lines(), *texts])
