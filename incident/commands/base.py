"""What every command has in common: its envelope, who may say it, how it is judged and heard."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar

from incident import proof, security, takeover, wording
from incident.model import Answer, Incident, Line, Phase
from incident.people import find
from incident.proof import Signed, Standing
from incident.severity import Role
from incident.texts import one_line

if TYPE_CHECKING:
    from incident.words import Words

KEPT_ANSWERS = 500
LONGEST_TEXT = 8000


class Refusal(Exception):
    """The command may not be said, by this person, now. The text says why and what to do instead."""


class Who(StrEnum):
    """Who may say a command (process, 7)."""

    ANYONE = "anyone"
    COMMANDER = "IC"
    CUSTOMER_LIAISON = "customer liaison"
    INTERNAL_LIAISON = "internal liaison"


@dataclass(frozen=True)
class Speaker:
    """Who says it: a handle of the organisation, or the Slack id of somebody it does not know.

    `entered_by` is who typed it, when that was somebody else; `signed` is what shows that it is theirs.
    """

    id: str
    name: str
    known: bool = True
    entered_by: str = ""
    signed: Signed | None = None


@dataclass(frozen=True)
class Command(ABC):
    """One thing that can be said.

    `verb` is the name of the Update; `usage` its form in words; `after_end` whether it may be said when the
    call is over, `after_close` whether what comes after the incident hears it, too; `public` whether it leads to words outside of the response, which a silent incident has none of;
    `for_another` whether command staff may enter what somebody said on the bridge; `the_ics_too` marks what others may
    say as well but which is a decision when the IC says it; `decision` what is one whoever says it;
    `of_shown` whether it is about exactly what was shown, so that a door adds its digest; `of_light` what
    those who keep a light incident may say while no IC commands it; `declarers_too` what the declarer may while nobody is in
    command. `lines` are the fields that keep their line breaks.
    """

    verb: ClassVar[str]
    usage: ClassVar[str]
    help: ClassVar[str]
    who: ClassVar[Who] = Who.ANYONE
    after_end: ClassVar[bool] = False
    after_close: ClassVar[bool] = False
    instead: ClassVar[str] = ""
    public: ClassVar[bool] = False
    for_another: ClassVar[bool] = False
    the_ics_too: ClassVar[bool] = False
    decision: ClassVar[bool] = False
    of_shown: ClassVar[bool] = False
    of_light: ClassVar[bool] = False
    declarers_too: ClassVar[bool] = False
    lines: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def read(cls, words: Words) -> Self:
        """The command from the words behind its verb. Raises `words.Unreadable` with one sentence."""
        return cls()

    def words(self) -> str:
        """The command as somebody would type it; `read` gives the same command back."""
        return self.verb.replace("-", " ")

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        """Why it may not be said now, or None. Changes nothing."""
        return None

    def told(self) -> Self:
        """The command as it is judged and heard: where a text stands in a sentence, it is one line."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in self.lines}
        texts = {name: one_line(value) for name, value in fields.items() if isinstance(value, str)}
        return self if all(fields[name] == text for name, text in texts.items()) else dataclasses.replace(self, **texts)

    def bound(self, incident: Incident) -> Self:
        """The command with the digest of what stands there now: a door adds it before it is signed."""
        return self

    @abstractmethod
    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        """Change the incident. Called only when `refuse` had nothing against it."""


C = TypeVar("C", bound=Command)


@dataclass(frozen=True)
class Said(Generic[C]):
    """A command in its envelope.

    `by` is a handle or a Slack id, `on_behalf` whose word it is when `by` enters it for somebody. `id` makes it count
    once however often it arrives (without one, each arrival counts). `door` is where it came in, `at` when its author said it, `proof` what shows that it is theirs.
    `reply_to` names its answer, anew each time it is sent, since a refused command may be sent again under its id; without
    one the answer has the name `id`.
    """

    command: C
    by: str
    id: str = ""
    door: str = "temporal"
    name: str = ""
    at: datetime | None = None
    proof: str = ""
    on_behalf: str = ""
    reply_to: str = ""


def speaker(incident: Incident, said: Said[C]) -> Speaker:
    """Whose word it is. What is said on the bridge can be entered by others (process, 2)."""
    by = _sender(incident, said)
    if said.on_behalf and (person := find(incident, said.on_behalf)) is not None:
        return Speaker(person, incident.name(person), entered_by=by.id)
    return speaking_for(incident, by, said.command)


def speaking_for(incident: Incident, by: Speaker, command: Command) -> Speaker:
    """The IC, where `by` enters the IC's decisions; else themselves."""
    decides = command.who is Who.COMMANDER or command.the_ics_too
    if decides and by.id == incident.voice and incident.commander is not None:
        return Speaker(incident.commander, incident.name(incident.commander), entered_by=by.id)
    return by


def sender(incident: Incident, by: str, name: str = "") -> Speaker:
    """Who somebody is, by handle or Slack id."""
    person = incident.policy.person(by.removeprefix("@"))
    if person is None:
        person = next((p for p in incident.policy.people if p.slack and p.slack == by), None)
    if person is not None:
        return Speaker(person.id, person.name)
    return Speaker(by, one_line(name or by), known=False)


def _sender(incident: Incident, said: Said[C]) -> Speaker:
    return sender(incident, said.by, said.name)


def judge(incident: Incident, said: Said[C], now: datetime) -> None:
    """May this person say this now, and is it theirs? Changes nothing; raises Refusal with a sentence."""
    if said.id and _key(said) in incident.heard:
        return
    if not said.by.strip():
        raise Refusal("Say who you are: `by` is empty.")
    if (unfit := _unfit(said.command)) is not None:
        raise Refusal(unfit)
    command, who, worth = said.command.told(), speaker(incident, said), standing(incident, said)
    if worth.false:
        raise Refusal(worth.why)
    if (why := _over(incident, command)) is not None:
        raise Refusal(why)
    if said.on_behalf and (why := _not_enterable(incident, said)) is not None:
        raise Refusal(why)
    if (why := _not_for_them(incident, command, who)) is not None:
        raise Refusal(why)
    if incident.proofs and decides(incident, command, who) and (why := _not_proved(incident, said, worth, now)):
        raise Refusal(why)
    if (why := command.refuse(incident, who, now)) is not None:
        raise Refusal(why)


def why_not(incident: Incident, command: Command, who: Speaker, now: datetime) -> str | None:
    """Why `who` may not give it now, whatever proves that it is theirs; None when they may. For what is only offered."""
    return _over(incident, command) or _not_for_them(incident, command, who) or command.refuse(incident, who, now)


def _over(incident: Incident, command: Command) -> str | None:
    """What comes too late."""
    if incident.phase is Phase.CLOSED and not (command.after_close and incident.after is not None):
        return "This incident is closed. `!ic declare …` begins another."
    if not incident.open and not command.after_end:
        return f"This incident is {incident.phase}; `!ic reopen why` goes on with it, `!ic declare …` begins another."
    return None


def _not_for_them(incident: Incident, command: Command, who: Speaker) -> str | None:
    if not security.may_read(incident, who.id):
        return "You are not in that incident. Its IC, or the security team, invites you."
    if command.public and incident.silent:
        return "This is a security incident: nothing goes out about it, to customers or executives."
    return _not_theirs(incident, command, who)


def _unfit(command: Command) -> str | None:
    """A text stands in the incident's state, which has an end; who has more to say sends a link."""
    for field in dataclasses.fields(command):
        text = getattr(command, field.name)
        if isinstance(text, str) and not _writable(text):
            return "That text has half a character in it, which can't be written anywhere. Type it again."
        if isinstance(text, str) and len(text) > LONGEST_TEXT:
            return f"That has {len(text)} characters of {LONGEST_TEXT}. Put it where all can read it, and say the link."
    return None


def _writable(text: str) -> bool:
    """Half a surrogate pair can be sent, and is text nowhere."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def hear(incident: Incident, said: Said[C], now: datetime) -> Answer:
    """Apply what `judge` let pass, once: a command heard before gets the answer it got then."""
    if said.id and (before := incident.heard.get(_key(said))) is not None:
        return before
    who, worth = speaker(incident, said), standing(incident, said)
    doubtful = incident.proofs and not worth.proven
    there = who.id in (incident.commander, *incident.deputies) and not who.entered_by and not doubtful
    if there and said.command.verb != "command":
        takeover.answered(incident, who.id, who.name, now)
    lines, said_before = len(incident.timeline), len(incident.outbox)
    if worth.proven:
        who = replace(who, signed=_signed(incident, said))
        _spend(incident, said, now)
    if worth.broken_glass:
        _announce_broken_glass(incident, said, who, worth.broken_glass, now)
    answer = said.command.told().apply(incident, who, now)
    if doubtful:
        _mark_unsigned(incident, who, lines, incident.outbox[said_before:], now)
    if who.entered_by:
        typist = incident.name(who.entered_by)
        for entry in incident.timeline[lines:]:
            entry.source = f"entered by {typist}"
        _sign(incident, incident.outbox[said_before:], who, typist, now)
    if said.id:
        incident.heard[_key(said)] = answer
        while len(incident.heard) > KEPT_ANSWERS:
            del incident.heard[next(iter(incident.heard))]
    return answer


def _sign(incident: Incident, fresh: list[Line], who: Speaker, typist: str, now: datetime) -> None:
    """Where the room hears it, it reads whose word it was and who typed it."""
    whose = "IC" if who.id == incident.commander else who.name
    _mark(incident, fresh, f"({whose}, entered by {typist})", now)


def _mark(incident: Incident, fresh: list[Line], mark: str, now: datetime) -> None:
    spoken = [line for line in fresh if not line.about]
    if spoken:
        spoken[-1].text += f" {mark}"
    elif fresh:
        incident.say(mark, now)


# -- whose word it is -----------------------------------------------------------------------------------


def standing(incident: Incident, said: Said[C]) -> Standing:
    """What its proof is worth here."""
    signed = _signed(incident, said) if said.proof else Signed("", "")
    return proof.standing(incident.policy, signed, person=_sender(incident, said).id, door=said.door)


def may_decide(command: Command) -> bool:
    """Whether it needs a proof from some people at least."""
    return command.who is not Who.ANYONE or command.decision or command.the_ics_too


def decides(incident: Incident, command: Command, who: Speaker) -> bool:
    """Whether something follows from whose word it is. What decides nothing is never lost for lack of a key."""
    if command.who is not Who.ANYONE or command.decision:
        return True
    return command.the_ics_too and who.id in {incident.commander, *incident.deputies} - {None}


def _not_proved(incident: Incident, said: Said[C], worth: Standing, now: datetime) -> str | None:
    """Not proved, too old to be meant now, or heard before."""
    if not worth.proven:
        return worth.why
    if not said.id:
        return "It has no id, so that it could be said again by anybody. Say it in Slack, or with `ic`."
    if (why := proof.fresh(said.at, now)) is not None:
        return why
    return "That was heard already; it counts once." if _key(said) in incident.spent else None


def _spend(incident: Incident, said: Said[C], now: datetime) -> None:
    """A signed word counts once: its id is kept until it is too old to be obeyed, however much is said meanwhile."""
    if not (incident.proofs and said.id) or said.at is None or proof.fresh(said.at, now) is not None:
        return
    for key in [key for key, at in incident.spent.items() if at < now - proof.FRESH]:
        del incident.spent[key]
    incident.spent[_key(said)] = said.at


def _announce_broken_glass(incident: Incident, said: Said[C], who: Speaker, name: str, now: datetime) -> None:
    text = f"The break-glass key {name!r} speaks in the name of {who.name}: `!ic {one_line(said.command.words())}`."
    incident.say(text, now)
    incident.log("break-glass", text, now, who=who.id)
    incident.tell(incident.commander, text)


def _mark_unsigned(incident: Incident, who: Speaker, lines: int, fresh: list[Line], now: datetime) -> None:
    for entry in incident.timeline[lines:]:
        entry.text += " (unsigned)"
    _mark(incident, fresh, f"(unsigned: nothing shows that {who.name} said it)", now)


def _signed(incident: Incident, said: Said[C]) -> Signed:
    return Signed(proof.of_command(incident.id, said), said.proof)


def _key(said: Said[C]) -> str:
    """With the verb: an id that somebody used for a note cannot swallow a decision."""
    return f"{said.command.verb}/{said.id}"


# -- what was shown -------------------------------------------------------------------------------------


def whole(given: str, stands: str) -> str:
    """The digest that an approval carries: of what stands there, unless something else was shown."""
    return stands if stands.startswith(given) else given


def not_shown(incident: Incident, given: str, stands: str) -> str | None:
    """Why an approval with the digest `given` does not fit what stands there, or None."""
    if not stands.startswith(given):
        return "It changed since it was shown to you. Look again (`!ic show`)."
    if incident.proofs and given != stands:
        return "It does not say what is approved. Say it in Slack, or with `ic`, which add that."
    return None


# -- who may say it -------------------------------------------------------------------------------------


def _not_enterable(incident: Incident, said: Said[C]) -> str | None:
    staff = {incident.commander, *incident.deputies, incident.holder(Role.SCRIBE)} - {None}
    by = _sender(incident, said)
    if not said.command.for_another:
        return "Only `!ic ack`, `!ic done`, `!ic more` and `!ic finding` can be entered for somebody else."
    if by.id not in staff:
        return f"IC, deputy and scribe enter what others said on the bridge. {wording.roles(incident)}."
    return None if find(incident, said.on_behalf) else f"I know nobody called {said.on_behalf!r}."


def _serves(incident: Incident, who: Speaker) -> bool:
    """Who keeps a light incident that no IC commands: whoever was paged for it or declared it."""
    return who.id in {incident.declared_by, *(person for page in incident.pages.values() for person in page.people)}


def _of_a_light_one(incident: Incident) -> str:
    paged = ", ".join(name for page in incident.pages.values() for name in page.paged) or "the service's team"
    return (
        f"No IC commands this light incident. Until one does (`!ic command`, or `!ic page` to page them), {paged} and"
        f" {incident.declared_by_name} give tasks, name the scribe and end it; the rest is the IC's."
    )


def _usual(incident: Incident, role: Role) -> str | None:
    """Who usually holds it speaks for it until somebody commands, who names the holders."""
    return incident.policy.usual.get(role) if incident.commander is None else None


def _not_theirs(incident: Incident, command: Command, who: Speaker) -> str | None:
    holder = incident.commander
    if command.who is Who.ANYONE or (holder is not None and who.id == holder):
        return None
    if holder is None and command.declarers_too and who.id == incident.declared_by:
        return None
    if command.who is Who.COMMANDER:
        if holder is None and not incident.full:
            return None if command.of_light and _serves(incident, who) else _of_a_light_one(incident)
        if holder is None:
            return "Only the IC decides that, and nobody commands yet. IC-trained? Say `!ic command`."
        instead = f" {command.instead}" if command.instead else ""
        return f"Only the IC decides that. The IC is {incident.name(holder)}.{instead}"
    role = {Who.CUSTOMER_LIAISON: Role.CUSTOMER_LIAISON, Who.INTERNAL_LIAISON: Role.INTERNAL_LIAISON}[command.who]
    if (incident.holder(role) or _usual(incident, role)) == who.id:
        return None
    return (
        f"That is the {role.label.lower()}'s ({incident.name(incident.holder(role))})"
        f" or the IC's ({incident.name(holder)})."
    )
