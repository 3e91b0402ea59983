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
                key=identity.page_key(incident.id, under or _round(incident), target),
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


def _round(incident: Incident) -> str:
    """What names the round in its keys: a reopened incident begins with the first again, under keys of its own."""
    return f"{incident.rounds}" if not incident.reopened else f"reopened-{incident.reopened}-{incident.rounds}"


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
