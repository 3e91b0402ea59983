"""The end, and taking it back (process, 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import after, ending, leadership, pagerduty, publishing, repairs, wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who
from incident.model import Announcement, Answer, Incident, Phase
from incident.people import find
from incident.policy import Policy
from incident.words import Unreadable, Words


@dataclass(frozen=True)
class Resolve(Command):
    """Closes the call. "Resolved" in public needs `recovered`, the IC's word of full recovery, and what was lost."""

    verb: ClassVar[str] = "resolve"
    usage: ClassVar[str] = "resolve [--insist] [recovered [lost WHAT]]"
    help: ClassVar[str] = "close the call: recovered, or recovering with nothing productive left to do"
    who: ClassVar[Who] = Who.COMMANDER
    of_light: ClassVar[bool] = True
    instead: ClassVar[str] = "Tell the IC in the room."

    insist: bool = False
    recovered: bool = False
    lost: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        text = words.maybe_rest()
        insist = bool(re.search(r"(?:--|—|–)insist\b", text))
        text = re.sub(r"(?<!\s)\s*(?:--|—|–)insist\b\s*", " ", text).strip()
        if not text:
            return cls(insist)
        match = re.fullmatch(r"recovered(?:\s*,?\s*lost\s+(.+))?", text, re.DOTALL)
        if match is None:
            Words(text).no_more()
        return cls(insist, True, (match[1] if match else "") or "")

    def words(self) -> str:
        parts = ["resolve", "--insist" if self.insist else "", "recovered" if self.recovered else ""]
        return " ".join(p for p in (*parts, f"lost {self.lost}" if self.lost else "") if p)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        open_ends = ending.open_ends(incident)
        if open_ends and not self.insist:
            return f"Not yet: {'; '.join(open_ends)}. `!ic resolve --insist` overrules."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        overruled, mentions = ending.open_ends(incident), ending.mentions(incident)
        incident.recovered = self.recovered
        incident.lost = self.lost
        ending.end(incident, Phase.RESOLVED, speaker.id, now)
        if overruled:
            incident.say(f"Resolved although {'; '.join(overruled)}: {speaker.name} insisted.", now)
            incident.log("decision", f"resolved although {'; '.join(overruled)}", now, who=speaker.id)
        return Answer(
            f"resolved after {wording.minutes(now - incident.declared_at)}; the status is watched for an hour.{mentions}"
        )


@dataclass(frozen=True)
class Recovered(Command):
    """After the call: the IC's word of full recovery, which the public "resolved" waits for (process, 6)."""

    verb: ClassVar[str] = "recovered"
    usage: ClassVar[str] = "recovered [lost WHAT]"
    help: ClassVar[str] = "after the end: all works again, and what was lost; customers then hear that it is resolved"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Tell the IC in the room."
    after_end: ClassVar[bool] = True

    lost: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        if not words:
            return cls()
        if words.take("lost").lower() != "lost":
            raise Unreadable("What was lost begins with `lost`.")
        return cls(words.rest("what was lost"))

    def words(self) -> str:
        return f"recovered lost {self.lost}" if self.lost else "recovered"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.open:
            return "The call is still on: `!ic resolve recovered [lost WHAT]` ends it with that word."
        if incident.phase is not Phase.RESOLVED:
            return f"This incident was {incident.phase}: there was nothing to recover from."
        if any(draft.stage == "resolved" and draft.out_at for draft in incident.drafts.values()):
            return "Customers have read already that it is resolved."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.recovered, incident.recovered_at, incident.lost = True, now, self.lost
        lost = f" Lost: {self.lost}." if self.lost else ""
        incident.say(f"All works again, says the IC.{lost}", now)
        incident.log("decision", f"fully recovered{f', lost {self.lost}' if self.lost else ''}", now, who=speaker.id)
        pagerduty.note(incident, f"{speaker.name} confirmed that everything is back to normal.{lost}")
        if incident.announcement is Announcement.YES:
            return Answer("the last public message is drafted; it waits for your approval")
        return Answer("kept; nothing public stands, so nothing goes out")


@dataclass(frozen=True)
class Cancel(Command):
    verb: ClassVar[str] = "cancel"
    usage: ClassVar[str] = "cancel [--yes WHY]"
    help: ClassVar[str] = "end the whole incident as a false alarm"
    who: ClassVar[Who] = Who.COMMANDER
    of_light: ClassVar[bool] = True
    declarers_too: ClassVar[bool] = True
    instead: ClassVar[str] = "Tell the IC in the room."

    why: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_rest())

    def words(self) -> str:
        return f"cancel --yes {self.why}" if self.why else "cancel"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        running = ending.running_repairs(incident)
        return f"Not yet: {'; '.join(running)}. Abort it first." if running else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        ending.end(incident, Phase.CANCELLED, speaker.id, now, why=self.why)
        for draft in incident.drafts.values():
            if draft.out_at is not None:
                incident.tell(
                    incident.commander,
                    f"Customers can still read public message {draft.number}. Had it no impact, take it down:"
                    f" `!ic message retract {draft.number}`; else `!ic draft resolved` says the end of it.",
                    Choice("Take it down", f"message retract {draft.number} --insist", "danger"),
                )
        return Answer("ended as a false alarm")


@dataclass(frozen=True)
class Reopen(Command):
    verb: ClassVar[str] = "reopen"
    usage: ClassVar[str] = "reopen [WHY]"
    help: ClassVar[str] = "everybody who responded: go on with the same incident within the hour after its end"
    decision: ClassVar[bool] = True
    after_end: ClassVar[bool] = True

    why: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_rest())

    def words(self) -> str:
        return f"reopen {self.why}".strip()

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.open:
            return "It is open."
        if not ending.responded(incident, speaker.id):
            return "Only those who responded can reopen it. To page an incident commander: `!ic page WHY`."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.phase = Phase.OPEN
        incident.ended_at = None
        incident.ended_by = None
        incident.recovered, incident.recovered_at, incident.lost = False, None, ""
        publishing.withdraw(incident, "resolved")
        full = incident.full
        ending.take_up_again(incident, speaker.id, now)
        why = f": {self.why}" if self.why else "."
        incident.say(f"{speaker.name} reopens the incident{why} {wording.roles(incident)}", now)
        incident.log("reopened", f"reopened{why}", now, who=speaker.id)
        leadership.set_topic(incident)
        if full and incident.commander is not None:
            pagerduty.open_anew(incident, now)
        else:
            pagerduty.page_anew(incident, now, commanders=full)
        after.tell(incident)
        return Answer("open again; its clocks go on")


@dataclass(frozen=True)
class NamePostmortemOwner(Command):
    verb: ClassVar[str] = "postmortem"
    usage: ClassVar[str] = "postmortem @OWNER"
    help: ClassVar[str] = "name who writes the postmortem"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Offer yourself in the room."
    after_end: ClassVar[bool] = True
    after_close: ClassVar[bool] = True

    person: str

    @classmethod
    def read(cls, words: Words) -> Self:
        person = words.take_person("who writes it")
        words.no_more()
        return cls(person)

    def words(self) -> str:
        return f"postmortem @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.ended_as is Phase.CANCELLED and not (incident.after and incident.after.review):
            return "It was a false alarm: there is no postmortem of it."
        return None if find(incident, self.person) else f"I know nobody called {self.person!r}."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.person)
        incident.postmortem_owner = person
        name = incident.name(person)
        what = "review of the false alarm" if incident.after is not None and incident.after.review else "postmortem"
        incident.say(f"{name} owns the {what}.", now)
        incident.log("postmortem", f"owned by {name}", now, who=speaker.id)
        incident.tell(person, f"{speaker.name} names you owner of the {what} of {incident.label}.")
        after.pass_review(incident, person)
        if not incident.open and incident.after is None:
            after.begin(incident, now)
        after.propose_meeting(incident)
        after.changed(incident)
        return Answer(f"{name} owns the {what}")


@dataclass(frozen=True)
class Reload(Command):
    """The door that hears it adds the organisation's present rules."""

    verb: ClassVar[str] = "reload"
    usage: ClassVar[str] = "reload"
    help: ClassVar[str] = "let this incident follow the organisation's present configuration"
    who: ClassVar[Who] = Who.COMMANDER

    policy: Policy | None = None

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return (
            None if self.policy else "Say it with `ic reload` or in the room; the door adds the present configuration."
        )

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        assert self.policy is not None
        if self.policy == incident.policy:
            return Answer("nothing differs from the rules this incident follows")
        incident.policy = self.policy
        repairs.void_stale_approvals(incident, now)
        incident.say("This incident follows the organisation's present configuration from now on.", now)
        incident.log("reload", "configuration reloaded", now, who=speaker.id)
        return Answer("reloaded")
