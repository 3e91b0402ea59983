"""Somebody disrupts the response: the IC has one press for it (process, 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import wording
from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Handover, Incident
from incident.people import anyone
from incident.words import Words


@dataclass(frozen=True)
class _OfADisrupter(Command):
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Tell the IC privately."

    person: str

    @classmethod
    def read(cls, words: Words) -> Self:
        person = words.take_person("who")
        words.no_more()
        return cls(person)

    def words(self) -> str:
        return f"{self.verb} @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        person = anyone(incident, self.person)
        if person is None:
            return f"I know nobody called {self.person!r}."
        if person == speaker.id:
            return "That is you. Name somebody else."
        return "Only the IC in person does that." if speaker.entered_by else None


@dataclass(frozen=True)
class Challenge(_OfADisrupter):
    """Yes is an accepted handover; the question is the IC's alone, never the product's."""

    verb: ClassVar[str] = "challenge"
    usage: ClassVar[str] = "challenge @USER"
    help: ClassVar[str] = "ask somebody who disrupts whether they wish to take command; yes hands it over"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = anyone(incident, self.person)
        assert person is not None
        lapses = now + incident.policy.command.handover_lapses_after
        incident.handover = Handover(person, now, lapses, asks_a_disrupter=True)
        name = incident.name(person)
        incident.say(wording.handover_offer(incident, incident.handover), now, about=f"challenge/{person}/{now:%H%M%S}")
        incident.log("command", f"asks {name} whether they wish to take command", now, who=speaker.id)
        return Answer(f"asked {name}; if they accept, command passes to them")


@dataclass(frozen=True)
class Warn(_OfADisrupter):
    verb: ClassVar[str] = "warn"
    usage: ClassVar[str] = "warn @USER"
    help: ClassVar[str] = "tell somebody privately to cause no further interruptions"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = anyone(incident, self.person)
        name = incident.name(person)
        incident.tell(
            person,
            f"{speaker.name}, the IC of {incident.label}, asks you to cause no further interruptions."
            " Otherwise you'll be removed from the incident.",
        )
        incident.log("release", f"{name} warned", now, who=speaker.id)
        return Answer(f"told {name} privately")
