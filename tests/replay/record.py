"""Record the histories that the replay test replays: `python -m tests.replay.record`.

On purpose, not at each change: a committed history stands for incidents that are running while a new version is
deployed. Record anew only when an old one can no longer be running: half of the stories on the oldest Python that is
supported (`major`, `by-hand`), half on the newest at hand (`false-alarm`, `every-command`), since a history that was
recorded on one has to replay on the other. What a story leaves behind under an old name is deleted.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from incident import identity
from tests.configured import example
from tests.replay.replayed import HISTORIES
from tests.stories import major, test_every_command
from tests.stories.copy import Copy, running


async def false_alarm(copy: Copy) -> None:
    """Nobody commands for a while, a second round is paged, an untrained person takes command, and ends it."""
    await copy.say("anne", "declare it smells of smoke")
    await copy.heard_in_room("There is no incident commander yet")
    await copy.heard_in_room("paging round 2")
    await copy.until(lambda: _said(copy, "anne", "command"), "anybody may command after a while")
    await copy.say("anne", "cancel --yes it was the toaster")
    await copy.ended()


async def by_hand(copy: Copy) -> None:
    """A manual repair with a poll and an objection, tasks, a change of severity, an end and a reopening."""
    await copy.say("anne", "declare 2 slow checkout service: shop-api")
    await copy.say("dee", "command")
    await copy.heard_in_room("Public message 1 (investigating) waits for the IC")
    await copy.say("bob", "join")
    await copy.say("dee", "task @sam 1m look at the queries")
    await copy.say("sam", "ack")
    await copy.say("anne", "propose throttle percent=20")
    await copy.say("dee", "poll 3")
    await copy.say("sam", "object 3 the queue is empty")
    await copy.heard_in_room("That approves nothing.")
    await copy.say("dee", "approve 3 @anne")
    await copy.say("anne", "ack 3")
    await copy.say("anne", "done 3 set to 20 percent")
    await copy.say("dee", "unverified 3")
    await copy.say("dee", "sev 1 it is everywhere")
    await copy.say("sam", "done 2 nothing there")
    await copy.say("dee", "resolve --insist")
    await copy.say("dee", "reopen it came back")
    await copy.say("dee", "cancel --yes gone for good")
    await copy.ended()


async def every_command(copy: Copy) -> None:
    """All that can be said, to the closed postmortem and beyond it: sub-teams, messages on two outlets, what comes after."""
    await test_every_command.play(copy, copy.say)


async def _said(copy: Copy, by: str, words: str) -> bool:
    from entrypoints.problems import Refused

    try:
        await copy.say(by, words)
    except Refused:
        return False
    return True


STORIES: dict[str, tuple[str, Callable[[Copy], Awaitable[None]]]] = {
    "major": (major.config(), major.play),
    "false-alarm": (
        example(
            command={"no_commander_every": '"1s"', "anyone_after": '"4s"'},
            paging={"round_every": '"2s"', "grace_after_acknowledgement": '"500ms"'},
            ending={"watched_for": '"1s"'},
        ),
        false_alarm,
    ),
    "by-hand": (example(repair={"poll_window": '"1s"'}, ending={"watched_for": '"1s"'}), by_hand),
    "every-command": (test_every_command.config(), every_command),
}


async def record(name: str) -> None:
    config, play = STORIES[name]
    for old in HISTORIES.glob(f"{name}.*.json.gz"):
        old.unlink()
    with tempfile.TemporaryDirectory() as state:
        async with running(Path(state), config) as copy:
            await play(copy)
            ours = (
                f'WorkflowId STARTS_WITH "{identity.workflow_id(copy.incident)}" OR WorkflowId STARTS_WITH "sub-team-"'
            )
            runs = [run async for run in copy.client.list_workflows(ours)]
            for run in reversed(runs):  # the oldest first: a later run of the same workflow gets a number
                history = await copy.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
                part = "incident" if run.id == identity.workflow_id(copy.incident) else run.id.rpartition("/")[2]
                file = HISTORIES / f"{name}.{part}.json.gz"
                if file.exists():
                    file = HISTORIES / f"{name}.{part}-again.json.gz"
                file.write_bytes(gzip.compress(history.to_json().encode(), mtime=0))
                print(file.name, len(history.events), "events")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or STORIES:
        asyncio.run(record(wanted))
