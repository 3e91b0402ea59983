"""Who is there, and what they read first (process, 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import leadership, wording
from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Incident
from incident.people import find
from incident.words import Words


@dataclass(frozen=True)
class Join(Command):
    verb: ClassVar[str] = "join"
    usage: ClassVar[str] = "join [as WHAT]"
    help: ClassVar[str] = "check in, with what you are expert in"

    expert_in: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        text = words.maybe_rest().strip()
        return cls("" if text == "as" else text.removeprefix("as ").strip())

    def words(self) -> str:
        return f"join as {self.expert_in}" if self.expert_in else "join"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        before = incident.responders.get(speaker.id)
        if before is not None and before.here:
            if not self.expert_in or self.expert_in == before.expert_in:
                return Answer("you are checked in already")
            before.expert_in = self.expert_in
            incident.say(f"{speaker.name} is here as {self.expert_in}.", now)
            incident.log("join", f"{speaker.name} is here as {self.expert_in}", now, who=speaker.id)
            return Answer(f"you are checked in already, and stand there as {self.expert_in} now")
        expert = f" as {self.expert_in}" if self.expert_in else ""
        incident.say(f"{speaker.name} joined{expert}.", now)
        incident.log("join", f"{speaker.name} joined{expert}", now, who=speaker.id)
        leadership.check_in(incident, speaker.id, speaker.name, self.expert_in, now)
        incident.invite(speaker.id)
        incident.tell(speaker.id, wording.where_we_are(incident, now))
        for team in [t for t in incident.policy.teams if t.id in incident.needs and speaker.id in t.members]:
            incident.needs.remove(team.id)
        return Answer(wording.where_we_are(incident, now))


@dataclass(frozen=True)
class Leave(Command):
    verb: ClassVar[str] = "leave"
    usage: ClassVar[str] = "leave"
    help: ClassVar[str] = "check out; the roles you hold become free"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.commander == speaker.id:
            return "The IC cannot leave without handing over: `!ic handover @somebody`."
        responder = incident.responders.get(speaker.id)
        return None if responder and responder.here else "You have not checked in. `!ic join` does that."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.responders[speaker.id].left_at = now
        open_tasks = [str(t.number) for t in incident.tasks.values() if t.person == speaker.id and t.done_at is None]
        left = f" Tasks left: {', '.join(open_tasks)}." if open_tasks else ""
        incident.say(f"{speaker.name} left.{left}", now)
        incident.log("leave", f"{speaker.name} left", now, who=speaker.id)
        leadership.vacate(incident, speaker.id, now)
        return Answer("thank you; you are checked out")


@dataclass(frozen=True)
class Proxy(Command):
    verb: ClassVar[str] = "proxy"
    usage: ClassVar[str] = "proxy @USER"
    help: ClassVar[str] = "name who speaks for you where you cannot be, in the call or in the chat"

    person: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_person("your proxy"))

    def words(self) -> str:
        return f"proxy @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        person = find(incident, self.person)
        if person is None:
            return f"I know nobody called {self.person!r}."
        return "Name somebody else." if person == speaker.id else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.person)
        leadership.check_in(incident, speaker.id, speaker.name, "", now)
        incident.responders[speaker.id].proxy = person
        incident.say(f"{incident.name(person)} speaks for {speaker.name}.", now)
        incident.log("proxy", f"{incident.name(person)} speaks for {speaker.name}", now, who=speaker.id)
        return Answer(f"{incident.name(person)} speaks for you")


@dataclass(frozen=True)
class Brief(Command):
    """The IC's status update for the room, which the deputy offers every 15 minutes (process, 3)."""

    verb: ClassVar[str] = "brief"
    usage: ClassVar[str] = "brief [TEXT]"
    help: ClassVar[str] = "give the room a status update; without words, as composed from what is known"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report with `!ic finding …` or `!ic can …`."

    text: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_rest())

    def words(self) -> str:
        return f"brief {self.text}".strip()

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        text = self.text or wording.room_update(wording.picture(incident), now)
        incident.room_update_at = now
        incident.say(text, now)
        incident.log("brief", text, now, who=speaker.id)
        return Answer(text)
