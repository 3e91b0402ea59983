"""Whether everything that reached the outside reached it once: judged by what the emulators received and show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.stories.copy import Copy


async def nothing_twice(copy: Copy, before: Sequence[str] = ()) -> None:
    """Each page, and each thing said, reached PagerDuty and Slack once.

    `before` are the lines that stood in the channel before whatever might have had them said again.
    """
    # Asked twice is opened once: PagerDuty refuses a key that is open, and the page is adopted then.
    pages = Counter(
        one["arguments"]["incident"]["incident_key"]
        for one in await copy.received("pagerduty", "POST /incidents")
        if one["status"] == 201
    )
    rung = Counter((entry["incident"], entry["user"]) for entry in await _notified(copy))
    assert rung and max(rung.values()) == 1, rung
    assert pages and max(pages.values()) == 1, pages
    rooms = await copy.control("GET", "slack/rooms")
    said = Counter(
        key
        for room in rooms
        for message in room["messages"]
        for key in _keys(message.get("metadata", {}).get("event_payload", {}))
    )
    assert said and max(said.values()) == 1, said.most_common(3)
    # Notices are edited and repeat what was said: the card has the roles, too.
    messages = [message for message in (await copy.room())["messages"] if not message.get("blocks")]
    again = Counter(line for message in messages for line in message["text"].splitlines()) - Counter(before)
    doubled = [line for line in again if line in before and line.strip()]
    assert not doubled, doubled


async def _notified(copy: Copy) -> list[dict[str, Any]]:
    log = await copy.control("GET", "pagerduty/log")
    return [entry for entry in log if entry["type"] == "notify_log_entry"]


def _keys(payload: dict[str, object]) -> list[str]:
    says = payload.get("says")
    return [str(key) for key in says] if isinstance(says, list) else [str(payload["key"])] if "key" in payload else []
