"""What is known: the facts, how severe it is, what the status sources and the sources of changes said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from incident.severity import Severity


@dataclass
class Facts:
    """What is known. Every summary is composed from these; what is unknown is left out."""

    symptoms: list[str] = field(default_factory=list)
    cause: str = ""
    cause_at: datetime | None = None
    impact: str = ""
    impact_at: datetime | None = None
    eta: str = ""
    findings: list[str] = field(default_factory=list)
    customers_reporting: int = 0
    workaround: str = ""
    started_at: datetime | None = None


@dataclass
class SeverityChange:
    severity: Severity
    at: datetime
    by: str


@dataclass
class Reading:
    """What one status source said, and where there is one the value it said it with."""

    source: str
    state: str
    value: str = ""


@dataclass
class Status:
    """What the status sources said. `state` is ok, degraded, down or unreadable.

    `times` is how often in a row that state was read: a worse one counts when it was read twice.
    """

    state: str
    detail: str
    at: datetime
    readings: list[Reading] = field(default_factory=list)
    times: int = 1

    @property
    def evidence(self) -> str:
        """What speaks against the system's health, source by source."""
        bad = [reading for reading in self.readings if reading.state != "ok"]
        return ", ".join(f"{r.source} {r.state}{f' ({r.value})' if r.value else ''}" for r in bad) or self.detail


@dataclass
class Worsening:
    """A worse status, read for the second time in a row at `at`: the IC is told (process, 5)."""

    state: str
    evidence: str
    at: datetime


@dataclass
class Change:
    """Something that changed lately, as a source of the organisation's told it."""

    at: datetime
    text: str
    source: str
    link: str = ""


@dataclass
class ChangedLately:
    """What changed lately, newest first, as it was read `at`; `unreadable` are the sources that did not answer."""

    at: datetime
    changes: list[Change] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
