"""PagerDuty: who is paged, who has heard it, who is on call. The only place that knows pdpyras."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pdpyras
import requests
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import again, asking, errors
from activities.on_call_book import AHEAD, OnCallBook, Shift, now
from incident import wording
from incident.model import Incident, Page
from incident.policy import Organisation

ANSWER_WITHIN = 10.0
logging.getLogger("pdpyras").setLevel(logging.CRITICAL)  # it logs whole requests; what matters is raised


@dataclass(frozen=True)
class PageOrder:
    """Wake somebody. `key` is PagerDuty's incident key: sent twice, it is one page.

    Either `people` (handles) or an escalation policy; with `level` > 0, whoever is on call at that level of it now.
    `only_look`: somebody was paged under this key before, or nobody is to be any more.
    """

    incident: str
    key: str
    title: str
    details: str
    service: str
    practice: bool
    people: tuple[str, ...] = ()
    escalation_policy: str = ""
    level: int = 0
    priority: str = ""
    only_look: bool = False


def order_for(incident: Incident, page: Page) -> PageOrder:
    """The order of one of an incident's pages."""
    return PageOrder(
        incident=incident.id,
        key=page.key,
        title=wording.page_title(incident, page),
        details=wording.page_details(incident),
        service=incident.policy.paging.service,
        practice=incident.practice,
        people=(page.person,) if page.person else (),
        escalation_policy=page.escalation_policy,
        level=page.round,
        priority=incident.policy.paging.priorities.get(incident.severity, ""),
    )


@dataclass(frozen=True)
class Paged:
    """What PagerDuty made of it. `adopted`: it was there already under this key. `age`: of the on-call book."""

    key: str
    pagerduty_id: str = ""
    url: str = ""
    people: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    adopted: bool = False
    age: str = ""


@dataclass(frozen=True)
class FollowOrder:
    """Wait for an acknowledgement by somebody who is not in `seen` (handles)."""

    pagerduty_id: str
    seen: tuple[str, ...]
    every: timedelta
    until: datetime


@dataclass(frozen=True)
class Acknowledgement:
    """Who has heard it. No person: nobody did in the time; `resolved`: nobody will."""

    person: str = ""
    name: str = ""
    at: datetime | None = None
    resolved: bool = False


@dataclass(frozen=True)
class ResolveOrder:
    """PagerDuty's ids, and keys of pages whose answer never came."""

    pagerduty_ids: tuple[str, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetitleOrder:
    """PagerDuty's ids, and the title each shall have."""

    titles: dict[str, str]


@dataclass(frozen=True)
class SubscribeOrder:
    """PagerDuty ids of teams that shall hear of the PagerDuty incident."""

    pagerduty_id: str
    teams: tuple[str, ...]
    practice: bool


class PagerDuty(pdpyras.APISession):  # type: ignore[misc]  # pdpyras carries no types
    """One session of one thread, without retries of its own: retrying is Temporal's."""

    max_network_attempts = 0
    max_http_attempts = -1  # with an entry for 429, the only value with which it never sleeps and sends again
    timeout = ANSWER_WITHIN

    def __init__(self, url: str, key: str, sender: str) -> None:
        super().__init__(key, default_from=sender or None)
        self.url = url.rstrip("/")
        self.retry = {429: 1}

    def ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """The JSON of an answer. Raises what `activities.errors` makes of anything else."""
        response = self.answer(method, path, **arguments)
        if not response.ok:
            raise errors.from_status(
                "PagerDuty", response.status_code, fault(response), response.headers.get("Retry-After")
            )
        return document(response) if response.content else {}

    def answer(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Whatever it answers. Raises only when it does not."""
        try:
            answer: requests.Response = self.request(method, path, **arguments)
        except pdpyras.PDHTTPError as error:
            answer = error.response  # a 401, which pdpyras raises
        except pdpyras.PDClientError:
            raise errors.unavailable("PagerDuty", "no connection or no answer in time") from None
        except requests.RequestException as error:
            raise errors.unavailable("PagerDuty", type(error).__name__) from None
        return answer


class Sessions:
    """A PagerDuty session a thread: requests' sessions are not to be shared."""

    def __init__(self, url: str, key: str, sender: str) -> None:
        self._arguments = (url, key, sender)
        self._local = threading.local()

    @property
    def here(self) -> PagerDuty:
        session: PagerDuty | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = PagerDuty(*self._arguments)
        return session


class Paging:
    """`practice` says whether `sessions` reach the emulators; an order for the other kind is refused."""

    def __init__(self, sessions: Sessions, book: OnCallBook, organisation: Organisation, *, practice: bool) -> None:
        self._sessions = sessions
        self._book = book
        self._organisation = organisation
        self._practice = practice
        self._watchers = ThreadPoolExecutor(16, thread_name_prefix="acknowledgements")

    @activity.defn
    def page(self, order: PageOrder) -> Paged:
        """Open PagerDuty's incident: one call when all is well. An open one under this key is adopted."""
        asking.only_in_a_workflow()
        if order.practice != self._practice:
            raise errors.practice_mix(order.practice)
        session = self._sessions.here
        if order.only_look:
            return self._find(order) or Paged(order.key)
        if again.may_be_done() and (found := self._find(order)) is not None:
            return found
        response = session.answer("POST", "/incidents", json={"incident": self._body(order)})
        if response.status_code == 400 and (found := self._find(order)) is not None:
            return found
        if not response.ok:
            raise errors.from_status(
                "PagerDuty", response.status_code, fault(response), response.headers.get("Retry-After")
            )
        return self._paged(order, document(response)["incident"], adopted=False)

    @activity.defn
    def who_would_be_paged(self, order: PageOrder) -> Paged:
        """From the on-call book alone: whom to call while PagerDuty cannot."""
        people = order.people or self._book.on_call(order.escalation_policy, now(), max(order.level, 1))
        return Paged(
            order.key,
            people=people,
            names=tuple(self._book.name(person) for person in people),
            age=self._book.age(now()),
        )

    @activity.defn
    async def await_acknowledgement(self, order: FollowOrder) -> Acknowledgement:
        """Looks every few seconds; returns on news. A worker that stops hands over at once.

        What is left of the time is reckoned from the server's clock, which set the deadline: this machine's may be wrong.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + (order.until - activity.info().started_time).total_seconds()
        stop = asyncio.create_task(activity.wait_for_worker_shutdown())
        try:
            while loop.time() < ends:
                activity.heartbeat()
                try:
                    news = await loop.run_in_executor(self._watchers, self._acknowledged, order)
                except ApplicationError as error:
                    if error.non_retryable:
                        raise
                    news = None  # PagerDuty is away for a moment; the next look may find it back
                if news is not None:
                    return news
                await asyncio.wait([stop], timeout=min(order.every.total_seconds(), max(0.0, ends - loop.time())))
                if stop.done():
                    raise errors.stopping()
            return Acknowledgement()
        finally:
            stop.cancel()

    @activity.defn
    def resolve(self, order: ResolveOrder) -> None:
        """Resolve what was opened. Resolving twice is resolving once."""
        asking.only_in_a_workflow()
        doubtful = (self._open_under(key) for key in order.keys)
        for pagerduty_id in (*order.pagerduty_ids, *(found for found in doubtful if found)):
            body = {"incident": {"type": "incident_reference", "status": "resolved"}}
            response = self._sessions.here.answer("PUT", f"/incidents/{pagerduty_id}", json=body)
            if response.status_code in (400, 404):
                continue  # resolved already, or gone: nothing is left to resolve
            if not response.ok:
                raise errors.from_status(
                    "PagerDuty", response.status_code, fault(response), response.headers.get("Retry-After")
                )

    @activity.defn
    def retitle(self, order: RetitleOrder) -> None:
        """The same title twice is the same title."""
        for pagerduty_id, title in order.titles.items():
            body = {"incident": {"type": "incident_reference", "title": title}}
            self._sessions.here.ask("PUT", f"/incidents/{pagerduty_id}", json=body)

    @activity.defn
    def subscribe(self, order: SubscribeOrder) -> None:
        """PagerDuty keeps a set of subscribers, so that subscribing twice is subscribing once."""
        asking.only_in_a_workflow()
        if order.practice != self._practice:
            raise errors.practice_mix(order.practice)
        subscribers = [{"subscriber_id": team, "subscriber_type": "team"} for team in order.teams]
        path = f"/incidents/{order.pagerduty_id}/status_updates/subscribers"
        self._sessions.here.ask("POST", path, json={"subscribers": subscribers})

    def impacted(self, business_service: str) -> bool:
        """Whether PagerDuty says that an open incident impacts it. Raises when it does not know that service."""
        answer = self._sessions.here.ask("GET", "/business_services/impacts", params={"ids[]": [business_service]})
        found = next((service for service in answer["services"] if service["id"] == business_service), None)
        if found is None:
            raise errors.rejected("PagerDuty", f"there is no business service {business_service}")
        return bool(found["status"] == "impacted")

    # -- the on-call book -----------------------------------------------------------------------------

    def refresh_book(self) -> None:
        """Read a day of shifts of every escalation policy the organisation names, and keep them.

        Whatever it raises, the last good copy stays, and its age grows.
        """
        at = now()
        turns: list[dict[str, Any]] = []
        offset, more = 0, True
        while more:
            page = self._sessions.here.ask(
                "GET",
                "/oncalls",
                params={
                    "escalation_policy_ids[]": escalation_policies(self._organisation),
                    "since": at.isoformat(),
                    "until": (at + AHEAD).isoformat(),
                    "limit": 100,
                    "offset": offset,
                },
            )
            turns += page["oncalls"]
            more, offset = bool(page.get("more") and page["oncalls"]), offset + 100
        phones = {user: self._phone(user) for user in dict.fromkeys(turn["user"]["id"] for turn in turns)}
        self._book.keep([_shift(turn, phones) for turn in turns], at)

    # -------------------------------------------------------------------------------------------------

    def _body(self, order: PageOrder) -> dict[str, object]:
        body: dict[str, object] = {
            "type": "incident",
            "title": order.title,
            "incident_key": order.key,
            "urgency": "high",
            "service": {"id": order.service, "type": "service_reference"},
            "body": {"type": "incident_body", "details": order.details},
        }
        if order.priority:
            body["priority"] = {"id": order.priority, "type": "priority_reference"}
        ids = [self._pagerduty_id(person) for person in self._wanted(order)]
        if ids:
            body["assignments"] = [{"assignee": {"id": i, "type": "user_reference"}} for i in ids]
        elif order.escalation_policy:
            body["escalation_policy"] = {"id": order.escalation_policy, "type": "escalation_policy_reference"}
        else:
            raise errors.not_configured("PagerDuty", f"{', '.join(order.people) or 'nobody'} has no PagerDuty id")
        return body

    def _wanted(self, order: PageOrder) -> tuple[str, ...]:
        """With our own escalation, people: PagerDuty then does not escalate beside us."""
        if order.people:
            return tuple(person for person in order.people if self._pagerduty_id(person))
        if order.level and self._organisation.paging.escalation == "ours":
            return self._book.on_call(order.escalation_policy, now(), order.level)
        return ()

    def _pagerduty_id(self, person: str) -> str:
        contact = self._organisation.contact(person)
        return contact.pagerduty if contact else person

    def _open_under(self, key: str) -> str:
        found = self._sessions.here.ask("GET", "/incidents", params={"incident_key": key, "date_range": "all"})
        return found["incidents"][0]["id"] if found["incidents"] else ""

    def _find(self, order: PageOrder) -> Paged | None:
        """What stands under this key: opened by an attempt whose answer was lost, or by a door while we were down."""
        found = self._sessions.here.ask("GET", "/incidents", params={"incident_key": order.key, "date_range": "all"})
        return self._paged(order, found["incidents"][0], adopted=True) if found["incidents"] else None

    def _paged(self, order: PageOrder, incident: dict[str, Any], *, adopted: bool) -> Paged:
        assigned = [assignment["assignee"] for assignment in incident.get("assignments", ())]
        return Paged(
            key=order.key,
            pagerduty_id=incident["id"],
            url=incident.get("html_url") or "",
            people=tuple(self._book.handle(user["id"]) for user in assigned),
            names=tuple(self._book.name(self._book.handle(user["id"])) for user in assigned),
            adopted=adopted,
        )

    def _acknowledged(self, order: FollowOrder) -> Acknowledgement | None:
        incident = self._sessions.here.ask("GET", f"/incidents/{order.pagerduty_id}")["incident"]
        for acknowledgement in incident.get("acknowledgements", ()):
            user = acknowledgement["acknowledger"]
            person = self._book.handle(user["id"])
            if user.get("type", "").startswith("user") and person not in order.seen:
                name = self._book.name(person)
                called = user.get("summary", person) if name == person else name
                return Acknowledgement(person, called, datetime.fromisoformat(acknowledgement["at"]).astimezone(UTC))
        return Acknowledgement(resolved=True) if incident["status"] == "resolved" else None

    def _phone(self, user: str) -> str:
        methods = self._sessions.here.ask("GET", f"/users/{user}/contact_methods")["contact_methods"]
        phone = next((m for m in methods if m["type"].startswith("phone")), None)
        return f"+{phone.get('country_code', '')} {phone['address']}" if phone else ""


def _shift(turn: dict[str, Any], phones: dict[str, str]) -> Shift:
    user = turn["user"]
    return Shift(
        escalation_policy=turn["escalation_policy"]["id"],
        level=turn["escalation_level"],
        pagerduty_user=user["id"],
        name=user.get("summary") or user["id"],
        phone=phones[user["id"]],
        start=datetime.fromisoformat(turn["start"]) if turn.get("start") else None,
        end=datetime.fromisoformat(turn["end"]) if turn.get("end") else None,
    )


def escalation_policies(organisation: Organisation) -> list[str]:
    """Every escalation policy that may be paged."""
    paging = organisation.paging
    rungs = [paging.primary, paging.backup, *([paging.shadow] if paging.shadow else [])]
    teams = [team.escalation_policy for team in organisation.teams if team.escalation_policy]
    return list(dict.fromkeys([rung.escalation_policy for rung in rungs] + teams))


def document(response: requests.Response) -> dict[str, Any]:
    """The JSON object that PagerDuty answers with."""
    try:
        found = response.json()
    except ValueError:
        raise errors.nonsense("PagerDuty") from None
    if not isinstance(found, dict):
        raise errors.nonsense("PagerDuty")
    return found


def fault(response: requests.Response) -> str:
    """PagerDuty's own words for what was wrong."""
    try:
        error = response.json()["error"]
        return "; ".join([error.get("message", ""), *error.get("errors", ())]).strip("; ")
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def wait_for_book(book: OnCallBook, seconds: float) -> bool:
    """Give the first reading a moment, so that the first page of a fresh start knows whom it pages."""
    ends = time.monotonic() + seconds
    while not book.fresh(now()):
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True
