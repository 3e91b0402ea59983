"""One aiohttp application: Slack, PagerDuty, Statuspage, X and a monitored system, as local as they can be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from emulators.arguments import arguments
from emulators.control import Control
from emulators.journal import Journal, middleware
from emulators.monitored import Monitored
from emulators.page.routes import Page
from emulators.pagerduty.account import Account
from emulators.pagerduty.events import Events
from emulators.pagerduty.rest import Rest
from emulators.slack.rate_limits import RateLimits
from emulators.slack.socket_mode import SocketMode
from emulators.slack.web_api import WebApi
from emulators.slack.workspace import BOT, BOT_USER, Workspace
from emulators.status_page import StatusPage
from emulators.store import Store
from emulators.world import World
from emulators.x import X

LARGEST_BODY = 4 * 1024 * 1024


@dataclass
class Emulators:
    """A running copy: where it listens."""

    url: str


def application(world: World, store: Store, webhook: tuple[str, str] | None = None) -> web.Application:
    journal = Journal()
    space = Workspace(world, store)
    sockets = SocketMode(space)
    limits = RateLimits(on=world.rate_limits)
    account = Account(world, store)
    account.webhooks.url, account.webhooks.secret = webhook or ("", "")
    status_page = StatusPage(world, store, space.note)
    x = X(world, store, space.note)
    monitored = Monitored(world)

    def forget() -> None:
        store.clear()
        journal.received.clear()
        journal.faults.clear()
        journal.latency.clear()
        limits.forget()
        monitored.forget()
        space.forget()
        account.forget()
        status_page.furnish()

    async def respond(request: web.Request) -> web.Response:
        """A `response_url`: an answer to one person, or to the channel."""
        asked = sockets.response_to(request.match_info["id"])
        if asked is None:
            raise web.HTTPNotFound
        user, channel = asked
        given = await arguments(request)
        message = {"user": BOT_USER, "bot_id": BOT, "text": str(given.get("text") or "")}
        if given.get("blocks"):
            message["blocks"] = given["blocks"]
        if given.get("response_type") != "in_channel":
            message["ephemeral_to"] = user
        space.say(channel, message)
        return web.json_response({"ok": True})

    async def healthy(request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    app = web.Application(middlewares=[middleware(journal)], client_max_size=LARGEST_BODY)
    api = WebApi(space, sockets, limits)
    app.add_routes(
        [
            web.route("*", "/slack/api/{method}", api.handle),
            web.get("/slack/socket", sockets.connect),
            web.post("/slack/response/{id}", respond),
            web.post("/pagerduty-events/v2/enqueue", Events(account).enqueue),
            web.get("/healthz", healthy),
            *Page(journal, space, account, status_page, x, monitored).routes(),
            *monitored.routes(),
            *Rest(account).routes(),
            *status_page.routes(),
            *x.routes(),
            *Control(journal, space, sockets, limits, account, status_page, x, monitored, forget).routes(),
        ]
    )

    async def close(_: web.Application) -> None:
        await sockets.drop()
        store.write()

    app.on_shutdown.append(close)
    return app


@asynccontextmanager
async def start(
    world: World,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    state: Path | None = None,
    webhook: tuple[str, str] | None = None,
) -> AsyncIterator[Emulators]:
    """Serve until the context ends. Port 0 takes a free one; with `state`, what happened survives.

    `webhook` is the address that PagerDuty tells what happens, and the secret it signs with.
    """
    store = Store(state / "emulators.db" if state else None)
    runner = web.AppRunner(application(world, store, webhook), access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        yield Emulators(f"http://{host}:{bound}")
    finally:
        server = runner.server
        await runner.cleanup()
        # A connection that was being accepted while the site closed is made only now.
        await asyncio.sleep(0)
        if server is not None:
            await server.shutdown(0)
