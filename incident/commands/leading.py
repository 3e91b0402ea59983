"""Taking, passing and sharing command (process, 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from incident import leadership, texts, wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Challenge, Incident
from incident.model import Handover as Offer
from incident.people import find
from incident.severity import Role
from incident.words import Words

NOBODY = "nobody"


@dataclass(frozen=True)
class TakeCommand(Command):
    verb: ClassVar[str] = "command"
    decision: ClassVar[bool] = True
    usage: ClassVar[str] = "command [why]"
    help: ClassVar[str] = (
        "take command: trained people at once, anyone when nobody else came, the deputy when the IC is gone"
    )
    why: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_rest())

    def words(self) -> str:
        return f"command {self.why}".strip()

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        rules = incident.policy.command
        trained = incident.policy.trained(speaker.id)
        if incident.commander == speaker.id:
            return "You command already."
        if incident.commander is None:
            left = incident.declared_at + rules.anyone_after - now
            if not trained and left > timedelta(0):
                return (
                    f"Only IC-trained people take command at once. If nobody has in {wording.minutes(left)},"
                    " say `command` again; `page` pages the ICs again."
                )
            return None
        if incident.deputy == speaker.id:
            return None if self.why else "Say why: `command the IC dropped off the call`."
        since = f" since {wording.clock(incident.commanded_since)}" if incident.commanded_since else ""
        challenge = incident.challenge
        if not trained or (challenge is None and not self.why):
            return (
                f"{incident.name(incident.commander)} commands{since}. If they are gone, the deputy"
                f" ({incident.name(incident.deputy)}) or an IC-trained person says `command why`."
            )
        if challenge is not None:
            left = challenge.at + rules.challenge_lapses_after - now
            if left > timedelta(0):
                return f"The IC and the deputy still have {wording.minutes(left)} to answer. Then say `command` again."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        former = incident.commander
        if former is not None and incident.deputy != speaker.id and incident.challenge is None:
            incident.challenge = Challenge(speaker.id, now)
            wait = wording.minutes(incident.policy.command.challenge_lapses_after)
            incident.say(
                f"{_mention(incident, former)}{_mention(incident, incident.deputy)}are you there? {speaker.name} offers to take command;"
                f" unanswered for {wait}, they may.",
                now,
            )
            incident.log("command", "challenges the IC and the deputy", now, who=speaker.id)
            return Answer(f"asked the IC and the deputy; unanswered for {wait}, say `command` again")
        acting = not incident.policy.trained(speaker.id)
        incident.say(wording.this_is(speaker.name, acting=acting), now)
        leadership.take(incident, speaker.id, speaker.name, now, acting=acting)
        if former is not None:
            incident.say(f"{wording.command_passes(speaker.name)} ({self.why or 'nobody answered'})", now)
            incident.tell(
                former,
                f"{speaker.name} commands {incident.label} now: {self.why or 'nobody answered'}. They may hand it back to you.",
            )
        return Answer(wording.this_is(speaker.name, acting=acting))


@dataclass(frozen=True)
class Handover(Command):
    verb: ClassVar[str] = "handover"
    usage: ClassVar[str] = "handover @USER [confirm]"
    help: ClassVar[str] = "offer command to somebody; it passes when they `accept`"
    who: ClassVar[Who] = Who.COMMANDER

    to: str
    confirmed: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        to = words.take_person("who shall command")
        confirmed = words.maybe_rest() == "confirm"
        return cls(to, confirmed)

    def words(self) -> str:
        return f"handover @{self.to}" + (" confirm" if self.confirmed else "")

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        person = find(incident, self.to)
        if person is None:
            return f"I know nobody called {self.to!r}."
        if person == speaker.id:
            return "You command already."
        if speaker.entered_by:
            return "Only the IC in person hands over command."
        if not incident.policy.trained(person) and not self.confirmed:
            return f"{incident.name(person)} is not IC-trained. Say `handover @{self.to} confirm` if you mean it."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.to)
        assert person is not None
        lapses = incident.policy.command.handover_lapses_after
        incident.handover = Offer(person, now, now + lapses)
        name = incident.name(person)
        incident.tell(
            person,
            f"{speaker.name} offers you command of {incident.label}. Say `accept` within {wording.minutes(lapses)}.",
            Choice("Accept command", "accept", "primary"),
        )
        incident.say(wording.handover_offer(incident, incident.handover), now, about=f"handover/{person}/{now:%H%M%S}")
        incident.log("command", f"offers command to {name}", now, who=speaker.id)
        return Answer(f"offered to {name}; it passes when they accept within {wording.minutes(lapses)}")


@dataclass(frozen=True)
class Accept(Command):
    verb: ClassVar[str] = "accept"
    decision: ClassVar[bool] = True
    usage: ClassVar[str] = "accept"
    help: ClassVar[str] = "accept the command that was offered to you"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        offer = incident.handover
        if offer is None or offer.to != speaker.id:
            return f"Nobody offers you command. The IC is {incident.name(incident.commander)}."
        if now > offer.lapses_at:
            return f"The offer lapsed at {wording.clock(offer.lapses_at)}; {incident.name(incident.commander)} still commands."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.say(wording.command_passes(speaker.name), now)
        leadership.take(incident, speaker.id, speaker.name, now, acting=not incident.policy.trained(speaker.id))
        return Answer(f"{wording.command_passes(speaker.name)}")


@dataclass(frozen=True)
class NameVoice(Command):
    """One person who enters what the IC decides on the bridge; recorded as the IC's, entered by them (process, 2)."""

    verb: ClassVar[str] = "voice"
    usage: ClassVar[str] = "voice @USER|nobody"
    help: ClassVar[str] = "name who enters your decisions for you; ends with your command"
    who: ClassVar[Who] = Who.COMMANDER

    person: str

    @classmethod
    def read(cls, words: Words) -> Self:
        person = words.take_person("who enters your decisions, or nobody,")
        words.no_more()
        return cls(person)

    def words(self) -> str:
        return "voice nobody" if self.person == NOBODY else f"voice @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if speaker.entered_by:
            return "Only the IC in person names the voice."
        if self.person == NOBODY:
            return None
        person = find(incident, self.person)
        if person is None:
            return f"I know nobody called {self.person!r}."
        return "You need no voice to speak for yourself." if person == speaker.id else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.voice = None if self.person == NOBODY else find(incident, self.person)
        if incident.voice is None:
            incident.say("From now on the IC alone enters the IC's decisions.", now)
            incident.log("role", "nobody enters the IC's decisions", now, who=speaker.id)
            return Answer("nobody enters your decisions now")
        name = incident.name(incident.voice)
        incident.say(f"{name} enters the IC's decisions from now on.", now)
        incident.log("role", f"{name} enters the IC's decisions", now, who=speaker.id)
        incident.tell(incident.voice, f"{speaker.name} asks you to enter the IC's decisions of {incident.label}.")
        return Answer(f"{name} enters your decisions; `voice nobody` ends it")


@dataclass(frozen=True)
class _Appoint(Command):
    """The IC names somebody for a role."""

    who: ClassVar[Who] = Who.COMMANDER
    role: ClassVar[Role]

    person: str

    @classmethod
    def read(cls, words: Words) -> Self:
        person = words.take_person("who")
        words.no_more()
        return cls(person)

    def words(self) -> str:
        return f"{self.verb} @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        person = find(incident, self.person)
        if person is None:
            return f"I know nobody called {self.person!r}."
        if person == incident.commander:
            return "The IC holds no other role. Name somebody else, or hand over command first."
        if self.role is Role.DEPUTY and not incident.policy.trained(person):
            return f"The deputy must be IC-trained; {incident.name(person)} is not."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.person)
        assert person is not None
        if self.role is Role.DEPUTY:
            incident.chosen_deputy = True
        incident.tell(person, f"{speaker.name} names you {self.role.label.lower()} of {incident.label}.")
        leadership.appoint(incident, self.role, person, now)
        return Answer(f"{self.role.label}: {incident.name(person)}")


@dataclass(frozen=True)
class AppointDeputy(_Appoint):
    verb: ClassVar[str] = "deputy"
    usage: ClassVar[str] = "deputy @USER"
    help: ClassVar[str] = "name the deputy (IC-trained)"
    role: ClassVar[Role] = Role.DEPUTY


@dataclass(frozen=True)
class AppointScribe(_Appoint):
    verb: ClassVar[str] = "scribe"
    usage: ClassVar[str] = "scribe @USER"
    help: ClassVar[str] = "name the scribe"
    of_light: ClassVar[bool] = True
    role: ClassVar[Role] = Role.SCRIBE


@dataclass(frozen=True)
class AppointCustomerLiaison(_Appoint):
    verb: ClassVar[str] = "customer-liaison"
    usage: ClassVar[str] = "customer-liaison @USER"
    help: ClassVar[str] = "name the customer liaison"
    role: ClassVar[Role] = Role.CUSTOMER_LIAISON


@dataclass(frozen=True)
class AppointInternalLiaison(_Appoint):
    verb: ClassVar[str] = "internal-liaison"
    usage: ClassVar[str] = "internal-liaison @USER"
    help: ClassVar[str] = "name the internal liaison"
    role: ClassVar[Role] = Role.INTERNAL_LIAISON


def _mention(incident: Incident, person: str | None) -> str:
    return f"{texts.person(person, incident.name(person))} " if person else ""
