"""The Slack listener: what people type becomes commands, and they hear the answer.

    python -m chat.app

Socket Mode, so that no public address is needed. An event is acknowledged once its command is accepted, or after two
seconds: a listener that dies before that gets the event again, and its id makes it count once.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import logging
import re
import signal
import sys
from pathlib import Path
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

import settings as configuration
from activities.on_call_book import OnCallBook
from activities.placeholders import Placeholders
from connection import connect
from entrypoints.conversation import Conversation, Heard
from entrypoints.gateway import Gateway
from incident.policy import BadPolicy
from settings import Misconfigured, Settings

COMMAND = re.compile(r"^!(ic|status|note|todo|page)\b\s*(.*)$", re.IGNORECASE | re.DOTALL)
PREFIX = re.compile(r"^(TODO|NOTE)[:\s]\s*(.+)$", re.DOTALL)
ACKNOWLEDGED_WITHIN = 2.0


class Listener:
    """Turns Slack's events into words for the conversation, and its answers into messages."""

    def __init__(self, slack: AsyncWebClient, conversation: Conversation, places: Placeholders) -> None:
        self._slack = slack
        self._conversation = conversation
        self._places = places
        self._rooms: dict[str, str] = {}

    def register(self, app: AsyncApp) -> None:
        app.event("message")(self.message)
        app.command("/ic")(self.command)

    async def message(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """A message in a channel; only what begins with a command is for us. Bots are not listened to."""
        if event.get("bot_id") or event.get("subtype") or not event.get("user"):
            return
        words = words_of(event.get("text") or "")
        if words is None:
            return
        incident = await self._incident(event["channel"])
        if not incident and PREFIX.match((event.get("text") or "").strip()):
            return  # TODO and NOTE mean something in an incident's room only
        heard = Heard(
            words=words,
            by=event["user"],
            name=await self._name(event["user"]),
            incident=incident,
            channel=event["channel"],
            thread=event.get("thread_ts") or event["ts"],
            id=body.get("event_id") or event["ts"],
        )
        answer = await self._conversation.answer(heard)
        await self._say_privately(event["channel"], event["user"], answer)

    async def command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        heard = Heard(
            words=unescaped(body.get("text") or ""),
            by=body["user_id"],
            name=await self._name(body["user_id"]),
            incident=await self._incident(body["channel_id"]),
            channel=body["channel_id"],
            thread="",
            id=body["trigger_id"],
        )
        answer = asyncio.ensure_future(self._conversation.answer(heard))
        done, _ = await asyncio.wait([answer], timeout=ACKNOWLEDGED_WITHIN)
        if done:
            await ack(text=self._places.for_slack(answer.result()), response_type="ephemeral")
            return
        await ack(text="…")
        await self._say_privately(body["channel_id"], body["user_id"], await answer)

    async def _say_privately(self, channel: str, user: str, text: str) -> None:
        try:
            await self._slack.chat_postEphemeral(channel=channel, user=user, text=self._places.for_slack(text))
        except SlackApiError as error:
            logging.getLogger(__name__).warning("could not answer in %s: %s", channel, error.response.get("error"))

    async def _incident(self, channel: str) -> str:
        """The incident whose room this is; empty elsewhere."""
        if channel not in self._rooms:
            try:
                found = await self._slack.conversations_info(channel=channel)
                name = str(found["channel"].get("name") or "")
            except SlackApiError:
                return ""
            self._rooms[channel] = name.removeprefix("inc-") if name.startswith("inc-") else ""
        return self._rooms[channel]

    async def _name(self, user: str) -> str:
        try:
            found = await self._slack.users_info(user=user)
            return str(found["user"].get("real_name") or user)
        except SlackApiError:
            return user


def words_of(text: str) -> str | None:
    """The command in a message, or None. `!status` and `!note` keep their word; so do TODO and NOTE in capitals."""
    text = unescaped(text)
    if match := COMMAND.match(text.strip()):
        head = match[1].lower()
        return match[2] if head == "ic" else f"{head} {match[2]}".strip()
    if match := PREFIX.match(text.strip()):
        return f"{match[1].lower()} {match[2]}"
    return None


def unescaped(text: str) -> str:
    """Slack escapes &, < and >; the rest stays as it was typed."""
    return html.unescape(text)


async def listen(settings: Settings, ready: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    slack = AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, timeout=10
    )
    practice = settings.practice
    book = OnCallBook(settings.on_call_book, settings.organisation)
    gateway = Gateway(await connect(lazy=True))
    conversation = Conversation(gateway, settings.organisation, book, practice=practice, door="slack")
    app = AsyncApp(client=slack, request_verification_enabled=False, process_before_response=True)
    Listener(slack, conversation, Placeholders(settings.organisation, book)).register(app)
    handler = AsyncSocketModeHandler(app, settings.slack_app_token.get_secret_value(), web_client=slack)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt's own lack of types
    if ready:
        await asyncio.to_thread(ready.write_text, "ready\n")
    await stop.wait()
    await handler.close_async()  # type: ignore[no-untyped-call]  # as above


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m chat.app", description=__doc__)
    parser.add_argument("--ready-file", type=Path, help="written once it listens")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(listen(configuration.load(), options.ready_file))
    except (Misconfigured, BadPolicy) as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
