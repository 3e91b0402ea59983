"""The postmortem moves on, and what was left to do is ticked off (process, 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import ClassVar, Self

from incident import after, calendar, postmortem_sections
from incident.commands.base import Command, Speaker
from incident.model import Answer, Incident, Stage
from incident.words import Unreadable, Words


@dataclass(frozen=True)
class _OfThePostmortem(Command):
    """The owner's, or the IC's; also once the incident's own workflow has ended."""

    after_end: ClassVar[bool] = True
    after_close: ClassVar[bool] = True

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.after is not None and incident.after.review and not incident.open:
            return "It was a false alarm: its short review is answered with `!ic followup N done ANSWER`."
        why = after.not_begun(incident) or after.not_theirs(incident, speaker.id)
        return why or self.not_now(incident, speaker, now)

    def not_now(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        """Why it is not its turn, or None."""
        return None

    def kept(self, incident: Incident, text: str, speaker: Speaker, now: datetime) -> Answer:
        """Said in the room, written down, answered."""
        sentence = f"The postmortem {text}."
        incident.say(f"{speaker.name}: {sentence}", now)
        incident.log("postmortem", text, now, who=speaker.id)
        after.changed(incident)
        return Answer(sentence)


@dataclass(frozen=True)
class _Stage(_OfThePostmortem):
    """One step of draft → in review → reviewed → closed."""

    before: ClassVar[Stage]
    becomes: ClassVar[Stage]

    def not_now(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        assert incident.after is not None
        stage = incident.after.stage
        if stage is self.before:
            return None
        then = {
            Stage.DRAFT: "`!ic postmortem review` comes next",
            Stage.IN_REVIEW: "`!ic postmortem reviewed` comes next",
            Stage.REVIEWED: "`!ic postmortem close` comes next",
            Stage.CLOSED: "nothing comes after that",
        }[stage]
        return f"The postmortem is {'a draft' if stage is Stage.DRAFT else stage}; {then}."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        assert incident.after is not None
        incident.after.stage = self.becomes
        return self.kept(incident, f"is {self.becomes}", speaker, now)


@dataclass(frozen=True)
class ReviewPostmortem(_Stage):
    verb: ClassVar[str] = "postmortem-review"
    usage: ClassVar[str] = "postmortem review"
    help: ClassVar[str] = "owner or IC: others may read the postmortem now"
    before: ClassVar[Stage] = Stage.DRAFT
    becomes: ClassVar[Stage] = Stage.IN_REVIEW


@dataclass(frozen=True)
class PostmortemReviewed(_Stage):
    verb: ClassVar[str] = "postmortem-reviewed"
    usage: ClassVar[str] = "postmortem reviewed"
    help: ClassVar[str] = "owner or IC: the postmortem was read and discussed"
    before: ClassVar[Stage] = Stage.IN_REVIEW
    becomes: ClassVar[Stage] = Stage.REVIEWED


@dataclass(frozen=True)
class ClosePostmortem(_Stage):
    verb: ClassVar[str] = "postmortem-close"
    usage: ClassVar[str] = "postmortem close [--insist]"
    help: ClassVar[str] = "owner or IC: nothing is left to say; waits for the external message, if there is one"
    before: ClassVar[Stage] = Stage.REVIEWED
    becomes: ClassVar[Stage] = Stage.CLOSED

    insist: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(bool(re.fullmatch(r"(?:--|—|–)insist", words.maybe_rest() if "insist" in words.left else "")))

    def words(self) -> str:
        return "postmortem close --insist" if self.insist else "postmortem close"

    def not_now(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if (why := super().not_now(incident, speaker, now)) is not None:
            return why
        if after.awaits_public_message(incident):
            assert incident.after is not None
            numbers = [one.number for one in incident.after.followups if one.text == after.EXTERNAL]
            by_hand = f" Posted by hand? `!ic followup {numbers[0]} done`." if numbers else ""
            return (
                f"Not yet: customers have not heard the end of it; the external message is still to be posted.{by_hand}"
            )
        if not self.insist and (missing := postmortem_sections.missing(incident)):
            asked = "; ".join(f"{section.heading}: `!ic postmortem {section.id} TEXT`" for section in missing)
            return f"Still empty: {asked}. To close it without them: `!ic postmortem close --insist`."
        return None


@dataclass(frozen=True)
class SetMeeting(_OfThePostmortem):
    """`date` and `time` as they are on the speaker's wall."""

    verb: ClassVar[str] = "postmortem-meeting"
    usage: ClassVar[str] = "postmortem meeting YYYY-MM-DD HH:MM"
    help: ClassVar[str] = "owner or IC: when the postmortem is discussed, in your own time zone"

    date: str
    time: str

    @classmethod
    def read(cls, words: Words) -> Self:
        date, clock = words.take("the day"), words.take("the time")
        try:
            day, at = datetime.strptime(date, "%Y-%m-%d"), datetime.strptime(clock, "%H:%M")
        except ValueError:
            raise Unreadable(f"{date} {clock} is not a day and a time such as 2026-03-05 14:00.") from None
        return cls(f"{day:%Y-%m-%d}", f"{at:%H:%M}")

    def words(self) -> str:
        return f"postmortem meeting {self.date} {self.time}"

    def moment(self, incident: Incident, person: str) -> datetime:
        day = datetime.fromisoformat(self.date).date()
        return calendar.moment(day, time.fromisoformat(self.time), after.zone_of(incident, person))

    def not_now(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        at = self.moment(incident, speaker.id)
        return None if at > now else f"{self.date} {self.time} has been already."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        assert incident.after is not None
        at = self.moment(incident, speaker.id)
        incident.after.meeting_at, incident.after.chosen = at, True
        when = after.when(at, after.zone_of(incident, speaker.id))
        return self.kept(incident, f"is discussed on {when}", speaker, now)


@dataclass(frozen=True)
class LinkPostmortem(_OfThePostmortem):
    """Where the document is, when it is not only what `ic report` writes."""

    verb: ClassVar[str] = "postmortem-link"
    usage: ClassVar[str] = "postmortem link URL"
    help: ClassVar[str] = "owner or IC: where the document is; it is shared 24 hours before the meeting"

    url: str

    @classmethod
    def read(cls, words: Words) -> Self:
        url = words.take("the address").strip("<>").partition("|")[0]
        if not re.fullmatch(r"https?://[^\s<>|]{3,2000}", url):
            raise Unreadable(f"{url!r} is not an address such as https://wiki.example.com/postmortem.")
        return cls(url)

    def words(self) -> str:
        return f"postmortem link {self.url}"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        assert incident.after is not None
        incident.after.link = self.url
        return self.kept(incident, f"is at {self.url}", speaker, now)


@dataclass(frozen=True)
class FollowUpDone(Command):
    """By who was asked to, the postmortem's owner or the IC. A TODO was asked of nobody: whoever did it says so."""

    verb: ClassVar[str] = "followup"
    usage: ClassVar[str] = "followup N done [ANSWER]"
    help: ClassVar[str] = "tick off what was left to do after the incident"
    after_end: ClassVar[bool] = True
    after_close: ClassVar[bool] = True

    number: int
    answer: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        number = words.take_number()
        if words.take("`done`").lower() != "done":
            raise Unreadable("A follow-up can be `done`, nothing else.")
        return cls(number, words.maybe_rest())

    def words(self) -> str:
        return f"followup {self.number} done {self.answer}".strip()

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if (why := after.not_begun(incident)) is not None:
            return why
        assert incident.after is not None
        one = after.followup(incident, self.number)
        if one is None:
            numbers = ", ".join(str(one.number) for one in incident.after.followups if one.done_at is None)
            return f"There is no follow-up {self.number}. Open are: {numbers or 'none'}."
        if one.done_at is not None:
            return f"Follow-up {self.number} is done already."
        if one.people and speaker.id not in one.people:
            return after.not_theirs(incident, speaker.id)
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        one = after.followup(incident, self.number)
        assert one is not None
        one.done_at, one.done_by, one.answer = now, speaker.id, self.answer
        answer = f" {self.answer}" if self.answer else ""
        incident.log("follow-up", f"{one.number} is done: {one.text}{answer}", now, who=speaker.id)
        after.answered(incident)
        after.changed(incident)
        return Answer(f"follow-up {one.number} is done")
