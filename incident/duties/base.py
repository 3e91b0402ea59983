"""A duty, and what may have to be done for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from incident.choices import Choice
from incident.proof import Signed

Done = Mapping[str, datetime]


@dataclass(frozen=True)
class Remark:
    """To be said in the room, by the incident workflow."""

    text: str
    kind: Literal["remark"] = "remark"


@dataclass(frozen=True)
class SayIn:
    """To be said in a room that is not the incident's, after these people were invited there."""

    channel: str
    text: str
    people: tuple[str, ...] = ()
    kind: Literal["say-in"] = "say-in"


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
    """A public message to be offered to the IC; the incident composes it from what is known then."""

    stage: str
    due_at: datetime
    kind: Literal["write-draft"] = "write-draft"


@dataclass(frozen=True)
class Publish:
    """An approved text for the status page, to the letter, with the approval as it was signed."""

    number: int
    stage: str
    text: str
    approval: Signed | None = None
    kind: Literal["publish"] = "publish"


@dataclass(frozen=True)
class Subscribe:
    """Stakeholder teams that shall hear from PagerDuty."""

    teams: tuple[str, ...]
    kind: Literal["subscribe"] = "subscribe"


Deed = Remark | SayIn | Whisper | Summarise | WriteDraft | Publish | Subscribe


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
