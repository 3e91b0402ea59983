"""Socket Mode: envelopes to the app, acknowledgements back, redelivery of events that nobody acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from emulators.slack.wire import wired, wired_command
from emulators.slack.workspace import APP, BOT_USER, TEAM, SlackError, Workspace
from emulators.store import Document

ACKNOWLEDGED_WITHIN = 3.0
TRIGGER_LIVES = 3.0


@dataclass
class Delivery:
    """One envelope on its way. `answer` is what the app acknowledged it with."""

    envelope: Document
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Any = None
    attempts: int = 0


class SocketMode:
    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._sockets: list[web.WebSocketResponse] = []
        self._turn = itertools.count()
        self._connected = asyncio.Event()
        self._under_way: dict[str, Delivery] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._triggers: dict[str, tuple[float, str]] = {}
        self._exchanged: set[str] = set()
        self._responses: dict[str, tuple[str, str]] = {}
        self._event_ids: dict[str, str] = {}
        self._refused_until = 0.0
        self._base = ""

    # -- the app's side -------------------------------------------------------------------------------

    def address(self, request: web.Request) -> str:
        self._base = f"http://{request.host}"
        return f"ws://{request.host}/slack/socket?ticket={uuid.uuid4()}"

    async def connect(self, request: web.Request) -> web.StreamResponse:
        if time.monotonic() < self._refused_until:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(heartbeat=10)
        await socket.prepare(request)
        await socket.send_json(
            {"type": "hello", "num_connections": len(self._sockets) + 1, "connection_info": {"app_id": APP}}
        )
        self._sockets.append(socket)
        self._connected.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._hear(message.data)
        finally:
            self._sockets.remove(socket)
            if not self._sockets:
                self._connected.clear()
        return socket

    async def drop(self, refuse_for: float = 0.0) -> None:
        """Close every socket; take none for a while."""
        self._refused_until = time.monotonic() + refuse_for
        for socket in list(self._sockets):
            await socket.close()

    def _hear(self, text: str) -> None:
        if text in ("ping", "pong"):
            return
        answer = json.loads(text)
        delivery = self._under_way.get(str(answer.get("envelope_id")))
        if delivery is not None:
            delivery.answer = answer.get("payload")
            delivery.acknowledged.set()

    # -- what people do -------------------------------------------------------------------------------

    def message(self, user: str, channel: str, text: str, thread: str = "") -> Document:
        """Somebody types something."""
        place = self._space.channel(channel)
        if place["is_archived"]:
            raise SlackError("is_archived")
        sent = wired(text) if self._space.world.wire_format else text
        document = {"user": user, **self._whose(user), "text": sent} | ({"thread_ts": thread} if thread else {})
        if user not in place["members"]:  # who speaks in a public channel has joined it
            place["members"].append(user)
            self._space.channels.changed(place["id"])
        said = self._space.say(place["id"], document)
        self.tell(said)
        return said

    def _whose(self, user: str) -> Document:
        """The workspace of whoever speaks; of a stranger's, `user_team` as well."""
        known = self._space.world.by_slack(user)
        if known is not None and known.workspace:
            return {"team": known.workspace, "user_team": known.workspace, "source_team": known.workspace}
        return {"team": TEAM}

    def tell(self, said: Document) -> None:
        channel = self._space.channel(said["channel"])
        event = {k: v for k, v in said.items() if k not in ("deleted",)}
        id = self._event_ids.setdefault(f"{said['channel']}/{said['ts']}", f"Ev{uuid.uuid4().hex[:10].upper()}")
        self._happened(channel, {**event, "event_ts": said["ts"]}, id)

    def deleted(self, message: Document) -> None:
        """Somebody deletes a message."""
        message["deleted"] = True
        self._space.touch(message)
        event = {
            "type": "message",
            "subtype": "message_deleted",
            "hidden": True,
            "channel": message["channel"],
            "ts": f"{time.time():.6f}",
            "deleted_ts": message["ts"],
            "event_ts": f"{time.time():.6f}",
            "previous_message": {k: v for k, v in message.items() if k not in ("channel", "deleted")},
        }
        self._happened(self._space.channel(message["channel"]), event)

    def _happened(self, channel: Document, event: Document, id: str = "") -> None:
        """An app is told of what happens where it is a member, and of nothing else."""
        if BOT_USER in channel["members"]:
            kind = "im" if channel["is_im"] else "group" if channel["is_private"] else "channel"
            self._deliver("events_api", self._event({**event, "channel_type": kind}, id), again=True)

    @staticmethod
    def _event(event: Document, id: str = "") -> Document:
        return {
            "token": "",
            "team_id": TEAM,
            "api_app_id": APP,
            "type": "event_callback",
            "event_id": id or f"Ev{uuid.uuid4().hex[:10].upper()}",
            "event_time": int(time.time()),
            "event": event,
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
        }

    def command(self, user: str, channel: str, command: str, text: str) -> Delivery:
        """Somebody types a slash command."""
        place = self._space.channel(channel)
        payload = {
            "token": "",
            "team_id": TEAM,
            "team_domain": "example",
            "channel_id": place["id"],
            "channel_name": place["name"] or "directmessage",
            "user_id": user,
            "user_name": self._name(user),
            "command": command,
            "text": wired_command(text, self._name) if self._space.world.wire_format else text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": self.response_url(user, place["id"]),
            "trigger_id": self.trigger(user),
        }
        return self._deliver("slash_commands", payload)

    def press(self, user: str, channel: str, ts: str, action: Document) -> Delivery:
        """Somebody presses a button of a message."""
        message = self._space.message(channel, ts)
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "example"},
            "user": {"id": user, "username": self._name(user), "team_id": TEAM},
            "api_app_id": APP,
            "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
            "trigger_id": self.trigger(user),
            "channel": {"id": channel, "name": self._space.channel(channel)["name"]},
            "message": {k: v for k, v in message.items() if k != "channel"},
            "response_url": self.response_url(user, channel),
            "actions": [{"type": "button", "action_ts": f"{time.time():.6f}", **action}],
        }
        return self._deliver("interactive", payload)

    def fill_in(self, user: str, view: Document, values: Document, action: Document) -> Delivery:
        """Somebody changes a field of a form that wants to hear of it, or presses a button in a view."""
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "example"},
            "user": {"id": user, "username": self._name(user), "team_id": TEAM},
            "api_app_id": APP,
            "container": {"type": "view", "view_id": view["id"]},
            "trigger_id": self.trigger(user),
            "view": {**view, "state": {"values": values}},
            "actions": [{"action_ts": f"{time.time():.6f}", **action}],
        }
        return self._deliver("interactive", payload)

    def shortcut(self, user: str, callback: str, channel: str = "", ts: str = "") -> Delivery:
        """Somebody takes a shortcut: of a message, or (without one) of the whole workspace."""
        payload: Document = {
            "type": "shortcut",
            "callback_id": callback,
            "team": {"id": TEAM, "domain": "example"},
            "user": {"id": user, "username": self._name(user), "team_id": TEAM},
            "trigger_id": self.trigger(user),
            "action_ts": f"{time.time():.6f}",
        }
        if ts:
            message = self._space.message(channel, ts)
            payload |= {
                "type": "message_action",
                "channel": {"id": channel, "name": self._space.channel(channel)["name"]},
                "message": {k: v for k, v in message.items() if k != "channel"},
                "message_ts": ts,
                "response_url": self.response_url(user, channel),
            }
        return self._deliver("interactive", payload)

    def open_home(self, user: str) -> None:
        """Somebody opens the app's home."""
        event = {
            "type": "app_home_opened",
            "user": user,
            "channel": f"D{user}",
            "tab": "home",
            "event_ts": f"{time.time():.6f}",
        }
        self._deliver("events_api", self._event(event), again=True)

    def submit(self, user: str, view: Document, values: Document) -> Delivery:
        """Somebody sends a form."""
        payload = {
            "type": "view_submission",
            "team": {"id": TEAM, "domain": "example"},
            "user": {"id": user, "username": self._name(user), "team_id": TEAM},
            "api_app_id": APP,
            "trigger_id": self.trigger(user),
            "view": {**view, "state": {"values": values}},
        }
        return self._deliver("interactive", payload)

    # -- triggers and response addresses --------------------------------------------------------------

    def trigger(self, user: str) -> str:
        id = f"{len(self._triggers)}.{uuid.uuid4().hex[:12]}"
        self._triggers[id] = (time.monotonic(), user)
        return id

    def exchange(self, id: str) -> str:
        """Whose trigger it is. Raises SlackError: it opens one view, within three seconds."""
        made = self._triggers.get(id)
        if made is None:
            raise SlackError("invalid_trigger_id")
        at, user = made
        if time.monotonic() - at > TRIGGER_LIVES:
            raise SlackError("expired_trigger_id")
        if id in self._exchanged:
            raise SlackError("exchanged_trigger_id")
        self._exchanged.add(id)
        return user

    def response_url(self, user: str, channel: str) -> str:
        id = uuid.uuid4().hex
        self._responses[id] = (user, channel)
        return f"{self._base}/slack/response/{id}"

    def response_to(self, id: str) -> tuple[str, str] | None:
        return self._responses.get(id)

    # -------------------------------------------------------------------------------------------------

    def _name(self, user: str) -> str:
        known = self._space.world.by_slack(user)
        return known.email.partition("@")[0] if known else user

    def _deliver(self, kind: str, payload: Document, *, again: bool = False) -> Delivery:
        envelope = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        delivery = Delivery(envelope)
        task = asyncio.get_running_loop().create_task(self._send(delivery, again))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return delivery

    async def _send(self, delivery: Delivery, again: bool) -> None:
        """Until it is acknowledged. Events come again at the configured times, with the reason."""
        id = delivery.envelope["envelope_id"]
        self._under_way[id] = delivery
        waits = self._space.world.redeliver_after if again else (ACKNOWLEDGED_WITHIN,)
        try:
            for wait in (*waits, waits[-1]):
                await self._connected.wait()
                if delivery.attempts:
                    delivery.envelope.update(retry_attempt=delivery.attempts, retry_reason="timeout")
                delivery.attempts += 1
                socket = self._sockets[next(self._turn) % len(self._sockets)]
                try:
                    await socket.send_json(delivery.envelope)
                    await asyncio.wait_for(delivery.acknowledged.wait(), wait)
                    return
                except (asyncio.TimeoutError, ConnectionError):
                    if not again:
                        return
        finally:
            self._under_way.pop(id, None)
