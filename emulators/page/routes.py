"""The page: rooms, PagerDuty, the status page and the fault switches, to see and to use without any account."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from emulators.journal import Journal
from emulators.monitored import Monitored
from emulators.pagerduty.account import Account
from emulators.slack.workspace import Workspace
from emulators.status_page import StatusPage
from emulators.x import X

HERE = Path(__file__).parent
FILES = ("page.js", "blocks.js", "forms.js", "elements.js", "page.css")
SHOWN = 300
TOGETHER_WITHIN = 0.15


class Page:
    """One snapshot of everything, and a stream that says when to look again."""

    def __init__(
        self,
        journal: Journal,
        space: Workspace,
        account: Account,
        status_page: StatusPage,
        x: X,
        monitored: Monitored,
    ) -> None:
        self._journal = journal
        self._space = space
        self._account = account
        self._status_page = status_page
        self._x = x
        self._monitored = monitored

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._file("index.html")),
            *(web.get(f"/page/{name}", self._file(name)) for name in FILES),
            web.get("/page/state", self._state),
            web.get("/page/changes", self._changes),
        ]

    def _file(self, name: str) -> Any:
        async def serve(request: web.Request) -> web.FileResponse:
            return web.FileResponse(HERE / name, headers={"Cache-Control": "no-cache"})

        return serve

    async def _state(self, request: web.Request) -> web.Response:
        room = request.query.get("room", "")
        channels = [
            {
                key: c[key]
                for key in ("id", "name", "is_im", "is_private", "topic", "pins", "bookmarks", "user", "members")
                if key in c
            }
            for c in self._space.channels.values()
        ]
        return web.json_response(
            {
                "channels": channels,
                "messages": self._space.history(room)[-SHOWN:] if room in self._space.channels else [],
                "users": [{"id": u.slack, "name": u.name, "pagerduty": u.pagerduty} for u in self._space.world.users],
                "views": [view for view in self._space.views.values() if not view.get("closed")],
                "priorities": [vars(priority) for priority in self._space.world.priorities],
                "pagerduty": list(reversed(self._account.incidents.values()))[:50],
                "statuspage": self._status_page.shown[:20],
                "components": list(self._status_page.components.values()),
                "x": {"account": self._space.world.x_account, "posts": self._x.shown[:20]},
                "systems": self._monitored.systems,
                "metrics": self._monitored.metrics,
                "changes": self._monitored.changes,
                "business_services": [
                    {"id": service.id, "name": service.name, "impacted": service.id in self._account.impacted}
                    for service in self._space.world.business_services
                ],
                "faults": [vars(fault) for fault in self._journal.faults if fault.times != 0],
            }
        )

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: one line whenever something changed."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await stream.prepare(request)
        while True:
            waits = [asyncio.ensure_future(e.wait()) for e in (self._space.changed, self._account.changed)]
            done, pending = await asyncio.wait(waits, timeout=15, return_when=asyncio.FIRST_COMPLETED)
            for wait in pending:
                wait.cancel()
            await asyncio.sleep(TOGETHER_WITHIN)
            try:
                await stream.write(b"data: changed\n\n" if done else b": still here\n\n")
            except ConnectionError:
                return stream
