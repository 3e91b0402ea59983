"""PagerDuty's webhooks (v3): what people do there with a page reaches its incident, a trigger of a set priority declares one.

A signature that does not fit is refused, and so is what is older than PagerDuty would ever send again. What arrives
twice is done once: event ids travel along as ids of reports, commands and declarations.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from activities.on_call_book import OnCallBook, now
from entrypoints.conversation import Conversation, Heard
from entrypoints.gateway import Gateway
from entrypoints.problems import NoSuchIncident, Refused, Unanswered, Unreachable, sentence
from incident import identity
from incident.grammar import Opening
from incident.policy import Policy
from incident.reports import NoteAdded, PageAcknowledged, PageEnded, PageReassigned, Report, ResponderReplied, What
from incident.severity import Severity

OLDEST = timedelta(hours=49)
"""PagerDuty tries again for 48 hours."""
REMEMBERED = 10_000
SOURCE = "PagerDuty"
_log = logging.getLogger(__name__)


class Webhooks:
    """`secrets` are the signing secrets; several while one is being replaced."""

    def __init__(
        self,
        gateway: Gateway,
        conversation: Conversation,
        book: OnCallBook,
        policy: Policy,
        secrets: Sequence[SecretStr],
    ) -> None:
        self._gateway = gateway
        self._conversation = conversation
        self._book = book
        self._policy = policy
        self._secrets = secrets
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def receive(self, request: web.Request) -> web.Response:
        """2xx when it was heard; 5xx asks PagerDuty to send it again."""
        body = await request.read()
        if not self._signed(body, request.headers.get("X-PagerDuty-Signature", "")):
            return web.Response(status=401, text="The signature does not fit.")
        delivery = request.headers.get("X-Webhook-Id", "")
        try:
            event = json.loads(body)["event"]
            occurred = datetime.fromisoformat(event["occurred_at"]).astimezone(UTC)
            if now() - occurred > OLDEST:
                return web.Response(status=400, text="That is too old to be believed.")
            if delivery and delivery in self._seen:
                return web.Response(status=202, text="Heard already.")
            act = self._meaning(event, occurred)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            _log.warning("a webhook that cannot be read: %r", fault)
            return web.Response(status=202, text="That is nothing this product knows.")
        try:
            await act()
        except (Refused, NoSuchIncident) as settled:
            return web.Response(status=202, text=str(settled))
        except (Unreachable, Unanswered) as problem:
            return web.Response(status=503, text=str(problem))
        except Exception as fault:  # noqa: BLE001  # an entry point: PagerDuty sends it again, and it counts once
            _log.exception("a webhook was not carried out")
            return web.Response(status=503, text=sentence(fault))
        if delivery:
            self._seen[delivery] = None
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return web.Response(status=202)

    def _signed(self, body: bytes, header: str) -> bool:
        given = [part.strip().removeprefix("v1=") for part in header.split(",") if part.strip().startswith("v1=")]
        made = [hmac.new(s.get_secret_value().encode(), body, hashlib.sha256).hexdigest() for s in self._secrets]
        return any(hmac.compare_digest(one, other) for one in given for other in made)

    def _meaning(self, event: dict[str, Any], occurred: datetime) -> Callable[[], Awaitable[object]]:
        """What is to be done about it. Raises what reading an odd event raises."""
        data = event["data"]
        match event["event_type"]:
            case "incident.acknowledged" | "incident.resolved" | "incident.reassigned" | "incident.delegated":
                if (incident := _ours(data)) and (happened := self._happened(event, data, occurred)):
                    return partial(self._report, incident, event["id"], happened)
            case "incident.annotated":
                note = NoteAdded(str(data["content"]), self._by(event))
                return partial(self._of_page, data["incident"]["id"], event["id"], note)
            case "incident.responder.replied":
                person, name = self._person(data["user"])
                accepted = data.get("state", data.get("response")) == "accepted"
                reply = ResponderReplied(person, name, accepted, str(data.get("message") or ""))
                return partial(self._of_page, data["incident"]["id"], event["id"], reply)
            case "incident.triggered" | "incident.priority_updated" | "incident.reopened":
                return self._triggered(data)
        return _nothing

    def _happened(self, event: dict[str, Any], data: dict[str, Any], occurred: datetime) -> What | None:
        """What has become of a page of ours."""
        key, agent = data["incident_key"], event.get("agent") or {}
        match event["event_type"]:
            case "incident.acknowledged":
                if not agent.get("type", "").startswith("user"):
                    return None
                person, name = self._person(agent)
                return PageAcknowledged(key, person, name, occurred)
            case "incident.resolved":
                into = ((data.get("resolve_reason") or {}).get("incident") or {}).get("id", "")
                return PageEnded(key, self._by(event), str(into))
        people = [self._person(assignee) for assignee in data.get("assignees") or ()]
        if not people:
            return None
        return PageReassigned(key, tuple(p for p, _ in people), tuple(n for _, n in people), self._by(event))

    def _by(self, event: dict[str, Any]) -> str:
        agent = event.get("agent") or {}
        return self._person(agent)[1] if agent.get("type", "").startswith("user") else ""

    def _triggered(self, data: dict[str, Any]) -> Callable[[], Awaitable[object]]:
        """What we created in PagerDuty never declares (process, 1)."""
        priority = (data.get("priority") or {}).get("id")
        severity = next((s for s in self._policy.paging.declare_on if self._priority(s) == priority and priority), None)
        if _ours(data) or severity is None:
            return _nothing
        heard = Heard("", SOURCE.lower(), SOURCE, f"pagerduty/{data['id']}")
        title = str(data.get("title") or "An incident in PagerDuty")
        url = str(data.get("html_url") or "")
        return partial(self._conversation.trigger, heard, Opening(title, severity), source=SOURCE, url=url)

    def _priority(self, severity: Severity) -> str:
        return self._policy.paging.priorities.get(severity, "")

    def _person(self, user: dict[str, Any]) -> tuple[str, str]:
        person = self._book.handle(user["id"])
        name = self._book.name(person)
        return person, str(user.get("summary") or person) if name == person else name

    async def _of_page(self, pagerduty_id: str, key: str, what: What) -> None:
        if incident := await self._paged_with(pagerduty_id):
            await self._report(incident, key, what)

    async def _report(self, incident: str, key: str, what: What) -> None:
        await self._gateway.report(incident, Report("pagerduty", key, what))

    async def _paged_with(self, pagerduty_id: str) -> str:
        """The open incident that this page belongs to. Raises Unreachable when one that cannot be read may be it."""
        unread: Unreachable | None = None
        for listed in await self._gateway.list():
            try:
                incident = await self._gateway.look(listed.id)
            except NoSuchIncident:
                continue
            except Unreachable as problem:
                unread = problem
                continue
            if any(page.pagerduty_id == pagerduty_id for page in incident.pages.values()):
                return incident.id
        if unread is not None:
            raise unread
        return ""


async def _nothing() -> None:
    """What is of no interest is heard all the same."""


def _ours(data: dict[str, Any]) -> str:
    """The incident that a PagerDuty incident was opened for, by its key; empty for anybody else's."""
    key = str(data.get("incident_key") or "")
    if "/page/" not in key:
        return ""
    try:
        return identity.incident_of(key)
    except ValueError:
        return ""
