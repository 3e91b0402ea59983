"""Whom to page, and when again (process, 1).

Keys name a page once and for all: a page asked for twice, retried or replayed is one PagerDuty incident.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident import identity
from incident.effects import SendPage
from incident.model import Incident, Page
from incident.model.people import Urgency as Urgency
from incident.policy import Rung, Team
from incident.severity import Severity


@dataclass(frozen=True)
class Paged:
    """What PagerDuty made of a page. `adopted`: it was there already under this key. `age`: of the on-call book.

    `unpaged` could not be paged, `spared` were not because they lead another incident (handles); `dropped` is what
    PagerDuty did not accept of the page.
    """

    key: str
    pagerduty_id: str = ""
    url: str = ""
    people: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    adopted: bool = False
    age: str = ""
    unpaged: tuple[str, ...] = ()
    unpaged_names: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()


def page_commanders(incident: Incident, now: datetime, under: str = "") -> list[Page]:
    """The next round: primary and backup at once, one level higher than the round before; trainees in the first.

    Whoever was paged and has not answered is paged again with it.

    `under` is the word a door has already paged them under (process, 1): those pages are then adopted.
    """
    incident.rounds += 1
    incident.round_at = now
    level = incident.rounds
    paging = incident.policy.paging
    rungs = [("primary", "the primary IC", paging.primary), ("backup", "the backup IC", paging.backup)]
    if paging.shadow is not None and level == 1:
        rungs.append(("shadow", "the trainee IC", paging.shadow))
    name = under or _round(incident)
    return [_page(incident, _of_rung(incident, now, name, target, label, rung, level)) for target, label, rung in rungs]


def page_anew(incident: Incident, now: datetime, under: str = "") -> list[Page]:
    """Primary and backup once more because somebody asked for an IC. The clock's rounds go on above that."""
    if not incident.rounds:
        return page_commanders(incident, now, under)
    incident.asked += 1
    name = under or f"asked-{incident.asked}"
    rules = incident.policy.paging
    rungs = (("primary", "the primary IC", rules.primary), ("backup", "the backup IC", rules.backup))
    return [_page(incident, _of_rung(incident, now, name, target, label, rung, 1)) for target, label, rung in rungs]


def lately(incident: Incident, now: datetime) -> list[Page]:
    """The pages of ICs so young that nobody is paged again unless asked for."""
    since = now - incident.policy.paging.round_every
    return [page for page in incident.pages.values() if page.for_commander and page.asked_at > since]


def _of_rung(incident: Incident, now: datetime, name: str, target: str, label: str, rung: Rung, level: int) -> Page:
    return Page(
        key=identity.page_key(incident.id, name, target),
        round=level,
        target=target,
        label=label,
        asked_at=now,
        escalation_policy=rung.escalation_policy,
        for_commander=True,
        again=_unanswered(incident, target),
    )


def page_takeover(incident: Incident, now: datetime) -> list[Page]:
    """Nobody may be there to command: the backup, the next level, and the primary unless that is who commands now."""
    paging = incident.policy.paging
    incident.asked += 1
    called = [
        ("backup", "the backup IC", paging.backup, 1),
        ("next level", "the next level of ICs", paging.primary, max(incident.rounds, 1) + 1),
    ]
    primary = {p for page in incident.pages.values() if page.target == "primary" for p in page.people}
    if incident.commander not in primary:
        called.append(("primary", "the primary IC", paging.primary, 1))
    return [
        _page(
            incident,
            Page(
                key=identity.page_key(incident.id, f"takeover-{incident.asked}", target.replace(" ", "-")),
                round=level,
                target=target,
                label=label,
                asked_at=now,
                escalation_policy=rung.escalation_policy,
                for_commander=True,
            ),
        )
        for target, label, rung, level in called
    ]


def _round(incident: Incident) -> str:
    """What names the round in its keys: a reopened incident begins with the first again, under keys of its own."""
    return f"{incident.rounds}" if not incident.reopened else f"reopened-{incident.reopened}-{incident.rounds}"


def page_person(incident: Incident, person: str, now: datetime, under: str = "") -> Page:
    incident.asked += 1
    key = identity.page_key(incident.id, under or f"asked-{incident.asked}", person)
    return _page(incident, Page(key, 0, person, incident.name(person), now, person=person))


def page_team(
    incident: Incident, team: Team, now: datetime, under: str = "", *, urgency: Urgency = "high"
) -> list[Page]:
    """The team's escalation policy decides who; a team without one is paged person by person."""
    if not team.escalation_policy:
        return [page_person(incident, member, now, under) for member in team.members]
    incident.asked += 1
    key = identity.page_key(incident.id, under or f"asked-{incident.asked}", team.id)
    page = Page(key, 0, team.id, team.name, now, escalation_policy=team.escalation_policy, urgency=urgency)
    return [_page(incident, page)]


def urgency_of(severity: Severity) -> Urgency:
    """SEV-4 and SEV-5 wake nobody (process, 1)."""
    return "low" if severity in (Severity.SEV4, Severity.SEV5) else "high"


def _unanswered(incident: Incident, target: str) -> list[str]:
    here = [person for person, responder in incident.responders.items() if responder.here]
    pages = [page for page in incident.pages.values() if page.for_commander and page.target == target]
    answered = {person for page in incident.pages.values() for person in page.acknowledged_by}
    return list(dict.fromkeys(p for page in pages for p in page.people if p not in answered and p not in here))


def _page(incident: Incident, page: Page) -> Page:
    incident.pages[page.key] = page
    incident.want(SendPage(f"send/{page.key}", page.key))
    return page
