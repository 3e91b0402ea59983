"""A duty, and what may have to be done for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from incident.choices import Choice
from incident.customers import Stage
from incident.outlets import Outlet
from incident.proof import Signed
from incident.texts import Text

Done = Mapping[str, datetime]


@dataclass(frozen=True)
class Remark:
    """To be said in the room, by the incident workflow."""

    text: Text
    kind: Literal["remark"] = "remark"


@dataclass(frozen=True)
class SayIn:
    """To be said in a room that is not the incident's, after these people were invited there."""

    channel: str
    text: Text
    people: tuple[str, ...] = ()
    kind: Literal["say-in"] = "say-in"


@dataclass(frozen=True)
class Whisper:
    """To be said to these people, privately."""

    people: tuple[str, ...]
    text: Text
    choices: tuple[Choice, ...] = ()
    kind: Literal["whisper"] = "whisper"


@dataclass(frozen=True)
class Summarise:
    """An executive summary for the executive channel; `plain` is what PagerDuty's subscribers read."""

    text: Text
    due_at: datetime
    plain: str = ""
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
    updates; `begun` says that there is one, though its id may not be known. `approval` is whose word it is, signed.
    """

    number: int
    stage: str
    text: str
    outlet: Outlet = Outlet.STATUS_PAGE
    approved_at: datetime | None = None
    components: dict[str, str] = field(default_factory=dict)
    entry: str = ""
    begun: bool = False
    approval: Signed | None = None
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


Deed = Remark | SayIn | Whisper | Summarise | WriteDraft | Publish | TakeDown | Subscribe


@dataclass(frozen=True)
class Duty:
    """One deed, due once. `settles` are keys of duties that this one makes superfluous."""

    key: str
    due_at: datetime
    deed: Deed
    settles: tuple[str, ...] = ()

    @property
    def has_an_ear(self) -> bool:
        """What is for somebody who is not there yet waits for them."""
        return not isinstance(self.deed, Whisper) or bool(self.deed.people)


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


def reminder(
    key: str,
    due: datetime,
    every: timedelta,
    done: Done,
    text: str,
    choices: tuple[Choice, ...] = (),
    *,
    to: tuple[str, ...],
    then: tuple[str, ...] = (),
) -> Iterator[Duty]:
    """Once to `to`, one repeat, then each of `then` in turn, then silence (process, 5). What changes gives a new `key`.

    One step at a time, each `every` after the one before was done: several that were missed are one.
    """
    steps = [(key, to, text), (f"{key}/again", to, text)]
    steps += [(f"{key}/then-{person}", (person,), f"{text} This was said twice.") for person in then]
    for step, addressed, words in steps:
        if step not in done:
            if addressed:
                yield Duty(step, due, Whisper(addressed, words, choices))
            return
        due = done[step] + every


def people(*wanted: str | None) -> tuple[str, ...]:
    """Those who are somebody, each once."""
    return tuple(dict.fromkeys(person for person in wanted if person))
