"""What the scribe keeps (process, 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import ClassVar, Self

from incident import after, calendar
from incident.commands.base import Command, Speaker
from incident.model import Answer, Entry, Incident
from incident.severity import Role
from incident.texts import quoted
from incident.times import clock
from incident.words import Unreadable, Words

_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]( UTC)?")


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
        return None if self.text.strip() else f"There is nothing in it. `!ic {self.usage}`"


@dataclass(frozen=True)
class Note(_Text):
    """`at` is a time of day as it is on the speaker's wall, or in UTC: the last one before now."""

    verb: ClassVar[str] = "note"
    usage: ClassVar[str] = "note [at HH:MM] TEXT"
    help: ClassVar[str] = "put a line into the timeline, now or at an earlier time"
    lines: ClassVar[frozenset[str]] = frozenset({"text"})

    at: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        text = words.rest("the text")
        match = re.match(r"at\s+(\d{1,2}:\d{2}(?:\s+UTC)?)(?:\s+|$)", text, re.IGNORECASE)
        if match is None:
            return cls(text)
        at = " ".join(match[1].upper().split())
        if not _TIME_OF_DAY.fullmatch(at):
            raise Unreadable(f"{match[1]!r} is not a time of day such as 02:50.")
        if not (rest := text[match.end() :].strip()):
            raise Unreadable("The text is missing.")
        return cls(rest, at)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.at and not _TIME_OF_DAY.fullmatch(self.at):
            return f"{self.at!r} is not a time of day such as 02:50."
        return super().refuse(incident, speaker, now)

    def words(self) -> str:
        return f"note at {self.at} {self.text}" if self.at else f"note {self.text}"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        at = self._moment(incident, speaker, now)
        incident.notes.append(Entry(at, "note", self.text, speaker.name, author=speaker.id))
        incident.log("note", self.text, at, who=speaker.id)
        n = len(incident.notes)
        incident.say(f"Note {n} ({speaker.name}, {clock(at)}): {quoted(self.text)}", now)
        after.noted(incident)
        return Answer("noted", n)

    def _moment(self, incident: Incident, speaker: Speaker, now: datetime) -> datetime:
        if not self.at:
            return now
        wall, _, utc = self.at.partition(" ")
        zone = "UTC" if utc else after.zone_of(incident, speaker.id)
        hour, minute = map(int, wall.split(":"))
        day = calendar.local_day(now, zone)
        at = calendar.moment(day, time(hour, minute), zone)
        return at if at <= now else calendar.moment(day - calendar.DAY, time(hour, minute), zone)


@dataclass(frozen=True)
class Strike(Command):
    """What was noted by mistake: struck through, and kept."""

    verb: ClassVar[str] = "strike"
    usage: ClassVar[str] = "strike N"
    help: ClassVar[str] = "its author, scribe, deputy or IC: strike a note; it stays, struck through"
    after_end: ClassVar[bool] = True
    after_close: ClassVar[bool] = True

    number: int

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.take_number("the number of a note")
        words.no_more()
        return cls(number)

    def words(self) -> str:
        return f"strike {self.number}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if not 1 <= self.number <= len(incident.notes):
            return f"There is no note {self.number}. The newest is {len(incident.notes)}."
        note = incident.notes[self.number - 1]
        if note.struck:
            return f"Note {self.number} was struck already, by {note.struck}."
        may = {note.author, *(incident.holder(role) for role in (Role.COMMANDER, Role.DEPUTY, Role.SCRIBE))}
        if speaker.id not in may:
            return f"Only its author ({note.who}), the scribe, the deputy or the IC can strike a note."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        note = incident.notes[self.number - 1]
        note.struck = speaker.name
        for entry in incident.timeline:
            if (entry.kind, entry.at, entry.text, entry.who) == ("note", note.at, note.text, note.author):
                entry.struck = speaker.name
        incident.say(f"{speaker.name} struck note {self.number}: ~{note.text}~", now)
        after.noted(incident)
        return Answer(f"note {self.number} is struck through")


@dataclass(frozen=True)
class Todo(_Text):
    verb: ClassVar[str] = "todo"
    usage: ClassVar[str] = "todo TEXT"
    help: ClassVar[str] = "keep a follow-up for after the incident"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.todos.append(Entry(now, "todo", self.text, speaker.name))
        incident.log("todo", self.text, now, who=speaker.id)
        number = after.keep_todo(incident, self.text)
        incident.say(f"Follow-up {number} ({speaker.name}, {clock(now)}): {quoted(self.text)}", now)
        after.noted(incident)
        return Answer(f"follow-up {number} kept")


@dataclass(frozen=True)
class Stalk(Command):
    verb: ClassVar[str] = "status-stalk"
    usage: ClassVar[str] = "status stalk"
    help: ClassVar[str] = "watch the status and report it when it changes"
    after_end: ClassVar[bool] = True

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        every = f"{incident.policy.stalk.every.total_seconds():.0f} seconds"
        if incident.stalking:
            return Answer(f"The status is stalked already, every {every}. `!status` reads it now.")
        incident.stalking = True
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
        return None if incident.stalking else "Nobody stalks the status. `!status stalk` starts it."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.stalking = False
        incident.say(f"{speaker.name} stopped the status stalk. `!status stalk` starts it again.", now)
        return Answer("no longer stalking the status")
