"""Statuspage: what customers read, exactly as it was approved.

Statuspage takes one request a second: the id of the incident's entry is kept by the incident, so that a message costs one
request. Looking comes only when it may have been done before, and where the id is not known.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import again, asking, errors
from activities.on_call_book import now
from activities.outlet import Publication, Published, Removal, check
from incident.outlets import Outlet
from incident.policy import Policy

NAME = "Statuspage"
PAGES_LOOKED_AT = 5
A_PAGE = 100
LONGEST_WAIT = timedelta(seconds=3)
_STATUS = {"resolved": "resolved", "monitoring": "monitoring", "identified": "identified"}


class StatusPage:
    """`page` is the page's id at Statuspage, `http` carries no authorisation of its own.

    `rules` gives the organisation's present ones, whose keys show who approved.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        key: str,
        page: str,
        *,
        practice: bool,
        rules: Callable[[], Policy],
    ) -> None:
        self._http = http
        self._base = f"{url.rstrip('/')}/v1/pages/{page}/incidents"
        self._key = key
        self._page = page
        self._practice = practice
        self._rules = rules

    @activity.defn
    async def publish(self, publication: Publication) -> Published:
        """Create the page's incident, or update it. When an earlier request may have got through, that is looked for first."""
        check(Outlet.STATUS_PAGE, publication, practice=self._practice, rules=self._rules())
        if not (self._key and self._page):
            raise errors.not_configured(NAME, "no key or no page is configured")
        id = publication.entry
        if publication.again or again.may_be_done() or (publication.begun and not id):
            entry = await self._entry(publication.incident, id)
            if entry is not None and publication.key in _ours(entry).get("keys", []):
                return Published(entry["shortlink"], now(), entry["id"])
            id = entry["id"] if entry is not None else ""
        body: dict[str, Any] = {
            "status": _STATUS.get(publication.stage, "investigating"),
            "body": publication.text,
            "metadata": {"dont_panic": {"incident": publication.incident, "keys": [publication.key]}},
        }
        if publication.components:
            body |= {"components": publication.components, "component_ids": list(publication.components)}
        answer = None
        if id:  # somebody may have deleted it at Statuspage
            answer = await self._call("PATCH", f"{self._base}/{id}", {"incident": body}, missing_is_fine=True)
        if answer is None:
            name = "PRACTICE service incident" if publication.practice else "Service incident"
            answer = await self._call("POST", self._base, {"incident": {"name": name, **body}})
        return Published(answer["shortlink"], now(), answer["id"])

    @activity.defn
    async def take_down(self, removal: Removal) -> None:
        """The whole entry: Statuspage knows no way to remove a single update. One that is gone is fine."""
        asking.only_in_a_workflow()
        if removal.practice != self._practice:
            raise errors.practice_mix(removal.practice)
        entry = await self._entry(removal.incident, removal.id)
        if entry is not None:
            await self._call("DELETE", f"{self._base}/{entry['id']}")

    async def _entry(self, incident: str, id: str) -> dict[str, Any] | None:
        """By its id; else by the mark we left in it, among the unresolved ones first."""
        if id:
            found: dict[str, Any] | None = await self._call("GET", f"{self._base}/{id}", missing_is_fine=True)
            return found
        async for entry in self._newest():
            if _ours(entry).get("incident") == incident:
                return entry
        return None

    async def _newest(self) -> AsyncIterator[dict[str, Any]]:
        for entry in await self._call("GET", f"{self._base}/unresolved"):
            yield entry
        for page in range(1, PAGES_LOOKED_AT + 1):
            entries = await self._call("GET", f"{self._base}?limit={A_PAGE}&page={page}")
            for entry in entries:
                yield entry
            if len(entries) < A_PAGE:
                return

    async def _call(self, method: str, url: str, body: object = None, *, missing_is_fine: bool = False) -> Any:
        """Its JSON. A short "wait" is waited out here: an activity of two calls would begin with its first again."""
        while True:
            try:
                return await self._ask(method, url, body, missing_is_fine=missing_is_fine)
            except ApplicationError as error:
                wait = error.next_retry_delay
                if error.type != errors.RATE_LIMITED or wait is None or wait > LONGEST_WAIT:
                    raise
                await asyncio.sleep(wait.total_seconds())

    async def _ask(self, method: str, url: str, body: object, *, missing_is_fine: bool) -> Any:  # Statuspage's JSON
        headers = {"Authorization": f"OAuth {self._key}"}
        try:
            async with self._http.request(method, url, json=body, headers=headers) as answer:
                if missing_is_fine and answer.status == 404:
                    return None
                if answer.status >= 400:
                    why = _why(await answer.text())
                    raise errors.from_status(NAME, answer.status, why, answer.headers.get("Retry-After"))
                try:
                    return await answer.json()
                except ValueError:
                    raise errors.nonsense(NAME) from None
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise errors.from_network(NAME, error) from None


def _why(body: str) -> str:
    """Statuspage's own words for what was wrong, as for a component that it does not know."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return "; ".join(map(str, error))[:200] if isinstance(error, list) else str(error)[:200]


def _ours(entry: dict[str, Any]) -> dict[str, Any]:
    """The mark that we left in an entry; empty in one of somebody else's."""
    mark = (entry.get("metadata") or {}).get("dont_panic")
    return mark if isinstance(mark, dict) else {}
