"""What customers and executives hear (process, 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Literal, Self

from incident import publishing, wording
from incident.commands.base import Command, Speaker, Who, not_shown, whole
from incident.model import Announcement, Answer, Draft, DraftState, Incident
from incident.words import Unreadable, Words, mark

Stage = Literal["investigating", "identified", "monitoring", "resolved", "long"]
STAGES: tuple[Stage, ...] = ("investigating", "identified", "monitoring", "resolved", "long")


@dataclass(frozen=True)
class Announce(Command):
    """Unsure means yes: "if in doubt, tweet it out" (process, 5).

    With a number, that draft is approved with it; `digest`, or its beginning, says which text that was.
    """

    verb: ClassVar[str] = "announce"
    of_shown: ClassVar[bool] = True
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "announce yes|no|unsure [N]"
    help: ClassVar[str] = "decide whether customers are told; with a number, approve that message too"
    who: ClassVar[Who] = Who.COMMANDER
    after_end: ClassVar[bool] = True

    answer: Literal["yes", "no", "unsure"]
    draft: int | None = None
    digest: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        answer = words.take("yes, no or unsure").lower()
        number = words.maybe_number()
        digest = words.maybe_mark()
        words.no_more()
        match answer:
            case "yes" | "no" | "unsure":
                return cls(answer, number, digest)
            case _:
                raise Unreadable(f"{answer!r} is neither yes, no nor unsure.")

    def words(self) -> str:
        return f"announce {self.answer}" + (f" {self.draft}{mark(self.digest)}" if self.draft else "")

    def bound(self, incident: Incident) -> Self:
        draft = incident.drafts.get(self.draft) if self.draft is not None else None
        return self if draft is None else replace(self, digest=whole(self.digest, draft.digest))

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.answer == "no":
            if any(d.state is DraftState.PUBLISHED for d in incident.drafts.values()):
                return "Customers have been told already."
            return "Which message goes with a no?" if self.draft is not None else None
        if self.draft is None:
            return None
        return _cannot_approve(incident, self.draft) or _not_shown(incident, self.draft, self.digest)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if self.answer == "no":
            incident.announcement = Announcement.NO
            incident.announced_at = None
            incident.log("decision", "no public announcement", now, who=speaker.id)
            incident.say("The IC decides: no public announcement for now.", now)
            return Answer("no announcement; you are asked again when the severity rises or the impact changes")
        publishing.decide_to_announce(incident, speaker.id, now)
        if self.draft is not None:
            publishing.approve(incident, incident.drafts[self.draft], speaker.id, now, speaker.signed)
            return Answer(f"announced; message {self.draft} goes out")
        return Answer("announced; approve the first message with `message approve N`")


@dataclass(frozen=True)
class ApproveMessage(Command):
    """The IC approves; a due draft that was left for three minutes, the deputy may. `digest` says which text."""

    verb: ClassVar[str] = "message-approve"
    of_shown: ClassVar[bool] = True
    the_ics_too: ClassVar[bool] = True
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "message approve N"
    help: ClassVar[str] = "approve a public message; exactly this text goes out"
    after_end: ClassVar[bool] = True

    number: int
    digest: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.take_number("the number of the message")
        digest = words.maybe_mark()
        words.no_more()
        return cls(number, digest)

    def words(self) -> str:
        return f"message approve {self.number}{mark(self.digest)}"

    def bound(self, incident: Incident) -> Self:
        draft = incident.drafts.get(self.number)
        return self if draft is None else replace(self, digest=whole(self.digest, draft.digest))

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        fault = _cannot_approve(incident, self.number) or _not_shown(incident, self.number, self.digest)
        if fault is not None:
            return fault
        if incident.announcement is Announcement.NO:
            return "The IC decided against an announcement; `announce yes` changes that."
        if speaker.id == incident.commander:
            return None
        draft = incident.drafts[self.number]
        patience = incident.policy.customers.deputy_may_approve_after
        waited = now - max(draft.due_at or draft.made_at, draft.made_at)
        if speaker.id == incident.deputy:
            if incident.announcement is not Announcement.YES:
                return f"The IC, {incident.name(incident.commander)}, has not decided to announce it yet."
            if draft.state is DraftState.WAITING and waited >= patience:
                return None
            return f"The IC has {wording.minutes(patience)} from the moment it is due; then you may."
        if incident.commander is None:
            return "Only the IC decides that, and nobody commands yet. IC-trained? Say `command`."
        return f"Only the IC decides that. The IC is {incident.name(incident.commander)}."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if incident.announcement is Announcement.UNDECIDED:
            publishing.decide_to_announce(incident, speaker.id, now)
        publishing.approve(incident, incident.drafts[self.number], speaker.id, now, speaker.signed)
        return Answer(f"message {self.number} goes out exactly as it stands")


@dataclass(frozen=True)
class EditMessage(Command):
    verb: ClassVar[str] = "message-edit"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "message edit N TEXT"
    help: ClassVar[str] = "put another text into a waiting public message"
    who: ClassVar[Who] = Who.CUSTOMER_LIAISON
    after_end: ClassVar[bool] = True

    number: int
    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_number("the number of the message"), words.rest("the new text"))

    def words(self) -> str:
        return f"message edit {self.number} {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return _cannot_approve(incident, self.number) or publishing.refuse_text(self.text)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        draft = incident.drafts[self.number]
        draft.text = publishing.marked(incident, self.text)
        draft.state = DraftState.WAITING
        draft.made_by = speaker.id
        incident.say(wording.draft_offer(incident, draft), now, about=f"draft/{self.number}")
        incident.log("message", f"{self.number} edited", now, who=speaker.id)
        return Answer(f"message {self.number} waits for the IC.{publishing.warning(draft.text)}", self.number)


@dataclass(frozen=True)
class HoldMessage(Command):
    verb: ClassVar[str] = "message-hold"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "message hold N"
    help: ClassVar[str] = "keep a public message back for now"
    who: ClassVar[Who] = Who.COMMANDER
    after_end: ClassVar[bool] = True

    number: int

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.take_number("the number of the message")
        words.no_more()
        return cls(number)

    def words(self) -> str:
        return f"message hold {self.number}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return _cannot_approve(incident, self.number)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.drafts[self.number].state = DraftState.HELD
        incident.say(f"The IC holds public message {self.number} back.", now)
        incident.log("message", f"{self.number} held", now, who=speaker.id)
        return Answer(f"message {self.number} is held; `message approve {self.number}` sends it")


@dataclass(frozen=True)
class WriteDraft(Command):
    """`stage` alone takes that stage's template; words take its place."""

    verb: ClassVar[str] = "draft"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "draft [investigating|identified|monitoring|resolved|long] [TEXT]"
    help: ClassVar[str] = "write a public message for the IC to approve"
    who: ClassVar[Who] = Who.CUSTOMER_LIAISON
    after_end: ClassVar[bool] = True

    stage: Stage = "investigating"
    text: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        stage = next((s for s in STAGES if s == words.peek().lower()), None)
        if stage is None:
            return cls(text=words.rest("a stage or the text"))
        words.take("the stage")
        return cls(stage, words.maybe_rest())

    def words(self) -> str:
        return f"draft {self.stage} {self.text}".strip()

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return publishing.refuse_text(self.text) if self.text else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        text = self.text or wording.public_message(
            incident, self.stage, publishing.next_promise(incident, now), incident.lost
        )
        draft = publishing.offer(incident, self.stage, text, speaker.id, now, due_at=None)
        return Answer(f"message {draft.number} waits for the IC.{publishing.warning(draft.text)}", draft.number)


@dataclass(frozen=True)
class CustomersReport(Command):
    verb: ClassVar[str] = "customers"
    usage: ClassVar[str] = "customers N"
    help: ClassVar[str] = "tell the IC how many customers report it"

    count: int

    @classmethod
    def read(cls, words: Words) -> Self:
        count = words.take_number("how many")
        words.no_more()
        return cls(count)

    def words(self) -> str:
        return f"customers {self.count}"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.customers_reporting = self.count
        incident.tell(incident.commander, f"{self.count} customers report {incident.label}, says {speaker.name}.")
        incident.say(f"{self.count} customers report it.", now)
        incident.log("customers", f"{self.count} report it", now, who=speaker.id)
        return Answer("told the IC")


@dataclass(frozen=True)
class OwnWords(Command):
    verb: ClassVar[str] = "update"
    public: ClassVar[bool] = True
    usage: ClassVar[str] = "update TEXT"
    help: ClassVar[str] = "your own words for the next executive summary"
    who: ClassVar[Who] = Who.INTERNAL_LIAISON

    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("the text"))

    def words(self) -> str:
        return f"update {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        at_most = incident.policy.executives.at_most - 20
        if len(self.text) > at_most:
            return f"That has {len(self.text)} characters; an executive summary has room for {at_most}."
        return None if self.text.strip() else f"There is nothing in it. `{self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.own_words = self.text
        incident.log("summary", f"own words for the next one: {self.text}", now, who=speaker.id)
        return Answer("the next executive summary says it in your words")


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


def _cannot_approve(incident: Incident, number: int) -> str | None:
    draft: Draft | None = incident.drafts.get(number)
    if draft is None:
        waiting = [str(d.number) for d in incident.drafts.values() if d.state in (DraftState.WAITING, DraftState.HELD)]
        return f"There is no public message {number}. Waiting: {', '.join(waiting) or 'none'}."
    if draft.state not in (DraftState.WAITING, DraftState.HELD, DraftState.FAILED):
        return _settled(incident, draft)
    return None


def _not_shown(incident: Incident, number: int, digest: str) -> str | None:
    why = not_shown(incident, digest, incident.drafts[number].digest)
    return None if why is None else f"{why} Then `message approve {number}`."


def _settled(incident: Incident, draft: Draft) -> str:
    """What happened to it, for whoever comes second."""
    if draft.approved_at is None:
        return f"Public message {draft.number} is {draft.state}."
    by = incident.name(draft.approved_by)
    return f"{by} approved public message {draft.number} at {wording.clock(draft.approved_at)}; it is {draft.state}."
