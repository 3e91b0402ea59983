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
from incident.repairs import report_repair
from incident.words import Words


@dataclass(frozen=True)
class Object(WithReason):
    verb: ClassVar[str] = "object"
    usage: ClassVar[str] = "object N WHY"
    help: ClassVar[str] = "object to a repair action, or a public message, with a reason"
    after_end: ClassVar[bool] = True

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        draft = incident.drafts.get(self.number)
        if draft is None:
            if self.number not in incident.repairs:
                return no_such_matter(incident, self.number)
            over = f"The incident is {incident.phase}; `reopen why` goes on with it."
            return super().refuse(incident, speaker, now) if incident.open else over
        if not self.why.strip():
            return f"Say why: `{self.usage}`."
        return None if draft.open else f"Public message {self.number} is {draft.state}; tell the IC in the room."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        draft = incident.drafts.get(self.number)
        if draft is None:
            return super().apply(incident, speaker, now)
        draft.objections.append(Objection(speaker.name, self.why, now))
        incident.say(f"{speaker.name} objects to {wording.message_line(draft)}: {self.why}.", now)
        incident.log("message", f"objection to {self.number}: {self.why}", now, who=speaker.id)
        return Answer("the IC sees your objection")

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
            text = f"{speaker.name} objects to repair {repair.number}: {self.why}.{late}"
            incident.tell(incident.commander, text, Choice("Abort", f"abort {repair.number}", "danger"))
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
class Stop(WithReason):
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
        for person in dict.fromkeys((incident.commander, *incident.deputies[:1], repair.owner)):
            incident.tell(person, text, Choice("Abort", f"abort {repair.number}", "danger"))
        return Answer(f"told {incident.name(incident.commander)} and the owner at once")


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
