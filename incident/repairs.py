"""A repair action between the approval and the verification: who may start it, what ends it (process, 4)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from incident import wording
from incident.effects import TellRepair
from incident.model import Answer, Incident, Repair, RepairState
from incident.policy import CatalogueEntry
from incident.proof import Signed

if TYPE_CHECKING:
    from incident.commands.base import Speaker  # the commands import this module


@dataclass(frozen=True)
class Claim:
    """The runner's question, just before it executes: may it? `token` is fresh for each invocation."""

    number: int
    digest: str
    workflow_id: str
    run_id: str
    token: str


@dataclass(frozen=True)
class Verdict:
    """`approval` is the IC's own word, signed: the runner verifies it with the keys that it knows itself."""

    go: bool
    why: str = ""
    approval: Signed | None = None


def digest(entry: CatalogueEntry | None, parameters: dict[str, str], text: str) -> str:
    """What an approval is bound to: the entry as the catalogue had it, its parameters, the words."""
    whole = {"entry": entry.model_dump(mode="json") if entry else None, "parameters": parameters, "text": text}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def approval_ends(incident: Incident, repair: Repair) -> datetime:
    assert repair.approved_at is not None
    return repair.approved_at + incident.policy.repair.approval_valid_for


def usual_owner(incident: Incident, repair: Repair) -> str | None:
    """Who owns it when the IC names nobody: as the catalogue says, else who proposed a manual one."""
    entry = incident.policy.entry(repair.entry) if repair.entry else None
    if entry is not None and entry.owner and incident.policy.person(entry.owner):
        return entry.owner
    if repair.automated or repair.proposed_by == incident.commander:
        return None
    return repair.proposed_by


def already(incident: Incident, repair: Repair) -> str:
    """What happened to it, for whoever comes second."""
    if repair.state.settled and repair.settled_at is not None:
        who = f" by {incident.name(repair.settled_by)}" if repair.settled_by else ""
        return f"Repair {repair.number} is {repair.state}{who} since {wording.clock(repair.settled_at)}."
    if repair.approved_at is not None and repair.state is not RepairState.VOID:
        return (
            f"{incident.name(repair.approved_by)} approved repair {repair.number} at"
            f" {wording.clock(repair.approved_at)}; it is {repair.state}."
        )
    return f"Repair {repair.number} is {repair.state}."


def settle(incident: Incident, repair: Repair, state: RepairState, now: datetime, by: str | None = None) -> None:
    """Bring a repair action to `state` and let its workflow know."""
    repair.state = state
    repair.settled_by, repair.settled_at = by, now
    repair.ended_at = repair.ended_at or now
    incident.want(TellRepair(f"repair/{repair.number}/{state.replace(' ', '-')}", repair.number))


def start_manual(incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
    """Its owner begins a manual action."""
    _running(incident, repair, now)
    incident.say(f"{speaker.name} begins {wording.repair_line(repair)}.", now)
    incident.log("repair", f"{repair.number} begun", now, who=speaker.id)
    incident.want(TellRepair(f"repair/{repair.number}/started-{repair.approvals}", repair.number))
    return Answer(f"begun; then `done {repair.number} …` or `failed {repair.number} why`", repair.number)


def report_repair(
    incident: Incident, repair: Repair, state: RepairState, result: str, speaker: Speaker, now: datetime
) -> Answer:
    """The owner of a manual action says how it ended; the IC is asked whether it worked."""
    if repair.started_at is None:
        _running(incident, repair, now)
    end_run(incident, repair, state, result, now, who=speaker.id)
    return Answer(f"repair {repair.number}: {state}; the IC verifies it")


def end_run(incident: Incident, repair: Repair, state: RepairState, outcome: str, now: datetime, *, who: str) -> None:
    """What ran has ended: the room hears it, the IC is asked."""
    repair.outcome = outcome
    settle(incident, repair, state, now)
    result = f": {outcome}" if outcome else ""
    match state:
        case RepairState.SUCCEEDED:
            then = f" IC, did it work? `verified {repair.number}` or `unverified {repair.number}`."
        case RepairState.UNKNOWN:
            then = f" Nobody knows whether it ran to its end; it is not started again. IC: look, then `verified {repair.number}` or `unverified {repair.number}`."
        case _:
            then = f" Fallback: {repair.fallback}." if repair.fallback else " IC, what next? `propose …`"
    incident.say(f"{wording.repair_line(repair)}: {state}{result}.{then}".replace("..", "."), now)
    incident.log("repair", f"{repair.number} {state}{result}", now, who=who)


def claim(incident: Incident, asked: Claim, now: datetime) -> Verdict:
    """Answer the runner.

    Go is said once for an approval, only to the child run that the incident itself started and for exactly what was
    approved. The same token asking again (its answer was lost) hears the same.
    """
    why = _not_go(incident, asked, now)
    if why is not None:
        return Verdict(False, why)
    repair = incident.repairs[asked.number]
    if repair.claim_token != asked.token:
        repair.claim_token = asked.token
        _running(incident, repair, now)
        incident.say(f"{wording.repair_line(repair)} runs now.", now)
        incident.log("repair", f"{asked.number} started", now, source="runner")
    return Verdict(True, approval=repair.approval)


def _not_go(incident: Incident, asked: Claim, now: datetime) -> str | None:
    number, token = asked.number, asked.token
    repair = incident.repairs.get(number)
    if repair is None:
        return f"there is no repair action {number}"
    if repair.claim_token == token and token and repair.state is RepairState.RUNNING:
        return None
    if not incident.open:
        return f"the incident is {incident.phase}"
    if not repair.run_id or repair.run_id != asked.run_id:
        return "the run that asks is not the one this incident started"
    if repair.state is not RepairState.APPROVED or repair.approved_at is None:
        return f"it is {repair.state}, not approved"
    if repair.approved_by != incident.commander:
        return "it was approved by somebody who no longer commands"
    if asked.digest != repair.digest:
        return "it is not what was approved"
    if now > approval_ends(incident, repair):
        return "the approval has lapsed"
    return None


def _running(incident: Incident, repair: Repair, now: datetime) -> None:
    repair.state = RepairState.RUNNING
    repair.started_at = now
    repair.time_box_ends = now + incident.policy.repair.time_box
