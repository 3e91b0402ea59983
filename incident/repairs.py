"""A repair action between the proposal and the verification: who may start it, what ends it (process, 4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from incident import texts, wording
from incident.answers import Outcome, Reply
from incident.catalogue import MOST_TRIES, CatalogueEntry, StepName
from incident.choices import Choice
from incident.effects import StartRepair, TellRepair
from incident.model import Answer, Incident, Phase, Repair, RepairState
from incident.proof import Signed

if TYPE_CHECKING:
    from incident.commands.base import Speaker  # the commands import this module

BUSY = (RepairState.APPROVED, RepairState.RUNNING)
ENDED = (RepairState.SUCCEEDED, RepairState.FAILED, RepairState.UNKNOWN)
SHORT_DIGEST = 8


@dataclass(frozen=True)
class Claim:
    """The runner's question, just before it executes: may it? `token` is fresh for each invocation.

    `practice`: whether the runner's machine is one of a practice.
    """

    number: int
    digest: str
    workflow_id: str
    run_id: str
    token: str
    practice: bool | None = None


@dataclass(frozen=True)
class Verdict:
    """`approval` is the IC's own word, signed: the runner verifies it with the keys that it knows itself."""

    go: bool
    why: str = ""
    approval: Signed | None = None


_VERDICT = TypeAdapter(Verdict)


def reply(verdict: Verdict) -> Reply:
    """The verdict as the answer that the runner reads."""
    return Reply(Outcome.DONE if verdict.go else Outcome.REFUSED, _VERDICT.dump_json(verdict).decode())


def verdict(reply: Reply) -> Verdict:
    """The verdict in an answer. Raises ValueError when there is none."""
    return _VERDICT.validate_json(reply.text)


def digest(entry: CatalogueEntry | None, parameters: Mapping[str, str], text: str, step: StepName = "apply") -> str:
    """What an approval is bound to: the entry as the catalogue had it, its version and parameters, the words."""
    whole = {"entry": entry.model_dump(mode="json") if entry else None, "parameters": dict(parameters), "text": text}
    if step != "apply":
        whole["step"] = step
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def services(incident: Incident) -> frozenset[str]:
    return frozenset(service.id for service in incident.policy.services)


def propose_entry(
    incident: Incident,
    entry: CatalogueEntry,
    parameters: Mapping[str, str],
    step: StepName,
    by: str,
    now: datetime,
    *,
    risk: str = "",
    fallback: str = "",
    undoes: int | None = None,
) -> Repair:
    """Make a proposal of one of the catalogue's entries, or of its undo."""
    filled = entry.filled(parameters, incident.service)
    doing = entry.step(step)
    assert doing is not None
    touched = [filled[name] for name, p in entry.parameters.items() if p.kind == "service" and name in filled]
    verify = entry.verify
    return propose(
        incident,
        Repair(
            number=incident.next_number(),
            title=entry.title if step == "apply" else f"Undo repair {undoes}: {entry.title}",
            risk=risk or entry.risk,
            proposed_by=by,
            proposed_at=now,
            digest=digest(entry, filled, "", step),
            entry=entry.id,
            parameters=filled,
            fallback=fallback or entry.fallback,
            automated=doing.automated,
            instructions="" if doing.automated else doing.shown(filled),
            step=step,
            undoes=undoes,
            service=entry.service or (touched[0] if touched else ""),
            does=doing.shown(filled) if doing.automated else "",
            idempotent=entry.idempotent,
            check=_by_hand(entry, filled) if step == "apply" else "",
            look=verify.shown(filled) if verify is not None and not verify.automated else "",
        ),
        now,
    )


def propose(incident: Incident, repair: Repair, now: datetime) -> Repair:
    """Put a proposal before the IC. Nothing runs before their approval."""
    incident.repairs[repair.number] = repair
    incident.say(wording.repair_offer(incident, repair), now, about=f"repair/{repair.number}")
    with_ = "".join(f" {name}={value}" for name, value in repair.parameters.items())
    incident.log("repair", f"proposed {repair.number}: {repair.title}{with_}", now, who=repair.proposed_by)
    incident.want(StartRepair(f"repair/{repair.number}/start", repair.number))
    return repair


def _by_hand(entry: CatalogueEntry, parameters: Mapping[str, str]) -> str:
    check = entry.check
    return f"by hand: {check.shown(parameters)}" if check is not None and not check.automated else ""


def stale(incident: Incident, repair: Repair) -> bool:
    """The catalogue has another entry now than the one that was proposed."""
    if not repair.entry:
        return False
    entry = incident.policy.entry(repair.entry)
    return entry is None or digest(entry, repair.parameters, "", repair.step) != repair.digest


def in_the_way(incident: Incident, repair: Repair) -> Repair | None:
    """Another action on the same service that is under way, or of which nobody knows whether it is."""
    if not repair.service:
        return None
    busy = (*BUSY, RepairState.UNKNOWN)
    others = (r for r in incident.repairs.values() if r.number != repair.number and r.service == repair.service)
    return next((r for r in others if r.state in busy and r.number != repair.undoes), None)


def undoing(incident: Incident, number: int) -> Repair | None:
    """The proposal that undoes repair `number`, unless it came to nothing."""
    nothing = (RepairState.REJECTED, RepairState.WITHDRAWN, RepairState.VOID)
    return next((r for r in incident.repairs.values() if r.undoes == number and r.state not in nothing), None)


def may_be_undone(incident: Incident, repair: Repair) -> bool:
    entry = incident.policy.entry(repair.entry) if repair.entry else None
    return (
        entry is not None
        and entry.undo is not None
        and repair.step == "apply"
        and repair.started_at is not None
        and repair.state not in BUSY
        and undoing(incident, repair.number) is None
    )


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


def make_void(incident: Incident, repair: Repair, why: str, now: datetime) -> None:
    """An approval that nobody has started loses its force."""
    repair.state = RepairState.VOID
    repair.why, repair.voided_at = why, now
    incident.say(f"The approval of {wording.repair_line(repair)} is void: {why}.", now)
    incident.log("repair", f"approval of {repair.number} void: {why}", now)
    incident.want(TellRepair(f"repair/{repair.number}/void-{repair.approvals}", repair.number))


def void_stale_approvals(incident: Incident, now: datetime) -> None:
    """The catalogue was loaded anew: what was approved is not what would run."""
    for repair in [r for r in incident.repairs.values() if r.state is RepairState.APPROVED and stale(incident, r)]:
        make_void(incident, repair, "the catalogue has changed", now)


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


def end_run(
    incident: Incident,
    repair: Repair,
    state: RepairState,
    outcome: str,
    now: datetime,
    *,
    who: str,
    kept_in: str = "",
) -> None:
    """What ran has ended: the room hears it, the IC is asked."""
    repair.outcome = outcome
    repair.live = ""
    repair.kept_in = kept_in
    settle(incident, repair, state, now)
    n = repair.number
    ending, _, output = outcome.partition("\n")
    result = f": {ending.rstrip('.')}" if ending else ""
    shown = f"\n{texts.exact(output)}\n" if output else " "
    undo = f" `undo {n}` proposes to undo it." if may_be_undone(incident, repair) else ""
    match state:
        case _ if incident.phase is Phase.CLOSED:  # nobody is left to decide what next
            then = "Nobody knows whether it ran to its end." if state is RepairState.UNKNOWN else ""
        case RepairState.SUCCEEDED:
            look = f" {repair.look}" if repair.look else ""
            then = f"IC, did it work?{look} `verified {n}` or `unverified {n}`."
        case RepairState.UNKNOWN:
            then = (
                "Nobody knows whether it ran to its end; it is not started again."
                f" IC: look, then `verified {n}` or `unverified {n}`.{undo}"
            )
            incident.tell(
                incident.commander,
                f"{wording.repair_line(repair)} is unknown{result}.{shown}{then}",
                *unknown_choices(repair),
            )
        case _:
            then = f"Fallback: {repair.fallback}." if repair.fallback else "IC, what next? `propose …`"
            then += undo
    incident.say(wording.sentence(f"{wording.repair_line(repair)}: {state}{result}.{shown}{then}"), now)
    incident.log("repair", f"{n} {state}{f': {outcome}' if outcome else ''}", now, who=who)


def ended_before_approval(repair: Repair, at: datetime | None) -> bool:
    """Whether what ended `at` was not what the IC approved: somebody had it run before, and the runner refused."""
    return at is not None and repair.approved_at is not None and at < repair.approved_at


def still_running(incident: Incident, *, automated: bool = False) -> list[Repair]:
    """What has begun and has not been said to have ended; with `automated` what a runner carries out alone."""
    running = [r for r in incident.repairs.values() if r.state is RepairState.RUNNING]
    return [r for r in running if r.automated] if automated else running


def workflow_gone(incident: Incident, repair: Repair, now: datetime) -> None:
    """It was ended from outside: nobody follows what runs any more, and nothing begins."""
    why = "its workflow was ended from outside"
    if repair.state is RepairState.RUNNING and repair.automated:
        end_run(incident, repair, RepairState.UNKNOWN, why, now, who="workflow")
    elif repair.state is RepairState.APPROVED:
        make_void(incident, repair, f"{why}; propose it again", now)


def unknown_choices(repair: Repair) -> tuple[Choice, ...]:
    """What the IC may do about an action of which nobody knows how it ended."""
    n = repair.number
    again = " ".join((repair.entry, *(f"{name}={value}" for name, value in repair.parameters.items())))
    propose = (Choice("Propose it again", f"propose {again}"),) if repair.entry and repair.step == "apply" else ()
    return (
        Choice("It worked", f"verified {n}", "primary"),
        Choice("It did not work", f"unverified {n}", "danger"),
        *propose,
    )


def verified(incident: Incident, repair: Repair, answer: str, now: datetime, source: str) -> None:
    """What the verify step said, for the IC to judge."""
    repair.verification = answer
    text = f"Verify of {wording.repair_line(repair)}: {texts.quoted(answer.rstrip('.'))}."
    incident.say(text.replace("..", "."), now)
    incident.log("repair", f"verify of {repair.number}: {answer}", now, source=source)
    if repair.state in ENDED:
        n = repair.number
        incident.tell(
            incident.commander,
            f"{text} Did it work?".replace("..", "."),
            Choice("It worked", f"verified {n}", "primary"),
            Choice("It did not work", f"unverified {n}", "danger"),
        )


def claim(incident: Incident, asked: Claim, now: datetime) -> Verdict:
    """Answer the runner.

    Go is said once for an approval, only to the child run that the incident itself started and for exactly what was
    approved. The same token asking again (its answer was lost) hears the same. What is idempotent may be begun again
    under the approval that it has.
    """
    why = _not_go(incident, asked, now)
    if why is not None:
        return Verdict(False, why)
    repair = incident.repairs[asked.number]
    if repair.claim_token != asked.token:
        again = repair.state is RepairState.RUNNING
        repair.claim_token = asked.token
        repair.claims += 1
        if not again:
            _running(incident, repair, now)
        runs = f"{wording.repair_line(repair)} runs {'again, it may' if again else 'now'}."
        incident.say(wording.sentence(runs), now)
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
    if asked.practice is not None and asked.practice != incident.practice:
        this, theirs = ("a practice", "real") if incident.practice else ("real", "one of a practice")
        return f"the incident is {this} and the runner's machine is {theirs}"
    if asked.digest != repair.digest:
        return "it is not what was approved"
    if stale(incident, repair):
        return "the catalogue has changed since it was proposed"
    if repair.state is RepairState.RUNNING and repair.idempotent and repair.claims < MOST_TRIES:
        return "it is being aborted" if repair.abort_asked else None
    if repair.state is not RepairState.APPROVED or repair.approved_at is None:
        return f"it is {repair.state}, not approved"
    if repair.approved_by != incident.commander:
        return "it was approved by somebody who no longer commands"
    if now > approval_ends(incident, repair):
        return "the approval has lapsed"
    return None


def _running(incident: Incident, repair: Repair, now: datetime) -> None:
    repair.state = RepairState.RUNNING
    repair.started_at = now
    repair.time_box_ends = now + incident.policy.repair.time_box
