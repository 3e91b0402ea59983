"""The customer liaison: drafts in time, reminders, and the approved text to the outlet (process, 5).

The first message is drafted as soon as somebody commands (or after two minutes), so that it can be attached to
"announce publicly?". Once announced: the first is due 5 minutes after declaring, the scope 5 minutes after the first,
then one every 20 minutes and whenever the impact changes or recovery begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incident.choices import Choice
from incident.duties.base import Done, Duty, Publish, Whisper, WriteDraft, people
from incident.model import Announcement, Draft, DraftState, Incident, Phase, RepairState
from incident.policy import CustomerMessages
from incident.severity import Role
from incident.words import mark


@dataclass(frozen=True)
class CustomerLiaisonView:
    open: bool
    over: bool
    practice: bool
    secret: bool
    label: str
    phase: Phase
    declared_at: datetime
    ended_at: datetime | None
    recovered: bool
    commander: str | None
    commanded_since: datetime | None
    deputy: str | None
    liaison: str | None
    announcement: Announcement
    impact_at: datetime | None
    recovering_since: datetime | None
    identified: bool
    drafts: tuple[Draft, ...]
    announce_within: timedelta
    rules: CustomerMessages


def view(incident: Incident, *, over: bool) -> CustomerLiaisonView:
    worked = [r.ended_at for r in incident.repairs.values() if r.state is RepairState.VERIFIED and r.ended_at]
    return CustomerLiaisonView(
        open=incident.open,
        over=over,
        practice=incident.practice,
        secret=incident.silent,
        label=incident.label,
        phase=incident.phase,
        declared_at=incident.declared_at,
        ended_at=incident.ended_at,
        recovered=incident.recovered,
        commander=incident.commander,
        commanded_since=incident.first_commanded_at,
        deputy=incident.deputy,
        liaison=incident.holder(Role.CUSTOMER_LIAISON),
        announcement=incident.announcement,
        impact_at=incident.facts.impact_at,
        recovering_since=max(worked, default=None),
        identified=bool(incident.facts.cause),
        drafts=tuple(replace(draft) for draft in incident.drafts.values()),
        announce_within=incident.policy.deputy.announce_asked_within,
        rules=incident.policy.customers,
    )


def duties(view: CustomerLiaisonView, done: Done, now: datetime) -> list[Duty]:
    if view.secret:
        return []
    found = [*_publish(view), *_drafts(view), *_reminders(view)]
    return [duty for duty in found if duty.key not in done]


def _publish(view: CustomerLiaisonView) -> Iterator[Duty]:
    for draft in view.drafts:
        if draft.state is DraftState.APPROVED and draft.approved_at is not None:
            key = f"publish/{draft.number}/{draft.approved_at:%H%M%S}"
            yield Duty(key, draft.approved_at, Publish(draft.number, draft.stage, draft.text, draft.approval))


def _drafts(view: CustomerLiaisonView) -> Iterator[Duty]:
    waiting = any(d.state in (DraftState.WAITING, DraftState.HELD, DraftState.APPROVED) for d in view.drafts)
    published = [d for d in view.drafts if d.published_at is not None]
    stage = "monitoring" if view.recovering_since else "identified" if view.identified else "investigating"
    if view.phase is Phase.RESOLVED and view.ended_at is not None:
        if view.announcement is Announcement.YES:
            last = "resolved" if view.recovered else "monitoring"
            yield Duty(f"draft/end/{view.ended_at:%m%dT%H%M%S}", view.ended_at, WriteDraft(last, view.ended_at))
        return
    if not view.open:
        return
    first_due = view.declared_at + view.rules.first_within
    if not view.drafts:
        when = min(
            view.commanded_since or view.declared_at + view.announce_within, view.declared_at + view.announce_within
        )
        yield Duty("draft/first", when, WriteDraft(stage, first_due))
        return
    if view.announcement is not Announcement.YES:
        return
    latest = max(d.made_at for d in view.drafts)
    causes = [(at, cause) for cause, at in (("impact", view.impact_at), ("recovery", view.recovering_since)) if at]
    if published and causes:
        at, cause = max(causes)  # one message for all that changed since the last draft
        if at > latest:
            yield Duty(f"draft/{cause}/{at:%m%dT%H%M%S}", at, WriteDraft(stage, at))
    if published and not waiting:
        last_out = max(d.published_at for d in published if d.published_at is not None)
        wait = view.rules.scope_within if len(published) == 1 else view.rules.every
        due = last_out + wait
        lead = min(view.rules.deputy_may_approve_after, wait / 2)
        long = due - view.declared_at > view.rules.first_hours and stage == "investigating"
        yield Duty(f"draft/after-{len(published)}", due - lead, WriteDraft("long" if long else stage, due))


def _reminders(view: CustomerLiaisonView) -> Iterator[Duty]:
    """A draft that is due and waits: the IC hears it, three minutes later the deputy may approve."""
    if view.announcement is not Announcement.YES:
        return
    for draft in view.drafts:
        if draft.state is not DraftState.WAITING or draft.due_at is None:
            continue
        due = max(draft.due_at, draft.made_at)
        text = f"Public message {draft.number} is due and waits: `message approve {draft.number}`."
        decide = (
            Choice("Approve", f"message approve {draft.number}{mark(draft.digest)}", "primary"),
            Choice("Edit …", f"message edit {draft.number}", form=True),
            Choice("Hold", f"message hold {draft.number}"),
        )
        yield Duty(f"due/{draft.number}", due, Whisper(people(view.commander), text, decide))
        yield Duty(
            f"due/{draft.number}/deputy",
            due + view.rules.deputy_may_approve_after,
            Whisper(people(view.deputy), f"{text} The IC has left it; you may.", decide[:1]),
        )
