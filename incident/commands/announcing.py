"""Whether customers are told, and what they tell us (process, 5)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Literal, Self

from incident import after, pagerduty, publishing
from incident.commands.base import Command, Speaker, Who, whole
from incident.commands.messaging import message_not_shown
from incident.model import Announcement, Answer, Incident
from incident.outlets import Outlet
from incident.plain import numbers
from incident.words import Unreadable, Words, mark


@dataclass(frozen=True)
class Announce(Command):
    """Unsure means yes: "if in doubt, tweet it out" (process, 5).

    With a number, that draft is approved with it; `digest`, or its beginning, says which texts, `texts` each by itself.
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
    texts: dict[Outlet, str] = field(default_factory=dict)

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
        return self if draft is None else replace(self, digest=whole(self.digest, draft.digest), texts=draft.digests)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.answer == "no":
            if any(d.out_at is not None for d in incident.drafts.values()):
                return "Customers have been told already. `!ic message retract N` takes a message down."
            return "Which message goes with a no?" if self.draft is not None else None
        if self.draft is None:
            return None
        fault = publishing.cannot_approve(incident, self.draft, None)
        return fault or message_not_shown(incident, self.draft, self.digest, self.texts)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if self.answer == "no":
            incident.announcement = Announcement.NO
            incident.announced_at = None
            incident.declined_at = now
            incident.log("decision", "no public announcement", now, who=speaker.id)
            incident.say("The IC decides: no public announcement for now.", now)
            publishing.tell_liaison(
                incident, speaker.id, f"that there is no public announcement of {incident.label} for now"
            )
            pagerduty.note(incident, f"{speaker.name} decided not to announce it publicly for now")
            return Answer("no announcement; you are asked again when the severity rises or the impact changes")
        publishing.decide_to_announce(incident, speaker.id, now)
        if self.draft is not None:
            draft = incident.drafts[self.draft]
            left = publishing.approve(incident, draft, speaker.id, now, signed=speaker.signed)
            return Answer(f"announced; message {self.draft} goes out. {left}".strip())
        return Answer("announced; approve the first message with `!ic message approve N`")


@dataclass(frozen=True)
class CustomersReport(Command):
    verb: ClassVar[str] = "customers"
    usage: ClassVar[str] = "customers N [WHAT]"
    help: ClassVar[str] = "tell the IC how many customers report it"

    count: int | None = None
    text: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        text = words.rest("how many")
        found = numbers(text)
        return cls(found[0] if found else None, "" if text.strip().isdecimal() else text)

    def words(self) -> str:
        return f"customers {self.text or self.count}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return None if self.text.strip() or self.count is not None else f"How many? `!ic {self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        said = f": {self.text}" if self.text else ""
        if self.count is None:
            incident.facts.findings.append(f"customers{said}")
            reports = f"Customers report it{said}"
        else:
            incident.facts.customers_reporting = self.count
            reports = f"{self.count} customers report it{said}"
        incident.tell(incident.commander, f"{reports} ({incident.label}, says {speaker.name}).")
        incident.say(f"{reports}." if not said else reports, now)
        incident.log(
            "customers", f"{'' if self.count is None else f'{self.count} '}report it{said}", now, who=speaker.id
        )
        return Answer("told the IC")


@dataclass(frozen=True)
class DropOwed(Command):
    """After the end: customers are owed nothing more, by somebody's word."""

    verb: ClassVar[str] = "customers-drop"
    usage: ClassVar[str] = "customers drop WHY"
    help: ClassVar[str] = "after the end: customers need nothing more from us"
    who: ClassVar[Who] = Who.CUSTOMER_LIAISON
    after_end: ClassVar[bool] = True

    why: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("why they need nothing more"))

    def words(self) -> str:
        return f"customers drop {self.why}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.open:
            return "The incident is still open: `!ic announce no` decides against telling customers."
        return None if publishing.still_owed(incident) else "Nothing is owed to customers."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        publishing.drop_owed(incident, speaker.id, self.why)
        incident.log("decision", f"customers need nothing more: {self.why}", now, who=speaker.id)
        incident.say(f"{speaker.name}: customers need nothing more: {self.why}", now)
        after.changed(incident)
        return Answer("nothing more goes out to customers")


@dataclass(frozen=True)
class ToldInPerson(Command):
    """A customer of those who are told individually was told; how is up to who did it."""

    verb: ClassVar[str] = "customers-told"
    usage: ClassVar[str] = "customers told NAME [HOW]"
    help: ClassVar[str] = "record that a customer was told individually"
    who: ClassVar[Who] = Who.CUSTOMER_LIAISON
    after_end: ClassVar[bool] = True

    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("which customer"))

    def words(self) -> str:
        return f"customers told {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self._name(incident):
            return None
        names = ", ".join(one.name for one in incident.policy.customers.individually)
        return f"Nobody of that name is told individually. Configured: {names or 'nobody'}."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        name = self._name(incident)
        how = self.text[len(name) :].strip()
        incident.told_in_person[name] = now
        incident.log("customers", f"{name} was told individually{f': {how}' if how else ''}", now, who=speaker.id)
        incident.say(f"{speaker.name} told {name} individually.", now)
        return Answer(f"recorded: {name} was told")

    def _name(self, incident: Incident) -> str:
        """The longest name that the text begins with, however it is capitalised."""
        names = [one.name for one in incident.policy.customers.individually]
        begun = [name for name in names if f"{self.text} ".lower().startswith(f"{name} ".lower())]
        return max(begun, key=len, default="")
