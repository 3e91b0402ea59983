"""Child processes that are kept alive, and never outlive their parent."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from supervision import Supervisor

_PR_SET_PDEATHSIG = 1
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
LASTED = 60.0
LARGEST_LOG = 5_000_000


@dataclass
class Child:
    """One program: started, watched, started again with a growing pause when it dies by itself."""

    name: str
    argv: list[str]
    environment: Mapping[str, str]
    log: Path
    ends_within: float = 5.0
    say: Callable[[str], None] = print
    process: asyncio.subprocess.Process | None = None
    _pause: float = SHORTEST_PAUSE

    async def start(self, supervisor: Supervisor) -> None:
        await self._spawn()
        supervisor.keep(self.name, self._outlive, timedelta(0), lasting=True)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def end(self) -> None:
        """TERM, and KILL when that was not enough. Nobody must start it again any more: the supervisor is closed first."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), self.ends_within)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()

    def last_lines(self, count: int = 5) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""

    async def _spawn(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv,
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which ends its children in order
                preexec_fn=_die_with_parent,
            )

    async def _outlive(self) -> None:
        """Wait until it ends, and start it again. Raises OSError when it cannot be started."""
        if self.process is not None and self.alive:
            begun = time.monotonic()
            code = await self.process.wait()
            if time.monotonic() - begun > LASTED:
                self._pause = SHORTEST_PAUSE
            self.say(f"{self.name} ended ({code}); starting it again in {self._pause:g} s. Its log: {self.log}")
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        await self._spawn()


def _die_with_parent() -> None:
    """Runs in the child before its program: when the parent is killed, the kernel ends the child too."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGTERM)
