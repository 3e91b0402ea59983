"""Tasks, sub-teams, the checklist, and what else went wrong: what somebody has to see to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Task:
    """A question or a piece of work: one named person, a number of minutes, acknowledged."""

    number: int
    person: str
    text: str
    assigned_at: datetime
    due_at: datetime
    minutes: int
    assigned_by: str
    understood_at: datetime | None = None
    extensions: int = 0
    spoke_at: datetime | None = None
    done_at: datetime | None = None
    result: str = ""


@dataclass
class TeamReport:
    """What a member told the leader."""

    at: datetime
    name: str
    text: str


@dataclass
class SubTeam:
    """A leader, a time-boxed task, a room and a bridge. `key` is its letter and its turn: `alpha`, `alpha-2`.

    `started` is set once its workflow runs, `denied` when another incident uses the letter; `wanted` are people whose present leader was asked for them; `version` counts
    its changes.
    """

    key: str
    letter: str
    leader: str
    text: str
    formed_at: datetime
    due_at: datetime
    room: str
    bridge: str = ""
    members: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    reports: list[TeamReport] = field(default_factory=list)
    extensions: int = 0
    version: int = 0
    started: bool = False
    denied: bool = False
    closed_at: datetime | None = None
    result: str = ""

    @property
    def title(self) -> str:
        return f"Sub-team {self.letter.capitalize()}"

    @property
    def open(self) -> bool:
        return self.closed_at is None

    @property
    def everybody(self) -> list[str]:
        """Leader and members, while it works."""
        return [self.leader, *self.members] if self.open else []


@dataclass
class RollCall:
    """Primary SMEs, each with their services, who were asked for a CAN report; `nobody` are services without one."""

    by: str
    asked_at: datetime
    due_at: datetime
    asked: dict[str, str]
    nobody: list[str] = field(default_factory=list)
    answered: dict[str, datetime] = field(default_factory=dict)
    closed_at: datetime | None = None

    @property
    def missing(self) -> list[str]:
        return [person for person in self.asked if person not in self.answered]


@dataclass
class Ticked:
    """An item of the checklist that was seen to."""

    by: str
    at: datetime
    what: str = ""


@dataclass
class Trigger:
    """Something else that went wrong while this incident is open: the same trouble, or a separate one?

    `became` is the incident that was declared for it, when it was separate. `by` is the person who paged because of it;
    it becomes separate at `separate_at` unless somebody says something else.
    """

    number: int
    text: str
    source: str
    at: datetime
    url: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = None
    became: str = ""
    by: str = ""
    separate_at: datetime | None = None
