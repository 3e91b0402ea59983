"""One storm, one room: what else goes wrong while an incident is open (process, 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import identity, paging, wording
from incident.commands.base import Command, Speaker
from incident.effects import DeclareSeparately
from incident.model import Answer, Incident, Trigger
from incident.words import Words


@dataclass(frozen=True)
class Further(Command):
    """A further trigger. `source` is where it comes from (a person otherwise), `url` where more stands about it."""

    verb: ClassVar[str] = "further"
    usage: ClassVar[str] = "further WHAT"
    help: ClassVar[str] = "say what else is broken; the room decides whether it is the same trouble"

    text: str
    source: str = ""
    url: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("what else is broken"))

    def words(self) -> str:
        return f"further {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return None if self.text.strip() else f"There is nothing in it. `{self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        number = incident.next_number()
        trigger = Trigger(number, self.text, self.source or speaker.name, now, self.url)
        incident.triggers[number] = trigger
        incident.say(f"A further trigger: {self.text} ({trigger.source}).", now, about=f"trigger/{number}")
        incident.log("trigger", f"{self.text} ({trigger.source})", now, who=speaker.id)
        where = f"It stands in #{identity.room_name(incident.id, moved=incident.moved)}, where {incident.severity} {incident.label} is open."
        if incident.commander is not None:
            return Answer(
                f"{where} {incident.name(incident.commander)} commands. `separate {number}` parts it.", number
            )
        pages = paging.page_commanders(incident, now) if not _paged_lately(incident, now) else []
        if pages:
            paged = f" Paging {', '.join(page.label for page in pages)}."
        else:
            lines = wording.pages_lines(page for page in incident.pages.values() if page.for_commander)
            paged = "\n" + "\n".join(lines) if lines else " The ICs are being paged already."
        return Answer(f"{where}{paged}", number)


@dataclass(frozen=True)
class _OfTrigger(Command):
    """A decision about one trigger: the IC's and the deputy's, anybody's while nobody commands."""

    decision: ClassVar[bool] = True

    number: int

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.take_number("the number of the trigger")
        words.no_more()
        return cls(number)

    def words(self) -> str:
        return f"{self.verb} {self.number}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        trigger = incident.triggers.get(self.number)
        if trigger is None:
            known = ", ".join(map(str, incident.triggers)) or "none"
            return f"There is no further trigger {self.number}. Known: {known}."
        if trigger.decided_at is not None:
            became = f"incident {trigger.became}" if trigger.became else "the same"
            return f"{incident.name(trigger.decided_by)} decided that already: {became}."
        if incident.commander is not None and speaker.id not in (incident.commander, *incident.deputies):
            return f"IC and deputy decide that. The IC is {incident.name(incident.commander)}."
        return None

    def decide(self, incident: Incident, speaker: Speaker, now: datetime) -> Trigger:
        trigger = incident.triggers[self.number]
        trigger.decided_by, trigger.decided_at = speaker.id, now
        return trigger


@dataclass(frozen=True)
class Same(_OfTrigger):
    verb: ClassVar[str] = "same"
    usage: ClassVar[str] = "same N"
    help: ClassVar[str] = "a further trigger is the same trouble"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        trigger = self.decide(incident, speaker, now)
        incident.facts.symptoms.append(trigger.text)
        incident.log("trigger", f"{self.number} is the same trouble", now, who=speaker.id)
        return Answer("the same trouble; kept as a symptom")


@dataclass(frozen=True)
class Separate(_OfTrigger):
    verb: ClassVar[str] = "separate"
    usage: ClassVar[str] = "separate N"
    help: ClassVar[str] = "a further trigger is another trouble: it becomes an incident of its own"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        trigger = self.decide(incident, speaker, now)
        trigger.became = identity.incident_id(f"{incident.id}/trigger/{self.number}", 3)
        incident.want(DeclareSeparately(f"separate/{self.number}", self.number))
        incident.say(f"{speaker.name} parts it: incident {trigger.became}, #{identity.room_name(trigger.became)}.", now)
        incident.log("trigger", f"{self.number} is separate: incident {trigger.became}", now, who=speaker.id)
        return Answer(f"declared as incident {trigger.became}; its ICs are paged")


def _paged_lately(incident: Incident, now: datetime) -> bool:
    """A round that was just asked for answers a storm of triggers, too."""
    return incident.round_at is not None and now - incident.round_at < incident.policy.paging.round_every
