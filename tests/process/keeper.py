"""The roles' timers without Temporal: what `workflows.role.RoleKeeper` does, over the same pure duties.

A `Keeper` waits for the earliest deadline, does what is due, tells the incident what a role would report, and looks
again. It holds what `RoleKeeper` promises: no duty is done twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incident import reports
from incident.duties.base import Deed, Duty, Publish, Remark, Summarise, Whisper, WriteDraft
from incident.reports import MessagePublished, Report, SummarySent
from incident.texts import plain
from tests.domain.conftest import NOW, Told

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Did:
    """A duty, and the minute after the declaration in which it was done."""

    minute: float
    duty: Duty

    @property
    def deed(self) -> Deed:
        return self.duty.deed

    @property
    def text(self) -> str:
        return str(getattr(self.deed, "text", ""))

    @property
    def people(self) -> tuple[str, ...]:
        return self.deed.people if isinstance(self.deed, Whisper) else ()


@dataclass
class Keeper:
    """One role (a module of `incident.duties`) of one story."""

    role: Any  # four modules of one shape
    story: Told
    done: dict[str, datetime] = field(default_factory=dict)
    did: list[Did] = field(default_factory=list)

    def run(self, minutes: float) -> list[Did]:
        """That long; what was done in it."""
        before, ends = len(self.did), self.story.now + minutes * MINUTE
        self.wake()
        while (due := self._next()) is not None and due <= ends:
            self.story.now = max(due, self.story.now)
            self.wake()
        self.story.now = ends
        self.wake()
        return self.did[before:]

    def outage(self, minutes: float) -> list[Did]:
        """Nobody keeps time for that long; what was done when it is over."""
        before = len(self.did)
        self.story.now += minutes * MINUTE
        self.wake()
        return self.did[before:]

    def wake(self) -> None:
        """Do what is due now, and what that makes due."""
        while due := [duty for duty in self._todo() if duty.due_at <= self.story.now]:
            for duty in due:
                self._do(duty)

    def _todo(self) -> list[Duty]:
        view = self.role.view(self.story.incident, over=False)
        found: list[Duty] = self.role.duties(view, self.done, self.story.now)
        keys = [duty.key for duty in found]
        assert len(keys) == len(set(keys)), f"due twice at once: {keys}"
        return found

    def _next(self) -> datetime | None:
        return min((duty.due_at for duty in self._todo()), default=None)

    def _do(self, duty: Duty) -> None:
        now = self.story.now
        assert duty.key not in self.done, f"{duty.key} is due a second time"
        assert duty.due_at <= now
        self.done.update(dict.fromkeys((duty.key, *duty.settles), now))
        self.did.append(Did((now - NOW) / MINUTE, duty))
        source = self.role.__name__.rpartition(".")[2]
        match duty.deed:
            case Remark() | WriteDraft() as what:
                reports.take(self.story.incident, Report(source, duty.key, what), now)
            case Summarise(text=text, due_at=due_at):
                sent = SummarySent(duty.key, text, due_at, now)
                reports.take(self.story.incident, Report(source, duty.key, sent), now)
            case Publish(number=number):
                out = MessagePublished(number, "https://status.example.com", now)
                reports.take(self.story.incident, Report(source, duty.key, out), now)


def whispers(did: list[Did], words: str) -> list[tuple[float, tuple[str, ...]]]:
    """When, and to whom, something with these words was said privately."""
    return [(one.minute, one.people) for one in did if one.people and words in plain(one.text)]


def summaries(did: list[Did]) -> list[Did]:
    return [one for one in did if isinstance(one.deed, Summarise)]
