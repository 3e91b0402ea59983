"""The status of the system and what changed in it lately, read from the configured sources."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import errors
from activities.on_call_book import now
from incident.model import Change, ChangedLately, Reading, Status
from incident.policy import Organisation
from incident.sources import Changes, ChangeSource, StatusSource

READ_WITHIN = 10.0
LONGEST_TEXT = 200
_RANK = ("ok", "unreadable", "degraded", "down")
_LINK = re.compile(r"https?://[^\s<>{}|]{1,300}")
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Watch:
    """Look every `every`; return when the status differs from `seen`, or when a worse one was read a second time."""

    sources: tuple[StatusSource, ...]
    every: timedelta
    seen: Status | None = None


@dataclass(frozen=True)
class ReadChanges:
    """What changed after `since`."""

    rules: Changes
    since: datetime


class Unreadable(Exception):
    """A source did not answer, or not in the way it is configured. Its text holds no address."""


class Monitoring:
    """`impacted` asks PagerDuty whether a business service is (`Paging.impacted`).

    `rules` gives the organisation's file on this machine. Of a source that an activity is asked to read it takes the id
    alone: whoever can start an activity would otherwise have any address fetched, with any variable of this process in it.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        impacted: Callable[[str], bool] | None = None,
        *,
        rules: Callable[[], Organisation],
    ) -> None:
        self._http = http
        self._impacted = impacted
        self._rules = rules

    @activity.defn
    async def watch(self, watch: Watch) -> Status:
        """The stalk: one activity that returns when there is news.

        A source that cannot be read counts once it failed twice in a row. A worker that stops hands over at once.
        """
        seen, before = watch.seen, {} if watch.seen is None else {r.source: r for r in watch.seen.readings}
        stop = asyncio.create_task(activity.wait_for_worker_shutdown())
        failed: set[str] = set()
        try:
            if seen is not None:
                await _wait(stop, min(seen.at + watch.every - now(), watch.every))
            while True:
                activity.heartbeat()
                readings = await self._readings(source.id for source in watch.sources)
                failing = {r.source for r in readings if r.state == "unreadable"}
                doubtful = failing - failed - {source for source, r in before.items() if r.state == "unreadable"}
                failed = failing
                if doubtful <= set(before):
                    status = _status([before[r.source] if r.source in doubtful else r for r in readings])
                    if seen is None or _is_news(status, seen):
                        return status
                await _wait(stop, watch.every)
        finally:
            stop.cancel()

    async def read(self) -> Status:
        """All sources at once; the worst of them is the status."""
        return _status(await self._readings(source.id for source in self._rules().status_sources))

    @activity.defn
    async def read_changes(self, order: ReadChanges) -> ChangedLately:
        """All sources at once, newest first. One that cannot be read is named: that must not hold the others."""
        sources = order.rules.sources
        found = await asyncio.gather(*(self._changes(source.id, order.since) for source in sources))
        changes = [change for each in found if each is not None for change in each]
        changes.sort(key=lambda change: change.at, reverse=True)
        unreadable = [source.id for source, each in zip(sources, found, strict=True) if each is None]
        return ChangedLately(now(), changes[: order.rules.at_most], unreadable)

    # -------------------------------------------------------------------------------------------------

    async def _readings(self, ids: Iterable[str]) -> list[Reading]:
        return list(await asyncio.gather(*(self._reading(id) for id in ids)))

    async def _reading(self, id: str) -> Reading:
        source = next((source for source in self._rules().status_sources if source.id == id), None)
        if source is None:
            return Reading(id, "unreadable", "it is not in this worker's configuration")
        try:
            match source.kind:
                case "http-json":
                    return await self._http_json(source)
                case "prometheus":
                    return await self._prometheus(source)
                case "pagerduty-business-service":
                    return await self._business_service(source)
        except Unreadable as why:
            return Reading(source.id, "unreadable", str(why))
        except Exception as fault:  # noqa: BLE001  # one source's odd answer must not hold the others
            logging.getLogger(__name__).warning("%s: %r", source.id, fault)
            return Reading(source.id, "unreadable", "its answer makes no sense")

    async def _http_json(self, source: StatusSource) -> Reading:
        said = str(_at(await self._get(source.url, source.headers), source.at)).lower()
        state = "ok" if said in source.ok else "degraded" if said in source.degraded else "down"
        return Reading(source.id, state, "" if said == state else " ".join(said.split())[:LONGEST_TEXT])

    async def _prometheus(self, source: StatusSource) -> Reading:
        """The worst of the query's values. No value at all says nothing about the system: that is unreadable."""
        url = f"{source.url.rstrip('/')}/api/v1/query"
        answer = await self._get(url, source.headers, params={"query": source.query})
        values = [value for value in _values(answer) if not math.isnan(value)]
        if not values:
            raise Unreadable("the query has no result")
        worst = max(values, key=lambda value: _RANK.index(source.state_at(value)))
        return Reading(source.id, source.state_at(worst), f"{worst:.4g}")

    async def _business_service(self, source: StatusSource) -> Reading:
        if self._impacted is None:
            raise Unreadable("PagerDuty cannot be asked here")
        try:
            impacted = await asyncio.to_thread(self._impacted, source.business_service)
        except ApplicationError as error:
            raise Unreadable(error.message) from None
        return Reading(source.id, source.impacted, "impacted") if impacted else Reading(source.id, "ok")

    async def _changes(self, id: str, since: datetime) -> list[Change] | None:
        source = next((source for source in self._rules().changes.sources if source.id == id), None)
        if source is None:
            return None
        try:
            items = _at(await self._get(source.url, source.headers), source.items)
            if not isinstance(items, list):
                return None
            read = [_change(source, item) for item in items]
            return [change for change in read if change is not None and change.at >= since]
        except Unreadable:
            return None
        except Exception as fault:  # noqa: BLE001  # as above
            logging.getLogger(__name__).warning("%s: %r", source.id, fault)
            return None

    async def _get(self, url: str, headers: dict[str, str], params: dict[str, str] | None = None) -> object:
        try:
            async with self._http.get(
                _filled(url),
                headers={name: _filled(value) for name, value in headers.items()},
                params=params,
                timeout=aiohttp.ClientTimeout(READ_WITHIN),
            ) as answer:
                if answer.status >= 400:
                    raise Unreadable(f"it answered {answer.status}")
                found: object = json.loads(await answer.text())
                return found
        except asyncio.TimeoutError:
            raise Unreadable("no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreadable(type(error).__name__) from None
        except ValueError:
            raise Unreadable("its answer is not JSON") from None


async def _wait(stop: asyncio.Task[Any], time: timedelta) -> None:
    """`time`, or until this worker stops."""
    await asyncio.wait([stop], timeout=max(0.0, time.total_seconds()))
    if stop.done():
        raise errors.stopping()


def _is_news(status: Status, seen: Status) -> bool:
    """Another status; or a worse one, read a second time. Counts how often in a row it was read."""
    status.times = seen.times + 1 if status.state == seen.state else 1
    confirmed = status.state in ("degraded", "down") and status.times == 2
    return status.detail != seen.detail or status.state != seen.state or confirmed


def _status(readings: list[Reading]) -> Status:
    worst = max((reading.state for reading in readings), key=_RANK.index, default="unreadable")
    detail = ", ".join(f"{reading.source} {reading.state}" for reading in readings)
    return Status(worst, detail or "no status source is configured", now(), readings)


def _filled(text: str) -> str:
    """`${NAME}` from this process's environment. What is not set there is named in the error, what is set never."""

    def value(match: re.Match[str]) -> str:
        if (found := os.environ.get(match[1])) is None:
            raise Unreadable(f"{match[1]} is not set in the worker's environment")
        return found

    return _NAME.sub(value, text)


def _at(value: object, path: str) -> object:
    for part in path.split(".") if path else ():
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _values(answer: object) -> list[float]:
    """The values of an instant vector, or of a scalar."""
    try:
        result: Any = _at(answer, "data.result")  # JSON of somebody else; what does not fit is caught below
        if _at(answer, "data.resultType") == "scalar":
            return [float(result[1])]
        return [float(series["value"][1]) for series in result]
    except (TypeError, ValueError, KeyError, IndexError):
        raise Unreadable("its answer is not Prometheus's") from None


def _change(source: ChangeSource, item: object) -> Change | None:
    """None where time or text are missing: a list of somebody else's may hold more than we asked for."""
    at, text = _time(_at(item, source.time)), _at(item, source.text)
    link = _at(item, source.link) if source.link else ""
    if at is None or not isinstance(text, str) or not text.strip():
        return None
    words = " ".join(text.split())[:LONGEST_TEXT]
    return Change(at, words, source.id, link if isinstance(link, str) and _LINK.fullmatch(link) else "")


def _time(said: object) -> datetime | None:
    try:
        if isinstance(said, (int, float)):
            return datetime.fromtimestamp(said, UTC)
        at = datetime.fromisoformat(str(said))
    except (ValueError, OverflowError, OSError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
