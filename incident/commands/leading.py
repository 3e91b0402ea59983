"""Taking, passing and sharing command (process, 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from incident import leadership, takeover, texts, wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who
from incident.commands.flags import take_also, take_confirm
from incident.model import Answer, Incident
from incident.model import Handover as Offer
from incident.people import find
from incident.severity import Role
from incident.words import Words

NOBODY = "nobody"
JUST_TAKEN = timedelta(minutes=1)
"""Two who press at once: the second is told of the first, who is not asked whether they are there."""


@dataclass(frozen=True)
class TakeCommand(Command):
    verb: ClassVar[str] = "command"
    decision: ClassVar[bool] = True
    usage: ClassVar[str] = "command [why] [--also]"
    help: ClassVar[str] = (
        "take command: trained people at once, anyone when nobody else came, the deputy when the IC is gone;"
        " --also beside another incident"
    )
    why: str = ""
    also: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        also = take_also(words)
        return cls(words.maybe_rest(), also)

    def words(self) -> str:
        parts = ("command", "--yes" if self.why else "", self.why, "--also" if self.also else "")
        return " ".join(part for part in parts if part)

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
                    " say `!ic command` again; `!ic page` pages the ICs again."
                )
            return None
        if speaker.id in incident.deputies:
            return None if self.why else "Say why: `!ic command the IC dropped off the call`."
        challenge = incident.challenge
        if challenge is None:
            since = f" since {wording.clock(incident.commanded_since)}" if incident.commanded_since else ""
            commands = f"{incident.name(incident.commander)} commands{since}."
            just = incident.commanded_since is not None and now - incident.commanded_since < JUST_TAKEN
            if just and not self.why:
                return f"{commands} If they are gone, ask for command: `!ic command`."
            return None if trained or self.why else f"{commands} If they are gone, ask for command: `!ic command why`."
        left = challenge.at + rules.challenge_lapses_after - now
        if trained:
            asked = challenge.by == speaker.id or incident.policy.trained(challenge.by)
            waits = "The IC and the deputy still have {} to answer. Then say `!ic command` again."
            return waits.format(wording.minutes(left)) if asked and left > timedelta(0) else None
        left = challenge.at + rules.takeover_open_to_all_after - now
        if left > timedelta(0):
            return (
                f"{incident.name(incident.commander)} was asked at {wording.clock(challenge.at)}."
                f" If nobody answers, anyone can take command in {wording.minutes(left)}: `!ic command`."
            )
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        acting, challenge = not incident.policy.trained(speaker.id), incident.challenge
        if incident.commander is not None and speaker.id not in incident.deputies:
            if challenge is None:
                return Answer(
                    f"Asked the IC and the deputy. {takeover.request(incident, speaker.id, speaker.name, now)}"
                )
            if now < challenge.at + incident.policy.command.challenge_lapses_after:
                challenge.by = speaker.id  # asked for already by somebody who may not have it yet
                return Answer("The IC and the deputy were asked already. If nobody answers, you take command.")
        takeover.succeed(incident, speaker.id, speaker.name, self.why or "nobody answered", now)
        if self.also:
            incident.log("command", f"{speaker.name} commands another incident as well", now, who=speaker.id)
        return Answer(wording.this_is(speaker.name, acting=acting))


@dataclass(frozen=True)
class Handover(Command):
    verb: ClassVar[str] = "handover"
    usage: ClassVar[str] = "handover @USER [confirm]"
    help: ClassVar[str] = "offer command to somebody; it passes when they `!ic accept`"
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
            return f"{incident.name(person)} is not IC-trained. Say `!ic handover @{self.to} confirm` if you mean it."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.to)
        assert person is not None
        lapses = incident.policy.command.handover_lapses_after
        incident.handover = Offer(person, now, now + lapses)
        name = incident.name(person)
        incident.tell(
            person,
            f"{speaker.name} offers you command of {incident.label}. Say `!ic accept` within {wording.minutes(lapses)}.",
            Choice("Accept command", "accept", "primary"),
        )
        incident.say(wording.handover_offer(incident, incident.handover), now, about=f"handover/{person}/{now:%H%M%S}")
        incident.log("command", f"offers command to {name}", now, who=speaker.id)
        return Answer(f"offered to {name}; it passes when they accept within {wording.minutes(lapses)}")


@dataclass(frozen=True)
class Accept(Command):
    verb: ClassVar[str] = "accept"
    decision: ClassVar[bool] = True
    usage: ClassVar[str] = "accept [--also]"
    help: ClassVar[str] = "accept the command that was offered to you; --also beside another incident"

    also: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(take_also(words))

    def words(self) -> str:
        return "accept --also" if self.also else "accept"

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
class Decline(Command):
    verb: ClassVar[str] = "decline"
    decision: ClassVar[bool] = True
    usage: ClassVar[str] = "decline"
    help: ClassVar[str] = "say no to the command that was offered to you"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.handover is None or incident.handover.to != speaker.id:
            return f"Nobody offers you command. The IC is {incident.name(incident.commander)}."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        offer, incident.handover = incident.handover, None
        assert offer is not None
        incident.log("command", f"{speaker.name} declines command", now, who=speaker.id)
        if offer.asks_a_disrupter:
            incident.say(f"{texts.person(offer.to, speaker.name)}: Then please cause no further interruptions", now)
            leadership.ask_about_disrupter(incident, offer.to, "does not wish to take command")
            return Answer("Then please cause no further interruptions")
        incident.say(f"{speaker.name} declines command. IC: {incident.name(incident.commander)}.", now)
        return Answer(f"declined; {incident.name(incident.commander)} stays IC")


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
        return Answer(f"{name} enters your decisions; `!ic voice nobody` ends it")


@dataclass(frozen=True)
class _Appoint(Command):
    """The IC names somebody for a role."""

    who: ClassVar[Who] = Who.COMMANDER
    role: ClassVar[Role]
    next: ClassVar[str]

    person: str

    @classmethod
    def read(cls, words: Words) -> Self:
        person = words.take_named("who")
        words.no_more()
        return cls(person)

    def words(self) -> str:
        return f"{self.verb} @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return not_appointed(incident, self.person)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.person)
        assert person is not None
        incident.invite(person)
        incident.tell(person, f"{speaker.name} names you {self.role.label.lower()} of {incident.label}. {self.next}")
        leadership.appoint(incident, self.role, person, now)
        return Answer(f"{self.role.label}: {incident.name(person)}")


def not_appointed(incident: Incident, who: str) -> str | None:
    person = find(incident, who)
    if person is None:
        return f"I know nobody called {who!r}."
    if person == incident.commander:
        return "The IC holds no other role. Name somebody else, or hand over command first."
    return None


DEPUTY_NEXT = (
    "You keep the timers and bring things to the IC's attention; reminders reach you here. If the IC is gone, take"
    " command: `!ic command why`."
)


@dataclass(frozen=True)
class AppointDeputy(_Appoint):
    """Somebody who is not trained is confirmed once."""

    verb: ClassVar[str] = "deputy"
    usage: ClassVar[str] = "deputy @USER [confirm]"
    help: ClassVar[str] = "name the deputy (IC-trained, or confirmed)"
    role: ClassVar[Role] = Role.DEPUTY
    next: ClassVar[str] = DEPUTY_NEXT

    confirmed: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        person = words.take_person("who")
        confirmed = take_confirm(words)
        words.no_more()
        return cls(person, confirmed)

    def words(self) -> str:
        return f"deputy @{self.person}" + (" confirm" if self.confirmed else "")

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return super().refuse(incident, speaker, now) or untrained(incident, self.person, self, self.confirmed)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.chosen_deputy = True
        return super().apply(incident, speaker, now)


def untrained(incident: Incident, who: str, command: Command, confirmed: bool) -> str | None:
    person = find(incident, who)
    if confirmed or incident.policy.trained(person):
        return None
    return (
        f"The deputy must be IC-trained; {incident.name(person)} is not. If you mean it, `{command.words()} confirm`."
    )


@dataclass(frozen=True)
class AppointScribe(_Appoint):
    verb: ClassVar[str] = "scribe"
    usage: ClassVar[str] = "scribe @USER"
    help: ClassVar[str] = "name the scribe"
    of_light: ClassVar[bool] = True
    role: ClassVar[Role] = Role.SCRIBE
    next: ClassVar[str] = (
        "You keep the written timeline: `!ic note …` and `!ic todo …`. Start the status watch with `!ic status stalk`, and make sure the"
        " call is recorded."
    )


@dataclass(frozen=True)
class AppointCustomerLiaison(_Appoint):
    verb: ClassVar[str] = "customer-liaison"
    usage: ClassVar[str] = "customer-liaison @USER"
    help: ClassVar[str] = "name the customer liaison"
    role: ClassVar[Role] = Role.CUSTOMER_LIAISON
    next: ClassVar[str] = (
        "You draft what customers read: `!ic draft …`, or edit the draft in the channel. The IC approves each text. Tell the IC"
        " what customers report: `!ic customers N`."
    )


@dataclass(frozen=True)
class AppointInternalLiaison(_Appoint):
    verb: ClassVar[str] = "internal-liaison"
    usage: ClassVar[str] = "internal-liaison @USER"
    help: ClassVar[str] = "name the internal liaison"
    role: ClassVar[Role] = Role.INTERNAL_LIAISON
    next: ClassVar[str] = (
        "You page who is asked for: `!ic page …`. You see each executive summary five minutes before it goes out; `!ic update …` puts"
        " it in your words."
    )
