"""Slack's documented limits, a minute and method; chat.postMessage one a second and channel. Off unless switched on."""

from __future__ import annotations

import time
from collections import defaultdict, deque

_TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
_METHODS = {
    "apps.connections.open": 1,
    "bookmarks.add": 2,
    "bookmarks.edit": 2,
    "conversations.archive": 2,
    "conversations.create": 2,
    "conversations.list": 2,
    "conversations.rename": 2,
    "pins.add": 2,
    "pins.list": 2,
    "pins.remove": 2,
    "users.list": 2,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "bookmarks.list": 3,
    "chat.delete": 3,
    "chat.update": 3,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.invite": 3,
    "conversations.join": 3,
    "conversations.kick": 3,
    "conversations.leave": 3,
    "conversations.open": 3,
    "conversations.replies": 3,
    "reactions.add": 3,
    "team.info": 3,
    "users.conversations": 3,
    "users.lookupByEmail": 3,
    "chat.postEphemeral": 4,
    "conversations.members": 4,
    "users.info": 4,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
    "conversations.setPurpose": 2,
    "conversations.setTopic": 2,
}


def tiers() -> dict[str, int]:
    """Each method's tier; of chat.postMessage, which has a rule of its own, none."""
    return dict(_METHODS)


class RateLimits:
    def __init__(self, *, on: bool = False) -> None:
        self.on = self._from_the_start = on
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def forget(self) -> None:
        self.on = self._from_the_start
        self._calls.clear()

    def wait(self, method: str, channel: str) -> float:
        """Seconds to wait before this call may be made again; 0 when it may be made now."""
        if not self.on:
            return 0
        if method == "chat.postMessage":
            return self._take(f"{method}/{channel}", 1, 1.0)
        tier = _METHODS.get(method)
        return self._take(method, _TIERS[tier], 60.0) if tier else 0

    def _take(self, key: str, calls: int, window: float) -> float:
        made, now = self._calls[key], time.monotonic()
        while made and now - made[0] >= window:
            made.popleft()
        if len(made) >= calls:
            return max(1.0, round(window - (now - made[0])))
        made.append(now)
        return 0
