"""Several deputies: who they are, and which of them a reminder goes to (process, 2 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from incident.model import Held, Incident
from incident.severity import Role

PARTS = ("paging", "timers", "call")


def in_turn(deputies: tuple[str, ...], parts: Mapping[str, str], part: str) -> tuple[str, ...]:
    """Whoever has that part, then whoever has none, then the others: a reminder goes to one of them after the other."""

    def rank(person: str) -> int:
        theirs = parts.get(person)
        return 0 if theirs == part else 1 if theirs is None else 2

    return tuple(sorted(deputies, key=rank))


def add(incident: Incident, person: str, part: str, now: datetime) -> None:
    """One more deputy, or another part for one who is there; the first one there is becomes the deputy."""
    if part:
        incident.deputy_parts[person] = part
    else:
        incident.deputy_parts.pop(person, None)
    if person in incident.deputies:
        return
    if incident.deputy is None:
        incident.roles[Role.DEPUTY] = person
    else:
        incident.more_deputies.append(person)
    incident.held.append(Held(Role.DEPUTY, person, now))


def drop(incident: Incident, person: str, now: datetime) -> None:
    """No longer a deputy; the next one takes the first one's place."""
    if person not in incident.deputies:
        return
    incident.deputy_parts.pop(person, None)
    for held in incident.held:
        if held.role is Role.DEPUTY and held.person == person and held.until is None:
            held.until = now
    if person in incident.more_deputies:
        incident.more_deputies.remove(person)
    elif incident.more_deputies:
        incident.roles[Role.DEPUTY] = incident.more_deputies.pop(0)
    else:
        del incident.roles[Role.DEPUTY]
