"""Paging through PagerDuty: who is paged, and who has answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import again, asking, errors, senders
from activities.on_call import OnCall
from activities.on_call_book import OnCallBook, now
from activities.opening import Opening
from activities.pagerduty import NAME, Sessions
from activities.pages import FollowOrder, PageNews, PageOrder
from incident.paging import Paged
from incident.policy import Organisation

LESS_OFTEN, LEAST_OFTEN = 1.2, 30.0
"""Seconds, at most, between two looks at a page: who answers does so soon."""
Busy = Callable[[str], Collection[str]]


def _nobody(incident: str) -> Collection[str]:
    return ()


class Paging:
    """`practice` says whether `sessions` reach the emulators; an order for the other kind is refused.

    `busy` says who is IC or deputy of another open incident than the given one (handles): they are told, not paged.
    """

    def __init__(
        self,
        sessions: Sessions,
        book: OnCallBook,
        organisation: Organisation,
        *,
        practice: bool,
        busy: Busy = _nobody,
    ) -> None:
        self._sessions = sessions
        self._book = book
        self._organisation = organisation
        self._practice = practice
        self._busy = busy
        self._on_call = OnCall(sessions, book, organisation)
        self.refresh_book = self._on_call.refresh_book
        self._watchers = ThreadPoolExecutor(16, thread_name_prefix="acknowledgements")

    @activity.defn
    def page(self, order: PageOrder) -> Paged:
        """Open PagerDuty's incident, whatever of it is refused. An open one under this key is adopted."""
        asking.only_in_a_workflow()
        if order.practice != self._practice:
            raise errors.practice_mix(order.practice)
        if order.only_look:
            return self._found_before(order) or Paged(order.key)
        if again.may_be_done() and (found := self._found_before(order)) is not None:
            return found
        wanted, spared = self._wanted(order)
        known = [(person, id) for person in wanted if (id := self._pagerduty_id(person))]
        opening = Opening(self._sessions.here, order, known, self._bridge, self._known_to(order))
        opening.unpaged += [person for person in wanted if not self._pagerduty_id(person)]
        reply = opening.first()
        if reply.status == 400 and (found := self._find(order, "triggered", "acknowledged")) is not None:
            return found  # refused because it is open already
        incident = opening.complete(opening.then(reply))
        return self._paged(order, incident, opening=opening, spared=spared)

    @activity.defn
    def who_would_be_paged(self, order: PageOrder) -> Paged:
        """From the on-call book alone: whom to call while PagerDuty cannot."""
        people = order.people or self._book.on_call(order.escalation_policy, now(), max(order.level, 1))
        people = tuple(dict.fromkeys((*people, *order.again)))
        return Paged(order.key, people=people, names=tuple(map(self._book.name, people)), age=self._book.age(now()))

    @activity.defn
    async def await_acknowledgement(self, order: FollowOrder) -> PageNews:
        """Looks every few seconds; returns on news. A worker that stops hands over at once.

        What is left of the time is reckoned from the server's clock, which set the deadline: this machine's may be wrong.
        """
        loop = asyncio.get_running_loop()
        every = order.every.total_seconds()
        ends = loop.time() + (order.until - activity.info().started_time).total_seconds()
        stop = asyncio.create_task(activity.wait_for_worker_shutdown())
        try:
            while loop.time() < ends:
                activity.heartbeat()
                try:
                    news = await loop.run_in_executor(self._watchers, self._news, order)
                except ApplicationError as error:
                    if error.non_retryable:
                        raise
                    news = None  # PagerDuty is away for a moment; the next look may find it back
                if news is not None:
                    return news
                await asyncio.wait([stop], timeout=min(every, max(0.0, ends - loop.time())))
                every = max(every, min(every * LESS_OFTEN, LEAST_OFTEN))
                if stop.done():
                    raise errors.stopping()
            return PageNews()
        finally:
            stop.cancel()

    def impacted(self, business_service: str) -> bool:
        """Whether PagerDuty says that an open incident impacts it. Raises when it does not know that service."""
        answer = self._sessions.here.ask("GET", "/business_services/impacts", params={"ids[]": [business_service]})
        found = next((service for service in answer["services"] if service["id"] == business_service), None)
        if found is None:
            raise errors.rejected(NAME, f"there is no business service {business_service}")
        return bool(found["status"] == "impacted")

    # -- whom ------------------------------------------------------------------------------------------

    def _wanted(self, order: PageOrder) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """People, with our own escalation: PagerDuty then does not escalate beside us. And who is spared, because busy."""
        if order.people:
            return order.people, ()
        if order.level and self._organisation.paging.escalation == "ours":
            people, spared = self._on_call.in_round(order.escalation_policy, order.level, self._busy(order.incident))
            return tuple(dict.fromkeys((*people, *order.again))), spared
        return (), ()

    def _found_before(self, order: PageOrder) -> Paged | None:
        """PagerDuty takes the assignees off what is resolved or merged: it was for whom the page is."""
        found = self._find(order)
        if found is None or found.people:
            return found
        people, _ = self._wanted(order)
        return replace(found, people=people, names=tuple(map(self._book.name, people)))

    def _pagerduty_id(self, person: str) -> str:
        contact = self._organisation.contact(person)
        return contact.pagerduty if contact else person

    def _known_to(self, order: PageOrder) -> str:
        return senders.email(self._sessions.here, self._pagerduty_id(order.known_to)) if order.known_to else ""

    @property
    def _bridge(self) -> dict[str, str]:
        """As PagerDuty's apps dial it: a comma waits a second, # ends the PIN."""
        bridge = self._organisation.bridge
        number = f"{bridge.phone},,,,{bridge.pin}#" if bridge.phone and bridge.pin else bridge.phone
        given = {"conference_number": number, "conference_url": bridge.url}
        return {key: value for key, value in given.items() if value}

    # -- what there is ---------------------------------------------------------------------------------

    def _find(self, order: PageOrder, *statuses: str) -> Paged | None:
        """What stands under this key: opened by an attempt whose answer was lost, or by a door while we were down."""
        asked: dict[str, object] = {"incident_key": order.key, "date_range": "all"}
        asked |= {"statuses[]": list(statuses)} if statuses else {}
        found = self._sessions.here.ask("GET", "/incidents", params=asked)
        return self._paged(order, found["incidents"][0]) if found["incidents"] else None

    def _paged(
        self,
        order: PageOrder,
        incident: dict[str, Any],
        *,
        opening: Opening | None = None,
        spared: tuple[str, ...] = (),
    ) -> Paged:
        """`opening` is None for one that was there already."""
        people = tuple(self._book.handle(a["assignee"]["id"]) for a in incident.get("assignments", ()))
        unpaged = tuple(dict.fromkeys(opening.unpaged)) if opening else ()
        return Paged(
            key=order.key,
            pagerduty_id=incident["id"],
            url=incident.get("html_url") or "",
            people=people,
            names=tuple(map(self._book.name, people)),
            adopted=opening is None,
            unpaged=unpaged,
            unpaged_names=tuple(map(self._book.name, unpaged)),
            dropped=tuple(opening.dropped) if opening else (),
            spared=spared,
        )

    def _news(self, order: FollowOrder) -> PageNews | None:
        incident = self._sessions.here.ask("GET", f"/incidents/{order.pagerduty_id}")["incident"]
        for acknowledgement in incident.get("acknowledgements", ()):
            user = acknowledgement["acknowledger"]
            person = self._book.handle(user["id"])
            if user.get("type", "").startswith("user") and person not in order.seen:
                return PageNews(person, self._called(user), moment(acknowledgement["at"]))
        by = incident.get("last_status_change_by") or {}
        called = self._called(by) if by.get("type", "").startswith("user") else ""
        if incident["status"] == "resolved":
            target = ((incident.get("resolve_reason") or {}).get("incident") or {}).get("id", "")
            return PageNews(resolved=True, merged_into=target, by=called)
        people = tuple(self._book.handle(a["assignee"]["id"]) for a in incident.get("assignments", ()))
        if order.people and people and set(people) - set(order.people) - set(order.seen):
            return PageNews(reassigned=people, reassigned_names=tuple(map(self._book.name, people)), by=called)
        return None

    def _called(self, user: dict[str, Any]) -> str:
        person = self._book.handle(user["id"])
        name = self._book.name(person)
        return str(user.get("summary", person)) if name == person else name


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def wait_for_book(book: OnCallBook, seconds: float) -> bool:
    """Give the first reading a moment, so that the first page of a fresh start knows whom it pages."""
    ends = time.monotonic() + seconds
    while not book.fresh(now()):
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True
