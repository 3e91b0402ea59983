"""Slack's Web API, what is said: messages, pins, bookmarks, reactions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from emulators.slack import blocks as block_rules
from emulators.slack.workspace import APP, BOT, BOT_USER, TEAM, SlackError, Workspace, seen
from emulators.store import Document

LONGEST_TEXT = 40_000
LONGEST_EDIT = 4_000
LONGEST_METADATA = 16_000
MOST_PINS = 100
MOST_BOOKMARKS = 100
Arguments = dict[str, Any]


class ChatMethods:
    def __init__(self, space: Workspace) -> None:
        self._space = space

    def methods(self) -> dict[str, Callable[[Arguments], Document]]:
        return {
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "pins.add": self._pin,
            "pins.remove": self._unpin,
            "pins.list": self._pins,
            "bookmarks.add": self._bookmark,
            "bookmarks.list": lambda given: {"bookmarks": self._space.named(given, "channel_id")["bookmarks"]},
            "bookmarks.edit": self._edit_bookmark,
            "reactions.add": self._react,
        }

    # -- messages -------------------------------------------------------------------------------------

    def _post(self, given: Arguments) -> Document:
        channel = self._space.to_post_in(str(given.get("channel") or ""))
        message = self._checked(given)
        if given.get("thread_ts"):
            message["thread_ts"] = self._thread(channel, str(given["thread_ts"]))
        said = self._space.say(channel["id"], message)
        return {"channel": channel["id"], "ts": said["ts"], "message": seen(said)}

    def _thread(self, channel: Document, ts: str) -> str:
        head, _, tail = ts.partition(".")
        if not (head.isdigit() and tail.isdigit()):
            raise SlackError("invalid_thread_ts")
        try:
            parent = self._space.message(channel["id"], ts)
        except SlackError:
            raise SlackError("thread_not_found") from None
        if parent.get("ephemeral_to"):
            raise SlackError("cannot_reply_to_message")
        return ts

    def _checked(self, given: Arguments, longest: int = LONGEST_TEXT) -> Document:
        """The message a call makes. Raises what Slack says of one it cannot take."""
        text, blocks = str(given.get("text") or ""), given.get("blocks")
        if blocks not in (None, []):
            if wrong := block_rules.faults(blocks):
                raise SlackError("invalid_blocks", response_metadata={"messages": [f"[ERROR] {w}" for w in wrong]})
            if block_rules.length(blocks) > block_rules.LONGEST_TOGETHER:
                raise SlackError("msg_blocks_too_long")
        elif not text and not given.get("attachments"):
            raise SlackError("no_text")
        if len(text) > longest:
            raise SlackError("msg_too_long")
        message: Document = {"user": BOT_USER, "bot_id": BOT, "app_id": APP, "team": TEAM, "text": text}
        if metadata := given.get("metadata"):
            if not isinstance(metadata, dict) or not {"event_type", "event_payload"} <= set(metadata):
                raise SlackError("invalid_metadata_format")
            if len(json.dumps(metadata)) > LONGEST_METADATA:
                raise SlackError("metadata_too_large")
            message["metadata"] = metadata
        if blocks:
            message["blocks"] = blocks
        return message

    def _post_ephemeral(self, given: Arguments) -> Document:
        channel = self._space.to_post_in(str(given.get("channel") or ""))
        if BOT_USER not in channel["members"]:
            raise SlackError("not_in_channel")
        if str(given.get("user")) not in channel["members"]:
            raise SlackError("user_not_in_channel")
        message = {**self._checked(given), "ephemeral_to": str(given["user"])}
        if given.get("thread_ts"):
            message["thread_ts"] = str(given["thread_ts"])
        return {"message_ts": self._space.say(channel["id"], message)["ts"]}

    def _update(self, given: Arguments) -> Document:
        """With a text and no blocks those that were there are gone; without a text they stay."""
        channel = self._space.named(given)
        if channel["is_archived"]:
            raise SlackError("is_inactive")
        message = self._own(channel, given)
        if channel.get("edits_closed"):
            raise SlackError("edit_window_closed")
        made = self._checked(given, LONGEST_EDIT)
        if made["text"] and "blocks" not in made:
            message.pop("blocks", None)
        message.update({k: v for k, v in made.items() if k in ("text", "blocks", "metadata")})
        message["edited"] = {"user": BOT_USER, "ts": f"{time.time():.6f}"}
        self._space.touch(message)
        return {"channel": message["channel"], "ts": message["ts"], "text": message["text"], "message": seen(message)}

    def _delete(self, given: Arguments) -> Document:
        message = self._own(self._space.named(given), given)
        message["deleted"] = True
        self._space.touch(message)
        return {"channel": message["channel"], "ts": message["ts"]}

    def _own(self, channel: Document, given: Arguments) -> Document:
        message = self._space.message(channel["id"], str(given.get("ts")))
        if message.get("ephemeral_to"):
            raise SlackError("message_not_found")
        if message.get("user") != BOT_USER:
            raise SlackError("cant_update_message")
        return message

    def _permalink(self, given: Arguments) -> Document:
        channel = self._space.named(given)
        message = self._space.message(channel["id"], str(given.get("message_ts", "")))
        ts = message["ts"].replace(".", "")
        return {"channel": channel["id"], "permalink": f"https://example.slack.com/archives/{channel['id']}/p{ts}"}

    # -- pins, bookmarks, reactions -------------------------------------------------------------------

    def _pin(self, given: Arguments) -> Document:
        channel, ts = self._space.to_change(given), str(given.get("timestamp") or "")
        if not ts:
            raise SlackError("no_item_specified")
        message = self._space.message(channel["id"], ts)
        if channel.get("pins_restricted"):
            raise SlackError("restricted_action")
        if message.get("ephemeral_to") or message.get("subtype"):
            raise SlackError("not_pinnable")
        if ts in channel["pins"]:
            raise SlackError("already_pinned")
        if len(channel["pins"]) >= MOST_PINS:
            raise SlackError("too_many_pins")
        channel["pins"].append(ts)
        self._space.channels.changed(channel["id"])
        self._space.note()
        return {}

    def _unpin(self, given: Arguments) -> Document:
        channel, ts = self._space.to_change(given), str(given.get("timestamp"))
        if ts not in channel["pins"]:
            raise SlackError("no_pin")
        channel["pins"].remove(ts)
        self._space.channels.changed(channel["id"])
        return {}

    def _pins(self, given: Arguments) -> Document:
        channel = self._space.named(given)
        messages = [self._space.message(channel["id"], ts) for ts in channel["pins"]]
        return {"items": [{"type": "message", "channel": channel["id"], "message": seen(m)} for m in messages]}

    def _bookmark(self, given: Arguments) -> Document:
        channel = self._space.to_change(given, "channel_id")
        link = str(given.get("link") or "")
        if given.get("type") != "link":
            raise SlackError("invalid_bookmark_type")
        if not link.startswith(("http://", "https://")):
            raise SlackError("invalid_link")
        if len(channel["bookmarks"]) >= MOST_BOOKMARKS:
            raise SlackError("too_many_bookmarks")
        bookmark = {
            "id": f"Bk{len(channel['bookmarks']) + 1:07d}",
            "channel_id": channel["id"],
            "title": str(given.get("title") or ""),
            "link": link,
            "type": "link",
        }
        channel["bookmarks"].append(bookmark)
        self._space.channels.changed(channel["id"])
        self._space.note()
        return {"bookmark": bookmark}

    def _edit_bookmark(self, given: Arguments) -> Document:
        channel = self._space.to_change(given, "channel_id")
        for bookmark in channel["bookmarks"]:
            if bookmark["id"] == given.get("bookmark_id"):
                bookmark.update({k: given[k] for k in ("title", "link") if given.get(k)})
                self._space.channels.changed(channel["id"])
                return {"bookmark": bookmark}
        raise SlackError("not_found")

    def _react(self, given: Arguments) -> Document:
        message = self._space.message(self._space.to_change(given)["id"], str(given.get("timestamp")))
        names = [r["name"] for r in message.setdefault("reactions", [])]
        if given.get("name") in names:
            raise SlackError("already_reacted")
        message["reactions"].append({"name": str(given.get("name")), "users": [BOT_USER], "count": 1})
        self._space.touch(message)
        return {}
