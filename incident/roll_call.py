"""A roll call: each primary SME gives a CAN report, and the channel sees who is missing (process, 3)."""

from __future__ import annotations

from datetime import datetime

from incident import experts, security, texts, wording
from incident.choices import Choice
from incident.model import Incident, RollCall
from incident.policy import Service

REPORT = Choice("Give a CAN report …", "can", "primary", form=True)


def services(incident: Incident) -> list[Service]:
    """The incident's own and those of whoever checked in; all of them, where there are none of these."""
    here = [r.person for r in incident.responders.values() if r.here]
    meant = [
        service
        for service in incident.policy.services
        if service.id == incident.service or any(experts.is_expert(incident, person, service) for person in here)
    ]
    return meant or list(incident.policy.services)


def whom(incident: Incident, called: list[Service]) -> tuple[dict[str, str], list[str]]:
    """Each primary SME with their services, and the services that nobody speaks for."""
    asked: dict[str, str] = {}
    nobody: list[str] = []
    for service in called:
        person = experts.primary(incident, service)
        if person is None or person == incident.commander or not security.may_read(incident, person):
            nobody.append(service.name)
        else:
            asked[person] = f"{asked[person]}, {service.name}" if person in asked else service.name
    return asked, nobody


def begin(incident: Incident, called: list[Service], by: str, now: datetime) -> RollCall:
    within = incident.policy.deputy.roll_call_within
    asked, nobody = whom(incident, called)
    roll = RollCall(by, now, now + within, asked, nobody)
    incident.roll_call = roll
    incident.say(text(incident, f"{now:%H%M%S}"), now, about=f"roll-call/{now:%H%M%S}")
    incident.log("roll call", ", ".join((*_named(incident, asked), *nobody)), now, who=by)
    for person, theirs in asked.items():
        incident.tell(
            person,
            f"Roll call for {incident.label}: a CAN report for {theirs} within {wording.minutes(within)}, please:"
            " `!ic can CONDITIONS / ACTIONS / NEEDS`.",
            REPORT,
        )
    return roll


def heard(incident: Incident, person: str, now: datetime) -> None:
    """Somebody reported. When all have, it is over."""
    roll = incident.roll_call
    if roll is None or roll.closed_at is not None or person not in roll.asked:
        return
    roll.answered[person] = now
    if not roll.missing and not roll.nobody:
        roll.closed_at = now
        incident.say("Roll call: all have answered.", now)
        incident.log("roll call", "all have answered", now)


def close(incident: Incident, now: datetime) -> None:
    """Its time is up: the channel sees who is missing, and the IC may page them."""
    roll = incident.roll_call
    assert roll is not None
    roll.closed_at = now
    missing = ", ".join(_missing(incident, roll))
    line = f"Roll call: {len(roll.answered)} of {len(roll.asked) + len(roll.nobody)} answered. Missing: {missing}."
    incident.say(line, now)
    incident.log("roll call", f"missing: {missing}", now)
    pages = (Choice(f"Page {incident.name(person)}", f"page {person}", "primary") for person in roll.missing)
    incident.tell(incident.commander, line, *pages)


def text(incident: Incident, key: str) -> str:
    """The notice, as it stands now."""
    roll = incident.roll_call
    if roll is None or f"{roll.asked_at:%H%M%S}" != key:
        return "Roll call: over."
    within = wording.minutes(roll.due_at - roll.asked_at)
    asked = ", ".join(texts.person(person, incident.name(person)) for person in roll.asked)
    lines = [f"Roll call: {asked or 'nobody is known'}: a CAN report within {within}, please."]
    over = roll.closed_at is not None
    for person, name in zip(roll.asked, _named(incident, roll.asked), strict=True):
        if person in roll.answered:
            lines.append(f"✓ {name} at {texts.moment(roll.answered[person])}")
        else:
            lines.append(f"missing: {name}" if over else f"… {name}")
    lines += [f"{service}: it has no SME here" for service in roll.nobody]
    return "\n".join(lines)


def _named(incident: Incident, asked: dict[str, str]) -> list[str]:
    return [f"{incident.name(person)} ({theirs})" for person, theirs in asked.items()]


def _missing(incident: Incident, roll: RollCall) -> list[str]:
    missing = {person: theirs for person, theirs in roll.asked.items() if person not in roll.answered}
    return [*_named(incident, missing), *(f"somebody for {service}" for service in roll.nobody)]
