"""Slack's Web API: the methods the product calls, and those a responder's tools would."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from emulators.arguments import arguments
from emulators.slack import blocks as block_rules
from emulators.slack.rate_limits import RateLimits
from emulators.slack.socket_mode import SocketMode
from emulators.slack.workspace import APP, BOT, BOT_USER, TEAM, SlackError, Workspace, seen
from emulators.store import Document

LONGEST_TEXT = 40_000
Arguments = dict[str, Any]
SCOPES = (
    "bookmarks:read,bookmarks:write,channels:history,channels:manage,channels:read,chat:write,chat:write.public,commands,"
    "groups:history,groups:read,groups:write,im:history,im:write,pins:write,users:read,users:read.email"
)


class WebApi:
    def __init__(self, space: Workspace, sockets: SocketMode, limits: RateLimits) -> None:
        self._space = space
        self._sockets = sockets
        self._limits = limits
        self._methods: dict[str, Callable[[Arguments], Document]] = {
            "api.test": lambda given: {},
            "auth.test": self._auth_test,
            "team.info": lambda given: {"team": {"id": TEAM, "name": "Example Corp", "domain": "example"}},
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "conversations.create": self._create,
            "conversations.info": lambda given: {"channel": self._shown(self._channel(given))},
            "conversations.list": self._list,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.invite": self._invite,
            "conversations.join": self._join,
            "conversations.leave": self._leave,
            "conversations.kick": self._kick,
            "conversations.members": self._members,
            "conversations.open": self._open,
            "conversations.setTopic": self._set_topic,
            "conversations.setPurpose": self._set_purpose,
            "conversations.archive": self._archive,
            "conversations.rename": self._rename,
            "pins.add": self._pin,
            "pins.remove": self._unpin,
            "pins.list": self._pins,
            "bookmarks.add": self._bookmark,
            "bookmarks.list": lambda given: {"bookmarks": self._channel(given, "channel_id")["bookmarks"]},
            "bookmarks.edit": self._edit_bookmark,
            "reactions.add": self._react,
            "users.info": self._user_info,
            "users.list": lambda given: {"members": [self._user(u.slack) for u in self._people()] + [self._bot()]},
            "users.lookupByEmail": self._by_email,
            "users.conversations": self._list,
            "usergroups.list": lambda given: {"usergroups": []},
            "views.open": self._open_view,
            "views.push": self._open_view,
            "views.update": self._update_view,
            "views.publish": self._publish_view,
        }

    async def handle(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = await arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(given.get("token") or "")
        try:
            self._authorise(method, token)
            if wait := self._limits.wait(method, str(given.get("channel", ""))):
                return web.json_response(
                    {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": f"{wait:g}"}
                )
            if method == "apps.connections.open":
                answer: Document = {"url": self._sockets.address(request)}
            elif method in self._methods:
                answer = self._methods[method](given)
            else:
                raise SlackError("unknown_method", req_method=method)
        except SlackError as error:
            return web.json_response({"ok": False, "error": error.code, **error.more})
        return web.json_response({"ok": True, **answer}, headers={"x-oauth-scopes": SCOPES})

    def _authorise(self, method: str, token: str) -> None:
        world = self._space.world
        wanted = world.slack_app_token if method == "apps.connections.open" else world.slack_token
        if not token:
            raise SlackError("not_authed")
        if token != wanted:
            raise SlackError("invalid_auth")

    def _auth_test(self, given: Arguments) -> Document:
        return {
            "url": "https://example.slack.com/",
            "team": "Example Corp",
            "user": "dont_panic",
            "team_id": TEAM,
            "user_id": BOT_USER,
            "bot_id": BOT,
            "is_enterprise_install": False,
        }

    # -- chat -----------------------------------------------------------------------------------------

    def _post(self, given: Arguments) -> Document:
        channel = self._writable(given)
        message = self.checked(given)
        if given.get("thread_ts"):
            message["thread_ts"] = str(given["thread_ts"])
        said = self._space.say(channel["id"], message)
        return {"channel": channel["id"], "ts": said["ts"], "message": seen(said)}

    def checked(self, given: Arguments) -> Document:
        """The message a call makes. Raises what Slack says of one it cannot take."""
        text = str(given.get("text") or "")
        if "blocks" in given and given["blocks"] not in (None, []):
            wrong = block_rules.faults(given["blocks"])
            if wrong:
                raise SlackError("invalid_blocks", response_metadata={"messages": [f"[ERROR] {w}" for w in wrong]})
        elif not text and not given.get("attachments"):
            raise SlackError("no_text")
        if len(text) > LONGEST_TEXT:
            raise SlackError("msg_too_long")
        message: Document = {"user": BOT_USER, "bot_id": BOT, "app_id": APP, "team": TEAM, "text": text}
        for key in ("blocks", "metadata"):
            if given.get(key):
                message[key] = given[key]
        return message

    def _post_ephemeral(self, given: Arguments) -> Document:
        channel = self._writable(given)
        if str(given.get("user")) not in channel["members"]:
            raise SlackError("user_not_in_channel")
        said = self._space.say(channel["id"], {**self.checked(given), "ephemeral_to": str(given["user"])})
        return {"message_ts": said["ts"]}

    def _update(self, given: Arguments) -> Document:
        message = self._own(given)
        message.update({k: v for k, v in self.checked(given).items() if k in ("text", "blocks", "metadata")})
        message["edited"] = {"user": BOT_USER, "ts": f"{time.time():.6f}"}
        self._space.touch(message)
        return {"channel": message["channel"], "ts": message["ts"], "text": message["text"], "message": seen(message)}

    def _delete(self, given: Arguments) -> Document:
        message = self._own(given)
        message["deleted"] = True
        self._space.touch(message)
        return {"channel": message["channel"], "ts": message["ts"]}

    def _own(self, given: Arguments) -> Document:
        message = self._space.message(self._channel(given)["id"], str(given.get("ts")))
        if message.get("user") != BOT_USER:
            raise SlackError("cant_update_message")
        return message

    def _permalink(self, given: Arguments) -> Document:
        channel = self._channel(given)
        ts = str(given.get("message_ts", "")).replace(".", "")
        return {"channel": channel["id"], "permalink": f"https://example.slack.com/archives/{channel['id']}/p{ts}"}

    # -- conversations --------------------------------------------------------------------------------

    def _channel(self, given: Arguments, key: str = "channel") -> Document:
        return self._space.channel(str(given.get(key) or ""))

    def _writable(self, given: Arguments) -> Document:
        channel = self._channel(given)
        if channel["is_archived"]:
            raise SlackError("is_archived")
        if BOT_USER not in channel["members"]:
            raise SlackError("not_in_channel")
        return channel

    def _shown(self, channel: Document) -> Document:
        shown = {k: v for k, v in channel.items() if k not in ("members", "pins", "bookmarks")}
        return {**shown, "num_members": len(channel["members"]), "is_member": BOT_USER in channel["members"]}

    def _create(self, given: Arguments) -> Document:
        channel = self._space.create(str(given.get("name") or ""), BOT_USER, _true(given.get("is_private")))
        return {"channel": self._shown(channel)}

    def _list(self, given: Arguments) -> Document:
        types = str(given.get("types") or "public_channel").split(",")
        wanted = [
            c
            for c in self._space.channels.values()
            if ("im" if c["is_im"] else "private_channel" if c["is_private"] else "public_channel") in types
            and not (_true(given.get("exclude_archived")) and c["is_archived"])
        ]
        start, limit = int(given.get("cursor") or 0), int(given.get("limit") or 100)
        more = str(start + limit) if len(wanted) > start + limit else ""
        shown = [self._shown(c) for c in wanted[start : start + limit]]
        return {"channels": shown, "response_metadata": {"next_cursor": more}}

    def _history(self, given: Arguments) -> Document:
        channel = self._writable(given)
        limit = min(int(given.get("limit") or 100), 999)
        found = self._space.latest(channel["id"], limit)
        if given.get("oldest"):
            found = [m for m in found if m["ts"] > str(given["oldest"])]
        metadata = _true(given.get("include_all_metadata"))
        return {"messages": [seen(m, metadata=metadata) for m in found], "has_more": False}

    def _replies(self, given: Arguments) -> Document:
        channel, ts = self._channel(given), str(given.get("ts"))
        parent = self._space.message(channel["id"], ts)
        replies = [m for m in self._space.history(channel["id"]) if m.get("thread_ts") == ts and m["ts"] != ts]
        return {"messages": [seen(m) for m in (parent, *replies)], "has_more": False}

    def _invite(self, given: Arguments) -> Document:
        channel = self._writable(given)
        users = [u for u in str(given.get("users") or "").split(",") if u]
        if not users:
            raise SlackError("no_user")
        for user in users:
            if not self._space.known(user):
                raise SlackError("user_not_found")
        new = [u for u in users if u not in channel["members"]]
        if not new:
            raise SlackError("already_in_channel")
        channel["members"] += new
        self._space.channels.changed(channel["id"])
        self._space.note()
        return {"channel": self._shown(channel)}

    def _join(self, given: Arguments) -> Document:
        channel = self._channel(given)
        if BOT_USER not in channel["members"]:
            channel["members"].append(BOT_USER)
            self._space.channels.changed(channel["id"])
        return {"channel": self._shown(channel)}

    def _leave(self, given: Arguments) -> Document:
        return self._remove(self._channel(given), BOT_USER)

    def _kick(self, given: Arguments) -> Document:
        return self._remove(self._writable(given), str(given.get("user")))

    def _remove(self, channel: Document, user: str) -> Document:
        if user not in channel["members"]:
            raise SlackError("not_in_channel")
        channel["members"].remove(user)
        self._space.channels.changed(channel["id"])
        return {}

    def _members(self, given: Arguments) -> Document:
        return {"members": self._channel(given)["members"], "response_metadata": {"next_cursor": ""}}

    def _open(self, given: Arguments) -> Document:
        users = [u for u in str(given.get("users") or "").split(",") if u]
        if len(users) != 1:
            raise SlackError("users_list_not_supplied")
        return {"channel": {"id": self._space.direct(users[0])["id"]}}

    def _set_topic(self, given: Arguments) -> Document:
        return self._set(given, "topic")

    def _set_purpose(self, given: Arguments) -> Document:
        return self._set(given, "purpose")

    def _set(self, given: Arguments, what: str) -> Document:
        channel, text = self._writable(given), str(given.get(what) or "")
        if len(text) > 250:
            raise SlackError("too_long")
        channel[what] = {"value": text, "creator": BOT_USER, "last_set": int(time.time())}
        self._space.channels.changed(channel["id"])
        self._space.note()
        return {"channel": self._shown(channel)}

    def _archive(self, given: Arguments) -> Document:
        channel = self._writable(given)
        channel["is_archived"] = True
        self._space.channels.changed(channel["id"])
        return {}

    def _rename(self, given: Arguments) -> Document:
        channel = self._writable(given)
        channel["name"] = str(given.get("name"))
        self._space.channels.changed(channel["id"])
        return {"channel": self._shown(channel)}

    # -- pins, bookmarks, reactions -------------------------------------------------------------------

    def _pin(self, given: Arguments) -> Document:
        channel, ts = self._writable(given), str(given.get("timestamp"))
        self._space.message(channel["id"], ts)
        if ts in channel["pins"]:
            raise SlackError("already_pinned")
        channel["pins"].append(ts)
        self._space.channels.changed(channel["id"])
        self._space.note()
        return {}

    def _unpin(self, given: Arguments) -> Document:
        channel, ts = self._writable(given), str(given.get("timestamp"))
        if ts not in channel["pins"]:
            raise SlackError("no_pin")
        channel["pins"].remove(ts)
        self._space.channels.changed(channel["id"])
        return {}

    def _pins(self, given: Arguments) -> Document:
        channel = self._channel(given)
        messages = [self._space.message(channel["id"], ts) for ts in channel["pins"]]
        return {"items": [{"type": "message", "channel": channel["id"], "message": seen(m)} for m in messages]}

    def _bookmark(self, given: Arguments) -> Document:
        channel = self._channel(given, "channel_id")
        bookmark = {
            "id": f"Bk{len(channel['bookmarks']) + 1:07d}",
            "channel_id": channel["id"],
            "title": str(given.get("title") or ""),
            "link": str(given.get("link") or ""),
            "type": str(given.get("type") or "link"),
        }
        channel["bookmarks"].append(bookmark)
        self._space.channels.changed(channel["id"])
        self._space.note()
        return {"bookmark": bookmark}

    def _edit_bookmark(self, given: Arguments) -> Document:
        channel = self._channel(given, "channel_id")
        for bookmark in channel["bookmarks"]:
            if bookmark["id"] == given.get("bookmark_id"):
                bookmark.update({k: given[k] for k in ("title", "link") if given.get(k)})
                self._space.channels.changed(channel["id"])
                return {"bookmark": bookmark}
        raise SlackError("not_found")

    def _react(self, given: Arguments) -> Document:
        message = self._space.message(self._channel(given)["id"], str(given.get("timestamp")))
        names = [r["name"] for r in message.setdefault("reactions", [])]
        if given.get("name") in names:
            raise SlackError("already_reacted")
        message["reactions"].append({"name": str(given.get("name")), "users": [BOT_USER], "count": 1})
        self._space.touch(message)
        return {}

    # -- users ----------------------------------------------------------------------------------------

    def _people(self) -> list[Any]:
        return [u for u in self._space.world.users if u.slack]

    def _user(self, id: str) -> Document:
        if id == BOT_USER:
            return self._bot()
        user = self._space.world.by_slack(id)
        if user is None:
            raise SlackError("user_not_found")
        profile = {"real_name": user.name, "display_name": user.name, "email": user.email}
        return {
            "id": id,
            "team_id": user.workspace or TEAM,
            "is_stranger": bool(user.workspace),
            "name": user.email.partition("@")[0],
            "real_name": user.name,
            "deleted": False,
            "is_bot": False,
            "tz": "UTC",
            "profile": profile,
        }

    def _bot(self) -> Document:
        return {"id": BOT_USER, "team_id": TEAM, "name": "dont_panic", "is_bot": True, "profile": {}}

    def _user_info(self, given: Arguments) -> Document:
        return {"user": self._user(str(given.get("user")))}

    def _by_email(self, given: Arguments) -> Document:
        user = next((u for u in self._people() if u.email == given.get("email") and not u.workspace), None)
        if user is None:
            raise SlackError("users_not_found")
        return {"user": self._user(user.slack)}

    # -- views ----------------------------------------------------------------------------------------

    def _open_view(self, given: Arguments) -> Document:
        if not self._sockets.trigger_is_good(str(given.get("trigger_id") or "")):
            raise SlackError("expired_trigger_id")
        view = self._view(given)
        user = self._sockets.user_of_trigger(str(given["trigger_id"]))
        view.update({"id": f"V{len(self._space.views) + 1:07d}", "user": user, "hash": uuid.uuid4().hex[:12]})
        self._space.views.put(view["id"], view)
        self._space.note()
        return {"view": view}

    def _update_view(self, given: Arguments) -> Document:
        found = self._space.views.get(str(given.get("view_id")))
        if found is None:
            raise SlackError("not_found")
        if given.get("hash") and given["hash"] != found.get("hash"):
            raise SlackError("hash_conflict")
        found.update({**self._view(given), "hash": uuid.uuid4().hex[:12]})
        self._space.views.changed(found["id"])
        self._space.note()
        return {"view": found}

    def _publish_view(self, given: Arguments) -> Document:
        user = str(given.get("user_id"))
        if not self._space.known(user):
            raise SlackError("user_not_found")
        view = {**self._view(given), "id": f"VHOME{user}", "user": user}
        self._space.views.put(view["id"], view)
        self._space.note()
        return {"view": view}

    def _view(self, given: Arguments) -> Document:
        view = given.get("view")
        if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
            raise SlackError("invalid_arguments")
        wrong = block_rules.faults(view.get("blocks"), block_rules.A_MODAL)
        if view["type"] == "modal" and len(view.get("title", {}).get("text", "")) > 24:
            wrong.append("must be less than 25 characters [json-pointer:/view/title/text]")
        if len(str(view.get("private_metadata") or "")) > 3000:
            wrong.append("must be less than 3001 characters [json-pointer:/view/private_metadata]")
        if wrong:
            raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {w}" for w in wrong]})
        return dict(view)


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "1")
