"""What people read in a message: beside blocks, its text is no more than the notification."""

from __future__ import annotations

from typing import Any


def as_read(message: dict[str, Any]) -> dict[str, Any]:
    """The message with what is read in it as its `text`, and the notification as `notified`."""
    sections = [b["text"]["text"] for b in message.get("blocks", ()) if b["type"] == "section"]
    return {**message, "text": "\n\n".join(sections) or message["text"], "notified": message["text"]}


def rooms_as_read(rooms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Channels as the emulators' control address tells of them."""
    return [{**room, "messages": [as_read(message) for message in room["messages"]]} for room in rooms]
