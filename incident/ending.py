"""What ends with the call, and what lives on (process, 6)."""

from __future__ import annotations

from datetime import datetime

from incident import after, leadership, pagerduty, publishing, repairs, sub_teams, wording
from incident.effects import KeepRecord
from incident.model import Announcement, DraftState, Incident, Phase, RepairState
from incident.severity import Role


def running_repairs(incident: Incident) -> list[str]:
    busy = (RepairState.APPROVED, RepairState.RUNNING)
    return [f"{wording.repair_line(r)} is {r.state}" for r in incident.repairs.values() if r.state in busy]


def open_ends(incident: Incident) -> list[str]:
    """Why the call should not be closed yet. A draft that waits holds nobody up: it is mentioned."""
    return running_repairs(incident)


def mentions(incident: Incident) -> str:
    """What waits for a decision and is let go with the end; what customers hear last is drafted from what is known then."""
    waiting = [f"public message {d.number} ({d.stage})" for d in incident.drafts.values() if d.waits]
    if not waiting or incident.announcement is Announcement.NO:
        return ""
    then = " The last one is drafted now." if incident.announcement is Announcement.YES else " Customers were not told."
    return f" Mind: {' and '.join(waiting)} was waiting for approval.{then}"


def responded(incident: Incident, person: str) -> bool:
    """Whether they commanded, joined or acknowledged a page; when nobody did, the declarer counts."""
    came = everybody_who_responded(incident)
    return person in came or (not came and person == incident.declared_by)


def everybody_who_responded(incident: Incident) -> list[str]:
    acknowledged = [person for page in incident.pages.values() for person in page.acknowledged_by]
    held = [holder.person for holder in incident.held]
    return list(dict.fromkeys([*incident.responders, *held, *acknowledged]))


def take_up_again(incident: Incident, by: str, now: datetime) -> None:
    """Command in order: the former IC, if there, at once; else nobody, and the ICs are paged as at the start."""
    incident.reopened += 1
    incident.reopened_at = now
    incident.owed_dropped, incident.owed_dropped_by = "", None
    if not incident.full:
        return
    commander = incident.commander
    responder = incident.responders.get(commander) if commander else None
    if commander is not None and (commander == by or (responder is not None and responder.here)):
        incident.commanded_since = now
        if commander != by:
            text = f"{incident.name(by)} reopened {incident.label}: you're in command. `!ic handover @somebody` passes it on."
            incident.tell(commander, text)
        return
    if commander is not None:
        leadership.seat(incident, Role.COMMANDER, None, now)
        incident.former_commander, incident.commanded_since = commander, None
    incident.rounds, incident.told_no_commander_at = 0, now


def end(incident: Incident, phase: Phase, by: str, now: datetime, why: str = "") -> None:
    """Close the call: the room is told, clocks stop, PagerDuty is resolved, people are released."""
    _stop_clocks(incident, phase, by, now)
    incident.worse_after = ""
    because = f": {why}" if why else ""
    name = incident.name(by)
    if phase is Phase.RESOLVED:
        incident.say(
            f"The incident is resolved after {wording.minutes(now - incident.declared_at)}, final severity"
            f" {incident.severity}{because}. Thank you, everybody; you are released. Discussion goes on in this room,"
            " the call is over. The status is watched for another"
            f" {wording.minutes(incident.policy.ending.watched_for)}; `!ic reopen` goes on if it comes back.",
            now,
        )
    else:
        incident.say(f"{name} ends this as a false alarm{because}. Thank you, everybody; you are released.", now)
    for repair in repairs.still_running(incident):
        incident.say(
            f"{wording.repair_line(repair)} is running still. It is stopped when this incident closes, in"
            f" {wording.minutes(incident.policy.ending.watched_for)}, unless it has ended by then.",
            now,
        )
    incident.log(phase.value, f"{phase} by {name}{because}", now, who=by)
    _wind_up(incident, phase, now)
    if phase is Phase.CANCELLED:
        _tell_everybody_paged(incident, by, because)
    elif publishing.still_owed(incident):
        incident.say("Customers are still owed the last message.", now, about=f"owed/{_ends(incident)}")


def _tell_everybody_paged(incident: Incident, by: str, because: str) -> None:
    """Nobody stays up for a false alarm."""
    paged = [person for page in incident.pages.values() for person in (*page.people, *page.acknowledged_by)]
    for person in dict.fromkeys([*paged, *incident.responders]):
        if person != by:
            text = f"{incident.label} was a false alarm{because}. {incident.name(by)} cancelled it: you're not needed."
            incident.tell(person, text)


def _ends(incident: Incident) -> int:
    """How often it has ended so far."""
    return sum(1 for entry in incident.timeline if entry.kind in (Phase.RESOLVED, Phase.CANCELLED))


def cancelled_from_outside(incident: Incident, reason: str, now: datetime) -> None:
    """Somebody has cancelled the incident's workflow: it closes at once, in order, and says so."""
    if incident.phase is Phase.CLOSED:
        return
    why = f"its workflow was cancelled from outside{f' ({reason})' if reason else ''}"
    if incident.open:
        _stop_clocks(incident, Phase.CANCELLED, "", now)
        incident.say(f"This incident ends here: {why}. If the trouble is not over, declare it again.", now)
        incident.log(Phase.CANCELLED.value, why, now, source="workflow")
        _wind_up(incident, Phase.CANCELLED, now)
    else:
        incident.say(f"The status is watched no more: {why}.", now)
    incident.phase = Phase.CLOSED
    incident.log("closed", why, now, source="workflow")


def _stop_clocks(incident: Incident, phase: Phase, by: str, now: datetime) -> None:
    incident.phase = phase
    incident.ended_at = now
    incident.ended_by = by or None
    incident.handover = None
    incident.challenge = None
    if incident.roll_call is not None:
        incident.roll_call.closed_at = incident.roll_call.closed_at or now
    leadership.void_approvals(incident, now, "the incident ended")
    for task in incident.tasks.values():
        if task.done_at is None:
            task.done_at = now
            task.result = f"the incident was {phase}"
    sub_teams.close_all(incident, f"the incident was {phase}", now)
    # The last message, if there is one, is drafted from what is known now.
    for version in [version for draft in incident.drafts.values() for version in draft.versions.values()]:
        if version.state in (DraftState.WAITING, DraftState.HELD):
            version.state = DraftState.SUPERSEDED


def _wind_up(incident: Incident, phase: Phase, now: datetime) -> None:
    leadership.set_topic(incident)
    pagerduty.end(incident)
    incident.want(KeepRecord(f"record/{len(incident.timeline)}"))
    if phase is Phase.RESOLVED:
        after.begin(incident, now)
    else:
        after.begin_review(incident, everybody_who_responded(incident), now)
