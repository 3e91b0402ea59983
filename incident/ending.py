"""What ends with the call, and what lives on (process, 6)."""

from __future__ import annotations

from datetime import datetime

from incident import after, leadership, wording
from incident.effects import KeepRecord, ResolvePages
from incident.model import DraftState, Incident, Phase, RepairState


def running_repairs(incident: Incident) -> list[str]:
    busy = (RepairState.APPROVED, RepairState.RUNNING)
    return [f"{wording.repair_line(r)} is {r.state}" for r in incident.repairs.values() if r.state in busy]


def open_ends(incident: Incident) -> list[str]:
    """Why the call should not be closed yet."""
    drafts = [
        f"public message {d.number} awaits approval" for d in incident.drafts.values() if d.state is DraftState.WAITING
    ]
    return running_repairs(incident) + drafts


def end(incident: Incident, phase: Phase, by: str, now: datetime, why: str = "") -> None:
    """Close the call: the room is told, clocks stop, PagerDuty is resolved, people are released."""
    incident.phase = phase
    incident.ended_at = now
    incident.ended_by = by
    incident.handover = None
    leadership.void_approvals(incident, now, "the incident ended")
    for task in incident.tasks.values():
        if task.done_at is None:
            task.done_at = now
            task.result = f"the incident was {phase}"
    for draft in incident.drafts.values():
        if draft.state in (DraftState.WAITING, DraftState.HELD):
            draft.state = DraftState.SUPERSEDED  # the last message, if there is one, is drafted from what is known now
    because = f": {why}" if why else ""
    name = incident.name(by)
    if phase is Phase.RESOLVED:
        incident.say(
            f"The incident is resolved after {wording.minutes(now - incident.declared_at)}, final severity"
            f" {incident.severity}{because}. Thank you, everybody; you are released. Discussion goes on in this room,"
            " the call is over. The status is watched for another"
            f" {wording.minutes(incident.policy.ending.watched_for)}; `reopen` goes on if it comes back.",
            now,
        )
    else:
        incident.say(f"{name} ends this as a false alarm{because}. Thank you, everybody; you are released.", now)
    incident.log(phase.value, f"{phase} by {name}{because}", now, who=by)
    leadership.set_topic(incident)
    ends = sum(1 for entry in incident.timeline if entry.kind in (Phase.RESOLVED, Phase.CANCELLED))
    incident.want(ResolvePages(f"resolve-pages/{ends}"))
    incident.want(KeepRecord(f"record/{len(incident.timeline)}"))
    if phase is Phase.RESOLVED:
        after.begin(incident, now)
    else:
        after.tell(incident)
