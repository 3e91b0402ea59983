"""Finding the person who was meant."""

from __future__ import annotations

import re

from incident.model import Incident


def anyone(incident: Incident, who: str) -> str | None:
    """The same; somebody of the workspace whom nobody knows here is their Slack id."""
    name = who.strip().removeprefix("@")
    return find(incident, who) or (name if re.fullmatch(r"[UW][A-Z0-9]{2,20}", name) else None)


def find(incident: Incident, who: str) -> str | None:
    """The handle of a handle or a Slack id; a guest who checked in keeps their id. None for nobody known."""
    name = who.strip().removeprefix("@")
    if not name:
        return None
    person = next((p for p in incident.policy.people if name in (p.id, p.slack)), None)
    if person is None:
        person = next((p for p in incident.policy.people if name.lower() == p.id), None)
    if person is not None:
        return person.id
    return name if name in incident.responders else None
