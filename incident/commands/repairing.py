"""Repair actions: proposed by anyone, decided by the IC alone, and nothing runs before that (process, 4)."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Self

from incident import wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who, not_shown, whole
from incident.effects import StartRepair, TellRepair
from incident.model import Answer, Incident, Objection, Repair, RepairState
from incident.people import find
from incident.policy import CatalogueEntry
from incident.repairs import already, digest, report_repair, settle, usual_owner
from incident.words import Unreadable, Words, mark

_RISK = re.compile(r"\s*\brisk:\s*(low|high)\b", re.IGNORECASE)
_FALLBACK = re.compile(r"\s*\bfallback:\s*(.*)$", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r"([a-z][a-z0-9_-]*)=(\S+)")


@dataclass(frozen=True)
class Propose(Command):
    """`entry` names one of the catalogue, `parameters` fill it; without an entry, `text` says it in own words."""

    verb: ClassVar[str] = "propose"
    usage: ClassVar[str] = "propose ENTRY [NAME=VALUE …] | propose WHAT [risk: low|high] [fallback: WHAT]"
    help: ClassVar[str] = "propose a repair action, from the catalogue or in your own words"

    entry: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    text: str = ""
    risk: str = ""
    fallback: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        text = words.rest("what to do")
        fallback = risk = ""
        if match := _FALLBACK.search(text):
            fallback, text = match[1].strip(), text[: match.start()]
        if match := _RISK.search(text):
            risk, text = match[1].lower(), text[: match.start()] + text[match.end() :]
        head, *rest = text.split() or [""]
        pairs = [_PARAMETER.fullmatch(word) for word in rest]
        if head in words.known and all(pairs):
            return cls(head, {m[1]: m[2] for m in pairs if m}, "", risk, fallback)
        if not text.strip():
            raise Unreadable("what to do is missing.")
        return cls("", {}, text.strip(), risk, fallback)

    def words(self) -> str:
        pairs = [f"{name}={value}" for name, value in self.parameters.items()]
        risk = f"risk: {self.risk}" if self.risk else ""
        fallback = f"fallback: {self.fallback}" if self.fallback else ""
        return " ".join(w for w in ("propose", self.entry, *pairs, self.text, risk, fallback) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.risk not in ("", "low", "high"):
            return "The risk is low or high."
        if not self.entry:
            return None if self.text.strip() else f"Say what to do: `{self.usage}`"
        entry = incident.policy.entry(self.entry)
        if entry is None:
            known = ", ".join(e.id for e in incident.policy.catalogue) or "none"
            return f"The catalogue has no {self.entry!r}. It has: {known}."
        for name in self.parameters:
            if name not in entry.parameters:
                return f"{entry.id} takes no {name!r}; it takes {', '.join(entry.parameters) or 'nothing'}."
        services = frozenset(s.id for s in incident.policy.services)
        for name, parameter in entry.parameters.items():
            value = self.parameters.get(name, parameter.default)
            if value is None:
                return f"{entry.id} needs {name}: `propose {entry.id} {name}=…`."
            if (fault := parameter.refuse(value, services)) is not None:
                return f"{name} {fault}."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        number = incident.next_number()
        entry = incident.policy.entry(self.entry) if self.entry else None
        filled = {} if entry is None else _filled(entry, self.parameters)
        repair = Repair(
            number=number,
            title=entry.title if entry else self.text,
            risk=self.risk or (entry.risk if entry else "high"),
            proposed_by=speaker.id,
            proposed_at=now,
            digest=digest(entry, filled, self.text),
            entry=self.entry,
            parameters=filled,
            fallback=self.fallback or (entry.fallback if entry else ""),
            automated=entry is not None and entry.apply.automated,
            instructions=_with(entry.apply.manual, filled) if entry else self.text,
        )
        incident.repairs[number] = repair
        incident.say(wording.repair_offer(incident, repair), now, about=f"repair/{number}")
        incident.log("repair", f"proposed {number}: {repair.title}{_shown(filled)}", now, who=speaker.id)
        incident.want(StartRepair(f"repair/{number}/start", number))
        return Answer(f"proposed as {number}; nothing runs before the IC approves it", number)


@dataclass(frozen=True)
class _OfRepair(Command):
    """A command about one repair action."""

    number: int

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.take_number("the number of the repair action")
        words.no_more()
        return cls(number)

    def words(self) -> str:
        return f"{self.verb} {self.number}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        repair = incident.repairs.get(self.number)
        if repair is None:
            known = ", ".join(str(n) for n in incident.repairs) or "none"
            return f"There is no repair action {self.number}. Known: {known}."
        return self.refuse_repair(incident, repair, speaker, now)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        return self.apply_repair(incident, incident.repairs[self.number], speaker, now)

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        return None

    @abstractmethod
    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        """Change the repair action. Called only when `refuse_repair` had nothing against it."""


@dataclass(frozen=True)
class _WithReason(_OfRepair):
    """A command about one repair action that needs a reason."""

    why: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_number("the number of the repair action"), words.rest("the reason"))

    def words(self) -> str:
        return f"{self.verb} {self.number} {self.why}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if not self.why.strip():
            return f"Say why: `{self.usage}`."
        return super().refuse(incident, speaker, now)


@dataclass(frozen=True)
class Withdraw(_OfRepair):
    verb: ClassVar[str] = "withdraw"
    usage: ClassVar[str] = "withdraw N"
    help: ClassVar[str] = "take your proposal back"

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if not repair.state.awaits_approval:
            return f"Repair {repair.number} is {repair.state}. `stop {repair.number} why` reaches the IC at once."
        if speaker.id not in (repair.proposed_by, incident.commander):
            return f"{incident.name(repair.proposed_by)} proposed it. Object with `object {repair.number} why`."
        return None

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        settle(incident, repair, RepairState.WITHDRAWN, now, speaker.id)
        incident.say(f"{speaker.name} withdraws {wording.repair_line(repair)}.", now)
        incident.log("repair", f"{repair.number} withdrawn", now, who=speaker.id)
        return Answer(f"{repair.number} is withdrawn")


@dataclass(frozen=True)
class Object(_WithReason):
    verb: ClassVar[str] = "object"
    usage: ClassVar[str] = "object N WHY"
    help: ClassVar[str] = "object to a repair action, with a reason"

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if repair.state.awaits_approval or repair.state in (RepairState.APPROVED, RepairState.RUNNING):
            return None
        return f"Repair {repair.number} is {repair.state}; say it in the room or with `note …`."

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        repair.objections.append(Objection(speaker.name, self.why, now))
        late = (
            "" if repair.state.awaits_approval else f" It is {repair.state} already; `abort {repair.number}` stops it."
        )
        incident.say(f"{speaker.name} objects to {wording.repair_line(repair)}: {self.why}.{late}", now)
        incident.log("repair", f"objection to {repair.number}: {self.why}", now, who=speaker.id)
        if late:
            incident.tell(incident.commander, f"{speaker.name} objects to repair {repair.number}: {self.why}.{late}")
        return Answer("the IC sees your objection")


@dataclass(frozen=True)
class Did(Command):
    """What somebody already did is recorded, never refused or blamed (process, 4)."""

    verb: ClassVar[str] = "did"
    usage: ClassVar[str] = "did WHAT"
    help: ClassVar[str] = "record something that you already did"
    after_end: ClassVar[bool] = True

    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("what you did"))

    def words(self) -> str:
        return f"did {self.text}"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.say(f"{speaker.name} did: {self.text}", now)
        incident.log("did", self.text, now, who=speaker.id)
        return Answer("recorded")


@dataclass(frozen=True)
class Stop(_WithReason):
    verb: ClassVar[str] = "stop"
    usage: ClassVar[str] = "stop N WHY"
    help: ClassVar[str] = "say that a repair action must stop: reaches the IC and its owner at once"

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if repair.state.settled or repair.state in (RepairState.SUCCEEDED, RepairState.FAILED):
            return f"Repair {repair.number} has ended: {repair.state}."
        return None

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        text = (
            f"{speaker.name} says STOP to {wording.repair_line(repair)}: {self.why}. `abort {repair.number}` stops it."
        )
        incident.say(text, now)
        incident.log("repair", f"stop {repair.number}: {self.why}", now, who=speaker.id)
        for person in dict.fromkeys((incident.commander, incident.deputy, repair.owner)):
            incident.tell(person, text, Choice("Abort", f"abort {repair.number}", "danger"))
        return Answer(f"told {incident.name(incident.commander)} and the owner at once")


@dataclass(frozen=True)
class Poll(_OfRepair):
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
    of_shown: ClassVar[bool] = True
    usage: ClassVar[str] = "approve N [@OWNER]"
    help: ClassVar[str] = "approve a repair action; a manual one needs an owner"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Object with `object N why`, or tell the IC in the room."

    number: int
    owner: str | None = None
    digest: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.take_number("the number of the repair action")
        digest = words.maybe_mark()
        owner = words.take_person() if words else None
        words.no_more()
        return cls(number, owner, digest)

    def words(self) -> str:
        return f"approve {self.number}{mark(self.digest)}" + (f" @{self.owner}" if self.owner else "")

    def bound(self, incident: Incident) -> Self:
        repair = incident.repairs.get(self.number)
        return self if repair is None else replace(self, digest=whole(self.digest, repair.digest))

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        repair = incident.repairs.get(self.number)
        if repair is None:
            return f"There is no repair action {self.number}."
        if not repair.state.awaits_approval:
            again = " Propose it again to run it again." if repair.ended_at else ""
            return f"{already(incident, repair)}{again}"
        if (why := not_shown(incident, self.digest, repair.digest)) is not None:
            return f"{why} Then `approve {self.number}`."
        if self.owner is not None and find(incident, self.owner) is None:
            return f"I know nobody called {self.owner!r}."
        owner = self._owner(incident, repair)
        if owner is None and not repair.automated:
            return f"A manual action needs an owner: `approve {self.number} @somebody`."
        if owner == incident.commander and not repair.automated:
            return f"The IC never repairs. Name somebody else: `approve {self.number} @somebody`."
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
        incident.say(wording.proceeding(repair), now)
        by = "the runner" if repair.automated else incident.name(repair.owner)
        incident.log("repair", f"approved {repair.number}, owned by {by}", now, who=speaker.id)
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
class Reject(_WithReason):
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
        return Answer(f"{repair.number} is rejected")


@dataclass(frozen=True)
class Abort(_OfRepair):
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
class Verified(_OfRepair):
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
        incident.say(f"{wording.repair_line(repair)} worked, says the IC.", now)
        incident.log("repair", f"{repair.number} worked", now, who=speaker.id)
        return Answer(f"{repair.number} worked")


@dataclass(frozen=True)
class Unverified(_OfRepair):
    verb: ClassVar[str] = "unverified"
    usage: ClassVar[str] = "unverified N"
    help: ClassVar[str] = "say that a repair action did not work"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report what you see with `finding …`."

    refuse_repair = Verified.refuse_repair

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        settle(incident, repair, RepairState.NOT_VERIFIED, now, speaker.id)
        fallback = f" Fallback: {repair.fallback}." if repair.fallback else " What next? `propose …`"
        incident.say(f"{wording.repair_line(repair)} did not work, says the IC.{fallback}", now)
        incident.log("repair", f"{repair.number} did not work", now, who=speaker.id)
        return Answer(f"{repair.number} did not work.{fallback}")


@dataclass(frozen=True)
class Failed(_WithReason):
    verb: ClassVar[str] = "failed"
    usage: ClassVar[str] = "failed N WHY"
    help: ClassVar[str] = "report that your manual repair step failed"

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if repair.automated:
            return f"Repair {repair.number} is run by the runner, which reports it."
        if repair.state not in (RepairState.APPROVED, RepairState.RUNNING):
            return f"Repair {repair.number} is {repair.state}."
        if speaker.id not in (repair.owner, incident.commander):
            return f"Repair {repair.number} belongs to {incident.name(repair.owner)}, who reports it."
        return None

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        return report_repair(incident, repair, RepairState.FAILED, self.why, speaker, now)


def _filled(entry: CatalogueEntry, given: dict[str, str]) -> dict[str, str]:
    filled = {}
    for name, parameter in entry.parameters.items():
        value = given.get(name, parameter.default)
        if value is not None:
            filled[name] = value
    return filled


def _shown(parameters: dict[str, str]) -> str:
    return "".join(f" {name}={value}" for name, value in parameters.items())


def _with(text: str, parameters: dict[str, str]) -> str:
    for name, value in parameters.items():
        text = text.replace(f"{{{name}}}", value)
    return text
