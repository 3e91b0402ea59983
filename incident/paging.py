"""Whom to page, and when again (process, 1).

Keys name a page once and for all: a page asked for twice, retried or replayed is one PagerDuty incident.
"""

from __future__ import annotations

from datetime import datetime

from incident import identity
from incident.effects import SendPage
from incident.model import Incident, Page
from incident.policy import Team


def page_commanders(incident: Incident, now: datetime, under: str = "") -> list[Page]:
    """The next round: primary and backup at once, one level higher than the round before; trainees in the first.

    `under` is the word a door has already paged them under (process, 1): those pages are then adopted.
    """
    incident.rounds += 1
    incident.round_at = now
    level = incident.rounds
    paging = incident.policy.paging
    rungs = [("primary", "the primary IC", paging.primary), ("backup", "the backup IC", paging.backup)]
    if paging.shadow is not None and level == 1:
        rungs.append(("shadow", "the trainee IC", paging.shadow))
    return [
        _page(
            incident,
            Page(
                key=identity.page_key(incident.id, under or f"{level}", target),
                round=level,
                target=target,
                label=label,
                asked_at=now,
                escalation_policy=rung.escalation_policy,
                for_commander=True,
            ),
        )
        for target, label, rung in rungs
    ]


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


def page_person(incident: Incident, person: str, now: datetime, under: str = "") -> Page:
    incident.asked += 1
    key = identity.page_key(incident.id, under or f"asked-{incident.asked}", person)
    return _page(incident, Page(key, 0, person, incident.name(person), now, person=person))


def page_team(incident: Incident, team: Team, now: datetime, under: str = "") -> list[Page]:
    """The team's escalation policy decides who; a team without one is paged person by person."""
    if not team.escalation_policy:
        return [page_person(incident, member, now, under) for member in team.members]
    incident.asked += 1
    key = identity.page_key(incident.id, under or f"asked-{incident.asked}", team.id)
    return [_page(incident, Page(key, 0, team.id, team.name, now, escalation_policy=team.escalation_policy))]


def _page(incident: Incident, page: Page) -> Page:
    incident.pages[page.key] = page
    incident.want(SendPage(f"send/{page.key}", page.key))
    return page
