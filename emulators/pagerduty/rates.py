"""PagerDuty's rate limit: so many requests a minute and key, told in headers."""

from __future__ import annotations

import time

DOCUMENTED = 960
WINDOW = 60.0


class Rates:
    """One key's window. `limit` requests may be made in it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.limit = DOCUMENTED
        self._begun = time.monotonic()
        self._made = 0

    def count(self) -> tuple[bool, dict[str, str]]:
        """Whether one more request is within the limit, and the headers of its answer."""
        now = time.monotonic()
        if now - self._begun >= WINDOW:
            self._begun, self._made = now, 0
        within = self._made < self.limit
        self._made += within
        headers = {
            "ratelimit-limit": f"{self.limit}",
            "ratelimit-remaining": f"{self.limit - self._made}",
            "ratelimit-reset": f"{max(1, round(WINDOW - (now - self._begun)))}",
        }
        return within, headers
