"""Title, service and beginning are set and corrected at any time; a roll call (process, 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self
from zoneinfo import ZoneInfo

from incident import leadership, roll_call, texts, wording
from incident.commands.base import Command, Speaker, Who
from incident.effects import UpdatePages
from incident.model import Answer, Incident
from incident.policy import Service
from incident.words import Words

LONGEST_TITLE = 300
LONG_AGO = timedelta(days=366)
_AGO = re.compile(r"(\d{1,4})\s*(m|min|h|d)\s+ago", re.IGNORECASE)
_AT = re.compile(r"(?:(\d{4}-\d{2}-\d{2})[ T])?([01]?\d|2[0-3]):([0-5]\d)(\s*utc|z)?", re.IGNORECASE)


@dataclass(frozen=True)
class SetTitle(Command):
    verb: ClassVar[str] = "title"
    usage: ClassVar[str] = "title WHAT"
    help: ClassVar[str] = "correct what the incident is called"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic finding …`."

    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("the title"))

    def words(self) -> str:
        return f"title {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.security:
            return "A security incident keeps its codename. Put what you know into `!ic symptom …`, which stays in the channel."
        title = " ".join(self.text.split())
        if not title:
            return f"Say what it is called: `{self.usage}`."
        if len(title) > LONGEST_TITLE:
            return f"A title has at most {LONGEST_TITLE} characters; that has {len(title)}. The rest: `!ic symptom …`."
        return f"It is called {title!r} already." if title == incident.title else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        before, incident.title = incident.title, " ".join(self.text.split())
        incident.say(f"Title: {incident.title} (was: {before})", now)
        incident.log("title", f'"{incident.title}", was "{before}"', now, who=speaker.id)
        incident.want(UpdatePages("update-pages", len(incident.timeline)))
        leadership.set_topic(incident)
        return Answer(f"Title: {incident.title}")


@dataclass(frozen=True)
class SetService(Command):
    verb: ClassVar[str] = "service"
    usage: ClassVar[str] = "service NAME"
    help: ClassVar[str] = "correct which service it is about"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic finding …`."

    service: str

    @classmethod
    def read(cls, words: Words) -> Self:
        service = words.take("a service")
        words.no_more()
        return cls(service)

    def words(self) -> str:
        return f"service {self.service}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if (why := _unknown(incident, (self.service,))) is not None:
            return why
        return f"It is about {self.service} already." if self.service == incident.service else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        before, incident.service = incident.service, self.service
        service = incident.policy.service(self.service)
        assert service is not None
        incident.say(f"Service: {service.name}.", now)
        was = f", was {before}" if before else ""
        incident.log("service", f"{self.service}{was}", now, who=speaker.id)
        return Answer(f"Service: {service.name}. Repair actions are proposed for it when they name none.")


@dataclass(frozen=True)
class SetStarted(Command):
    """A time of day is the speaker's own, unless it says UTC; one that is still to come was yesterday's."""

    verb: ClassVar[str] = "started"
    usage: ClassVar[str] = "started [YYYY-MM-DD] HH:MM [UTC] | started 20m ago"
    help: ClassVar[str] = "correct when it really began"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic finding …`."

    when: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("when it began"))

    def words(self) -> str:
        return f"started {self.when}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        at = self._at(incident, speaker, now)
        if at is None:
            return f"{self.when!r} is no time. Say `!ic started 13:40`, `!ic started 2026-03-02 13:40 UTC` or `!ic started 20m ago`."
        if not now - LONG_AGO < at <= now:
            return f"{wording.dated(at, now)} can't be when it began. Say `!ic started 13:40` or `!ic started 20m ago`."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        at = self._at(incident, speaker, now)
        assert at is not None
        incident.facts.started_at = at
        text = f"It began at {wording.dated(at, now)}, {wording.minutes(abs(incident.declared_at - at))}"
        text += f" {'before' if at <= incident.declared_at else 'after'} it was declared."
        incident.say(text, now)
        incident.log("started", wording.dated(at, now), now, who=speaker.id)
        return Answer(text)

    def _at(self, incident: Incident, speaker: Speaker, now: datetime) -> datetime | None:
        said = self.when.strip().rstrip(".")
        if match := _AGO.fullmatch(said):
            unit = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[match[2][0].lower()]
            return (now - int(match[1]) * unit).replace(second=0, microsecond=0)
        match = _AT.fullmatch(said)
        if match is None:
            return None
        person = incident.policy.person(speaker.id)
        zone = ZoneInfo("UTC" if match[4] or person is None else person.time_zone)
        day = now.astimezone(zone)
        if match[1]:
            try:
                day = datetime.fromisoformat(match[1]).replace(tzinfo=zone)
            except ValueError:
                return None
        at = day.replace(hour=int(match[2]), minute=int(match[3]), second=0, microsecond=0)
        if not match[1] and at > now:
            at -= timedelta(days=1)
        return at.astimezone(now.tzinfo)


@dataclass(frozen=True)
class CallRoll(Command):
    verb: ClassVar[str] = "roll-call"
    usage: ClassVar[str] = "roll-call [SERVICE …]"
    help: ClassVar[str] = "ask each primary SME for a CAN report within 2 minutes; shows who is missing"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report with `!ic can …`."

    services: tuple[str, ...] = ()

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(tuple(words.maybe_rest().replace(",", " ").split()))

    def words(self) -> str:
        return " ".join(("roll-call", *self.services))

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if (why := _unknown(incident, self.services)) is not None:
            return why
        if not roll_call.whom(incident, self._called(incident))[0]:
            return "No service has a primary SME who could be asked. `!ic need TEAM` asks for somebody."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        roll = roll_call.begin(incident, self._called(incident), speaker.id, now)
        asked = ", ".join(incident.name(person) for person in roll.asked)
        return Answer(f"Asked {asked} for a CAN report until {texts.moment(roll.due_at)}.")

    def _called(self, incident: Incident) -> list[Service]:
        named = [service for service in incident.policy.services if service.id in self.services]
        return named or roll_call.services(incident)


def _unknown(incident: Incident, services: tuple[str, ...]) -> str | None:
    unknown = [service for service in services if incident.policy.service(service) is None]
    known = ", ".join(service.id for service in incident.policy.services) or "none"
    return f"There is no service {unknown[0]!r}. Known are {known}." if unknown else None
