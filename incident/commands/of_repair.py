"""What the commands about one repair action have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from incident.commands.base import Command, Speaker
from incident.model import Answer, Incident, Repair
from incident.words import Words


def no_such_repair(incident: Incident, number: int) -> str:
    known = ", ".join(str(n) for n in incident.repairs) or "none"
    return f"There is no repair action {number}. Known: {known}."


def no_such_matter(incident: Incident, number: int) -> str:
    """Where a public message could be meant as well."""
    known = (
        ", ".join(map(str, sorted((*incident.repairs, *(n for n, d in incident.drafts.items() if d.open))))) or "none"
    )
    return f"There is no repair action or public message {number}. Known: {known}."


@dataclass(frozen=True)
class OfRepair(Command):
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
            return no_such_repair(incident, self.number)
        return self.refuse_repair(incident, repair, speaker, now)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        return self.apply_repair(incident, incident.repairs[self.number], speaker, now)

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        return None

    @abstractmethod
    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        """Change the repair action. Called only when `refuse_repair` had nothing against it."""


@dataclass(frozen=True)
class WithReason(OfRepair):
    """A command about one repair action that needs a reason."""

    why: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_number("the number of the repair action"), words.rest("the reason"))

    def words(self) -> str:
        return f"{self.verb} {self.number} {self.why}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if not self.why.strip():
            return f"Say why: `!ic {self.usage}`."
        return super().refuse(incident, speaker, now)
