"""Getting people (process, 1 and 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import paging
from incident.commands.base import Command, Speaker
from incident.model import Answer, Incident
from incident.policy import Policy
from incident.words import Words

RESPONDERS = "responders"


@dataclass(frozen=True)
class PagePeople(Command):
    """`whom` is a person, a team, `responders`, or empty for the incident commanders.

    `under` is the word a door has already paged them under, while Temporal was away.
    """

    verb: ClassVar[str] = "page"
    usage: ClassVar[str] = "page [USER | TEAM | responders | what is wrong]"
    help: ClassVar[str] = "page somebody; with anything but one name, page the incident commanders again"

    whom: str = ""
    reason: str = ""
    confirmed: bool = False
    under: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        head, *rest = words.maybe_rest().split() or [""]
        name = head.removeprefix("@").removeprefix("<@").removesuffix(">")
        if name in words.known or name == RESPONDERS:
            if not rest:
                return cls(whom=name)
            if name == RESPONDERS and rest == ["confirm"]:
                return cls(whom=name, confirmed=True)
        return cls(reason=" ".join((head, *rest)))

    def words(self) -> str:
        return " ".join(w for w in ("page", self.whom, self.reason, "confirm" if self.confirmed else "") if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return self.refuse_whom(incident.policy)

    def refuse_whom(self, policy: Policy) -> str | None:
        """Why these people are not paged. It takes no incident to know that."""
        if not self.whom or (self.whom == RESPONDERS and self.confirmed):
            return None
        if self.whom == RESPONDERS:
            return "That pages everyone on call. Say `page responders confirm` if you mean it."
        if policy.known(self.whom) is None and policy.team(self.whom) is None:
            return f"{self.whom!r} is neither a person nor a team I know. `responders` lists them."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        policy = incident.policy
        if not self.whom:
            pages = paging.page_commanders(incident, now, self.under)
        elif self.whom == RESPONDERS:
            pages = [page for team in policy.teams for page in paging.page_team(incident, team, now, self.under)]
        elif (team := policy.team(self.whom)) is not None:
            pages = paging.page_team(incident, team, now, self.under)
        else:
            person = policy.known(self.whom)
            pages = [paging.page_person(incident, person.id if person else self.whom, now, self.under)]
        named = ", ".join(page.label for page in pages)
        because = f": {self.reason}" if self.reason else ""
        incident.log("page", f"{speaker.name} pages {named}{because}", now, who=speaker.id)
        if self.reason:
            incident.say(f"{speaker.name} pages {named}: {self.reason}", now)
        return Answer(f"paging {named}")


@dataclass(frozen=True)
class NeedTeam(Command):
    verb: ClassVar[str] = "need"
    usage: ClassVar[str] = "need TEAM"
    help: ClassVar[str] = "ask for a representative of a team"

    team: str

    @classmethod
    def read(cls, words: Words) -> Self:
        team = words.take_person("a team")
        words.no_more()
        return cls(team)

    def words(self) -> str:
        return f"need {self.team}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.policy.team(self.team) is None:
            known = ", ".join(team.id for team in incident.policy.teams)
            return f"{self.team!r} is not a team I know. Known are {known}."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        team = incident.policy.team(self.team)
        assert team is not None
        if any(r.here and r.person in team.members for r in incident.responders.values()):
            return Answer(f"{team.name} is represented already")
        if team.id not in incident.needs:
            incident.needs.append(team.id)
            incident.needed_at[team.id] = now
        text = f"{speaker.name} needs somebody from {team.name}. `page {team.id}` pages them."
        incident.say(text, now, about=f"need/{team.id}")
        incident.log("need", f"a representative of {team.name}", now, who=speaker.id)
        return Answer(f"asked for {team.name}; `page {team.id}` pages them")
