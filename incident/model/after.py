"""What comes after the call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Stage(StrEnum):
    """How far the postmortem is."""

    DRAFT = "draft"
    IN_REVIEW = "in review"
    REVIEWED = "reviewed"
    CLOSED = "closed"


@dataclass
class FollowUp:
    """Something left to do after the incident: a TODO that was kept, or what a role still owes (`role`)."""

    number: int
    text: str
    role: str = ""
    people: list[str] = field(default_factory=list)
    done_at: datetime | None = None
    done_by: str | None = None
    answer: str = ""


@dataclass
class After:
    """What comes after the call. `chosen` once a person has set the meeting; until then it is the rule's proposal.

    A `review` is the short one of a false alarm, `due_at` a day; it has no meeting.
    """

    begun_at: datetime
    stage: Stage = Stage.DRAFT
    meeting_at: datetime | None = None
    chosen: bool = False
    link: str = ""
    followups: list[FollowUp] = field(default_factory=list)
    started: bool = False
    review: bool = False
    due_at: datetime | None = None
