"""Slack's Web API: the methods the product calls, and those a responder's tools would."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from emulators.arguments import arguments
from emulators.slack import blocks as block_rules
from emulators.slack import people, scopes
from emulators.slack.chat_methods import ChatMethods
from emulators.slack.conversation_methods import ConversationMethods, true
from emulators.slack.rate_limits import RateLimits
from emulators.slack.socket_mode import SocketMode
from emulators.slack.workspace import BOT, BOT_USER, TEAM, SlackError, Workspace
from emulators.store import Document

Arguments = dict[str, Any]
LARGEST_VIEW = 250_000


class WebApi:
    def __init__(self, space: Workspace, sockets: SocketMode, limits: RateLimits) -> None:
        self._space = space
        self._sockets = sockets
        self._limits = limits
        self._methods: dict[str, Callable[[Arguments], Document]] = {
            "api.test": lambda given: {},
            "auth.test": self._auth_test,
            "team.info": lambda given: {"team": {"id": TEAM, "name": "Example Corp", "domain": "example"}},
            **ChatMethods(space).methods(),
            **ConversationMethods(space).methods(),
            "users.info": self._user_info,
            "users.list": lambda given: {"members": [self._user(u.slack) for u in self._people()] + [self._bot()]},
            "users.lookupByEmail": self._by_email,
            "usergroups.list": lambda given: {"usergroups": []},
            "usergroups.users.list": self._group_members,
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
            self._permit(method, given)
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
        return web.json_response({"ok": True, **answer}, headers={"x-oauth-scopes": self._granted})

    def _group_members(self, given: Arguments) -> Document:
        """This workspace has no user groups."""
        raise SlackError("no_such_subteam" if given.get("usergroup") else "invalid_arguments")

    def _authorise(self, method: str, token: str) -> None:
        world = self._space.world
        wanted = world.slack_app_token if method == "apps.connections.open" else world.slack_token
        if not token:
            raise SlackError("not_authed")
        if token != wanted:
            raise SlackError("invalid_auth")

    def _permit(self, method: str, given: Arguments) -> None:
        """Raises missing_scope for a method that the manifest did not ask for."""
        private, direct = true(given.get("is_private")), method == "conversations.open"
        channel = self._space.channels.get(str(given.get("channel") or ""))
        if method == "conversations.list":
            types = str(given.get("types") or "public_channel")
            private, direct = "private_channel" in types, types == "im"
        needed = scopes.needed(method, channel, private=private, direct=direct)
        if needed and not self._space.granted(needed):
            raise SlackError("missing_scope", needed=needed, provided=self._granted)

    @property
    def _granted(self) -> str:
        return ",".join(self._space.scopes)

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

    # -- users ----------------------------------------------------------------------------------------

    def _people(self) -> list[Any]:
        return [u for u in self._space.world.users if u.slack]

    def _user(self, id: str) -> Document:
        if id == BOT_USER:
            return self._bot()
        user = self._space.world.by_slack(id)
        if user is None:
            raise SlackError("user_not_found")
        return people.shown(user, email=self._space.granted("users:read.email"))

    def _bot(self) -> Document:
        return {"id": BOT_USER, "team_id": TEAM, "name": "dont_panic", "is_bot": True, "profile": {}}

    def _user_info(self, given: Arguments) -> Document:
        return {"user": self._user(str(given.get("user")))}

    def _by_email(self, given: Arguments) -> Document:
        known = (u for u in self._people() if not (u.workspace or u.deactivated))
        user = next((u for u in known if u.email == given.get("email")), None)
        if user is None:
            raise SlackError("users_not_found")
        return {"user": self._user(user.slack)}

    # -- views ----------------------------------------------------------------------------------------

    def _open_view(self, given: Arguments) -> Document:
        user = self._sockets.exchange(str(given.get("trigger_id") or ""))
        view = self._view(given)
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
        if len(json.dumps(view)) > LARGEST_VIEW:
            raise SlackError("view_too_large")
        wrong = block_rules.faults(view.get("blocks"), block_rules.A_MODAL)
        for name in ("title", "submit", "close") if view["type"] == "modal" else ():
            if len((view.get(name) or {}).get("text", "")) > 24:
                wrong.append(f"must be less than 25 characters [json-pointer:/view/{name}/text]")
        if len(str(view.get("private_metadata") or "")) > 3000:
            wrong.append("must be less than 3001 characters [json-pointer:/view/private_metadata]")
        if wrong:
            raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {w}" for w in wrong]})
        return dict(view)
