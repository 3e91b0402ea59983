"""Who is an expert for what, and who speaks for a service (process, "Words" and 3)."""

from __future__ import annotations

import re

from incident.model import Incident, Repair
from incident.policy import Service


def is_expert(incident: Incident, person: str, service: Service | None = None) -> bool:
    """For that service; without one for any, or by what they said when they checked in."""
    responder = incident.responders.get(person)
    if service is None and responder is not None and responder.expert_in:
        return True
    for one in incident.policy.services if service is None else (service,):
        team = incident.policy.team(one.team)
        if person == one.primary or (team is not None and person in team.members):
            return True
    return False


def primary(incident: Incident, service: Service) -> str | None:
    """Its primary SME: the configuration's, else the first of its team who is here."""
    if service.primary is not None:
        return service.primary
    team = incident.policy.team(service.team)
    here = [person for person in (team.members if team else ()) if _here(incident, person)]
    return here[0] if here else None


def service_of(incident: Incident, text: str) -> Service | None:
    """The one service that a text names; when it names none, the incident's own."""
    named = [service for service in incident.policy.services if _names(text, service)]
    if len(named) == 1:
        return named[0]
    return None if named else incident.policy.service(incident.service)


def speaks_for(incident: Incident, person: str, service: Service | None) -> str | None:
    """The primary SME through whom `person`, who is no expert for it, speaks about that service."""
    if service is None or is_expert(incident, person, service):
        return None
    return primary(incident, service)


def of_repair(incident: Incident, repair: Repair) -> tuple[Service | None, str | None]:
    """The service that a repair action touches, and its primary SME when somebody else proposed it."""
    service = incident.policy.service(repair.service) or service_of(incident, repair.title)
    return service, speaks_for(incident, repair.proposed_by, service)


def _names(text: str, service: Service) -> bool:
    said = text.lower()
    return any(re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", said) for name in (service.id, service.name))


def _here(incident: Incident, person: str) -> bool:
    responder = incident.responders.get(person)
    return responder is not None and responder.here
