"""What executives and stakeholders hear (process, 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Incident
from incident.words import Words

TEAM_ID = r"[A-Z0-9]{4,20}"
"""As PagerDuty's ids look."""


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
        return None if self.text.strip() else f"There is nothing in it. `!ic {self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.own_words = self.text
        incident.log("summary", f"own words for the next one: {self.text}", now, who=speaker.id)
        return Answer("the next regular executive summary says it in your words, behind severity, impact and link")


@dataclass(frozen=True)
class SubscribeStakeholders(Command):
    """Beside those of the severity, which are subscribed by themselves."""

    verb: ClassVar[str] = "stakeholders"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "stakeholders TEAM[, TEAM…]"
    help: ClassVar[str] = "subscribe these teams of PagerDuty's, by name or id, to the incident's status updates"
    who: ClassVar[Who] = Who.INTERNAL_LIAISON

    teams: tuple[str, ...]

    @classmethod
    def read(cls, words: Words) -> Self:
        """Ids with blanks between them, or names, which may have blanks in them, with commas."""
        text = words.rest("a team in PagerDuty, by name or id")
        if all(re.fullmatch(TEAM_ID, word) for word in text.split()):
            return cls(tuple(text.split()))
        return cls(tuple(name for part in text.split(",") if (name := part.strip())))

    def words(self) -> str:
        return f"stakeholders {', '.join(self.teams)}" if self._named else " ".join(("stakeholders", *self.teams))

    @property
    def _named(self) -> bool:
        return any(not re.fullmatch(TEAM_ID, team) for team in self.teams)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return None if self.teams else f"Name a team in PagerDuty. `{self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.stakeholders += [team for team in self.teams if team not in incident.stakeholders]
        incident.log("stakeholders", f"subscribe {', '.join(self.teams)}", now, who=speaker.id)
        return Answer(f"{', '.join(self.teams)} will get PagerDuty's status updates")


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
