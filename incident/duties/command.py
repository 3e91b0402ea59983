"""The incident's own clock: paging rounds, "there is no IC", offers that lapse, roll calls, what
changes meanwhile, the end of the watch (process, 1, 2, 3, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from incident import leadership, paging, polls, publishing, roll_call, takeover, triggers, wording
from incident.effects import ReadChanges
from incident.model import Incident, Phase


def next_deadline(incident: Incident) -> datetime | None:
    """The earliest moment at which `let_fall_due` has something to do."""
    return min((due for due, _ in _clocks(incident)), default=None)


def let_fall_due(incident: Incident, now: datetime) -> None:
    """Do what is due by `now`; several missed reminders are one."""
    for name in [name for due, name in _clocks(incident) if due <= now]:
        match name:
            case "round":
                pages = paging.page_commanders(incident, now)
                incident.say(
                    f"Nobody commands yet: paging round {incident.rounds}, {', '.join(p.label for p in pages)}.", now
                )
                incident.log("page", f"round {incident.rounds}", now, source="clock")
            case "no-commander":
                incident.told_no_commander_at = now
                incident.say(wording.no_commander(incident, now), now)
            case "handover":
                assert incident.handover is not None
                offered, incident.handover = incident.handover, None
                if offered.asks_a_disrupter:
                    leadership.ask_about_disrupter(incident, offered.to, "did not answer whether they wish to command")
                    continue
                incident.say(
                    f"The offer of command to {incident.name(offered.to)} lapsed;"
                    f" {incident.name(incident.commander)} commands.",
                    now,
                )
                incident.log("command", f"offer to {incident.name(offered.to)} lapsed", now, source="clock")
            case "close":
                incident.phase = Phase.CLOSED
                incident.log("closed", "the watch is over", now, source="clock")
            case other:
                _let_question_fall_due(incident, other, now)


def _let_question_fall_due(incident: Incident, name: str, now: datetime) -> None:
    """A question to people that nobody answered in its time, and what is looked at regularly."""
    match name:
        case "page-of-somebody":
            for trigger in triggers.asked_by_people(incident):
                if trigger.separate_at is not None and trigger.separate_at <= now:
                    triggers.part(incident, trigger, "Nobody said that it is the same", now)
        case "takeover":
            assert incident.challenge is not None
            person = incident.challenge.by
            takeover.succeed(incident, person, incident.name(person), "nobody answered", now)
        case "takeover-open":
            takeover.open_to_all(incident, now)
        case "roll-call":
            roll_call.close(incident, now)
        case "poll":
            for draft in incident.drafts.values():
                if draft.polled_until is not None and not draft.poll_closed and draft.polled_until <= now:
                    polls.close(incident, draft, now)
        case "changes":
            incident.changes_asked_at = now
            incident.want(ReadChanges())


def _clocks(incident: Incident) -> Iterator[tuple[datetime, str]]:
    rules = incident.policy
    if incident.open and incident.commander is None and incident.rounds:
        yield (incident.told_no_commander_at or incident.declared_at) + rules.command.no_commander_every, "no-commander"
        if rules.paging.escalation == "ours" and incident.round_at is not None:
            due = incident.round_at + rules.paging.round_every
            for page in incident.pages.values():
                for at in page.acknowledged_by.values() if page.for_commander else ():
                    due = max(due, at + rules.paging.grace_after_acknowledgement)
            yield due, "round"
    if incident.open and incident.commander is not None and (asked := incident.challenge) is not None:
        if rules.trained(asked.by):
            yield asked.at + rules.command.challenge_lapses_after, "takeover"
        elif not asked.open_to_all:
            yield asked.at + rules.command.takeover_open_to_all_after, "takeover-open"
    if incident.open and (roll := incident.roll_call) is not None and roll.closed_at is None:
        yield roll.due_at, "roll-call"
    if incident.open and rules.changes.sources:
        yield (incident.changes_asked_at or incident.declared_at) + rules.changes.every, "changes"
    windows = [d.polled_until for d in incident.drafts.values() if d.polled_until is not None and not d.poll_closed]
    if windows and incident.phase is not Phase.CLOSED:
        yield min(windows), "poll"
    if incident.handover is not None:
        yield incident.handover.lapses_at, "handover"
    if incident.open:
        yield from (
            (t.separate_at, "page-of-somebody") for t in triggers.asked_by_people(incident)[:1] if t.separate_at
        )
    if incident.phase in (Phase.RESOLVED, Phase.CANCELLED) and incident.ended_at is not None:
        watched = (
            rules.ending.public_end_within if publishing.public_end_is_open(incident) else rules.ending.watched_for
        )
        yield incident.ended_at + watched, "close"
