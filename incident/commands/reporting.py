"""What people say about repair actions that are under way, or that they did by themselves (process, 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker
from incident.commands.of_repair import WithReason, no_such_matter
from incident.model import Answer, Incident, Objection, Repair, RepairState
from incident.repairs import BUSY, busy, report_repair
from incident.words import Words


@dataclass(frozen=True)
class Object(Command):
    """Without a number it is to the one that is proposed or under way."""

    verb: ClassVar[str] = "object"
    usage: ClassVar[str] = "object [N] WHY"
    help: ClassVar[str] = "object to a repair action, or a public message, with a reason"
    after_end: ClassVar[bool] = True

    number: int | None = None
    why: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_items_number(), words.maybe_rest())

    def words(self) -> str:
        return " ".join(w for w in ("object", str(self.number or ""), self.why) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.number is None:
            open_ = self._open(incident)
            if len(open_) != 1:
                known = ", ".join(str(r.number) for r in open_)
                return f"To which repair action? `!ic {self.usage}`. Open: {known or 'none'}."
            return None
        if (draft := incident.drafts.get(self.number)) is not None:
            return None if draft.open else f"Public message {self.number} is {draft.state}; tell the IC in the channel."
        repair = incident.repairs.get(self.number)
        if repair is None:
            return no_such_matter(incident, self.number)
        if not incident.open:
            return f"The incident is {incident.phase}; `!ic reopen why` goes on with it."
        if repair in self._open(incident):
            return None
        return f"Repair {repair.number} is {repair.state}; say it in the room or with `!ic note …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        why = self.why or "no reason given"
        if self.number is not None and (draft := incident.drafts.get(self.number)) is not None:
            draft.objections.append(Objection(speaker.name, why, now))
            incident.say(f"{speaker.name} objects to {wording.message_line(draft)}: {why}.", now)
            incident.log("message", f"objection to {self.number}: {why}", now, who=speaker.id)
            return Answer("the IC sees your objection")
        repair = incident.repairs[self.number] if self.number is not None else self._open(incident)[0]
        repair.objections.append(Objection(speaker.name, why, now))
        late = (
            ""
            if repair.state.awaits_approval
            else f" It is {repair.state} already; `!ic abort {repair.number}` stops it."
        )
        incident.say(f"{speaker.name} objects to {wording.repair_line(repair)}: {why}.{late}", now)
        incident.log("repair", f"objection to {repair.number}: {why}", now, who=speaker.id)
        if late:
            text = f"{speaker.name} objects to repair {repair.number}: {why}.{late}"
            incident.tell(incident.commander, text, Choice("Abort", f"abort {repair.number}", "danger"))
        return Answer("the IC sees your objection")

    @staticmethod
    def _open(incident: Incident) -> list[Repair]:
        return [r for r in incident.repairs.values() if r.state.awaits_approval or r.state in BUSY]


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
class Stop(Command):
    """Without a number everything that runs, or is about to. Nobody is asked whether they mean it."""

    verb: ClassVar[str] = "stop"
    usage: ClassVar[str] = "stop [N] [WHY]"
    help: ClassVar[str] = "say that a repair action must stop: reaches the IC and its owner at once"

    number: int | None = None
    why: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.maybe_items_number()
        return cls(number, words.maybe_rest().strip("?!. "))

    def words(self) -> str:
        return " ".join(w for w in ("stop", str(self.number or ""), self.why) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.number is None:
            return None if busy(incident) else "No repair action is running or about to."
        repair = incident.repairs.get(self.number)
        if repair is None:
            return no_such_matter(incident, self.number)
        if repair.state.settled or repair.state in (RepairState.SUCCEEDED, RepairState.FAILED):
            return f"Repair {repair.number} has ended: {repair.state}."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        meant = busy(incident) if self.number is None else [incident.repairs[self.number]]
        for repair in meant:
            self._stop(incident, repair, speaker, now)
        owners = "the owner" if len(meant) == 1 else "the owners"
        return Answer(f"told {incident.name(incident.commander)} and {owners} at once")

    def _stop(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> None:
        why = f": {self.why}" if self.why else ""
        text = f"{speaker.name} says STOP to {wording.repair_line(repair)}{why}. `!ic abort {repair.number}` stops it."
        incident.say(text, now)
        incident.log("repair", f"stop {repair.number}{why}", now, who=speaker.id)
        for person in dict.fromkeys((incident.commander, *incident.deputies[:1], repair.owner)):
            incident.tell(person, text, Choice("Abort", f"abort {repair.number}", "danger"))


@dataclass(frozen=True)
class Failed(WithReason):
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
