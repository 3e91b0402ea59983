"""What people write for the postmortem, section by section, and what they say of the response itself (process, 6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import after, emails
from incident.commands.base import Command, Speaker
from incident.model import Answer, Entry, Incident, Phase, Stage
from incident.postmortem_sections import BY_ID
from incident.words import Words


@dataclass(frozen=True)
class _Section(Command):
    """`postmortem SECTION TEXT`, from anybody who was there, at any time: also while the incident is open."""

    after_end: ClassVar[bool] = True
    after_close: ClassVar[bool] = True

    text: str

    @classmethod
    def section(cls) -> str:
        return cls.verb.removeprefix("postmortem-")

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest(BY_ID[cls.section()].asked))

    def words(self) -> str:
        return f"postmortem {self.section()} {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if not self.text.strip():
            return f"The text is empty. `{self.usage}`"
        if incident.after is not None and incident.after.stage is Stage.CLOSED and not incident.open:
            return "The postmortem is closed."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        section = BY_ID[self.section()]
        incident.sections.setdefault(section.id, []).append(Entry(now, section.id, self.text, speaker.id))
        incident.log("postmortem", f"{section.heading}: {self.text}", now, who=speaker.id)
        after.changed(incident)
        return Answer(f"Saved under “{section.heading}”.")


@dataclass(frozen=True)
class WriteOverview(_Section):
    verb: ClassVar[str] = "postmortem-overview"
    usage: ClassVar[str] = "postmortem overview TEXT"
    help: ClassVar[str] = "the postmortem's overview, instead of the one composed from what is known"


@dataclass(frozen=True)
class WriteWhat(_Section):
    verb: ClassVar[str] = "postmortem-what"
    usage: ClassVar[str] = "postmortem what TEXT"
    help: ClassVar[str] = "what happened, for somebody who was not there"


@dataclass(frozen=True)
class AddFactor(_Section):
    verb: ClassVar[str] = "postmortem-factor"
    usage: ClassVar[str] = "postmortem factor TEXT"
    help: ClassVar[str] = "add a contributing factor"


@dataclass(frozen=True)
class WriteResolution(_Section):
    verb: ClassVar[str] = "postmortem-resolution"
    usage: ClassVar[str] = "postmortem resolution TEXT"
    help: ClassVar[str] = "what ended the incident"


@dataclass(frozen=True)
class AddImpact(_Section):
    verb: ClassVar[str] = "postmortem-impact"
    usage: ClassVar[str] = "postmortem impact TEXT"
    help: ClassVar[str] = "add a number to the impact: customers, requests, orders, minutes"


@dataclass(frozen=True)
class AddWell(_Section):
    verb: ClassVar[str] = "postmortem-well"
    usage: ClassVar[str] = "postmortem well TEXT"
    help: ClassVar[str] = "add something that went well"


@dataclass(frozen=True)
class AddBadly(_Section):
    verb: ClassVar[str] = "postmortem-badly"
    usage: ClassVar[str] = "postmortem badly TEXT"
    help: ClassVar[str] = "add something that did not go so well"


@dataclass(frozen=True)
class AddLesson(_Section):
    verb: ClassVar[str] = "postmortem-lesson"
    usage: ClassVar[str] = "postmortem lesson TEXT"
    help: ClassVar[str] = "add something we learned"


@dataclass(frozen=True)
class WriteExternal(_Section):
    verb: ClassVar[str] = "postmortem-external"
    usage: ClassVar[str] = "postmortem external TEXT"
    help: ClassVar[str] = "what customers read about it afterwards"


@dataclass(frozen=True)
class ShowEmails(Command):
    """Both internal e-mails as they would read now; sending them is a person's."""

    verb: ClassVar[str] = "postmortem-emails"
    usage: ClassVar[str] = "postmortem emails"
    help: ClassVar[str] = "draft both internal e-mails: that it happened, and what we learned"
    after_end: ClassVar[bool] = True
    after_close: ClassVar[bool] = True

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.silent:
            return "This is a security incident: no e-mail goes out about it."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        return Answer(f"{emails.it_happened(incident)}\n\n---\n\n{emails.what_we_learned(incident)}")


@dataclass(frozen=True)
class Retrospect(Command):
    """An answer to the short retrospective on the response itself."""

    verb: ClassVar[str] = "retro"
    usage: ClassVar[str] = "retro TEXT"
    help: ClassVar[str] = "after the end: what helped in the response, what hindered"
    after_end: ClassVar[bool] = True
    after_close: ClassVar[bool] = True

    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("what helped, what hindered"))

    def words(self) -> str:
        return f"retro {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.open:
            return "The incident is still open. For now: `!ic postmortem well TEXT` or `!ic postmortem badly TEXT`."
        return (
            None if incident.ended_as is not Phase.CANCELLED else "It was a false alarm: its review asks for answers."
        )

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.retro.append(Entry(now, "retro", self.text, speaker.id))
        incident.log("retrospective", self.text, now, who=speaker.id)
        after.looked_back(incident, speaker.id, now)
        after.changed(incident)
        return Answer("Thank you. Your answer is in the postmortem.")
