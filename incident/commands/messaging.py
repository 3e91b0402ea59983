"""Public messages: written, edited, approved, held, taken down (process, 5)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, Self, get_args

from incident import publishing, texts, wording
from incident.commands.base import Command, Speaker, Who, not_shown, whole
from incident.customers import Stage
from incident.model import Announcement, Answer, DraftState, Incident, Phase
from incident.outlets import Outlet
from incident.words import Unreadable, Words, duration_words, mark

STAGES: tuple[Stage, ...] = get_args(Stage)
COMPONENT_STATES = ("operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance")
"""Statuspage's own words."""
_FOR_X = re.compile(r"(?:^|\n)[^\S\n]*X:(?=.)", re.DOTALL)


@dataclass(frozen=True)
class ApproveMessage(Command):
    """The IC approves; a due draft that was left for three minutes, the deputy may. `digest` and `texts` say what."""

    verb: ClassVar[str] = "message-approve"
    of_shown: ClassVar[bool] = True
    the_ics_too: ClassVar[bool] = True
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "message approve N [x|status-page]"
    help: ClassVar[str] = "approve a public message, for all its outlets or one; exactly these texts go out"
    after_end: ClassVar[bool] = True

    number: int
    outlet: Outlet | None = None
    digest: str = ""
    texts: dict[Outlet, str] = field(default_factory=dict)

    @classmethod
    def read(cls, words: Words) -> Self:
        number, digest = words.take_number("the number of the message"), words.maybe_mark()
        outlet = _maybe_outlet(words)
        words.no_more()
        return cls(number, outlet, digest)

    def words(self) -> str:
        return f"message approve {self.number}{mark(self.digest)} {self.outlet or ''}".strip()

    def bound(self, incident: Incident) -> Self:
        draft = incident.drafts.get(self.number)
        return self if draft is None else replace(self, digest=whole(self.digest, draft.digest), texts=draft.digests)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        fault = publishing.cannot_approve(incident, self.number, self.outlet)
        if fault := fault or message_not_shown(incident, self.number, self.digest, self.texts):
            return fault
        if incident.announcement is Announcement.NO:
            return "The IC decided against an announcement; `!ic announce yes` changes that."
        if speaker.id == incident.commander:
            return None
        draft = incident.drafts[self.number]
        patience = incident.policy.customers.deputy_may_approve_after
        waited = now - max(draft.due_at or draft.made_at, draft.made_at, incident.announced_at or draft.made_at)
        if speaker.id in incident.deputies:
            if incident.announcement is not Announcement.YES:
                return f"The IC, {incident.name(incident.commander)}, has not decided to announce it yet."
            chosen = [v for o, v in draft.versions.items() if self.outlet in (None, o)]
            if all(version.state is not DraftState.WAITING for version in chosen):
                return "The IC holds it back; only the IC lets it go."
            if waited >= patience:
                return None
            return f"The IC has {wording.minutes(patience)} from the moment it is due; then you may."
        if incident.commander is None:
            return "Only the IC decides that, and nobody commands yet. IC-trained? Say `!ic command`."
        return f"Only the IC decides that. The IC is {incident.name(incident.commander)}."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if incident.announcement is Announcement.UNDECIDED:
            publishing.decide_to_announce(incident, speaker.id, now)
        draft = incident.drafts[self.number]
        theirs = speaker.id == incident.commander
        left = publishing.approve(incident, draft, speaker.id, now, self.outlet, speaker.signed, held=theirs)
        return Answer(f"message {self.number} goes out exactly as it stands. {left}".strip())


@dataclass(frozen=True)
class EditMessage(Command):
    verb: ClassVar[str] = "message-edit"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "message edit N [x|status-page] TEXT"
    help: ClassVar[str] = "put another text into a waiting public message, for one outlet"
    lines: ClassVar[frozenset[str]] = frozenset({"text"})
    who: ClassVar[Who] = Who.CUSTOMER_LIAISON
    after_end: ClassVar[bool] = True

    number: int
    text: str
    outlet: Outlet | None = None

    @classmethod
    def read(cls, words: Words) -> Self:
        number, outlet = words.take_number("the number of the message"), _maybe_outlet(words)
        return cls(number, words.rest("the new text"), outlet)

    def words(self) -> str:
        # A text that begins with the name of an outlet needs the outlet before it.
        named = self.outlet or (Outlet.STATUS_PAGE if _maybe_outlet(Words(self.text)) else "")
        return " ".join(str(part) for part in ("message edit", self.number, named, self.text) if part)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        # Without an outlet it is the first one's text, which may be out while another's still waits.
        where = self._where(incident) if self.number in incident.drafts else self.outlet
        if (fault := publishing.cannot(incident, self.number, where)) is not None:
            return fault
        return publishing.refuse_text(self._where(incident), publishing.marked(incident, self.text))

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        draft, where = incident.drafts[self.number], self._where(incident)
        version, text = draft.versions[where], publishing.marked(incident, self.text)
        if version.text == text and version.state is DraftState.WAITING:
            return Answer(f"message {self.number} stands so already", self.number)
        held = version.state is DraftState.HELD and speaker.id != incident.commander
        version.text, version.state = text, DraftState.HELD if held else DraftState.WAITING
        draft.made_by = speaker.id
        publishing.keep_promise(draft)
        mind = publishing.warnings(incident, draft)
        # Its notice is edited in place: another one would leave buttons beside words that are not theirs any more.
        on = f" for {publishing.the(where)}" if draft.also else ""
        incident.say(
            f"{speaker.name} put other words into public message {self.number}{on}; it stands changed above.", now
        )
        incident.log("message", f"{self.number} edited", now, who=speaker.id)
        return Answer(f"message {self.number} waits for the IC.{mind}", self.number)

    def _where(self, incident: Incident) -> Outlet:
        return self.outlet or incident.drafts[self.number].outlet


@dataclass(frozen=True)
class HoldMessage(Command):
    verb: ClassVar[str] = "message-hold"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "message hold [N]"
    help: ClassVar[str] = "keep a public message back for now"
    who: ClassVar[Who] = Who.COMMANDER
    after_end: ClassVar[bool] = True

    number: int | None = None

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.maybe_number()
        if number is not None:
            words.no_more()
        words.maybe_rest()
        return cls(number)

    def words(self) -> str:
        return "message hold" if self.number is None else f"message hold {self.number}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.number is None:
            return None if self._meant(incident) else "No public message is waiting."
        return publishing.cannot(incident, self.number, None)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        meant = self._meant(incident)
        for number in meant:
            for version in incident.drafts[number].versions.values():
                if version.state.open:
                    version.state = DraftState.HELD
            incident.say(f"The IC holds public message {number} back.", now)
            incident.log("message", f"{number} held", now, who=speaker.id)
        again = " or ".join(f"`!ic message approve {number}`" for number in meant)
        return Answer(
            f"message {' and '.join(map(str, meant))} {'is' if len(meant) == 1 else 'are'} held; {again} sends it"
        )

    def _meant(self, incident: Incident) -> list[int]:
        """Without a number everything that waits: holding back is never asked about."""
        return [n for n, draft in incident.drafts.items() if draft.open] if self.number is None else [self.number]


@dataclass(frozen=True)
class RetractMessage(Command):
    """Of something that had no impact after all, or must not be said. Statuspage takes down an entry as a whole."""

    verb: ClassVar[str] = "message-retract"
    usage: ClassVar[str] = "message retract N [x|status-page] [--insist]"
    help: ClassVar[str] = "take a public message down, of something that had no impact"
    who: ClassVar[Who] = Who.COMMANDER
    after_end: ClassVar[bool] = True

    number: int
    outlet: Outlet | None = None
    insist: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        number, outlet = words.take_number("the number of the message"), _maybe_outlet(words)
        insist = bool(re.fullmatch(r"(?:--|—|–)insist", words.peek()))
        if insist:
            words.take("--insist")
        words.no_more()
        return cls(number, outlet, insist)

    def words(self) -> str:
        return " ".join(
            str(part)
            for part in ("message retract", self.number, self.outlet, "--insist" if self.insist else "")
            if part
        )

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.number not in incident.drafts:
            return f"There is no public message {self.number}."
        found = self._out(incident)
        if not found:
            return f"Public message {self.number} does not stand there: there is nothing to take down."
        others = publishing.out_with_it(incident, incident.drafts[self.number])
        if Outlet.STATUS_PAGE in found and others and not self.insist:
            numbers = " and ".join(str(other.number) for other in others)
            return (
                f"The status page takes down its entry as a whole, and messages {numbers} stand in it, too."
                f" `!ic message retract {self.number} --insist` takes down all of them."
            )
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        draft, found = incident.drafts[self.number], self._out(incident)
        for outlet in found:
            draft.versions[outlet].retract_asked_at = now
        places = " and ".join(outlet.label for outlet in found)
        incident.say(f"The IC takes public message {self.number} down ({places}).", now)
        incident.log("decision", f"take message {self.number} down ({places})", now, who=speaker.id)
        return Answer(f"message {self.number} is taken down")

    def _out(self, incident: Incident) -> list[Outlet]:
        versions = incident.drafts[self.number].versions
        return [
            outlet
            for outlet, version in versions.items()
            if self.outlet in (None, outlet) and version.state is DraftState.PUBLISHED
        ]


@dataclass(frozen=True)
class WriteDraft(Command):
    """`stage` alone takes that stage's templates; words take their place. A last line that begins `X:` is for X."""

    verb: ClassVar[str] = "draft"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "draft [investigating|identified|monitoring|resolved|long] [TEXT]"
    help: ClassVar[str] = "write a public message for the IC to approve; a last line `X: …` is the text for X"
    lines: ClassVar[frozenset[str]] = frozenset({"text", "short"})
    who: ClassVar[Who] = Who.CUSTOMER_LIAISON
    after_end: ClassVar[bool] = True

    stage: Stage = "investigating"
    text: str = ""
    short: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        stage = next((s for s in STAGES if s == words.peek().lower()), None)
        if stage is not None:
            words.take("the stage")
        text = words.maybe_rest() if stage else words.rest("a stage or the text")
        last = next(reversed([*_FOR_X.finditer(text)]), None)
        body, short = (text[: last.start()], text[last.end() :]) if last else (text, "")
        return cls(stage or "investigating", body.strip(), short.strip())

    def words(self) -> str:
        return f"draft {self.stage} {self.text}".strip() + (f"\nX: {self.short}" if self.short else "")

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.stage == "resolved" and incident.phase is not Phase.CANCELLED and not incident.recovered:
            return publishing.NOT_RECOVERED
        if near := difflib.get_close_matches(self.text.lower(), STAGES, n=1, cutoff=0.7):
            return f"{self.text!r} is no stage. Did you mean `!ic draft {near[0]}`?"
        if self.short and Outlet.X not in publishing.outlets(incident.policy):
            return "There is no account on X in the configuration."
        text, short = (publishing.marked(incident, t) for t in (self.text, self.short))
        first = publishing.outlets(incident.policy)[0]
        fault = publishing.refuse_text(first, text) if self.text else None
        return fault or (publishing.refuse_text(Outlet.X, short) if self.short else None)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        promised = None if self.stage == "resolved" else publishing.next_promise(incident, now)
        if self.text or self.short:
            texts = publishing.in_own_words(incident, self.stage, self.text, self.short, promised)
        else:
            texts = publishing.compose(incident, self.stage, promised)
        draft = publishing.offer(incident, self.stage, texts, speaker.id, now, due_at=None, promised_at=promised)
        return Answer(f"message {draft.number} waits for the IC.{publishing.warnings(incident, draft)}", draft.number)


@dataclass(frozen=True)
class SetComponent(Command):
    """Part of what is approved: a message that waits shows it, else the next one carries it."""

    verb: ClassVar[str] = "component"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "component NAME STATE"
    help: ClassVar[str] = f"what the status page shows of a component: {', '.join(COMPONENT_STATES)}"
    who: ClassVar[Who] = Who.CUSTOMER_LIAISON
    after_end: ClassVar[bool] = True

    name: str
    state: str

    @classmethod
    def read(cls, words: Words) -> Self:
        name = words.take("the component").lower()
        state = re.sub(r"[\s-]+", "_", words.rest("its state").strip().lower())
        if state not in COMPONENT_STATES:
            raise Unreadable(f"{state!r} is none of {', '.join(COMPONENT_STATES)}.")
        return cls(name, state)

    def words(self) -> str:
        return f"component {self.name} {self.state}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        known = incident.policy.status_page.components
        if self.name not in known:
            return f"The status page has no component {self.name!r}. Known are {', '.join(known) or 'none'}."
        if self.state not in COMPONENT_STATES:
            return f"{self.state!r} is none of {', '.join(COMPONENT_STATES)}."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.components[self.name] = self.state
        incident.log("component", f"{self.name} {self.state}", now, who=speaker.id)
        waiting = [d for d in incident.drafts.values() if d.open and d.out_at is None and d.stage != "resolved"]
        for draft in waiting:
            draft.components = publishing.states(incident, draft.stage)
        if waiting:
            return Answer(f"message {waiting[-1].number} shows {self.name} as {self.state} once it is approved")
        incident.facts.impact_at = now
        return Answer(f"the next message shows {self.name} as {self.state}")


@dataclass(frozen=True)
class Rhythm(Command):
    """At least every twenty minutes for the first two hours; after that, as the IC says (process, 5)."""

    verb: ClassVar[str] = "rhythm"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "rhythm 60m"
    help: ClassVar[str] = "after two hours: from public message to public message"
    who: ClassVar[Who] = Who.COMMANDER
    after_end: ClassVar[bool] = True

    minutes: int

    @classmethod
    def read(cls, words: Words) -> Self:
        minutes = words.take_minutes()
        words.no_more()
        return cls(minutes)

    def words(self) -> str:
        return f"rhythm {duration_words(self.minutes)}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        rules = incident.policy.customers
        slower = timedelta(minutes=self.minutes) > rules.every
        if slower and (left := incident.declared_at + rules.first_hours - now) > timedelta(0):
            return (
                f"For the first {wording.minutes(rules.first_hours)} it is every {wording.minutes(rules.every)} at least;"
                f" a slower rhythm can be chosen in {wording.minutes(left)}."
            )
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.rhythm = timedelta(minutes=self.minutes)
        every = wording.minutes(incident.rhythm)
        due = publishing.owed(incident)
        first = f" What is promised stands: the next is due {texts.moment(due)}." if due else ""
        incident.say(f"The IC decides: a public message every {every} from now on.{first}", now)
        incident.log("decision", f"a public message every {every}", now, who=speaker.id)
        return Answer(f"every {every}.{first}")


def _maybe_outlet(words: Words) -> Outlet | None:
    """Only as it is written: a text may begin with a capital X."""
    outlet = next((outlet for outlet in Outlet if words.peek() == outlet), None)
    if outlet is not None:
        words.take("the outlet")
    return outlet


def message_not_shown(incident: Incident, number: int, digest: str, texts: Mapping[Outlet, str]) -> str | None:
    """Why an approval of this message with these texts does not fit what stands there, or None."""
    draft = incident.drafts[number]
    why = not_shown(incident, digest, draft.digest)
    if why is None and incident.proofs and texts != draft.digests:
        why = "It changed since it was shown to you. Look again (`!ic show`)."
    return None if why is None else f"{why} Then `!ic message approve {number}`."
