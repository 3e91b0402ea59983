"""The on-call book: the last good copy of who is on call, on this machine's disk.

Every process that pages or answers keeps one, readable by its owner alone, refreshed every five minutes. It knows
shifts a day ahead, so that it is right for a while with PagerDuty gone; how old it is is said loudly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import durable
from incident.policy import Organisation
from incident.times import minutes

AHEAD = timedelta(hours=24)
REFRESH_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Shift:
    """Somebody's turn on one level of one escalation policy. No times: always."""

    escalation_policy: str
    level: int
    pagerduty_user: str
    name: str
    phone: str = ""
    start: datetime | None = None
    end: datetime | None = None

    def covers(self, now: datetime) -> bool:
        return (self.start is None or self.start <= now) and (self.end is None or now < self.end)


class OnCallBook:
    """`path` is the file; people are known by the organisation's handles, or by PagerDuty's id when it knows none."""

    def __init__(self, path: Path, organisation: Organisation) -> None:
        self._path = path
        self._organisation = organisation
        self._read_at: datetime | None = None
        self._shifts: tuple[Shift, ...] = ()
        self._stamp: float = -1

    def keep(self, shifts: Sequence[Shift], now: datetime) -> None:
        """Replace the book, in one step. Raises OSError, and then the old one stays."""
        document = {
            "read_at": now.isoformat(),
            "shifts": [
                {
                    **shift.__dict__,
                    "start": shift.start.isoformat() if shift.start else None,
                    "end": shift.end.isoformat() if shift.end else None,
                }
                for shift in shifts
            ],
        }
        durable.write(self._path, json.dumps(document).encode())

    def on_call(self, escalation_policy: str, now: datetime, round: int = 1) -> tuple[str, ...]:
        """The people that round pages, as handles."""
        return turn(self.levels(escalation_policy, now), round)

    def levels(self, escalation_policy: str, now: datetime) -> list[tuple[str, ...]]:
        """The people of each level that has somebody now, as handles, the lowest first."""
        self._look()
        here = [s for s in self._shifts if s.escalation_policy == escalation_policy and s.covers(now)]
        return [
            tuple(dict.fromkeys(self.handle(s.pagerduty_user) for s in here if s.level == level))
            for level in sorted({s.level for s in here})
        ]

    def everybody(self, now: datetime) -> tuple[Shift, ...]:
        self._look()
        return tuple(shift for shift in self._shifts if shift.covers(now))

    def handle(self, pagerduty_user: str) -> str:
        known = next((p.id for p in self._organisation.people if p.pagerduty == pagerduty_user), None)
        return known or pagerduty_user

    def name(self, person: str) -> str:
        contact = self._organisation.contact(person)
        if contact is not None:
            return contact.name
        self._look()
        return next((s.name for s in self._shifts if s.pagerduty_user == person), person)

    def phone(self, person: str) -> str:
        """The number to call; the organisation's own word goes before PagerDuty's."""
        contact = self._organisation.contact(person)
        if contact is not None and contact.phone:
            return contact.phone
        self._look()
        wanted = contact.pagerduty if contact else person
        found = next((s.phone for s in self._shifts if s.pagerduty_user == wanted and s.phone), "")
        return found or "a number that is not on file"

    def known_phone(self, pagerduty_user: str) -> str:
        """The number that PagerDuty gave when it was read last."""
        self._look()
        return next((s.phone for s in self._shifts if s.pagerduty_user == pagerduty_user and s.phone), "")

    def age(self, now: datetime) -> str:
        """How old the copy is, in words."""
        self._look()
        if self._read_at is None:
            return "never read from PagerDuty; names from the configuration"
        return f"{minutes(now - self._read_at)} old"

    def fresh(self, now: datetime) -> bool:
        self._look()
        return self._read_at is not None and now - self._read_at < 2 * REFRESH_EVERY

    def _look(self) -> None:
        """Read the file again when another process has replaced it."""
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp == self._stamp:
                return
            document = json.loads(self._path.read_text())
            self._shifts = tuple(_shift(item) for item in document["shifts"])
            self._read_at = datetime.fromisoformat(document["read_at"])
            self._stamp = stamp
        except (OSError, KeyError, TypeError, ValueError, AttributeError):
            # No copy, or one that cannot be read: the configuration's people are what is left.
            return


def turn(levels: Sequence[tuple[str, ...]], round: int) -> tuple[str, ...]:
    """Whom a round pages: one level higher each time, and after the top again the first."""
    return levels[(max(round, 1) - 1) % len(levels)] if levels else ()


def _shift(item: dict[str, Any]) -> Shift:  # what stands in the file is checked by the fields' use
    times = {key: datetime.fromisoformat(item[key]) if item[key] else None for key in ("start", "end")}
    return Shift(**{**item, **times})


def now() -> datetime:
    return datetime.now(UTC)
