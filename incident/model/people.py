"""Who is there, who was called, who held which role."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from incident.severity import Role

Urgency = Literal["high", "low"]
"""PagerDuty's: low does not wake anybody."""


@dataclass
class Responder:
    """Somebody who checked in."""

    person: str
    name: str
    expert_in: str = ""
    joined_at: datetime | None = None
    left_at: datetime | None = None
    proxy: str | None = None

    @property
    def here(self) -> bool:
        return self.left_at is None


@dataclass
class Page:
    """One person, or one escalation policy, paged once in one round.

    `key` is PagerDuty's incident key, so that a page sent twice is one page. While it fails, `people` and their names in
    `paged` are who should be called, from an on-call book that is `book_age` old.

    `again` were paged in an earlier round and have not answered. `unpaged` could not be paged (handles, with their names), `dropped` is what
    PagerDuty did not accept of the page. `ended`: it was resolved, in PagerDuty or by us, or merged into `merged_into`
    (PagerDuty's id). `quiet`: it wakes nobody, because it is its assignee's own; it goes on from those URLs.
    """

    key: str
    round: int
    target: str
    label: str
    asked_at: datetime
    person: str | None = None
    escalation_policy: str = ""
    for_commander: bool = False
    pagerduty_id: str = ""
    url: str = ""
    paged: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    paged_at: datetime | None = None
    failing: bool = False
    acknowledged_by: dict[str, datetime] = field(default_factory=dict)
    book_age: str = ""
    again: list[str] = field(default_factory=list)
    urgency: Urgency = "high"
    unpaged: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    ended: bool = False
    merged_into: str = ""
    quiet: bool = False
    goes_on: list[str] = field(default_factory=list)

    @property
    def rings(self) -> bool:
        """It is open in PagerDuty, and nobody has answered it."""
        return bool(self.pagerduty_id) and not self.ended and not self.acknowledged_by

    @property
    def unanswered(self) -> list[str]:
        return [person for person in self.people if person not in self.acknowledged_by]


@dataclass
class Handover:
    """Command is offered; until it is accepted the old IC commands."""

    to: str
    offered_at: datetime
    lapses_at: datetime


@dataclass
class Challenge:
    """A trained person asks whether the IC is still there; any word of IC or deputy answers it."""

    by: str
    at: datetime


@dataclass
class Held:
    """Who held a role, from when until when. While `until` is open they hold it."""

    role: Role
    person: str
    since: datetime
    until: datetime | None = None
