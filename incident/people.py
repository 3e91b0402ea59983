"""Finding the person who was meant."""

from __future__ import annotations

from incident.model import Incident


def find(incident: Incident, who: str) -> str | None:
    """The handle of a handle or a Slack id; a guest who checked in keeps their id. None for nobody known."""
    name = who.strip().removeprefix("@")
    if not name:
        return None
    person = next((p for p in incident.policy.people if name in (p.id, p.slack)), None)
    if person is not None:
        return person.id
    return name if name in incident.responders else None


def may_read(incident: Incident, person: str) -> bool:
    """A security incident is read by who was called to it and by the security team, until the silence is lifted."""
    if not incident.silent:
        return True
    team = incident.policy.team(incident.policy.security.team)
    called = {person for page in incident.pages.values() for person in page.people}
    known = {incident.declared_by, *incident.responders, *incident.roles.values(), *(team.members if team else ())}
    return person in known | called
