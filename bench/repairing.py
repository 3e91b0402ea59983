"""How long it takes from the IC's word to the deed, and from `abort` to the end of it."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from bench.measurements import Row, ms
from incident.model import Repair, RepairState
from tests.configured import example
from tests.stories.copy import Copy, running

ENTRIES = """
[[catalogue]]
id = "quick"
trouble = "any"
title = "Says when it began"
risk = "low"
practice = true
[catalogue.apply]
argv = ["date", "+%s.%N"]

[[catalogue]]
id = "long"
trouble = "any"
title = "Takes its time, and is deaf to TERM"
risk = "low"
practice = true
[catalogue.apply]
argv = ["sh", "-c", "trap '' TERM; sleep 60"]
"""


async def repair(state: Path) -> list[Row]:
    """The time at which the command itself says that it began; then the time until an aborted one has ended."""
    catalogue = state / "catalogue"
    catalogue.mkdir()
    (catalogue / "entries.toml").write_text(ENTRIES)
    async with running(state, example(catalogue), worker="apart") as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        begun = [await _begun(copy) for _ in range(10)]
        ended = [await _aborted(copy) for _ in range(5)]
    return [
        Row("approve → the command runs", f"{ms(statistics.median(begun))} median", "≤ 500 ms"),
        Row("abort → a command that ignores TERM has ended", f"{ms(max(ended))} worst of 5", "≤ 2 s"),
    ]


async def _begun(copy: Copy) -> float:
    number = await _proposed(copy, "quick")
    said = time.time()
    await copy.say("bob", f"approve {number}")
    repair = await _came_to(copy, number, RepairState.SUCCEEDED)
    return float(repair.outcome.splitlines()[-1]) - said


async def _aborted(copy: Copy) -> float:
    number = await _proposed(copy, "long")
    await copy.say("bob", f"approve {number}")
    await _came_to(copy, number, RepairState.RUNNING)
    said = time.monotonic()
    await copy.say("bob", f"abort {number}")
    await _came_to(copy, number, RepairState.ABORTED)
    return time.monotonic() - said


async def _proposed(copy: Copy, entry: str) -> int:
    return int((await copy.say("anne", f"propose {entry}")).split("proposed as ")[1].split(";")[0])


async def _came_to(copy: Copy, number: int, state: RepairState) -> Repair:
    async def there() -> Repair | None:
        repair = (await copy.look()).repairs[number]
        return repair if repair.state is state else None

    found: Repair = await copy.until(there, f"repair {number} is {state}")
    return found
