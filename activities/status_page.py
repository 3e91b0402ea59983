"""Statuspage: what customers read, exactly as it was approved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
from temporalio import activity

from activities import asking, errors
from activities.on_call_book import now
from incident import proof
from incident.model import text_digest
from incident.policy import Policy
from incident.proof import Signed

NAME = "Statuspage"
_STATUS = {"resolved": "resolved", "monitoring": "monitoring", "identified": "identified"}


@dataclass(frozen=True)
class Publication:
    """`text` goes out to the letter. `key` makes it go out once; all of one `incident` are updates of one entry.

    `approval` is the word of whoever approved it, signed; outside of practice nothing goes out without it.
    """

    incident: str
    key: str
    stage: str
    text: str
    practice: bool
    approval: Signed | None = None


@dataclass(frozen=True)
class Published:
    url: str
    at: datetime


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
        """Create the page's incident, or update it. A second attempt first looks whether the first one got through."""
        if publication.practice != self._practice:
            raise errors.practice_mix(publication.practice)
        if publication.practice and not publication.text.startswith("PRACTICE"):
            raise errors.rejected(NAME, "a practice message begins with PRACTICE")
        if not self._practice:
            self._require_approval(publication)
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

    def _require_approval(self, publication: Publication) -> None:
        """The workflow that asks could be anybody's; the approval of exactly this text cannot."""
        incident = asking.asking_incident()
        if incident != publication.incident:
            raise asking.refused(f"the workflow that asks belongs to {incident}, not to {publication.incident}")
        digest = text_digest(publication.stage, publication.text)
        verbs = {"message-approve": digest, "announce": digest}
        if (why := proof.approves(self._rules(), publication.approval, incident, verbs)) is not None:
            raise asking.refused(why)

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
