"""What the scribe keeps (process, 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import after
from incident.commands.base import Command, Speaker
from incident.model import Answer, Entry, Incident
from incident.words import Words


@dataclass(frozen=True)
class _Text(Command):
    """A command that is its verb and a text."""

    after_end: ClassVar[bool] = True
    after_close: ClassVar[bool] = True

    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("the text"))

    def words(self) -> str:
        return f"{self.verb} {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return None if self.text.strip() else f"There is nothing in it. `{self.usage}`"


@dataclass(frozen=True)
class Note(_Text):
    verb: ClassVar[str] = "note"
    usage: ClassVar[str] = "note TEXT"
    help: ClassVar[str] = "put a line into the timeline"
    lines: ClassVar[frozenset[str]] = frozenset({"text"})

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.notes.append(Entry(now, "note", self.text, speaker.name))
        incident.log("note", self.text, now, who=speaker.id)
        after.noted(incident)
        return Answer("noted")


@dataclass(frozen=True)
class Todo(_Text):
    verb: ClassVar[str] = "todo"
    usage: ClassVar[str] = "todo TEXT"
    help: ClassVar[str] = "keep a follow-up for after the incident"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.todos.append(Entry(now, "todo", self.text, speaker.name))
        incident.log("todo", self.text, now, who=speaker.id)
        number = after.keep_todo(incident, self.text)
        after.noted(incident)
        return Answer(f"follow-up {number} kept")


@dataclass(frozen=True)
class Stalk(Command):
    verb: ClassVar[str] = "status-stalk"
    usage: ClassVar[str] = "status stalk"
    help: ClassVar[str] = "watch the status and report it when it changes"
    after_end: ClassVar[bool] = True

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.stalking = True
        every = f"{incident.policy.stalk.every.total_seconds():.0f} seconds"
        present = f" Now: {incident.status.detail}." if incident.status else ""
        incident.say(f"Now stalking status every {every}.{present}", now)
        return Answer(f"Now stalking status every {every}")


@dataclass(frozen=True)
class Unstalk(Command):
    verb: ClassVar[str] = "status-unstalk"
    usage: ClassVar[str] = "status unstalk"
    help: ClassVar[str] = "stop watching the status"
    after_end: ClassVar[bool] = True

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return None if incident.stalking else "Nobody stalks the status. `status stalk` starts it."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.stalking = False
        incident.say(f"{speaker.name} stopped the status stalk. `status stalk` starts it again.", now)
        return Answer("no longer stalking the status")
