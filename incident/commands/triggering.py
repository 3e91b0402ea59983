"""One storm, one room: what else goes wrong while an incident is open (process, 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import paging, triggers, wording
from incident.commands.base import Command, Speaker
from incident.model import Answer, Incident, Trigger
from incident.words import Words


@dataclass(frozen=True)
class Further(Command):
    """A further trigger. `source` is where it comes from (a person otherwise), `url` where more stands about it.

    `paged`: somebody pages an IC because of it, who is always reached.
    """

    verb: ClassVar[str] = "further"
    usage: ClassVar[str] = "further WHAT"
    help: ClassVar[str] = "say what else is broken; the room decides whether it is the same trouble"

    text: str
    source: str = ""
    url: str = ""
    paged: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("what else is broken"))

    def words(self) -> str:
        return f"further {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return None if self.text.strip() else f"There is nothing in it. `!ic {self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if self.paged and (asked := triggers.asked_by_people(incident)):
            return self._joins(incident, asked[0], speaker, now)
        number = incident.next_number()
        by = speaker.id if self.paged else ""
        trigger = Trigger(number, self.text, self.source or speaker.name, now, self.url, by=by)
        incident.triggers[number] = trigger
        incident.say(f"A further trigger: {self.text} ({trigger.source}).", now, about=f"trigger/{number}")
        incident.log("trigger", f"{self.text} ({trigger.source})", now, who=speaker.id)
        where = f"It stands in {wording.channel(incident)}, where {incident.severity} {incident.label} is open."
        if incident.commander is not None and self.paged:
            triggers.ask(incident, trigger, now)
            return Answer(
                f"{incident.name(incident.commander)} is the IC of {incident.severity} {incident.label} and has been told."
                f" The same incident, or a separate one? `!ic same {number}` or `!ic separate {number}`. Unanswered for 1 min, it"
                " becomes a separate one and the incident commanders on call are paged.",
                number,
            )
        if incident.commander is not None:
            return Answer(
                f"{where} {incident.name(incident.commander)} commands. `!ic separate {number}` parts it.", number
            )
        before = paging.lately(incident, now)
        if not before:
            pages = paging.page_anew(incident, now)
            return Answer(f"{where} Paging {', '.join(page.label for page in pages)}.", number)
        ago = wording.minutes(now - max(page.asked_at for page in before))
        return Answer("\n".join((f"{where} Paged {ago} ago:", *wording.pages_lines(before))), number)

    def _joins(self, incident: Incident, trigger: Trigger, speaker: Speaker, now: datetime) -> Answer:
        """Nobody is paged twice for one and the same thing."""
        incident.say(f"{speaker.name} pages an IC, too: {self.text}.", now)
        incident.log("trigger", f"{trigger.number}, too: {self.text} ({speaker.name})", now, who=speaker.id)
        return Answer(
            f"{trigger.source} has paged because of {trigger.text!r} already; yours was added to it. `!ic same {trigger.number}` or"
            f" `!ic separate {trigger.number}`?",
            trigger.number,
        )


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
        if incident.commander is not None and speaker.id not in (incident.commander, *incident.deputies, trigger.by):
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
        triggers.part(incident, trigger, f"{speaker.name} parts it", now)
        return Answer(f"declared as incident {trigger.became}; its ICs are paged")
