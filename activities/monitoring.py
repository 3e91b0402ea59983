"""The status of the system, read from the configured sources."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from temporalio import activity

from activities import errors
from activities.on_call_book import now
from incident.model import Status
from incident.policy import StatusSource

READ_WITHIN = 10.0
_RANK = ("ok", "degraded", "down", "unreadable")


@dataclass(frozen=True)
class Watch:
    """Look every `every`; return when the status differs from `seen`."""

    sources: tuple[StatusSource, ...]
    every: timedelta
    seen: Status | None = None


class Monitoring:
    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    @activity.defn
    async def watch(self, watch: Watch) -> Status:
        """The stalk: one activity that returns when there is news.

        A source that cannot be read counts once it failed twice in a row. A worker that stops hands over at once.
        """
        stop = asyncio.create_task(activity.wait_for_worker_shutdown())
        failed = False
        try:
            while True:
                activity.heartbeat()
                status = await self.read(watch.sources)
                if status.state == "unreadable" and not failed:
                    failed = True
                else:
                    failed = status.state == "unreadable"
                    if watch.seen is None or (status.state, status.detail) != (watch.seen.state, watch.seen.detail):
                        return status
                await asyncio.wait([stop], timeout=watch.every.total_seconds())
                if stop.done():
                    raise errors.stopping()
        finally:
            stop.cancel()

    async def read(self, sources: tuple[StatusSource, ...]) -> Status:
        """All sources at once; the worst of them is the status."""
        states = await asyncio.gather(*(self._read(source) for source in sources))
        worst = max(states, key=_RANK.index, default="unreadable")
        detail = ", ".join(f"{source.id} {state}" for source, state in zip(sources, states, strict=True))
        return Status(worst, detail or "no status source is configured", now())

    async def _read(self, source: StatusSource) -> str:
        try:
            async with self._http.get(
                os.path.expandvars(source.url), timeout=aiohttp.ClientTimeout(READ_WITHIN)
            ) as answer:
                if answer.status >= 400:
                    return "unreadable"
                value: object = json.loads(await answer.text())
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError):
            return "unreadable"
        for part in source.at.split(".") if source.at else ():
            value = value.get(part) if isinstance(value, dict) else None
        said = str(value).lower()
        return "ok" if said in source.ok else "degraded" if said in source.degraded else "down"
