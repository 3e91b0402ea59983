"""Faults at random: programs that are killed or stopped, outside services that refuse, hang or drop the connection."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.stories.machine import Machine

SERVICES = ("slack", "slack", "pagerduty", "statuspage", "x")
MOST = 30
"""Of one story: on a machine that is busy with other things, programs would be down more often than up."""
STOPPED_FOR = (1.0, 15.0)
HANGS_FOR = (2.0, 13.0)
"""Longer than the product waits for an answer, at times."""


class Faults:
    """One after the other, each by itself or upon another. `counted` is how many there were of each kind."""

    def __init__(self, machine: Machine, seed: int, *, every: float) -> None:
        self._machine = machine
        self._random = random.Random(seed)
        self._every = every
        self._stopped: set[asyncio.Task[None]] = set()
        self.counted: Counter[str] = Counter()

    async def go_on(self) -> None:
        while self.counted.total() < MOST:
            await asyncio.sleep(self._random.expovariate(1 / self._every))
            kinds = [self._kill, self._stop, self._stop, self._whole, self._refuse, self._hang, self._drop]
            kind = self._random.choices(kinds, (4, 4, 4, 1, 3, 3, 4))[0]
            await kind()

    async def end(self) -> None:
        """What is stopped goes on; nobody refuses any more."""
        for task in self._stopped:
            task.cancel()
        await asyncio.gather(*self._stopped, return_exceptions=True)
        await self._machine.copy.control("DELETE", "faults")

    # -------------------------------------------------------------------------------------------------

    def _which(self) -> str:
        return self._random.choice(list(self._machine.programs))

    async def _kill(self) -> None:
        name = self._which()
        self.counted[f"{name} killed"] += 1
        self._machine.programs[name].kill(self._random.uniform(0, 3))

    async def _whole(self) -> None:
        self.counted["whole copy killed"] += 1
        pause = self._random.uniform(0, 3)
        for program in self._machine.programs.values():
            program.kill(pause)

    async def _stop(self) -> None:
        name = self._which()
        self.counted[f"{name} stopped"] += 1
        seconds = self._random.triangular(*STOPPED_FOR, STOPPED_FOR[0])
        task = asyncio.create_task(self._stand_still(name, seconds))
        self._stopped.add(task)
        task.add_done_callback(self._stopped.discard)

    async def _stand_still(self, name: str, seconds: float) -> None:
        program = self._machine.programs[name]
        process = program.process
        program.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            if process is not None and process.returncode is None:
                process.send_signal(signal.SIGCONT)

    async def _refuse(self) -> None:
        code = self._random.choice((429, 500, 503))
        more = {"retry_after": self._random.choice((1, 2))} if code == 429 else {}
        await self._outside(f"answers {code}", fault="status", code=code, **more)

    async def _hang(self) -> None:
        when = self._random.choice(("slow", "slow_after"))
        kind = "hangs before the work" if when == "slow" else "hangs after the work"
        await self._outside(kind, fault=when, seconds=self._random.uniform(*HANGS_FOR))

    async def _drop(self) -> None:
        when = self._random.choice(("drop_before", "drop_after"))
        await self._outside(f"drops the connection {when.removeprefix('drop_')} the work", fault=when)

    async def _outside(self, kind: str, **how: object) -> None:
        service = self._random.choice(SERVICES)
        self.counted[f"{service} {kind}"] += 1
        times, every = self._random.randint(1, 4), self._random.choice((1, 1, 2, 3))
        await self._machine.copy.fault(service, "*", times=times, every=every, **how)


@asynccontextmanager
async def at_random(machine: Machine, seed: int, *, every: float) -> AsyncIterator[Faults]:
    """A fault `every` so many seconds, until the context ends."""
    faults = Faults(machine, seed, every=every)
    going_on = asyncio.create_task(faults.go_on())
    try:
        yield faults
    finally:
        going_on.cancel()
        await asyncio.gather(going_on, return_exceptions=True)
        await faults.end()
