"""Security incidents (process, 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import declaring, security, wording
from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Incident, Ticked
from incident.words import Words


@dataclass(frozen=True)
class Secure(Command):
    verb: ClassVar[str] = "secure"
    usage: ClassVar[str] = "secure"
    help: ClassVar[str] = "make it a security incident: a codename, a new private room, and silence"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Tell the IC privately, not here."

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return "It is a security incident already." if incident.silent else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        security.secure(incident, speaker.id, now)
        incident.log("security", "secured; goes on in a private room", now, who=speaker.id)
        return Answer(f"a security incident from here on, codename {incident.title}")


@dataclass(frozen=True)
class NotSecurity(Command):
    """The answer to whether it is one, of an incident that was restricted because of its words."""

    verb: ClassVar[str] = "not-security"
    usage: ClassVar[str] = "not-security"
    help: ClassVar[str] = "say that an incident which was restricted is no security incident after all"
    who: ClassVar[Who] = Who.COMMANDER
    declarers_too: ClassVar[bool] = True
    instead: ClassVar[str] = "Tell the IC privately, not here."

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return None if incident.security else "It is no security incident."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        security.is_none(incident, now)
        declaring.tell_origin(incident, now)
        incident.log("security", f"{speaker.name}: not a security incident", now, who=speaker.id)
        return Answer(f"not a security incident: {incident.severity} {incident.title} is no secret any more")


@dataclass(frozen=True)
class Lift(Command):
    verb: ClassVar[str] = "lift"
    usage: ClassVar[str] = "lift"
    help: ClassVar[str] = "end the silence of a security incident: executives and customers may hear of it"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Tell the IC privately, not here."

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if not incident.security:
            return "It is no security incident."
        return None if incident.silent else "The silence is lifted already."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.lifted_at = now
        declaring.tell_origin(incident, now)
        incident.say(f"{speaker.name} lifts the silence: executives and customers may hear of it now.", now)
        incident.log("security", "silence lifted", now, who=speaker.id)
        return Answer("the silence is over; it stands by its codename")


@dataclass(frozen=True)
class Checklist(Command):
    """An item that was seen to, with who and when; without a number the list."""

    verb: ClassVar[str] = "checklist"
    usage: ClassVar[str] = "checklist [N [WHAT WAS DONE]]"
    help: ClassVar[str] = "a security incident's checklist; with a number, tick that item off"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic did …`."

    number: int | None = None
    done: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        if not words:
            return cls()
        return cls(words.take_number("the number of the item"), words.maybe_rest())

    def words(self) -> str:
        return " ".join(w for w in ("checklist", str(self.number or ""), self.done) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if not incident.security:
            return "Only a security incident has a checklist. `!ic secure` makes this one."
        items = len(incident.policy.security.checklist)
        if self.number is not None and not 1 <= self.number <= items:
            return f"The checklist has the items 1 to {items}."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if self.number is None:
            return Answer(wording.checklist(incident))
        item = incident.policy.security.checklist[self.number - 1]
        incident.checklist[self.number] = Ticked(speaker.id, now, self.done)
        done = f": {self.done}" if self.done else ""
        incident.say(f"✓ {item}{done} ({speaker.name})", now)
        incident.log("checklist", f"{item}{done}", now, who=speaker.id)
        left = len(incident.policy.security.checklist) - len(incident.checklist)
        return Answer(f"{item}: done; {left} left", self.number)
