"""The monitored system: its status, its metrics as a Prometheus server has them, and what was changed in it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from emulators.arguments import arguments
from emulators.world import World


class Monitored:
    """`systems` are words, `metrics` numbers (a query is the name of one; None: no data), `changes` newest last."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.systems: dict[str, str] = {}
        self.metrics: dict[str, float | None] = {}
        self.changes: list[dict[str, str]] = []
        self.forget()

    def forget(self) -> None:
        """As in the file."""
        self.systems = dict(self._world.systems)
        self.metrics = dict(self._world.metrics)
        self.changes = []
        now = datetime.now(UTC)
        for change in sorted(self._world.changes, key=lambda change: -change.minutes_ago):
            self.change(change.text, change.url, now - timedelta(minutes=change.minutes_ago))

    def change(self, text: str, url: str = "", at: datetime | None = None) -> dict[str, str]:
        changed = {"at": (at or datetime.now(UTC)).isoformat(timespec="seconds"), "what": text, "url": url}
        self.changes.append(changed)
        return changed

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/status/{name}", self._status),
            web.route("*", "/prometheus/api/v1/query", self._query),
            web.get("/changes", self._changes),
        ]

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response({"status": self.systems.get(request.match_info["name"], "unknown")})

    async def _query(self, request: web.Request) -> web.Response:
        """An instant query. A name that has no value has no series."""
        query = str((await arguments(request)).get("query") or "").strip()
        if not query:
            error = {
                "status": "error",
                "errorType": "bad_data",
                "error": 'invalid parameter "query": no expression found',
            }
            return web.json_response(error, status=400)
        value = self.metrics.get(query)
        series: list[dict[str, Any]] = []
        if value is not None:
            series.append({"metric": {"__name__": query}, "value": [time.time(), f"{value:g}"]})
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": series}})

    async def _changes(self, request: web.Request) -> web.Response:
        return web.json_response({"deployments": self.changes})
