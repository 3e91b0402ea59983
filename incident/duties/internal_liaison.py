"""The internal liaison: executive summaries and stakeholders (process, 5).

The grid: the first summary 5 minutes after declaring, or when the IC sends it earlier; the rest every 30 minutes
from the first. A change of severity brings one of its own, which replaces a regular one due within 10 minutes;
a second change within 5 minutes of such a summary waits until those are over and joins. One at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident import wording
from incident.choices import Choice
from incident.duties.base import Done, Duty, Subscribe, Summarise, Whisper, people
from incident.model import Incident
from incident.policy import ExecutiveSummaries
from incident.severity import Role, Severity


@dataclass(frozen=True)
class InternalLiaisonView:
    open: bool
    over: bool
    practice: bool
    secret: bool
    declared_at: datetime
    ended_at: datetime | None
    asked_at: datetime | None
    severity: Severity
    changed_at: tuple[datetime, ...]
    told: tuple[str, ...]
    own_words: str
    picture: wording.Picture
    channel: str
    stakeholders: tuple[str, ...]
    pagerduty_id: str
    rules: ExecutiveSummaries
    others: tuple[str, ...] = ()


def view(incident: Incident, *, over: bool) -> InternalLiaisonView:
    first = next((page for page in incident.pages.values() if page.pagerduty_id), None)
    return InternalLiaisonView(
        open=incident.open,
        over=over,
        practice=incident.practice,
        secret=incident.silent or not incident.full,
        declared_at=incident.declared_at,
        ended_at=incident.ended_at,
        asked_at=incident.summary_asked_at,
        severity=incident.severity,
        changed_at=tuple(change.at for change in incident.severities[1:]),
        told=people(incident.holder(Role.INTERNAL_LIAISON) or incident.commander),
        own_words=incident.own_words,
        picture=wording.picture(incident),
        channel=incident.policy.rooms.executive,
        stakeholders=incident.policy.paging.stakeholders.get(incident.severity, ()),
        pagerduty_id=first.pagerduty_id if first else "",
        rules=incident.policy.executives,
        others=tuple(incident.stakeholders),
    )


def duties(view: InternalLiaisonView, done: Done, now: datetime) -> list[Duty]:
    found: list[Duty] = []
    if view.secret:
        return found
    if not view.open:
        key = f"summary/end/{view.ended_at:%m%dT%H%M%S}" if view.ended_at else "summary/end"
        if view.ended_at is not None and key not in done:
            found.append(Duty(key, view.ended_at, _summary(view, view.ended_at, now)))
        return found
    if view.stakeholders and view.pagerduty_id and f"subscribe/{view.severity}" not in done:
        found.append(Duty(f"subscribe/{view.severity}", view.declared_at, Subscribe(view.stakeholders)))
    asked = tuple(team for team in view.others if f"subscribe/{team}" not in done)
    if asked and view.pagerduty_id:
        covered = tuple(f"subscribe/{team}" for team in asked)
        found.append(Duty(covered[0], view.declared_at, Subscribe(asked), covered[1:]))
    change = _after_change(view, done, now)
    found += [change] if change else []
    regular = _regular(view, done, now)
    if change is None or not (change.due_at <= regular.due_at <= change.due_at + view.rules.replaces_within):
        found.append(regular)
        preview = _preview(view, regular, done, now)
        found += [preview] if preview else []
    return found


def grid(view: InternalLiaisonView, done: Done) -> datetime:
    """The moment of the first summary, from which the others are counted."""
    planned = view.declared_at + view.rules.first_after
    if view.asked_at is not None and view.asked_at < planned and "summary/0" not in done:
        return view.asked_at
    sent = done.get("summary/0")
    return min(sent, planned) if sent is not None else planned


def _regular(view: InternalLiaisonView, done: Done, now: datetime) -> Duty:
    start, every = grid(view, done), view.rules.every
    n = 0
    skipped = []
    while True:
        due = start + every * n
        key = f"summary/{n}"
        if key not in done:
            if not _replaced(view, done, due) and due + every > now:
                break
            skipped.append(key)
        n += 1
    if view.asked_at is not None and n > 0 and view.asked_at > max(_sent(done), default=view.declared_at):
        # Asked for between two regular ones: one of its own; the grid stays as it is.
        return Duty(f"summary/asked/{view.asked_at:%m%dT%H%M%S}", view.asked_at, _summary(view, view.asked_at, now))
    return Duty(key, due, _summary(view, due, now), tuple(skipped))


def _after_change(view: InternalLiaisonView, done: Done, now: datetime) -> Duty | None:
    """One summary for all changes that no summary has told yet."""
    told = {key: at for key, at in done.items() if key.startswith("summary/severity/")}
    untold = [n for n in range(1, len(view.changed_at) + 1) if f"summary/severity/{n}" not in told]
    if not untold:
        return None
    due = view.changed_at[untold[0] - 1]
    if told:
        due = max(due, max(told.values()) + view.rules.joins_within)
    joined = [n for n in untold if view.changed_at[n - 1] <= max(due, now)]
    covered = tuple(f"summary/severity/{n}" for n in joined[:-1])
    return Duty(f"summary/severity/{joined[-1]}", due, _summary(view, due, now), covered)


def _replaced(view: InternalLiaisonView, done: Done, due: datetime) -> bool:
    sent = [at for key, at in done.items() if key.startswith("summary/severity/")]
    return any(at <= due <= at + view.rules.replaces_within for at in sent)


def _sent(done: Done) -> list[datetime]:
    return [at for key, at in done.items() if key.startswith("summary/")]


def _preview(view: InternalLiaisonView, regular: Duty, done: Done, now: datetime) -> Duty | None:
    """Five minutes before, the liaison (else the IC) sees what would be sent and may put their own words."""
    key = regular.key.replace("summary/", "preview/")
    if key in done or not view.told or regular.due_at <= now:
        return None
    text = (
        f"The executive summary due at {wording.clock(regular.due_at)} would say:\n"
        f"> {_text(view, regular.due_at)}\nYour own words: `update …`; unanswered, it goes out like this."
    )
    answers = (Choice("In my words …", "update", form=True), Choice("Send it now", "summary send"))
    return Duty(key, regular.due_at - view.rules.shown_before, Whisper(view.told, text, answers))


def _summary(view: InternalLiaisonView, due: datetime, now: datetime) -> Summarise:
    late = wording.late(due, now)
    return Summarise(f"{{here}} {_text(view, max(due, now), len(late))}{late}", due)


def _text(view: InternalLiaisonView, at: datetime, spare: int = 0) -> str:
    at_most = view.rules.at_most - len("@here ") - spare
    if view.own_words:
        mark = "PRACTICE " if view.practice else ""
        return wording.shorten(f"{mark}{view.own_words}", at_most)
    return wording.shorten(wording.executive_summary(view.picture, at), at_most)
