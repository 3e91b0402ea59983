"""The IC decides about repair actions, and nobody else; nothing runs before that (process, 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self

from incident import pagerduty, wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who, not_shown, whole
from incident.commands.of_repair import OfRepair, WithReason, no_such_repair
from incident.effects import TellRepair
from incident.model import Answer, Incident, Repair, RepairState
from incident.people import find
from incident.repairs import (
    BUSY,
    already,
    in_the_way,
    may_be_undone,
    propose_entry,
    settle,
    stale,
    undoing,
    usual_owner,
)
from incident.words import Words, mark

_ALSO = re.compile(r"(?<!\s)\s*(?:--|—|–)also\b")


@dataclass(frozen=True)
class Poll(OfRepair):
    """The end of the window approves nothing (process, 4)."""

    verb: ClassVar[str] = "poll"
    usage: ClassVar[str] = "poll N"
    help: ClassVar[str] = "ask for strong objections before a large action"
    who: ClassVar[Who] = Who.COMMANDER

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if repair.polled_until is not None and not repair.poll_closed and now < repair.polled_until:
            return f"The window for objections to repair {repair.number} is open already."
        return None if repair.state.awaits_approval else already(incident, repair)

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        window = incident.policy.repair.poll_window
        repair.polled_until = now + window
        repair.poll_closed = False
        incident.say(wording.poll(repair, window), now)
        incident.log("repair", f"polled {repair.number}", now, who=speaker.id)
        incident.want(TellRepair(f"repair/{repair.number}/poll-{now:%H%M%S}", repair.number))
        return Answer(f"asked the room; the window ends in {wording.minutes(window)} and approves nothing")


@dataclass(frozen=True)
class Approve(Command):
    """For exactly what was proposed, by whoever commands now, once. `digest`, or its beginning, says what that was."""

    verb: ClassVar[str] = "approve"
    usage: ClassVar[str] = "approve N [@OWNER] [--also]"
    help: ClassVar[str] = "approve a repair action; a manual one needs an owner; --also beside another on the service"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Object with `object N why`, or tell the IC in the room."
    of_shown: ClassVar[bool] = True

    number: int
    owner: str | None = None
    also: bool = False
    digest: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        also = bool(_ALSO.search(words.left))
        words.left = _ALSO.sub("", words.left).strip()
        number = words.take_number("the number of the repair action")
        digest = words.maybe_mark()
        owner = words.take_person() if words else None
        words.no_more()
        return cls(number, owner, also, digest)

    def words(self) -> str:
        owner, also = f" @{self.owner}" if self.owner else "", " --also" if self.also else ""
        return f"approve {self.number}{mark(self.digest)}{owner}{also}"

    def bound(self, incident: Incident) -> Self:
        repair = incident.repairs.get(self.number)
        return self if repair is None else replace(self, digest=whole(self.digest, repair.digest))

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        repair = incident.repairs.get(self.number)
        if repair is None:
            return no_such_repair(incident, self.number)
        if not repair.state.awaits_approval:
            again = " Propose it again to run it again." if repair.ended_at else ""
            return f"{already(incident, repair)}{again}"
        if (why := not_shown(incident, self.digest, repair.digest)) is not None:
            return f"{why} Then `approve {self.number}`."
        if stale(incident, repair):
            return (
                f"The catalogue has changed since repair {self.number} was proposed. `propose` it again, as it is now."
            )
        if self.owner is not None and find(incident, self.owner) is None:
            return f"I know nobody called {self.owner!r}."
        owner = self._owner(incident, repair)
        if owner is None and not repair.automated:
            return f"A manual action needs an owner: `approve {self.number} @somebody`."
        if owner == incident.commander and not repair.automated:
            return f"The IC never repairs. Name somebody else: `approve {self.number} @somebody`."
        other = in_the_way(incident, repair)
        if other is not None and not self.also:
            return (
                f"{wording.repair_line(other)} is {other.state} on {other.service}. Two at a time only if you say so:"
                f" `{self.words()} --also`."
            )
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        repair = incident.repairs[self.number]
        rules = incident.policy.repair
        repair.state = RepairState.APPROVED
        repair.owner = self._owner(incident, repair)
        repair.approved_by = speaker.id
        repair.approved_at = now
        repair.approvals += 1
        repair.approval = speaker.signed
        repair.why = ""
        repair.abort_asked = False
        incident.say(wording.proceeding(repair), now)
        by = "the runner" if repair.automated else incident.name(repair.owner)
        incident.log("repair", f"approved {repair.number}, owned by {by}", now, who=speaker.id)
        pagerduty.note(incident, f"{speaker.name} approved {wording.repair_line(repair)}. Owner: {by}")
        incident.want(TellRepair(f"repair/{repair.number}/approval-{repair.approvals}", repair.number))
        valid = wording.minutes(rules.approval_valid_for)
        if not repair.automated:
            n = repair.number
            incident.tell(
                repair.owner,
                f"{speaker.name} approved {wording.repair_line(repair)}, and you own it. {repair.instructions}\n"
                f"Say `ack {n}` as you begin (within {valid}), then `done {n} …` or `failed {n} why`.",
                Choice("I begin", f"ack {n}", "primary"),
                Choice("Done …", f"done {n}", form=True),
                Choice("Failed …", f"failed {n}", form=True),
            )
        return Answer(f"approved; {by} starts it within {valid} or the approval is void", self.number)

    def _owner(self, incident: Incident, repair: Repair) -> str | None:
        return find(incident, self.owner) if self.owner is not None else usual_owner(incident, repair)


@dataclass(frozen=True)
class Reject(WithReason):
    verb: ClassVar[str] = "reject"
    usage: ClassVar[str] = "reject N WHY"
    help: ClassVar[str] = "reject a repair action, with the reason"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Object with `object N why`."

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        return None if repair.state.awaits_approval else already(incident, repair)

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        repair.why = self.why
        settle(incident, repair, RepairState.REJECTED, now, speaker.id)
        incident.say(f"The IC rejects {wording.repair_line(repair)}: {self.why}.", now)
        incident.log("repair", f"rejected {repair.number}: {self.why}", now, who=speaker.id)
        pagerduty.note(incident, f"{speaker.name} rejected {wording.repair_line(repair)}: {self.why}")
        return Answer(f"{repair.number} is rejected")


@dataclass(frozen=True)
class Abort(OfRepair):
    verb: ClassVar[str] = "abort"
    decision: ClassVar[bool] = True
    usage: ClassVar[str] = "abort N"
    help: ClassVar[str] = "stop a repair action: IC, deputy and owner"

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if speaker.id not in (incident.commander, incident.deputy, repair.owner):
            return f"IC, deputy and owner abort. Say `stop {repair.number} why`: it reaches them at once."
        if repair.state not in (RepairState.APPROVED, RepairState.RUNNING):
            return f"{already(incident, repair)} There is nothing to abort."
        return None

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        incident.log("repair", f"abort {repair.number}", now, who=speaker.id)
        incident.say(f"{speaker.name} aborts {wording.repair_line(repair)}.", now)
        if repair.automated and repair.state is RepairState.RUNNING:
            repair.abort_asked = True
            repair.why = f"aborted by {speaker.name}"
            incident.want(TellRepair(f"repair/{repair.number}/abort", repair.number))
            return Answer("stopping it; the room hears what had been done")
        settle(incident, repair, RepairState.ABORTED, now, speaker.id)
        incident.tell(
            repair.owner, f"{speaker.name} aborts {wording.repair_line(repair)}. Stop, and say what you had done."
        )
        return Answer(f"{repair.number} is aborted")


@dataclass(frozen=True)
class Verified(OfRepair):
    verb: ClassVar[str] = "verified"
    usage: ClassVar[str] = "verified N"
    help: ClassVar[str] = "say that a repair action worked"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report what you see with `finding …`."

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if repair.state in (RepairState.SUCCEEDED, RepairState.FAILED, RepairState.UNKNOWN):
            return None
        return f"{already(incident, repair)} There is nothing to verify."

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        settle(incident, repair, RepairState.VERIFIED, now, speaker.id)
        incident.say(wording.sentence(f"{wording.repair_line(repair)} worked, says the IC."), now)
        incident.log("repair", f"{repair.number} worked", now, who=speaker.id)
        pagerduty.note(incident, f"{speaker.name} confirmed that {wording.repair_line(repair)} worked")
        return Answer(f"{repair.number} worked")


@dataclass(frozen=True)
class Unverified(OfRepair):
    verb: ClassVar[str] = "unverified"
    usage: ClassVar[str] = "unverified N"
    help: ClassVar[str] = "say that a repair action did not work"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report what you see with `finding …`."

    refuse_repair = Verified.refuse_repair

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        settle(incident, repair, RepairState.NOT_VERIFIED, now, speaker.id)
        fallback = f" Fallback: {repair.fallback}." if repair.fallback else " What next? `propose …`"
        fallback += f" `undo {repair.number}` proposes to undo it." if may_be_undone(incident, repair) else ""
        incident.say(wording.sentence(f"{wording.repair_line(repair)} did not work, says the IC.{fallback}"), now)
        incident.log("repair", f"{repair.number} did not work", now, who=speaker.id)
        pagerduty.note(incident, f"{speaker.name} found that {wording.repair_line(repair)} did not work")
        return Answer(f"{repair.number} did not work.{fallback}")


@dataclass(frozen=True)
class Undo(OfRepair):
    """A proposal like any other: it has to be approved."""

    verb: ClassVar[str] = "undo"
    usage: ClassVar[str] = "undo N"
    help: ClassVar[str] = "propose to undo a repair action; that is approved like any other"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Propose it in your own words: `propose …`."

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if may_be_undone(incident, repair):
            return None
        if (before := undoing(incident, repair.number)) is not None:
            return f"Repair {before.number} undoes it: {before.state}."
        if repair.started_at is None:
            return f"Repair {repair.number} has not run; there is nothing to undo."
        if repair.state in BUSY:
            return f"Repair {repair.number} is {repair.state}. `abort {repair.number}` stops it."
        return "The catalogue has no undo for it. Say in your own words what to do: `propose …`."

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        entry = incident.policy.entry(repair.entry)
        assert entry is not None
        made = propose_entry(incident, entry, repair.parameters, "undo", speaker.id, now, undoes=repair.number)
        return Answer(f"proposed as {made.number}; nothing is undone before you approve it", made.number)
