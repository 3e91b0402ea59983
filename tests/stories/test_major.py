"""One whole major incident on the embedded server and the emulators: undisturbed, and with the workers killed."""

from __future__ import annotations

from pathlib import Path

from tests.stories import major
from tests.stories.copy import running


async def test_a_major_incident_from_the_page_to_the_end(tmp_path: Path) -> None:
    async with running(tmp_path, major.config("8s")) as copy:
        await major.play(copy)
        await major.check(copy)


async def test_the_same_with_the_workers_killed_at_every_moment(tmp_path: Path) -> None:
    """SIGKILL with calls under way (everything outside is slow), then a new worker: nothing lost, nothing twice."""
    async with running(tmp_path, major.config("100s"), worker="apart") as copy:
        await copy.control("POST", "latency", {"slack": 0.15, "pagerduty": 0.15, "statuspage": 0.15})
        copy.patience = 120  # a call that was under way is begun again when its 15 seconds are over
        killed: list[str] = []

        async def kill(moment: str) -> None:
            killed.append(moment)
            await copy.kill_worker()
            await copy.start_worker()

        await major.play(copy, kill)
        assert len(killed) >= 8
        await major.check(copy)
