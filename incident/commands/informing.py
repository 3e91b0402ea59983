"""What executives and stakeholders hear (process, 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Incident
from incident.words import Words


@dataclass(frozen=True)
class OwnWords(Command):
    verb: ClassVar[str] = "update"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "update TEXT"
    help: ClassVar[str] = "your own words for the next regular executive summary, behind severity, impact and link"
    who: ClassVar[Who] = Who.INTERNAL_LIAISON

    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("the text"))

    def words(self) -> str:
        return f"update {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        at_most = incident.policy.executives.own_words_at_most
        if len(self.text) > at_most:
            room = f"an executive summary has room for {at_most} behind severity, impact and link"
            return f"That has {len(self.text)} characters; {room}."
        return None if self.text.strip() else f"There is nothing in it. `{self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.own_words = self.text
        incident.log("summary", f"own words for the next one: {self.text}", now, who=speaker.id)
        return Answer("the next regular executive summary says it in your words, behind severity, impact and link")


@dataclass(frozen=True)
class SubscribeStakeholders(Command):
    """Beside those of the severity, which are subscribed by themselves."""

    verb: ClassVar[str] = "stakeholders"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "stakeholders TEAM…"
    help: ClassVar[str] = "subscribe these teams of PagerDuty's to the incident"
    who: ClassVar[Who] = Who.INTERNAL_LIAISON

    teams: tuple[str, ...]

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(tuple(words.rest("the id of a team in PagerDuty").split()))

    def words(self) -> str:
        return " ".join(("stakeholders", *self.teams))

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        wrong = [team for team in self.teams if not re.fullmatch(r"[A-Z0-9]{4,20}", team)]
        return f"{wrong[0]!r} is not the id of a team in PagerDuty, such as PTEAMS1." if wrong else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.stakeholders += [team for team in self.teams if team not in incident.stakeholders]
        incident.log("stakeholders", f"subscribe {', '.join(self.teams)}", now, who=speaker.id)
        return Answer(f"{', '.join(self.teams)} will hear from PagerDuty")


@dataclass(frozen=True)
class SendSummary(Command):
    verb: ClassVar[str] = "summary-send"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "summary send"
    help: ClassVar[str] = "send the executive summary now instead of when it is due"
    who: ClassVar[Who] = Who.INTERNAL_LIAISON

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.summary_asked_at = now
        incident.log("summary", "asked for now", now, who=speaker.id)
        return Answer("the executive summary goes out now")
