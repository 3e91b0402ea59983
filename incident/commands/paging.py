"""Getting people (process, 1 and 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import paging, takeover, wording
from incident.commands.base import Command, Speaker
from incident.model import Answer, Incident, Page
from incident.names import RESPONDERS
from incident.policy import Policy
from incident.words import Several, Words

_CONFIRMED = re.compile(r"responders confirm", re.IGNORECASE)
_AGAIN = re.compile(r"(?:--\s*again|again)\b(?:\s+anyway\b)?", re.IGNORECASE)

ALWAYS = "--again"


@dataclass(frozen=True)
class PagePeople(Command):
    """`whom` and `also` are people, teams, or `responders`; nobody stands for the incident commanders.

    `again`: page the ICs although that was done lately, or somebody is in command. `under` is the word an entry point has
    already paged them under, while Temporal was away.
    """

    verb: ClassVar[str] = "page"
    usage: ClassVar[str] = "page [NAME, NAME … | responders | what is wrong]"
    help: ClassVar[str] = "page people or teams; with anything but names, page an incident commander"

    whom: str = ""
    reason: str = ""
    confirmed: bool = False
    under: str = ""
    also: tuple[str, ...] = ()
    again: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        text = words.maybe_rest()
        if _CONFIRMED.fullmatch(text.strip()):
            return cls(whom=RESPONDERS, confirmed=True)
        if match := _AGAIN.match(text):
            return cls(reason=text[match.end() :].strip(), again=True)
        if words.names is None:
            return cls(reason=text)
        meant = words.names.alone(text)
        if not meant.who and not meant.several:
            meant = words.names.first(text)
        if meant.several:
            raise Several(meant.several)
        if not meant.who:
            return cls(reason=text)
        first, *others = meant.who
        return cls(whom=first, reason=meant.rest, also=tuple(others))

    @property
    def targets(self) -> tuple[str, ...]:
        """Everybody who is named."""
        return (self.whom, *self.also) if self.whom else ()

    def words(self) -> str:
        named = [name if name == RESPONDERS else f"@{name}" for name in self.targets]
        flags = [ALWAYS] if self.again else ["confirm"] if self.confirmed else []
        return " ".join(w for w in ("page", *named, *flags, self.reason) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return self.refuse_whom(incident.policy)

    def refuse_whom(self, policy: Policy) -> str | None:
        """Why these people are not paged. It takes no incident to know that."""
        if RESPONDERS in self.targets and not self.confirmed:
            return "That pages everyone on call. `!ic page responders confirm` if you mean it."
        for who in self.targets:
            if who != RESPONDERS and policy.known(who) is None and policy.team(who) is None:
                return f"{who!r} is neither a person nor a team I know. `!ic responders` lists them."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if not self.targets:
            return self._page_an_ic(incident, speaker, now)
        pages = [page for who in self.targets for page in page_target(incident, who, now, self.under)]
        return self._paging(incident, speaker, pages, now)

    def _page_an_ic(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        """It always reaches one: whoever is in command, else primary and backup (process, 1)."""
        holder = incident.commander
        if self.under or holder is None:
            before = [] if self.under or self.again else paging.lately(incident, now)
            if not before:
                return self._paging(incident, speaker, paging.page_anew(incident, now, self.under), now)
            self._record(incident, speaker, now)
            ago = wording.minutes(now - max(page.asked_at for page in before))
            return Answer("\n".join((f"Paged {ago} ago:", *wording.pages_lines(before))))
        if holder == speaker.id:  # they want another beside them
            return self._paging(incident, speaker, paging.page_takeover(incident, now), now)
        before_it = incident.called.get(speaker.id)
        if self.again or (before_it is not None and now - before_it <= incident.policy.paging.round_every):
            if incident.challenge is not None:  # IC and deputy are asked already
                return self._paging(incident, speaker, paging.page_takeover(incident, now), now)
            known = set(incident.pages)
            takeover.request(incident, speaker.id, speaker.name, now)
            pages = [page for key, page in incident.pages.items() if key not in known]
            return self._paging(incident, speaker, pages, now)
        incident.called[speaker.id] = now
        self._record(incident, speaker, now)
        because = f": {self.reason}" if self.reason else ""
        incident.tell(holder, f"{speaker.name} wants to reach the incident commander of {incident.label}{because}")
        did = next((e for e in reversed(incident.timeline) if e.who == holder), None)
        last = f"; last heard at {wording.clock(did.at)} ({wording.shorten(did.text, 80)})" if did else ""
        since = f" since {wording.clock(incident.commanded_since)}" if incident.commanded_since else ""
        return Answer(f"{incident.name(holder)} is the IC{since}{last}. They have been told.")

    def _paging(self, incident: Incident, speaker: Speaker, pages: list[Page], now: datetime) -> Answer:
        named = ", ".join(page.label for page in pages)
        because = f": {self.reason}" if self.reason else ""
        incident.log("page", f"{speaker.name} pages {named}{because}", now, who=speaker.id)
        if self.reason:
            incident.say(f"{speaker.name} pages {named}: {self.reason}", now)
        return Answer(f"paging {named}")

    def _record(self, incident: Incident, speaker: Speaker, now: datetime) -> None:
        because = f": {self.reason}" if self.reason else ""
        incident.log("page", f"{speaker.name} calls for an IC{because}", now, who=speaker.id)
        if self.reason:
            incident.say(f"{speaker.name} calls for an IC: {self.reason}", now)


def page_target(incident: Incident, who: str, now: datetime, under: str = "") -> list[Page]:
    """A person, a team, or everybody on call."""
    policy = incident.policy
    if who == RESPONDERS:
        return [page for team in policy.teams for page in paging.page_team(incident, team, now, under)]
    if (team := policy.team(who)) is not None:
        return paging.page_team(incident, team, now, under)
    person = policy.known(who)
    return [paging.page_person(incident, person.id if person else who, now, under)]


@dataclass(frozen=True)
class NeedTeam(Command):
    verb: ClassVar[str] = "need"
    usage: ClassVar[str] = "need TEAM"
    help: ClassVar[str] = "ask for a representative of a team"

    team: str

    @classmethod
    def read(cls, words: Words) -> Self:
        text = words.rest("a team")
        meant = words.names.alone(text).who if words.names is not None else ()
        return cls(meant[0] if len(meant) == 1 else text.removeprefix("@").strip())

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
        text = f"{speaker.name} needs somebody from {team.name}. `!ic page {team.id}` pages them."
        incident.say(text, now, about=f"need/{team.id}")
        incident.log("need", f"a representative of {team.name}", now, who=speaker.id)
        return Answer(f"asked for {team.name}; `!ic page {team.id}` pages them")
