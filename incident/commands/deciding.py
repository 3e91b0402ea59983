"""The IC decides about repair actions, and nobody else; nothing runs before that (process, 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self

from incident import pagerduty, polls, repairs, wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who, not_shown, whole
from incident.commands.flags import take_also
from incident.commands.of_repair import OfRepair, WithReason, no_such_matter, no_such_repair
from incident.effects import TellRepair
from incident.model import Answer, Incident, Repair, RepairState
from incident.people import find
from incident.repairs import (
    BUSY,
    already,
    busy,
    in_the_way,
    may_be_undone,
    propose_entry,
    settle,
    stale,
    undoing,
    usual_owner,
)
from incident.words import Words, mark


@dataclass(frozen=True)
class Poll(OfRepair):
    """The end of the window approves nothing (process, 4)."""

    verb: ClassVar[str] = "poll"
    usage: ClassVar[str] = "poll N"
    help: ClassVar[str] = "ask for strong objections before a large action, or a public message"
    who: ClassVar[Who] = Who.COMMANDER
    after_end: ClassVar[bool] = True

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        draft = incident.drafts.get(self.number)
        if draft is None:
            if self.number not in incident.repairs:
                return no_such_matter(incident, self.number)
            over = f"The incident is {incident.phase}; `!ic reopen why` goes on with it."
            return super().refuse(incident, speaker, now) if incident.open else over
        if polls.is_open(draft, now):
            return f"The window for objections to public message {self.number} is open already."
        return None if draft.open else f"Public message {self.number} is {draft.state}; there is nothing to ask."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        draft = incident.drafts.get(self.number)
        if draft is None:
            return super().apply(incident, speaker, now)
        polls.begin(incident, draft, now)
        incident.log("message", f"polled {self.number}", now, who=speaker.id)
        window = wording.minutes(incident.policy.repair.poll_window)
        return Answer(f"asked the room; the window ends in {window} and approves nothing")

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
    help: ClassVar[str] = (
        "approve a repair action; with an owner it is that person's manual step; --also beside another on the service"
    )
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Object with `!ic object N why`, or tell the IC in the room."
    of_shown: ClassVar[bool] = True

    number: int
    owner: str | None = None
    also: bool = False
    digest: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        also = take_also(words)
        number = words.take_number("the number of the repair action")
        digest = words.maybe_mark()
        owner = words.maybe_person()
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
            return f"{why} Then `!ic approve {self.number}`."
        if stale(incident, repair):
            return f"The catalogue has changed since repair {self.number} was proposed. `!ic propose` it again, as it is now."
        if self.owner is not None and find(incident, self.owner) is None:
            return f"I know nobody called {self.owner!r}."
        owner = self._owner(incident, repair)
        manual = self.owner is not None or not repairs.by_runner(incident, repair)
        if owner is None and manual:
            return f"A manual action needs an owner: `!ic approve {self.number} @somebody`."
        if owner == incident.commander and manual:
            return f"The IC never repairs. Name somebody else: `!ic approve {self.number} @somebody`."
        other = in_the_way(incident, repair)
        if other is not None and not self.also:
            return (
                f"{wording.repair_line(other)} is {other.state} on {other.service}. Two at a time only if you say so:"
                f" `!ic {self.words()} --also`."
            )
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        repair = incident.repairs[self.number]
        rules = incident.policy.repair
        repair.state = RepairState.APPROVED
        repair.owner = self._owner(incident, repair)
        repairs.hand_to(incident, repair, by_hand=self.owner is not None)
        repair.approved_by = speaker.id
        repair.approved_at = now
        repair.approvals += 1
        repair.approval = speaker.signed
        repair.why = ""
        repair.abort_asked = False
        asked = repair.polled_until is not None
        incident.say(wording.proceeding(wording.repair_line(repair), repair.objections, polled=asked), now)
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
                f"Say `!ic ack {n}` as you begin (within {valid}), then `!ic done {n} …` or `!ic failed {n} why`.",
                Choice("I begin", f"ack {n}", "primary"),
                Choice("Done …", f"done {n}", form=True),
                Choice("Failed …", f"failed {n}", form=True),
            )
        return Answer(f"approved; {by} starts it within {valid} or the approval is void", self.number)

    def _runs_itself(self, incident: Incident, repair: Repair) -> bool:
        """What names a person is that person's to carry out, whether or not the runner could (process, 4)."""
        entry = incident.policy.entry(repair.entry) if repair.entry else None
        return self.owner is None and entry is not None and entry.automates(repair.step)

    def _owner(self, incident: Incident, repair: Repair) -> str | None:
        return find(incident, self.owner) if self.owner is not None else usual_owner(incident, repair)


@dataclass(frozen=True)
class Reject(WithReason):
    verb: ClassVar[str] = "reject"
    usage: ClassVar[str] = "reject N WHY"
    help: ClassVar[str] = "reject a repair action, with the reason"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Object with `!ic object N why`."

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
class Abort(Command):
    """Without a number the one that runs, or is about to, at once."""

    verb: ClassVar[str] = "abort"
    decision: ClassVar[bool] = True
    usage: ClassVar[str] = "abort [N]"
    help: ClassVar[str] = "stop a repair action: IC, deputy and owner"

    number: int | None = None

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.maybe_number()
        if number is not None:
            words.no_more()
        words.maybe_rest()  # why it has to stop is no reason to ask
        return cls(number)

    def words(self) -> str:
        return "abort" if self.number is None else f"abort {self.number}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        repair = self._meant(incident, speaker)
        if repair is None and self.number is not None:
            return no_such_repair(incident, self.number)
        if repair is None:
            running = ", ".join(str(r.number) for r in busy(incident))
            return (
                f"Which one? Running: {running}. `!ic abort N`"
                if running
                else "No repair action is running or about to."
            )
        if speaker.id not in (incident.commander, *incident.deputies, repair.owner):
            return f"IC, deputy and owner abort. Say `!ic stop {repair.number} why`: it reaches them at once."
        if repair.state not in BUSY:
            return f"{already(incident, repair)} There is nothing to abort."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        repair = self._meant(incident, speaker)
        assert repair is not None
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

    def _meant(self, incident: Incident, speaker: Speaker) -> Repair | None:
        """That of the number; without one the only one that they may abort, else the only one that runs."""
        if self.number is not None:
            return incident.repairs.get(self.number)
        running = busy(incident)
        theirs = [r for r in running if speaker.id in (incident.commander, incident.deputy, r.owner)]
        return next((found[0] for found in (theirs, running) if len(found) == 1), None)


@dataclass(frozen=True)
class Verified(OfRepair):
    verb: ClassVar[str] = "verified"
    usage: ClassVar[str] = "verified N"
    help: ClassVar[str] = "say that a repair action worked"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report what you see with `!ic finding …`."

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
    instead: ClassVar[str] = "Report what you see with `!ic finding …`."

    refuse_repair = Verified.refuse_repair

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        settle(incident, repair, RepairState.NOT_VERIFIED, now, speaker.id)
        fallback = f" Fallback: {repair.fallback}." if repair.fallback else " What next? `!ic propose …`"
        fallback += f" `!ic undo {repair.number}` proposes to undo it." if may_be_undone(incident, repair) else ""
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
    instead: ClassVar[str] = "Propose it in your own words: `!ic propose …`."

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if may_be_undone(incident, repair):
            return None
        if (before := undoing(incident, repair.number)) is not None:
            return f"Repair {before.number} undoes it: {before.state}."
        if repair.started_at is None:
            return f"Repair {repair.number} has not run; there is nothing to undo."
        if repair.state in BUSY:
            return f"Repair {repair.number} is {repair.state}. `!ic abort {repair.number}` stops it."
        return "The catalogue has no undo for it. Say in your own words what to do: `!ic propose …`."

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        entry = incident.policy.entry(repair.entry)
        assert entry is not None
        made = propose_entry(incident, entry, repair.parameters, "undo", speaker.id, now, undoes=repair.number)
        return Answer(f"proposed as {made.number}; nothing is undone before you approve it", made.number)
