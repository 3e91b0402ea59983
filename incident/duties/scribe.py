"""The scribe keeps the record and watches the status (process, 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident.choices import Choice
from incident.duties.base import Done, Duty, Whisper, people
from incident.model import Incident, Phase, Status
from incident.policy import Stalk, StatusSource
from incident.severity import Role


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


def view(incident: Incident, *, over: bool) -> ScribeView:
    told = people(incident.holder(Role.SCRIBE) or incident.deputy or incident.commander)
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
    )


def duties(view: ScribeView, done: Done, now: datetime) -> list[Duty]:
    """Once that the call be recorded, and once for the link at the end."""
    found = []
    if view.open and view.commanded_since is not None and view.told:
        found.append(Duty("recorded", view.commanded_since, Whisper(view.told, "Scribe: is the call being recorded?")))
    if view.phase is Phase.RESOLVED and view.ended_at is not None and view.told:
        text = "Scribe: where is the recording of the call? `note recording: LINK` keeps it."
        found.append(
            Duty(
                "recording-link", view.ended_at, Whisper(view.told, text, (Choice("Keep a note …", "note", form=True),))
            )
        )
    return [duty for duty in found if duty.key not in done]


def news(
    rules: Stalk, before: Status | None, status: Status, changes: list[datetime], flapping: bool
) -> tuple[str, bool]:
    """What the room hears of a new status, and whether it is flapping now.

    `changes` are the moments of recent changes, this one last. Nothing is said while it goes on flapping; the first
    reading is told as it is.
    """
    recent = [at for at in changes if status.at - at <= rules.flapping_within]
    if len(recent) > rules.flapping_changes:
        window = int(rules.flapping_within.total_seconds() // 60)
        said = (
            ""
            if flapping
            else f"The status is flapping: {len(recent)} changes in {window} minutes, now {status.detail}."
        )
        return said, True
    if before is None:
        return f"Status: {status.detail}.", False
    if status.state == "unreadable":
        return f"The status cannot be read ({status.detail}). That is itself a sign.", False
    return f"The status changed from {before.state} to {status.state}: {status.detail}.", False
