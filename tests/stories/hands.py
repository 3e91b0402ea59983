"""Hands in Slack: type, press, fill in, as somebody; and eyes for what came back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from chat import app
from chat.listener import Listener
from incident import grammar
from incident.commands.announcing import Announce
from incident.commands.deciding import Approve
from incident.commands.messaging import ApproveMessage
from incident.words import MARK
from tests.stories.copy import Copy, exported

SLACK = {"pat": "U0PAT", "gil": "U0GIL", "zoe": "U0ZOE"}


@dataclass
class Hands:
    copy: Copy
    listener: Listener

    def id(self, who: str) -> str:
        contact = self.copy.organisation.contact(who)
        return SLACK.get(who) or (contact.slack if contact else who)

    async def room(self) -> str:
        async def opened() -> str:
            return str((await self.copy.room()).get("id", ""))

        return str(await self.copy.until(opened, "the room is open"))

    async def types(self, who: str, text: str, channel: str = "") -> dict[str, Any]:
        body = {"user": self.id(who), "channel": channel or await self.room(), "text": text}
        said: dict[str, Any] = await self.copy.control("POST", "slack/message", body)
        return said

    async def slashes(self, who: str, text: str, channel: str = "") -> Any:
        """The answer in the acknowledgement."""
        body = {"user": self.id(who), "channel": channel or await self.room(), "text": text}
        heard = await self.copy.control("POST", "slack/command", body)
        assert heard["acknowledged"], text
        return (heard["answer"] or {}).get("text", "")

    async def presses(self, who: str, words: str, *, form: bool = False, channel: str = "") -> Any:
        """The button that stands for `words`, when it is there; by name of the form it opens, with `form`."""
        incident = self.copy.incident
        value = f"{incident}|{'form' if form else 'say'}|{words}"
        found = await self.copy.until(lambda: self._button(value, channel), f"a button for {words!r}")
        heard = await self.copy.control("POST", "slack/action", {"user": self.id(who), **found})
        assert heard["acknowledged"], words
        return heard

    async def _button(self, value: str, channel: str = "") -> dict[str, Any] | None:
        for room in await self.copy.control("GET", "slack/rooms"):
            if channel and room["id"] != channel:
                continue
            for message in reversed(room["messages"]):
                for element in _elements(message):
                    place = {"channel": room["id"], "ts": message["ts"], "action_id": element["action_id"]}
                    if _unmarked(element) == value and await self._current(element["value"]):
                        return {**place, "value": element["value"], "type": "button"}
                    for option in element.get("options", ()):
                        if _unmarked(option) == value:
                            return {**place, "type": "overflow", "selected_option": option}
        return None

    async def _current(self, value: str) -> bool:
        """It shows what stands there; a moment after a change it does not yet, and would be refused."""
        command = grammar.read(value.split("|", 2)[2], self.copy.organisation.policy()) if "#" in value else None
        if not isinstance(command, Approve | Announce | ApproveMessage):
            return True
        bound = command.bound(await self.copy.look())
        return isinstance(bound, type(command)) and len(bound.digest) > MARK

    async def form_of(self, who: str) -> dict[str, Any]:
        """The form that is open for them."""

        async def opened() -> dict[str, Any] | None:
            views = await self.copy.control("GET", "slack/views")
            return next((v for v in reversed(views) if v["type"] == "modal" and v["user"] == self.id(who)), None)

        found: dict[str, Any] = await self.copy.until(opened, f"a form for {who}")
        return found

    async def fills(self, who: str, **fields: str) -> dict[str, str]:
        """Fill in the open form and send it; the errors it shows, by field."""
        view = await self.form_of(who)
        values = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                name, element = block["block_id"], block["element"]
                values[name] = {element["action_id"]: _filled(element, fields.get(name.partition(":")[0]))}
        body = {"user": self.id(who), "view_id": view["id"], "values": values}
        heard = await self.copy.control("POST", "slack/view", body)
        assert heard["acknowledged"], view["title"]
        answer = heard["answer"] or {}
        return dict(answer.get("errors", {}))

    async def changes(self, who: str, field: str, **fields: str) -> dict[str, Any]:
        """Change a field on which the rest of the open form depends; the form as it is then."""
        view = await self.form_of(who)
        values, changed = {}, {}
        for block in view["blocks"]:
            if block["type"] == "input":
                name, element = block["block_id"], block["element"]
                filled = _filled(element, fields.get(name.partition(":")[0]))
                values[name] = {element["action_id"]: filled}
                if name == field:
                    changed = {"block_id": name, "action_id": element["action_id"], **filled}
        body = {"user": self.id(who), "view_id": view["id"], "values": values, **changed}
        assert (await self.copy.control("POST", "slack/view/field", body))["acknowledged"]

        async def redrawn() -> dict[str, Any] | None:
            now = await self.form_of(who)
            return now if now["hash"] != view["hash"] else None

        found: dict[str, Any] = await self.copy.until(redrawn, "the form changed")
        return found

    async def told(self, who: str, channel: str = "") -> list[str]:
        """What only they can read: in a channel, and in their direct messages."""
        found = []
        for room in await self.copy.control("GET", "slack/rooms"):
            for message in room["messages"]:
                private = message.get("ephemeral_to") == self.id(who) and (not channel or room["id"] == channel)
                if private or room.get("user") == self.id(who):
                    found.append(message["text"])
        return found

    async def hears(self, who: str, text: str) -> None:
        async def heard() -> bool:
            return any(text in one for one in await self.told(who))

        try:
            await self.copy.until(heard, f"{who} hears {text!r}")
        except AssertionError as never:
            raise AssertionError(f"{never}\n{await self.told(who)}") from None


@asynccontextmanager
async def hands(copy: Copy, **more: str) -> AsyncIterator[Hands]:
    """With a listener of its own, on the copy's Temporal and Slack."""
    at = {name: copy.environment[name] for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE")}
    async with AsyncExitStack() as stack:
        stack.enter_context(exported(**at))
        settings = type(copy.settings).model_validate({**copy.environment, **more})
        yield Hands(copy, await app.serve(settings, stack))


def _unmarked(shown: dict[str, Any]) -> str:
    """A button's value without the mark of what it showed."""
    return re.sub(r" #[0-9a-f]{8}$", "", shown.get("value", ""))


def _elements(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for block in message.get("blocks", ()) if block["type"] == "actions" for e in block["elements"]]


def _filled(element: dict[str, Any], given: str | None) -> dict[str, Any]:
    """As Slack's client sends it: what was given, else what stood there."""
    kind = element["type"]
    if kind in ("static_select", "radio_buttons"):
        chosen = {"value": given, "text": {"type": "plain_text", "text": given}} if given else None
        return {"type": kind, "selected_option": chosen or element.get("initial_option")}
    if kind == "users_select":
        return {"type": kind, "selected_user": given}
    if kind == "checkboxes":
        return {"type": kind, "selected_options": [{"value": given}] if given else []}
    return {"type": kind, "value": given if given is not None else element.get("initial_value")}
