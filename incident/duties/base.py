"""A duty, and what may have to be done for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from incident.choices import Choice
from incident.outlets import Outlet
from incident.policy import Stage

Done = Mapping[str, datetime]


@dataclass(frozen=True)
class Remark:
    """To be said in the room, by the incident workflow."""

    text: str
    kind: Literal["remark"] = "remark"


@dataclass(frozen=True)
class Whisper:
    """To be said to these people, privately."""

    people: tuple[str, ...]
    text: str
    choices: tuple[Choice, ...] = ()
    kind: Literal["whisper"] = "whisper"


@dataclass(frozen=True)
class Summarise:
    """An executive summary for the executive channel."""

    text: str
    due_at: datetime
    skipped: tuple[str, ...] = ()
    kind: Literal["summarise"] = "summarise"


@dataclass(frozen=True)
class WriteDraft:
    """A public message to be offered to the IC; the incident composes it from what is known then.

    `after` is the newest message that the role knew of: whoever wrote another meanwhile was quicker.
    """

    stage: Stage
    due_at: datetime
    after: int | None = None
    kind: Literal["write-draft"] = "write-draft"


@dataclass(frozen=True)
class Publish:
    """An approved text for one outlet, to the letter.

    `components` are the states the status page shows with it, by its own ids. `entry` is the entry there that it
    updates; `begun` says that there is one, though its id may not be known.
    """

    number: int
    stage: str
    text: str
    outlet: Outlet = Outlet.STATUS_PAGE
    approved_at: datetime | None = None
    components: dict[str, str] = field(default_factory=dict)
    entry: str = ""
    begun: bool = False
    kind: Literal["publish"] = "publish"


@dataclass(frozen=True)
class TakeDown:
    """A message that stands on an outlet, under the name that the outlet gave it."""

    number: int
    outlet: Outlet
    post_id: str
    kind: Literal["take-down"] = "take-down"


@dataclass(frozen=True)
class Subscribe:
    """Stakeholder teams that shall hear from PagerDuty."""

    teams: tuple[str, ...]
    kind: Literal["subscribe"] = "subscribe"


Deed = Remark | Whisper | Summarise | WriteDraft | Publish | TakeDown | Subscribe


@dataclass(frozen=True)
class Duty:
    """One deed, due once. `settles` are keys of duties that this one makes superfluous."""

    key: str
    due_at: datetime
    deed: Deed
    settles: tuple[str, ...] = ()


def ticks(
    prefix: str, start: datetime, every: timedelta, done: Done, now: datetime
) -> tuple[str, datetime, tuple[str, ...]]:
    """The next tick of a grid that begins one step after `start`: its key, its time, and the keys it covers.

    After an outage the latest tick that was missed stands for all of them.
    """
    n = 1
    while f"{prefix}/{n}" in done:
        n += 1
    covered = []
    while start + every * (n + 1) <= now:
        covered.append(f"{prefix}/{n}")
        n += 1
    return f"{prefix}/{n}", start + every * n, tuple(covered)


def people(*wanted: str | None) -> tuple[str, ...]:
    """Those who are somebody, each once."""
    return tuple(dict.fromkeys(person for person in wanted if person))
