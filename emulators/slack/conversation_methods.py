"""Slack's Web API, the conversations: channels, their members, what was said in them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from emulators.slack import people
from emulators.slack.workspace import BOT_USER, SlackError, Workspace, seen
from emulators.store import Document

MOST_INVITED = 100
Arguments = dict[str, Any]


class ConversationMethods:
    def __init__(self, space: Workspace) -> None:
        self._space = space

    def methods(self) -> dict[str, Callable[[Arguments], Document]]:
        return {
            "conversations.create": self._create,
            "conversations.info": lambda given: {"channel": self._shown(self._space.named(given))},
            "conversations.list": self._list,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.invite": self._invite,
            "conversations.join": self._join,
            "conversations.leave": self._leave,
            "conversations.kick": self._kick,
            "conversations.members": self._members,
            "conversations.open": self._open,
            "conversations.setTopic": lambda given: self._set(given, "topic"),
            "conversations.setPurpose": lambda given: self._set(given, "purpose"),
            "conversations.archive": self._archive,
            "conversations.rename": self._rename,
            "users.conversations": self._list,
        }

    # -- what is there --------------------------------------------------------------------------------

    def _shown(self, channel: Document) -> Document:
        hidden = ("members", "pins", "bookmarks", "restricted", "pins_restricted", "edits_closed")
        shown = {k: v for k, v in channel.items() if k not in hidden}
        return {**shown, "num_members": len(channel["members"]), "is_member": BOT_USER in channel["members"]}

    def _list(self, given: Arguments) -> Document:
        types = str(given.get("types") or "public_channel").split(",")
        if set(types) - {"public_channel", "private_channel", "im", "mpim"}:
            raise SlackError("invalid_types")
        wanted = [
            c
            for c in self._space.channels.values()
            if ("im" if c["is_im"] else "private_channel" if c["is_private"] else "public_channel") in types
            and not (true(given.get("exclude_archived")) and c["is_archived"])
            and (BOT_USER in c["members"] or not c["is_private"])
        ]
        start, limit = int(given.get("cursor") or 0), int(given.get("limit") or 100)
        more = str(start + limit) if len(wanted) > start + limit else ""
        shown = [self._shown(c) for c in wanted[start : start + limit]]
        return {"channels": shown, "response_metadata": {"next_cursor": more}}

    def _members(self, given: Arguments) -> Document:
        return {"members": self._space.named(given)["members"], "response_metadata": {"next_cursor": ""}}

    def _history(self, given: Arguments) -> Document:
        channel = self._readable(given)
        limit = min(int(given.get("limit") or 100), 999)
        found = self._space.latest(channel["id"], limit)
        if given.get("oldest"):
            found = [m for m in found if m["ts"] > str(given["oldest"])]
        metadata = true(given.get("include_all_metadata"))
        return {"messages": [seen(m, metadata=metadata) for m in found], "has_more": False}

    def _replies(self, given: Arguments) -> Document:
        channel, ts = self._readable(given), str(given.get("ts"))
        try:
            parent = self._space.message(channel["id"], ts)
        except SlackError:
            raise SlackError("thread_not_found") from None
        replies = [
            m
            for m in self._space.history(channel["id"])
            if m.get("thread_ts") == ts and m["ts"] != ts and not m.get("ephemeral_to")
        ]
        metadata = true(given.get("include_all_metadata"))
        return {"messages": [seen(m, metadata=metadata) for m in (parent, *replies)], "has_more": False}

    def _readable(self, given: Arguments) -> Document:
        """An app reads what was said only where it is a member."""
        channel = self._space.named(given)
        if BOT_USER not in channel["members"]:
            raise SlackError("not_in_channel")
        return channel

    # -- who is in it ---------------------------------------------------------------------------------

    def _invite(self, given: Arguments) -> Document:
        """One who cannot come keeps all out, unless the call is forced: then the others come."""
        channel = self._space.to_change(given)
        users = [u for u in str(given.get("users") or "").split(",") if u]
        if not users:
            raise SlackError("no_user")
        if channel["is_im"]:
            raise SlackError("method_not_supported_for_channel_type")
        if len(users) > MOST_INVITED:
            raise SlackError("too_many_users")
        refused = {user: why for user in users if (why := people.refusal_to_invite(self._space, channel, user))}
        errors = [{"user": user, "ok": False, "error": why} for user, why in refused.items()]
        coming = [user for user in users if user not in refused]
        if refused and (not true(given.get("force")) or not coming):
            raise SlackError(next(iter(refused.values())), errors=errors)
        channel["members"] += coming
        self._space.channels.changed(channel["id"])
        self._space.note()
        return {"channel": self._shown(channel), **({"errors": errors} if errors else {})}

    def _join(self, given: Arguments) -> Document:
        channel = self._space.named(given)
        if channel["is_im"] or channel["is_private"]:
            raise SlackError("method_not_supported_for_channel_type")
        if channel["is_archived"]:
            raise SlackError("is_archived")
        if BOT_USER not in channel["members"]:
            channel["members"].append(BOT_USER)
            self._space.channels.changed(channel["id"])
        return {"channel": self._shown(channel)}

    def _leave(self, given: Arguments) -> Document:
        return self._remove(self._space.to_change(given), BOT_USER)

    def _kick(self, given: Arguments) -> Document:
        channel, user = self._space.to_change(given), str(given.get("user"))
        if user == BOT_USER:
            raise SlackError("cant_kick_self")
        if not self._space.known(user):
            raise SlackError("user_not_found")
        return self._remove(channel, user)

    def _remove(self, channel: Document, user: str) -> Document:
        if user not in channel["members"]:
            raise SlackError("not_in_channel")
        channel["members"].remove(user)
        self._space.channels.changed(channel["id"])
        return {}

    def _open(self, given: Arguments) -> Document:
        users = [u for u in str(given.get("users") or "").split(",") if u]
        if not users:
            raise SlackError("users_list_not_supplied")
        if len(users) > 1:
            raise SlackError("method_not_supported_for_channel_type")
        return {"channel": {"id": self._space.direct(users[0])["id"]}}

    # -- what becomes of it ---------------------------------------------------------------------------

    def _create(self, given: Arguments) -> Document:
        channel = self._space.create(str(given.get("name") or ""), BOT_USER, true(given.get("is_private")))
        return {"channel": self._shown(channel)}

    def _set(self, given: Arguments, what: str) -> Document:
        channel, text = self._space.to_change(given), str(given.get(what) or "")
        if len(text) > 250:
            raise SlackError("too_long")
        channel[what] = {"value": text, "creator": BOT_USER, "last_set": int(time.time())}
        self._space.channels.changed(channel["id"])
        self._space.note()
        return {"channel": self._shown(channel)}

    def _archive(self, given: Arguments) -> Document:
        channel = self._space.named(given)
        if channel["is_archived"]:
            raise SlackError("already_archived")
        channel = self._space.to_change(given)
        channel["is_archived"] = True
        self._space.channels.changed(channel["id"])
        return {}

    def _rename(self, given: Arguments) -> Document:
        channel = self._space.to_change(given)
        self._space.rename(channel, str(given.get("name")))
        return {"channel": self._shown(channel)}


def true(value: object) -> bool:
    return str(value).lower() in ("true", "1")
