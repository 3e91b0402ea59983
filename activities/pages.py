"""What the paging activities are asked, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from incident import wording
from incident.model import Incident, Page
from incident.paging import Urgency


@dataclass(frozen=True)
class PageOrder:
    """Wake somebody. `key` is PagerDuty's incident key: sent twice, it is one page.

    Either `people` (handles) or an escalation policy; with `level` > 0, whoever is on call there in that round now, and
    whoever of `again` was paged before and has not answered. `only_look`: somebody was paged under this key before, or
    nobody is to be any more. `secret`: nothing of it may be said, the bridge that everybody knows neither. `known_to`: it comes from
    them, and is theirs, so that PagerDuty does not notify them.
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
    again: tuple[str, ...] = ()
    urgency: Urgency = "high"
    secret: bool = False
    known_to: str = ""


def order_for(incident: Incident, page: Page) -> PageOrder:
    """The order of one of an incident's pages."""
    return PageOrder(
        incident=incident.id,
        key=page.key,
        title=wording.page_title(incident, page),
        details=wording.page_details(incident, page),
        service=incident.policy.paging.service,
        practice=incident.practice,
        people=(page.person,) if page.person else (),
        escalation_policy=page.escalation_policy,
        level=page.round,
        priority=incident.policy.paging.priorities.get(incident.severity, ""),
        again=tuple(page.again),
        urgency=page.urgency,
        secret=incident.security,
        known_to=page.person if page.quiet and page.person else "",
    )


@dataclass(frozen=True)
class FollowOrder:
    """Wait for news of a page that are not in it yet: an acknowledgement by somebody who is not in `seen` (handles), other
    people than `people`."""

    pagerduty_id: str
    seen: tuple[str, ...]
    every: timedelta
    until: datetime
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageNews:
    """What has become of a page. None of it: nothing did in the time.

    `person` acknowledged it; `reassigned` have it now; it was merged into `merged_into`, or `resolved`, by `by`.
    """

    person: str = ""
    name: str = ""
    at: datetime | None = None
    resolved: bool = False
    by: str = ""
    merged_into: str = ""
    reassigned: tuple[str, ...] = ()
    reassigned_names: tuple[str, ...] = ()
