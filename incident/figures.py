"""The measures of incidents: how long until somebody heard, commanded, customers knew, it was over (process, 6)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from incident.model import Incident, Phase

PERCENT = 90


@dataclass(frozen=True)
class Times:
    """Since the declaration; None for what did not happen. A false alarm resolves nothing."""

    acknowledge: timedelta | None
    command: timedelta | None
    public: timedelta | None
    resolve: timedelta | None


MEASURES = {
    "acknowledge": "time to acknowledge",
    "command": "time to command",
    "public": "time to first public message",
    "resolve": "time to resolve",
}


def times(incident: Incident) -> Times:
    begun = incident.declared_at
    heard = [at for page in incident.pages.values() for at in page.acknowledged_by.values()]
    out = [at for draft in incident.drafts.values() for at in draft.went_out]
    resolved = incident.ended_at if incident.ended_as is Phase.RESOLVED else None
    return Times(
        acknowledge=min(heard) - begun if heard else None,
        command=incident.first_commanded_at - begun if incident.first_commanded_at else None,
        public=min(out) - begun if out else None,
        resolve=resolved - begun if resolved else None,
    )


@dataclass(frozen=True)
class Figure:
    """Median and 90th percentile of what was measured, in how many incidents."""

    count: int
    median: timedelta
    p90: timedelta


@dataclass(frozen=True)
class Row:
    """All incidents of one severity in one month (`2026-03`, by the day of the declaration in UTC)."""

    month: str
    severity: str
    count: int
    false_alarms: int
    figures: dict[str, Figure]


def table(incidents: Iterable[Incident]) -> list[Row]:
    """A row a month and severity, the newest month first; the severity is the worst it had."""
    groups: dict[tuple[str, str], list[Incident]] = {}
    for incident in incidents:
        groups.setdefault((f"{incident.declared_at:%Y-%m}", incident.worst.value), []).append(incident)
    keys = sorted(groups, key=lambda key: key[1])
    return [_row(*key, groups[key]) for key in sorted(keys, key=lambda key: key[0], reverse=True)]


def _row(month: str, severity: str, incidents: list[Incident]) -> Row:
    measured = [times(incident) for incident in incidents]
    figures = {}
    for name in MEASURES:
        found = [value for one in measured if (value := getattr(one, name)) is not None]
        if found:
            figures[name] = figure(found)
    false_alarms = sum(1 for incident in incidents if incident.ended_as is Phase.CANCELLED)
    return Row(month, severity, len(incidents), false_alarms, figures)


def figure(values: Sequence[timedelta]) -> Figure:
    """The 90th percentile is the smallest value that at least nine in ten do not exceed."""
    ordered = sorted(values)
    rank = math.ceil(len(ordered) * PERCENT / 100)
    middle = statistics.median(value.total_seconds() for value in ordered)
    return Figure(len(ordered), timedelta(seconds=middle), ordered[rank - 1])
