"""Letting people go (process, 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import leadership
from incident.commands.base import Command, Speaker, Who
from incident.effects import Uninvite
from incident.model import Answer, Incident
from incident.people import anyone, find
from incident.words import Words


@dataclass(frozen=True)
class Keep(Command):
    """ "Keep A and B, thanks, the others may go." Command staff and liaisons always stay, and so do sub-teams."""

    verb: ClassVar[str] = "keep"
    usage: ClassVar[str] = "keep @A [@B …]"
    help: ClassVar[str] = "keep these people, and thank the others; command staff and liaisons always stay"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "`!ic leave` checks you out."

    people: tuple[str, ...]

    @classmethod
    def read(cls, words: Words) -> Self:
        people = [words.take_person("who stays")]
        while words:
            people.append(words.take_person())
        return cls(tuple(people))

    def words(self) -> str:
        return " ".join(("keep", *(f"@{person}" for person in self.people)))

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        unknown = [person for person in self.people if find(incident, person) is None]
        return f"I know nobody called {unknown[0]!r}." if unknown else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        wanted = {find(incident, person) for person in self.people}
        stay = (
            wanted
            | {*incident.roles.values(), *incident.deputies}
            | {p for t in incident.teams.values() for p in t.everybody}
        )
        go = [r for r in incident.responders.values() if r.here and r.person not in stay]
        kept = " and ".join(incident.name(find(incident, person)) for person in self.people)
        for responder in go:
            responder.left_at = now
            leadership.vacate(incident, responder.person, now)
            incident.tell(responder.person, f"Thank you! {incident.label} goes on without you; you may go.")
        others = f" Thanks, the others may go: {', '.join(r.name for r in go)}." if go else ""
        incident.say(f"We keep {kept}.{others}", now)
        incident.log(
            "release", f"kept {kept}; released {', '.join(r.name for r in go) or 'nobody'}", now, who=speaker.id
        )
        return Answer(f"{len(go)} people released; command staff and liaisons stay")


@dataclass(frozen=True)
class Remove(Command):
    """Somebody who disturbs the call. They leave the room, and what they held is free."""

    verb: ClassVar[str] = "remove"
    usage: ClassVar[str] = "remove @USER [--yes WHY]"
    help: ClassVar[str] = "take somebody out of the response and its room"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Tell the IC privately."

    person: str
    why: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_person("who"), words.maybe_rest())

    def words(self) -> str:
        return f"remove @{self.person} --yes {self.why}" if self.why else f"remove @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        person = anyone(incident, self.person)
        if person is None:
            return f"I know nobody called {self.person!r}."
        return "You cannot remove yourself. `!ic handover @somebody` passes command." if person == speaker.id else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = anyone(incident, self.person)
        assert person is not None
        if (responder := incident.responders.get(person)) is not None and responder.here:
            responder.left_at = now
        name, why = incident.name(person), f": {self.why}" if self.why else "."
        incident.say(f"The IC takes {name} out of the response{why}", now)
        incident.log("release", f"{name} removed{why}", now, who=speaker.id)
        incident.tell(person, f"The IC of {incident.label} asks you to leave the response{why} Thank you.")
        incident.want(Uninvite(f"uninvite/{person}/{now:%H%M%S}", person))
        leadership.vacate(incident, person, now)
        incident.removed.append(person)
        return Answer(f"{name} is out of the response")
