"""Statuspage: what customers read, exactly as it was approved."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
from temporalio import activity

from activities import errors
from activities.on_call_book import now

NAME = "Statuspage"
_STATUS = {"resolved": "resolved", "monitoring": "monitoring", "identified": "identified"}


@dataclass(frozen=True)
class Publication:
    """`text` goes out to the letter. `key` makes it go out once; all of one `incident` are updates of one entry."""

    incident: str
    key: str
    stage: str
    text: str
    practice: bool


@dataclass(frozen=True)
class Published:
    url: str
    at: datetime


class StatusPage:
    """`page` is the page's id at Statuspage, `http` carries no authorisation of its own."""

    def __init__(self, http: aiohttp.ClientSession, url: str, key: str, page: str, *, practice: bool) -> None:
        self._http = http
        self._base = f"{url.rstrip('/')}/v1/pages/{page}/incidents"
        self._key = key
        self._page = page
        self._practice = practice

    @activity.defn
    async def publish(self, publication: Publication) -> Published:
        """Create the page's incident, or update it. A second attempt first looks whether the first one got through."""
        if publication.practice != self._practice:
            raise errors.practice_mix(publication.practice)
        if publication.practice and not publication.text.startswith("PRACTICE"):
            raise errors.rejected(NAME, "a practice message begins with PRACTICE")
        if not (self._key and self._page):
            raise errors.not_configured(NAME, "no key or no page is configured")
        entry = await self._entry(publication.incident)
        said = entry["metadata"]["dont_panic"].get("keys", []) if entry else []
        if entry is not None and publication.key in said:
            return Published(entry["shortlink"], now())
        body = {
            "status": _STATUS.get(publication.stage, "investigating"),
            "body": publication.text,
            "metadata": {"dont_panic": {"incident": publication.incident, "keys": [*said, publication.key]}},
        }
        if entry is None:
            name = "PRACTICE service incident" if publication.practice else "Service incident"
            answer = await self._call("POST", self._base, {"incident": {"name": name, **body}})
        else:
            answer = await self._call("PATCH", f"{self._base}/{entry['id']}", {"incident": body})
        return Published(answer["shortlink"], now())

    async def _entry(self, incident: str) -> dict[str, Any] | None:
        for entry in await self._call("GET", self._base):
            if (entry.get("metadata") or {}).get("dont_panic", {}).get("incident") == incident:
                return dict(entry)
        return None

    async def _call(self, method: str, url: str, body: object = None) -> Any:  # Statuspage's JSON
        headers = {"Authorization": f"OAuth {self._key}"}
        try:
            async with self._http.request(method, url, json=body, headers=headers) as answer:
                if answer.status >= 400:
                    raise errors.from_status(NAME, answer.status, retry_after=answer.headers.get("Retry-After"))
                return await answer.json()
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise errors.from_network(NAME, error) from None
