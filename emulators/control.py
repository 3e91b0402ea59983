"""The control address: faults, what was received, and what people do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from aiohttp import web

from emulators.arguments import arguments
from emulators.journal import Fault, Journal
from emulators.monitored import Monitored
from emulators.pagerduty.account import Account
from emulators.pagerduty.control import Doings
from emulators.pagerduty.refusals import Fault as PagerDutyFault
from emulators.slack.rate_limits import RateLimits
from emulators.slack.socket_mode import SocketMode
from emulators.slack.workspace import SlackError, Workspace
from emulators.status_page import StatusPage
from emulators.store import Document
from emulators.x import X

LONGEST_WAIT = 60.0


class Control:
    def __init__(
        self,
        journal: Journal,
        space: Workspace,
        sockets: SocketMode,
        limits: RateLimits,
        account: Account,
        status_page: StatusPage,
        x: X,
        monitored: Monitored,
        forget: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._space = space
        self._sockets = sockets
        self._limits = limits
        self._account = account
        self._status_page = status_page
        self._x = x
        self._monitored = monitored
        self._forget = forget

    def routes(self) -> list[web.RouteDef]:
        table: list[tuple[str, str, Callable[[web.Request], Any]]] = [
            ("GET", "/control/faults", self._faults),
            ("POST", "/control/faults", self._add_fault),
            ("DELETE", "/control/faults", self._clear_faults),
            ("GET", "/control/received", self._received),
            ("DELETE", "/control/received", self._clear_received),
            ("POST", "/control/latency", self._latency),
            ("POST", "/control/reset", self._reset),
            ("POST", "/control/slack/message", self._say),
            ("POST", "/control/slack/command", self._command),
            ("POST", "/control/slack/action", self._press),
            ("POST", "/control/slack/view", self._submit),
            ("POST", "/control/slack/view/field", self._fill_in),
            ("POST", "/control/slack/view/close", self._close_view),
            ("POST", "/control/slack/shortcut", self._shortcut),
            ("POST", "/control/slack/home", self._home),
            ("GET", "/control/slack/views", self._views),
            ("POST", "/control/slack/redeliver", self._redeliver),
            ("POST", "/control/slack/delete", self._delete_message),
            ("POST", "/control/slack/channel", self._alter_channel),
            ("POST", "/control/slack/channel/create", self._create_channel),
            ("POST", "/control/slack/scopes", self._grant),
            ("POST", "/control/slack/trigger", self._trigger_view),
            ("POST", "/control/slack/socket", self._drop_sockets),
            ("POST", "/control/slack/rate_limits", self._rate_limits),
            ("GET", "/control/slack/rooms", self._rooms),
            ("GET", "/control/statuspage", self._published),
            ("GET", "/control/statuspage/components", self._components),
            ("GET", "/control/x", self._posted),
            ("POST", "/control/status/{name}", self._set_status),
            ("POST", "/control/metric/{name}", self._set_metric),
            ("POST", "/control/change", self._change),
        ]
        table += Doings(self._account).table()
        return [web.route(method, path, _answering(handler)) for method, path, handler in table]

    # -- faults and what was received -----------------------------------------------------------------

    async def _faults(self, request: web.Request) -> Any:
        return [asdict(fault) for fault in self._journal.faults]

    async def _add_fault(self, request: web.Request) -> Any:
        given = await arguments(request)
        unknown = set(given) - {f.name for f in fields(Fault)}
        if unknown:
            raise web.HTTPBadRequest(text=f"unknown: {', '.join(sorted(unknown))}")
        fault = Fault(**given)
        self._journal.faults.append(fault)
        return asdict(fault)

    async def _clear_faults(self, request: web.Request) -> Any:
        self._journal.faults.clear()
        return {}

    async def _received(self, request: web.Request) -> Any:
        """`wait` seconds for something to match; `since` a sequence number; `call` may end in *."""
        query = request.query
        ends = time.monotonic() + min(float(query.get("wait", 0)), LONGEST_WAIT)
        while True:
            found = self._journal.find(query.get("service", ""), query.get("call", ""), int(query.get("since", 0)))
            left = ends - time.monotonic()
            if found or left <= 0:
                return found
            async with self._journal.heard:
                try:
                    await asyncio.wait_for(self._journal.heard.wait(), left)
                except asyncio.TimeoutError:
                    continue

    async def _clear_received(self, request: web.Request) -> Any:
        self._journal.received.clear()
        return {}

    async def _latency(self, request: web.Request) -> Any:
        self._journal.latency.update({k: float(v) for k, v in (await arguments(request)).items()})
        return self._journal.latency

    async def _reset(self, request: web.Request) -> Any:
        self._forget()
        return {}

    # -- Slack ----------------------------------------------------------------------------------------

    async def _say(self, request: web.Request) -> Any:
        given = await arguments(request)
        return self._sockets.message(given["user"], given["channel"], given["text"], str(given.get("thread_ts") or ""))

    async def _command(self, request: web.Request) -> Any:
        given = await arguments(request)
        delivery = self._sockets.command(
            given["user"], given["channel"], given.get("command", "/ic"), given.get("text", "")
        )
        return await self._acknowledged(delivery, given["user"], given["channel"])

    async def _press(self, request: web.Request) -> Any:
        given = await arguments(request)
        action = _action(given)
        delivery = self._sockets.press(given["user"], given["channel"], given["ts"], action)
        return await self._acknowledged(delivery, given["user"], given["channel"])

    async def _submit(self, request: web.Request) -> Any:
        given = await arguments(request)
        view = self._space.views.get(given["view_id"])
        if view is None:
            raise web.HTTPNotFound(text="no such view")
        delivery = self._sockets.submit(given["user"], view, given.get("values", {}))
        heard = await self._acknowledged(delivery, given["user"], "")
        wrong = isinstance(heard.get("answer"), dict) and heard["answer"].get("response_action") == "errors"
        if heard["acknowledged"] and not wrong:
            self._closed(view)
        return heard

    async def _fill_in(self, request: web.Request) -> Any:
        given = await arguments(request)
        view = self._space.views.get(given["view_id"])
        if view is None:
            raise web.HTTPNotFound(text="no such view")
        delivery = self._sockets.fill_in(given["user"], view, given.get("values", {}), _action(given))
        return await self._acknowledged(delivery, given["user"], "")

    async def _close_view(self, request: web.Request) -> Any:
        view = self._space.views.get((await arguments(request))["view_id"])
        if view is not None:
            self._closed(view)
        return {}

    def _closed(self, view: Document) -> None:
        view["closed"] = True
        self._space.views.changed(view["id"])
        self._space.note()

    async def _shortcut(self, request: web.Request) -> Any:
        given = await arguments(request)
        channel, ts = str(given.get("channel") or ""), str(given.get("ts") or "")
        delivery = self._sockets.shortcut(given["user"], given["callback_id"], channel, ts)
        return await self._acknowledged(delivery, given["user"], "")

    async def _home(self, request: web.Request) -> Any:
        self._sockets.open_home((await arguments(request))["user"])
        return {}

    async def _views(self, request: web.Request) -> Any:
        """The open forms, and the homes."""
        return [view for view in self._space.views.values() if not view.get("closed")]

    async def _acknowledged(self, delivery: Any, user: str, channel: str) -> Any:
        """What the app answered within Slack's three seconds; a text in it is shown to the person."""
        try:
            await asyncio.wait_for(delivery.acknowledged.wait(), 3.0)
        except asyncio.TimeoutError:
            return {"acknowledged": False}
        answer = delivery.answer
        if channel and isinstance(answer, dict) and answer.get("text"):
            place = self._space.channel(channel)["id"]
            self._space.say(
                place, {"user": "U0PANIC", "bot_id": "B0PANIC", "text": answer["text"], "ephemeral_to": user}
            )
        return {"acknowledged": True, "answer": answer}

    async def _redeliver(self, request: web.Request) -> Any:
        """Send the event of a message again, as Slack does when an acknowledgement was lost."""
        given = await arguments(request)
        self._sockets.tell(self._space.message(given["channel"], given["ts"]))
        return {}

    async def _delete_message(self, request: web.Request) -> Any:
        given = await arguments(request)
        self._sockets.deleted(self._space.message(given["channel"], given["ts"]))
        return {}

    async def _alter_channel(self, request: web.Request) -> Any:
        """What people do to one: rename, archive, add and remove members, and settings that refuse what apps do."""
        given = await arguments(request)
        channel = self._space.channel(given["channel"])
        if given.get("name"):
            self._space.rename(channel, given["name"])
        members = [m for m in channel["members"] if m not in given.get("remove", ())]
        channel["members"] = members + [m for m in given.get("add", ()) if m not in members]
        for setting in ("is_archived", "restricted", "pins_restricted", "edits_closed"):
            if setting in given:
                channel[setting] = bool(given[setting])
        self._space.channels.changed(channel["id"])
        self._space.note()
        return channel

    async def _create_channel(self, request: web.Request) -> Any:
        """Somebody makes a channel, and adds people or the app."""
        given = await arguments(request)
        channel = self._space.create(given["name"], given["user"], private=bool(given.get("is_private")))
        channel["members"] += [m for m in given.get("add", ()) if m not in channel["members"]]
        return channel

    async def _grant(self, request: web.Request) -> Any:
        """The scopes that the app has from now on; none named: all of them."""
        self._space.scopes = tuple((await arguments(request))["scopes"])
        return list(self._space.scopes)

    async def _trigger_view(self, request: web.Request) -> Any:
        """A `trigger_id`, as for something that somebody pressed."""
        return {"trigger_id": self._sockets.trigger((await arguments(request))["user"])}

    async def _drop_sockets(self, request: web.Request) -> Any:
        await self._sockets.drop(float((await arguments(request)).get("refuse_for", 0)))
        return {}

    async def _rate_limits(self, request: web.Request) -> Any:
        self._limits.on = bool((await arguments(request)).get("on"))
        return {"on": self._limits.on}

    async def _rooms(self, request: web.Request) -> Any:
        """All channels with their messages, or those that the query names, as by `?name=general`."""
        return [
            {**channel, "messages": self._space.history(channel["id"])}
            for channel in self._space.channels.values()
            if all(str(channel.get(key)) == value for key, value in request.query.items())
        ]

    # -- Statuspage, X, the monitored system ----------------------------------------------------------

    async def _published(self, request: web.Request) -> Any:
        """Deleted ones too, which say so."""
        return list(self._status_page.incidents.values())

    async def _components(self, request: web.Request) -> Any:
        return list(self._status_page.components.values())

    async def _posted(self, request: web.Request) -> Any:
        """Deleted ones too, which say so."""
        return list(self._x.posts.values())

    async def _set_status(self, request: web.Request) -> Any:
        self._monitored.systems[request.match_info["name"]] = str((await arguments(request))["status"])
        return self._monitored.systems

    async def _set_metric(self, request: web.Request) -> Any:
        """A number, or nothing: then a query for it has no result."""
        value = (await arguments(request)).get("value")
        self._monitored.metrics[request.match_info["name"]] = None if value in (None, "") else float(value)
        return self._monitored.metrics

    async def _change(self, request: web.Request) -> Any:
        given = await arguments(request)
        return self._monitored.change(str(given["text"]), str(given.get("url") or ""))


def _action(given: dict[str, Any]) -> dict[str, Any]:
    """A pressed element, as a payload's `actions` has it."""
    known = ("type", "action_id", "value", "block_id", "selected_option", "selected_user")
    return {"type": "button"} | {key: given[key] for key in known if key in given}


def _answering(handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await handler(request))
        except SlackError as error:
            raise web.HTTPBadRequest(text=error.code) from None
        except PagerDutyFault as fault:
            raise web.HTTPBadRequest(text=str(fault)) from None
        except (KeyError, TypeError, ValueError) as fault:
            raise web.HTTPBadRequest(text=f"missing or wrong: {fault}") from None

    return answer
