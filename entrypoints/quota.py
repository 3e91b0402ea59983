"""How much one person may say: nobody keeps the others from an incident by the number of their commands.

Each command is a Signal with its answer, and so some events in the incident's history.
"""

from __future__ import annotations

import time
from collections.abc import Callable

AT_ONCE = 120
PER_SECOND = 1.0
"""More than anybody types, and than a script does that enters what was said on a bridge."""
KEPT = 10_000


class Quota:
    """A bucket a person: `at_once` commands, and `per_second` more. `clock` gives seconds."""

    def __init__(
        self, at_once: int = AT_ONCE, per_second: float = PER_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._at_once, self._per_second, self._clock = at_once, per_second, clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, person: str) -> float:
        """Take one. 0.0, or the seconds until there is one, and then nothing is taken."""
        now = self._clock()
        left, at = self._left.get(person, (float(self._at_once), now))
        left = min(self._at_once, left + (now - at) * self._per_second)
        granted = left >= 1
        self._left[person] = (left - 1 if granted else left, now)
        if len(self._left) > KEPT:
            self._forget(now)
        return 0.0 if granted else (1 - left) / self._per_second

    def _forget(self, now: float) -> None:
        """Those whose bucket is full again."""
        full = [p for p, (left, at) in self._left.items() if left + (now - at) * self._per_second >= self._at_once]
        for person in full:
            del self._left[person]
