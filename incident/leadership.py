"""Who commands, and what follows from a change of it (process, 2)."""

from __future__ import annotations

from datetime import datetime

from incident import deputies, pagerduty, repairs, sub_teams, wording
from incident.choices import Choice
from incident.effects import SetTopic
from incident.model import Held, Incident, RepairState, Responder
from incident.severity import Role


def check_in(incident: Incident, person: str, name: str, expert_in: str, now: datetime) -> None:
    """Make somebody a responder, if they are not one; the backup may become deputy by it."""
    before = incident.responders.get(person)
    if before is None or not before.here:
        incident.responders[person] = Responder(person, name, expert_in, now)
        pagerduty.answered(incident, person, now)
        seat_deputy(incident, now)


def take(incident: Incident, person: str, name: str, now: datetime, *, acting: bool) -> None:
    """`person` commands from now on. Approvals that were not started are void; the roles are read out."""
    former = incident.commander
    deputies.drop(incident, person, now)
    for role in [role for role, holder in incident.roles.items() if holder == person]:
        seat(incident, role, None, now)
    seat(incident, Role.COMMANDER, person, now)
    incident.former_commander = former
    incident.acting = acting
    incident.commanded_since = now
    incident.first_commanded_at = incident.first_commanded_at or now
    incident.handover = None
    incident.challenge = None
    incident.voice = None
    incident.told_no_commander_at = None
    check_in(incident, person, name, "", now)
    pagerduty.answered(incident, person, now)
    _let_in(incident, person)
    void = void_approvals(incident, now, f"command passed to {name}")
    seat_deputy(incident, now)
    announce_roles(incident, now)
    incident.log("command", f"{name} commands{' (acting)' if acting else ''}", now, who=person)
    pagerduty.note(incident, f"Incident commander{' (acting)' if acting else ''}: {name}")
    pagerduty.merge_pages(incident, now)
    if void:
        incident.tell(
            person,
            "These approvals became void with the change of command, each to be approved again by you: "
            + "; ".join(f"`!ic approve {number}`" for number in void),
            *(Choice(f"Approve {number}", f"approve {number}", "primary") for number in void),
        )
    for repair in (incident.repairs[number] for number in void):
        if repair.owner != person and not repair.automated:
            incident.tell(
                repair.owner,
                f"Don't start repair {repair.number} ({repair.title}): the new IC must approve it again.",
            )
    _offer_the_usual(incident, person)


def _offer_the_usual(incident: Incident, person: str) -> None:
    """Whoever usually holds a role that nobody has: one press of the IC names them (process, 2)."""
    if not incident.full:
        return
    usual = {
        role: someone
        for role, someone in incident.policy.usual.items()
        if role not in incident.roles and role is not Role.COMMANDER and someone != person
    }
    if not usual:
        return
    named = ", ".join(f"{role.label.lower()} {incident.name(someone)}" for role, someone in usual.items())
    incident.tell(
        person,
        f"The usual people for the roles that are free: {named}. One press names each; to name somebody else,"
        " `!ic scribe @USER`, `!ic customer-liaison @USER`, `!ic internal-liaison @USER`.",
        *(
            Choice(f"{role.label}: {incident.name(someone)}", f"{role.value} @{someone}")
            for role, someone in usual.items()
        ),
    )


def ask_about_disrupter(incident: Incident, person: str, why: str) -> None:
    """What the IC may do about somebody who was asked whether they wish to take command, and does not."""
    incident.tell(
        incident.commander,
        f"{incident.name(person)} {why}. If they go on disrupting: `!ic warn @{person}` or `!ic remove @{person}`.",
        Choice("Warn", f"warn @{person}"),
        Choice("Remove …", f"remove @{person}", "danger", form=True),
    )


def _let_in(incident: Incident, person: str) -> None:
    """Nobody walks into a security incident's room; an open one they join as they like."""
    if incident.security:
        incident.invite(person)


def void_approvals(incident: Incident, now: datetime, why: str) -> list[int]:
    """Approvals that nobody has started lose their force. Gives their numbers."""
    void = [r for r in incident.repairs.values() if r.state is RepairState.APPROVED]
    for repair in void:
        repairs.make_void(incident, repair, why, now)
    return [repair.number for repair in void]


def seat_deputy(incident: Incident, now: datetime) -> None:
    """The backup IC becomes deputy once checked in (if the backup commands, the primary does)."""
    if incident.commander is None or incident.deputy is not None or incident.chosen_deputy:
        return
    for target in ("backup", "primary"):
        for page in incident.pages.values():
            if not page.for_commander or page.target != target:
                continue
            for person in page.people:
                responder = incident.responders.get(person)
                if person != incident.commander and responder and responder.here and incident.policy.trained(person):
                    appoint(incident, Role.DEPUTY, person, now)
                    return


def appoint(incident: Incident, role: Role, person: str, now: datetime) -> None:
    """Give `person` a role and read the roles out."""
    if role is Role.DEPUTY and person in incident.more_deputies:
        deputies.drop(incident, person, now)
    seat(incident, role, person, now)
    _let_in(incident, person)
    incident.log("role", f"{role.label}: {incident.name(person)}", now, who=person)
    announce_roles(incident, now, role)
    pagerduty.merge_pages(incident, now)


def seat(incident: Incident, role: Role, person: str | None, now: datetime) -> None:
    """`person` holds it from now on (nobody, when None); the record keeps who held it before, and until when."""
    if person is not None and incident.holder(role) == person:
        return
    for held in incident.held:
        if held.role is role and held.until is None and held.person not in incident.more_deputies:
            held.until = now
    if role is Role.DEPUTY:
        incident.deputy_parts.pop(incident.deputy or "", None)
    if person is None:
        del incident.roles[role]
    else:
        incident.roles[role] = person
        incident.held.append(Held(role, person, now))


def vacate(incident: Incident, person: str, now: datetime) -> None:
    """What they held and could do is free; a sub-team without its leader is the IC's to close."""
    was_deputy = person in incident.deputies
    deputies.drop(incident, person, now)
    held = [role for role, holder in incident.roles.items() if holder == person]
    for role in held:
        seat(incident, role, None, now)
    if incident.voice == person:
        incident.voice = None
    if incident.handover is not None and incident.handover.to == person:
        incident.handover = None
    if incident.challenge is not None and incident.challenge.by == person:
        incident.challenge = None
    for repair in incident.repairs.values():
        if repair.state is RepairState.APPROVED and repair.owner == person:
            repairs.make_void(incident, repair, f"{incident.name(person)}, who owned it, is not here any more", now)
    team = sub_teams.of(incident, person)
    if team is not None and team.leader != person:
        team.members.remove(person)
        sub_teams.changed(incident, team)
    elif team is not None:
        incident.tell(
            incident.commander,
            f"{incident.name(person)}, who leads {team.title}, left: `!ic team close {team.letter}`.",
        )
    if held or was_deputy:
        announce_roles(incident, now)


def announce_roles(incident: Incident, now: datetime, changed: Role | None = None) -> None:
    """The room reads who holds what, word for word; a liaison's name is added only when it changes."""
    extra = ""
    if changed in (Role.CUSTOMER_LIAISON, Role.INTERNAL_LIAISON):
        extra = f", {changed.label}: {incident.name(incident.holder(changed))}"
    incident.say(wording.roles(incident) + extra, now)
    set_topic(incident)


def set_topic(incident: Incident) -> None:
    """Severity, state and roles at the top of the room; set only when they differ from what stands there."""
    practice = "PRACTICE · " if incident.practice else ""
    practice = f"Attorney Work Project · {practice}" if incident.security else practice
    topic = f"{practice}{incident.severity} · {incident.phase} · {incident.title} · {wording.roles(incident)}"
    topic = wording.shorten(topic, 250)
    if topic != incident.topic:
        incident.topic = topic
        incident.want(SetTopic("topic", topic))
