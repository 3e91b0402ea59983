"""The workspace: channels, messages, views. What the Web API and the page both look at."""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from typing import Any

from emulators.store import Document, Store
from emulators.world import World

BOT_USER, BOT, APP, TEAM = "U0PANIC", "B0PANIC", "A0PANIC", "T0EXAMPLE"
_NAME = re.compile(r"[a-z0-9_-]{1,80}")


class SlackError(Exception):
    """Slack's `error`, with what it says beside it."""

    def __init__(self, code: str, **more: object) -> None:
        self.code, self.more = code, more
        super().__init__(code)


class Workspace:
    def __init__(self, world: World, store: Store) -> None:
        self.world = world
        self.scopes = world.slack_scopes
        self.channels = store.table("slack.channels")
        self.messages = store.table("slack.messages")
        self.views = store.table("slack.views")
        self._order: dict[str, list[str]] = defaultdict(list)
        self._names: dict[str, str] = {}
        self._last = 0.0
        self.changed = asyncio.Event()
        for message in self.messages.values():
            self._order[message["channel"]].append(message["ts"])
        for channel in self.channels.values():
            self._names[channel["name"]] = channel["id"]
        self.furnish()

    def furnish(self) -> None:
        """The channels that are there from the start."""
        everybody = [u.slack for u in self.world.users if u.slack and not (u.guest or u.deactivated or u.teams)]
        for channel in self.world.channels:
            if channel.id not in self.channels:
                members = [*everybody, BOT_USER] if channel.members is None else list(channel.members)
                self._add_channel(channel.id, channel.name, members, private=channel.private)

    def forget(self) -> None:
        self.scopes = self.world.slack_scopes
        self._order.clear()
        self._names.clear()
        self.furnish()

    def note(self) -> None:
        """Wake whoever looks at the page."""
        self.changed.set()
        self.changed = asyncio.Event()

    # -- channels -------------------------------------------------------------------------------------

    def create(self, name: str, creator: str, private: bool) -> Document:
        if not _NAME.fullmatch(name):
            long = len(name) > 80
            raise SlackError(
                "invalid_name_maxlength" if long else "invalid_name_specials" if name else "invalid_name_required"
            )
        if name in self._names:
            raise SlackError("name_taken")
        return self._add_channel(f"C{self._names.__len__() + 1:07d}X", name, [creator], private=private)

    def direct(self, user: str) -> Document:
        """The direct messages between the bot and one person."""
        if not self.known(user):
            raise SlackError("user_not_found")
        if (person := self.world.by_slack(user)) is not None and person.deactivated:
            raise SlackError("user_disabled")
        id = f"D{user}"
        if id not in self.channels:
            self._add_channel(id, "", [BOT_USER, user], direct=user)
        return self.channels[id]

    def channel(self, id: str) -> Document:
        """By id or name: as people name it."""
        found = self.channels.get(id) or self.channels.get(self._names.get(id.lstrip("#"), ""))
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def named(self, given: dict[str, Any], key: str = "channel") -> Document:
        """The channel whose id a method is given. A private one is there only for its members."""
        found = self.channels.get(str(given.get(key) or ""))
        if found is None or (found["is_private"] and BOT_USER not in found["members"]):
            raise SlackError("channel_not_found")
        return found

    def to_change(self, given: dict[str, Any], key: str = "channel") -> Document:
        """One that a method may alter: not archived, and the app is in it."""
        channel = self.named(given, key)
        if channel["is_archived"]:
            raise SlackError("is_archived")
        if BOT_USER not in channel["members"]:
            raise SlackError("not_in_channel")
        return channel

    def to_post_in(self, id: str) -> Document:
        """Where a message goes, for which a name or a user's id will do. In public channels without being a member."""
        if id.startswith("U") and self.known(id):
            return self.direct(id)
        channel = self.named({"channel": self._names.get(id.lstrip("#"), id)})
        if channel["is_archived"]:
            raise SlackError("is_archived")
        if BOT_USER not in channel["members"] and not self.granted("chat:write.public"):
            raise SlackError("not_in_channel")
        if channel.get("restricted"):
            raise SlackError("restricted_action")
        return channel

    def granted(self, scope: str) -> bool:
        return not self.scopes or scope in self.scopes

    def channels_of(self, user: str) -> list[Document]:
        """The channels somebody is in, direct messages left out."""
        return [channel for channel in self.channels.values() if user in channel["members"] and not channel["is_im"]]

    def rename(self, channel: Document, name: str) -> None:
        if name in self._names:
            raise SlackError("name_taken")
        self._names.pop(channel["name"], None)
        self._names[name] = channel["id"]
        channel["name"] = name
        self.channels.changed(channel["id"])

    def known(self, user: str) -> bool:
        return user == BOT_USER or self.world.by_slack(user) is not None

    def _add_channel(
        self, id: str, name: str, members: list[str], *, private: bool = False, direct: str = ""
    ) -> Document:
        if name:
            self._names[name] = id
        document = {
            "id": id,
            "name": name,
            "is_channel": not direct,
            "is_im": bool(direct),
            "is_private": private,
            "is_archived": False,
            "created": int(time.time()),
            "creator": members[0] if members else BOT_USER,
            "members": members,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "pins": [],
            "bookmarks": [],
        }
        if direct:
            document["user"] = direct
        return self.channels.put(id, document)

    # -- messages -------------------------------------------------------------------------------------

    def say(self, channel: str, message: dict[str, Any]) -> Document:
        """Append a message; gives it its `ts`."""
        self._last = max(round(time.time(), 6), self._last + 0.000001)
        ts = f"{self._last:.6f}"
        document = {"type": "message", "channel": channel, "ts": ts, **message}
        self.messages.put(f"{channel}/{ts}", document)
        self._order[channel].append(ts)
        if parent := self.messages.get(f"{channel}/{document.get('thread_ts', '')}"):
            parent["reply_count"] = parent.get("reply_count", 0) + 1
            self.messages.changed(f"{channel}/{parent['ts']}")
        self.note()
        return document

    def message(self, channel: str, ts: str) -> Document:
        found = self.messages.get(f"{channel}/{ts}")
        if found is None or found.get("deleted"):
            raise SlackError("message_not_found")
        return found

    def history(self, channel: str) -> list[Document]:
        """All of a channel, the oldest first, deleted ones left out."""
        return [m for ts in self._order[channel] if not (m := self.messages[f"{channel}/{ts}"]).get("deleted")]

    def latest(self, channel: str, limit: int) -> list[Document]:
        """The newest first, at most `limit`; what one person alone sees is left out."""
        found: list[Document] = []
        for ts in reversed(self._order[channel]):
            message = self.messages[f"{channel}/{ts}"]
            if not message.get("deleted") and not message.get("ephemeral_to") and not _reply(message):
                found.append(message)
                if len(found) >= limit:
                    break
        return found

    def touch(self, message: Document) -> None:
        self.messages.changed(f"{message['channel']}/{message['ts']}")
        self.note()


def _reply(message: Document) -> bool:
    return bool(message.get("thread_ts")) and message["thread_ts"] != message["ts"]


def seen(message: Document, *, metadata: bool = True) -> Document:
    """A message as the Web API shows it."""
    hidden = {"channel", "deleted", "ephemeral_to"} | (set() if metadata else {"metadata"})
    return {key: value for key, value in message.items() if key not in hidden}
