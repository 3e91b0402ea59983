"""Several deputies, each of whom may have a part (process, 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import deputies, leadership, wording
from incident.commands.base import Command, Speaker, Who
from incident.commands.flags import take_confirm
from incident.commands.leading import DEPUTY_NEXT, not_appointed, untrained
from incident.model import Answer, Incident
from incident.people import find
from incident.severity import Role
from incident.words import Words


@dataclass(frozen=True)
class AddDeputy(Command):
    """One more deputy, who may have a part: reminders about that go to them first (process, 2)."""

    verb: ClassVar[str] = "deputy-add"
    usage: ClassVar[str] = "deputy add @USER [for paging|timers|call] [confirm]"
    help: ClassVar[str] = "add a deputy, who may get a part: its reminders go to them first"
    who: ClassVar[Who] = Who.COMMANDER

    person: str
    part: str = ""
    confirmed: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        person, part = words.take_person("who"), ""
        if words.peek().lower() == "for":
            words.take("for")
            part = words.take("a part: paging, timers or call,").lower()
        confirmed = take_confirm(words)
        words.no_more()
        return cls(person, part, confirmed)

    def words(self) -> str:
        part = f" for {self.part}" if self.part else ""
        return f"deputy add @{self.person}{part}" + (" confirm" if self.confirmed else "")

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.part and self.part not in deputies.PARTS:
            return f"A deputy's part is paging, timers or call, not {self.part!r}."
        return not_appointed(incident, self.person) or untrained(incident, self.person, self, self.confirmed)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.person)
        assert person is not None
        incident.chosen_deputy = True
        deputies.add(incident, person, self.part, now)
        part = f" Your part: the {self.part}." if self.part else ""
        incident.invite(person)
        incident.tell(person, f"{speaker.name} names you deputy of {incident.label}.{part} {DEPUTY_NEXT}")
        incident.log("role", f"Deputy: {wording.deputies(incident)}", now, who=person)
        leadership.announce_roles(incident, now, Role.DEPUTY)
        return Answer(f"Deputy: {wording.deputies(incident)}")
