"""The scribe keeps the record and watches the status (process, 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident import wording
from incident.choices import Choice
from incident.duties.base import Done, Duty, Remark, Whisper, people
from incident.model import Incident, Phase, Status
from incident.policy import Stalk
from incident.severity import Role
from incident.sources import StatusSource


@dataclass(frozen=True)
class ScribeView:
    open: bool
    over: bool
    practice: bool
    watching: bool
    phase: Phase
    commanded_since: datetime | None
    ended_at: datetime | None
    told: tuple[str, ...]
    sources: tuple[StatusSource, ...]
    rules: Stalk
    flapped_at: datetime | None = None
    settled_on: str = ""


def view(incident: Incident, *, over: bool) -> ScribeView:
    told = people(incident.holder(Role.SCRIBE) or incident.deputy or incident.commander, incident.deputy)
    flaps = incident.flapped_at is not None and incident.status is not None
    return ScribeView(
        open=incident.open,
        over=over,
        practice=incident.practice,
        watching=incident.stalking and incident.phase is not Phase.CLOSED and not over,
        phase=incident.phase,
        commanded_since=incident.first_commanded_at,
        ended_at=incident.ended_at,
        told=told,
        sources=incident.policy.status_sources,
        rules=incident.policy.stalk,
        flapped_at=incident.flapped_at if flaps else None,
        settled_on=incident.status.detail if flaps and incident.status else "",
    )


def duties(view: ScribeView, done: Done, now: datetime) -> list[Duty]:
    """Once that the call be recorded, once for the link at the end, and when the status no longer flaps."""
    found = []
    if view.open and view.commanded_since is not None and view.told:
        found.append(Duty("recorded", view.commanded_since, Whisper(view.told, "Scribe: is the call being recorded?")))
    if view.phase is Phase.RESOLVED and view.ended_at is not None and view.told:
        text = "Scribe: where is the recording of the call? `!ic note recording: LINK` keeps it."
        found.append(
            Duty(
                "recording-link", view.ended_at, Whisper(view.told, text, (Choice("Keep a note …", "note", form=True),))
            )
        )
    if view.flapped_at is not None and view.watching:
        text = f"The status no longer flaps: {view.settled_on}."
        found.append(
            Duty(f"calm/{view.flapped_at:%m%dT%H%M%S%f}", view.flapped_at + view.rules.flapping_within, Remark(text))
        )
    return [duty for duty in found if duty.key not in done]


def news(
    rules: Stalk, before: Status | None, status: Status, changes: list[datetime], flapping: bool
) -> tuple[str, bool]:
    """What the room hears of a new status, and whether it is flapping now.

    `changes` are the moments of recent changes, this one last. Nothing is said while it goes on flapping, nor of what
    was only read once more; the first reading is told as it is.
    """
    if before is not None and not is_change(before, status):
        return "", flapping
    recent = [at for at in changes if status.at - at < rules.flapping_within]
    if len(recent) > rules.flapping_changes:
        window = int(rules.flapping_within.total_seconds() // 60)
        said = (
            ""
            if flapping
            else f"The status is flapping: {len(recent)} changes in {window} minutes, now {status.detail}."
        )
        return said, True
    # With one change in the window it has been calm for as long, and that was said then.
    return ("The status no longer flaps. " if flapping and len(recent) > 1 else "") + _said(before, status), False


def is_change(before: Status, status: Status) -> bool:
    return (before.state, before.detail) != (status.state, status.detail)


def _said(before: Status | None, status: Status) -> str:
    """That something cannot be read is itself a sign; so it is when it can be read again."""
    lost, found = _unreadable(status) - _unreadable(before), _unreadable(before) - _unreadable(status)
    if status.state == "unreadable":
        why = "; ".join(f"{r.source}: {r.value}" for r in status.readings if r.state == "unreadable" and r.value)
        return f"The status cannot be read ({why or status.detail}). That is itself a sign."
    if before is None:
        return f"Status: {wording.status(status)}."
    if lost:
        return f"{', '.join(sorted(lost))} cannot be read. That is itself a sign. Status: {wording.status(status)}."
    if found or before.state == "unreadable":
        return f"The status can be read again: {wording.status(status)}."
    if before.state == status.state:
        return f"The status changed: {status.evidence}."
    return f"The status changed from {before.state} to {status.state}: {status.evidence}."


def _unreadable(status: Status | None) -> set[str]:
    return {reading.source for reading in status.readings if reading.state == "unreadable"} if status else set()
