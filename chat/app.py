"""The Slack listener as a process: `python -m chat.app`.

Socket Mode by default, so that no public address is needed; with SLACK_SIGNING_SECRET and DONT_PANIC_LISTEN it serves
signed HTTP instead.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

import durable
import settings as configuration
from activities.on_call_book import OnCallBook
from activities.placeholders import Placeholders
from chat.inbox import Inbox
from chat.listener import DELIVERED_EVERY, Listener
from chat.people import People
from chat.wire import Wire
from connection import connect
from entrypoints import signing
from entrypoints.archive import Archive
from entrypoints.conversation import Conversation
from entrypoints.gateway import Gateway
from entrypoints.problems import CannotSign
from entrypoints.signing import DoorKey, Sign, unsigned
from entrypoints.snapshots import SnapshotReader
from entrypoints.standby import HANDED_OVER_EVERY, Standby
from entrypoints.webhooks import Webhooks
from hardening import keep_private
from incident.policy import BadPolicy
from incident.proof import SLACK
from settings import Misconfigured, Settings
from supervision import Supervisor

CONNECTED_EVERY = timedelta(seconds=15)


async def listen(settings: Settings, ready: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        await serve(settings, stack)
        if ready:
            await asyncio.to_thread(durable.say_ready, ready)
        await stop.wait()


async def serve(settings: Settings, stack: AsyncExitStack) -> Listener:
    """Listen until `stack` is closed."""
    slack = AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, timeout=10
    )
    organisation, policy = settings.organisation, settings.organisation.policy()
    book = OnCallBook(settings.on_call_book, organisation)
    sign: Sign = unsigned if settings.practice else _own_key(settings)
    snapshots = SnapshotReader(settings.records_url)
    gateway = Gateway(await connect(lazy=True), snapshots, sign)
    standby = Standby.of(settings, book, sign)
    conversation = Conversation(
        gateway.at_hand,
        snapshots,
        organisation,
        book,
        practice=settings.practice,
        door=SLACK,
        standby=lambda: standby,
        archive=Archive(settings.records_url, policy),
        present=settings.present,
    )
    places = Placeholders(organisation, book)
    inbox = Inbox(settings.state / "inbox")
    listener = Listener(
        slack, conversation, gateway, People(slack, organisation), places, policy, inbox, Wire(organisation)
    )
    signed, app_token = settings.slack_signing_secret.get_secret_value(), settings.slack_app_token.get_secret_value()
    if signed and not settings.listen:
        raise Misconfigured("SLACK_SIGNING_SECRET asks for HTTP: set DONT_PANIC_LISTEN to the address to listen on.")
    if not signed and not app_token:
        raise Misconfigured("SLACK_APP_TOKEN is missing (Socket Mode), and so is SLACK_SIGNING_SECRET (HTTP): set one.")
    app = AsyncApp(
        client=slack,
        signing_secret=signed or None,
        request_verification_enabled=bool(signed),
        process_before_response=True,
    )
    listener.register(app)
    supervisor = await stack.enter_async_context(Supervisor("listener", settings.state))
    supervisor.keep("delivering", listener.deliver, DELIVERED_EVERY)
    supervisor.keep("handing over", partial(standby.hand_over, gateway), HANDED_OVER_EVERY)
    site = app.web_app(path="/slack/events") if signed else web.Application()
    if secrets := settings.pagerduty_webhook_secrets:
        webhooks = Webhooks(gateway, conversation, book, policy, secrets)
        site.router.add_post("/pagerduty/webhook", webhooks.receive)
    if settings.listen:
        runner = web.AppRunner(site, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        host, _, port = settings.listen.rpartition(":")
        await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
    stack.push_async_callback(listener.finish)
    if not signed:
        handler = AsyncSocketModeHandler(app, app_token, web_client=slack)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt's own lack of types
        stack.push_async_callback(handler.close_async)
        supervisor.keep("connection to Slack", partial(_see_connection, handler.client), CONNECTED_EVERY)
    return listener


async def _see_connection(client: SocketModeClient) -> None:
    """The SDK connects again by itself; where it does not, it is made to. Raises ConnectionError while there is none."""
    if client.closed or await client.is_connected():
        return
    await client.connect_to_new_endpoint()
    if not await client.is_connected():
        raise ConnectionError("Slack's socket is not connected")


def _own_key(settings: Settings) -> DoorKey:
    """Made on the first start. Without it, or while nobody knows it, what decides nothing is heard all the same."""
    key = DoorKey(settings.listener_key)
    try:
        lacks = "" if signing.whose(settings.present(), key.public) else signing.add_door(key.public)
    except (CannotSign, OSError) as fault:
        lacks = str(fault)
    if lacks:
        logging.getLogger(__name__).error("decisions made in Slack will be refused: %s", lacks)
    return key


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m chat.app", description=__doc__)
    parser.add_argument("--ready-file", type=Path, help="written once it listens")
    options = parser.parse_args(arguments)
    keep_private()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(listen(configuration.load(), options.ready_file))
    except (Misconfigured, BadPolicy) as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
