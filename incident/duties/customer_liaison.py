"""The customer liaison: drafts in time, reminders, and the approved texts to their outlets (process, 5).

The first message is drafted as soon as somebody commands (or after two minutes), so that it can be attached to
"announce publicly?". Once announced: the first is due 5 minutes after declaring, the scope 5 minutes after the first,
then one every 20 minutes (after two hours as the IC says) and whenever the impact changes or recovery begins. After the
call they go on until "resolved" is out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from incident import publishing, wording
from incident.choices import Choice
from incident.customers import CustomerMessages, Stage
from incident.duties.base import Done, Duty, Publish, Remark, TakeDown, Whisper, WriteDraft, people
from incident.model import Announcement, Draft, DraftState, Incident, Phase, RepairState, Version
from incident.outlets import Outlet
from incident.severity import Role
from incident.words import mark

OWED_AGAIN_EVERY = timedelta(hours=1)


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
    announced_at: datetime | None = None
    recovered_at: datetime | None = None
    rhythm: timedelta | None = None
    components: dict[str, str] = field(default_factory=dict)
    minds: dict[int, str] = field(default_factory=dict)
    usual: str | None = None
    owed: tuple[str, ...] = ()
    dropped: bool = False
    reopened_at: datetime | None = None
    impact: str = ""
    told_in_person: dict[str, datetime] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)


def view(incident: Incident, *, over: bool) -> CustomerLiaisonView:
    worked = [r.ended_at for r in incident.repairs.values() if r.state is RepairState.VERIFIED and r.ended_at]
    return CustomerLiaisonView(
        open=incident.open,
        over=over,
        practice=incident.practice,
        secret=incident.silent or not incident.full,
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
        drafts=tuple(_copy(draft) for draft in incident.drafts.values()),
        announce_within=incident.policy.deputy.announce_asked_within,
        rules=incident.policy.customers,
        announced_at=incident.announced_at,
        recovered_at=incident.recovered_at,
        rhythm=incident.rhythm,
        components=dict(incident.policy.status_page.components),
        owed=tuple(publishing.still_owed(incident)),
        dropped=bool(incident.owed_dropped),
        reopened_at=incident.reopened_at,
        impact=incident.facts.impact,
        told_in_person=dict(incident.told_in_person),
        usual=incident.policy.usual.get(Role.CUSTOMER_LIAISON),
        texts={n: wording.draft_texts(draft) for n, draft in incident.drafts.items() if draft.open}
        if incident.commander is None
        else {},
        minds={n: publishing.warnings(incident, draft) for n, draft in incident.drafts.items() if draft.waits},
    )


def _copy(draft: Draft) -> Draft:
    also = {outlet: replace(version) for outlet, version in draft.also.items()}
    return replace(draft, also=also, components=dict(draft.components))


def duties(view: CustomerLiaisonView, done: Done, now: datetime) -> list[Duty]:
    if view.secret:
        return [duty for duty in _take_down(view) if duty.key not in done]
    newest = max((draft.number for draft in view.drafts), default=0)
    drafts = [replace(d, deed=replace(d.deed, after=newest)) for d in _drafts(view) if isinstance(d.deed, WriteDraft)]
    found = [
        *_publish(view),
        *_take_down(view),
        *drafts,
        *_without_commander(view),
        *_reminders(view),
        *_owed(view, done),
        *_individually(view),
    ]
    return [duty for duty in found if duty.key not in done and duty.has_an_ear]


def overtaken(view: CustomerLiaisonView, message: Publish) -> bool:
    """What is tried on must not go out any more: a newer one for the same outlet is approved, or nothing may be said."""
    own = [draft.versions.get(message.outlet) for draft in view.drafts if draft.number == message.number]
    newer = [draft.versions.get(message.outlet) for draft in view.drafts if draft.number > message.number]
    return (
        view.secret
        or any(version is not None and version.state is DraftState.SUPERSEDED for version in own)
        or any(version is not None and version.state is DraftState.APPROVED for version in newer)
    )


# -- to the outlets ----------------------------------------------------------------------------------------


def _publish(view: CustomerLiaisonView) -> Iterator[Duty]:
    """On each outlet one after the other, in the order in which they were made; no outlet waits for another."""
    for outlet in Outlet:
        versions = [(draft, draft.versions[outlet]) for draft in view.drafts if outlet in draft.versions]
        approved = [(d, v) for d, v in versions if v.state is DraftState.APPROVED and v.approved_at is not None]
        if not approved:
            continue
        draft, version = approved[0]
        assert version.approved_at is not None
        stands = [v for _, v in versions if v.state is DraftState.PUBLISHED]
        deed = Publish(
            draft.number,
            draft.stage,
            version.text,
            outlet,
            version.approved_at,
            _by_id(draft.components, view.components) if outlet is Outlet.STATUS_PAGE else {},
            entry=stands[-1].post_id if stands and outlet is Outlet.STATUS_PAGE else "",
            begun=any(v.approved_at is not None for _, v in versions if v is not version),
            approval=version.approval,
        )
        yield Duty(_key(draft, version, outlet), version.approved_at, deed)


def _key(draft: Draft, version: Draft | Version, outlet: Outlet) -> str:
    """One for each approval: what was approved again is tried again."""
    assert version.approved_at is not None
    place = "" if outlet is Outlet.STATUS_PAGE else f"/{outlet}"
    again = f"/{version.approvals}" if version.approvals > 1 else ""
    return f"publish/{draft.number}{place}/{version.approved_at:%H%M%S}{again}"


def _by_id(states: Mapping[str, str], ids: Mapping[str, str]) -> dict[str, str]:
    """A component that the configuration has dropped meanwhile is left out."""
    return {ids[name]: state for name, state in states.items() if name in ids}


def _take_down(view: CustomerLiaisonView) -> Iterator[Duty]:
    for draft in view.drafts:
        for outlet, version in draft.versions.items():
            at = version.retract_asked_at
            if at is not None and version.state is DraftState.PUBLISHED:
                key = f"take-down/{draft.number}/{outlet}/{at:%m%dT%H%M%S}"
                yield Duty(key, at, TakeDown(draft.number, outlet, version.post_id))


# -- drafts ------------------------------------------------------------------------------------------------


def _drafts(view: CustomerLiaisonView) -> Iterator[Duty]:
    announced = view.announcement is Announcement.YES
    stage: Stage = "monitoring" if view.recovering_since else "identified" if view.identified else "investigating"
    if view.phase is Phase.RESOLVED and view.ended_at is not None and announced and not view.dropped:
        yield from _public_end(view, view.ended_at)
    if not view.open:
        return
    if not view.drafts:
        when = min(
            view.commanded_since or view.declared_at + view.announce_within, view.declared_at + view.announce_within
        )
        yield Duty("draft/first", when, WriteDraft(stage, view.declared_at + view.rules.first_within))
        return
    resolved = any(draft.stage == "resolved" and draft.out_at for draft in view.drafts)
    if announced and view.reopened_at is not None and resolved:
        at = view.reopened_at
        yield Duty(f"draft/reopened/{at:%m%dT%H%M%S}", at, WriteDraft("investigating", at))
    if announced:
        yield from _on_change(view, stage)
        yield from _in_rhythm(view, stage)


def _public_end(view: CustomerLiaisonView, ended_at: datetime) -> Iterator[Duty]:
    """Until the IC's word of full recovery it is "monitoring", in rhythm; then "resolved", once."""
    begun_recovered = view.recovered and view.recovered_at is None
    last: Stage = "resolved" if begun_recovered else "monitoring"
    if begun_recovered or not view.recovered:
        yield Duty(f"draft/end/{ended_at:%m%dT%H%M%S}", ended_at, WriteDraft(last, ended_at))
    if view.recovered_at is not None:
        at = view.recovered_at
        yield Duty(f"draft/recovered/{at:%m%dT%H%M%S}", at, WriteDraft("resolved", at))
    elif not view.recovered and any(draft.made_at >= ended_at for draft in view.drafts):
        yield from _in_rhythm(view, "monitoring")


def _on_change(view: CustomerLiaisonView, stage: Stage) -> Iterator[Duty]:
    """One message for all that changed since the last draft."""
    latest = max(d.made_at for d in view.drafts)
    causes = [(at, cause) for cause, at in (("impact", view.impact_at), ("recovery", view.recovering_since)) if at]
    if causes and any(draft.out_at for draft in view.drafts):
        at, cause = max(causes)
        if at > latest:
            yield Duty(f"draft/{cause}/{at:%m%dT%H%M%S}", at, WriteDraft(stage, at))


def _in_rhythm(view: CustomerLiaisonView, stage: Stage) -> Iterator[Duty]:
    """Drafted some minutes before it is due, so that it can be approved in time."""
    if any(draft.pending for draft in view.drafts):
        return
    out = [draft for draft in view.drafts if draft.out_at is not None]
    latest = max(view.drafts, key=lambda draft: draft.number)
    every = view.rhythm or view.rules.every
    due = publishing.next_due(view.drafts, view.declared_at + view.rules.first_within, view.rules.scope_within, every)
    key = f"draft/after-{len(out)}"
    if latest.out_at is None:
        # The one that was due did not get out: the next is due as if it had.
        tried = [v.approved_at for v in latest.versions.values() if v.approved_at is not None]
        due = max([due, *(at + every for at in tried)])
        key = f"{key}/{latest.number}"
    wait = view.rules.scope_within if len(out) == 1 else every
    lead = min(view.rules.deputy_may_approve_after, wait / 2)
    long = due - view.declared_at > view.rules.first_hours and stage == "investigating"
    yield Duty(key, due - lead, WriteDraft("long" if long else stage, due))


def _without_commander(view: CustomerLiaisonView) -> Iterator[Duty]:
    """While there is no IC the usual liaison sees what waits, and the channel hears that customers do."""
    if not view.open or view.commander is not None or view.announcement is not Announcement.UNDECIDED:
        return
    newest = max((draft for draft in view.drafts if draft.open), key=lambda draft: draft.number, default=None)
    if newest is not None:
        n = newest.number
        text = (
            f"There is no IC yet for {view.label}. Public message {n} waits for one:\n{view.texts.get(n, '')}"
            f"{view.minds.get(n, '')}\nYou can change it until then: `!ic message edit {n} [x|status-page] TEXT`."
        )
        edit = (Choice("Edit …", f"message edit {n}", form=True),)
        whom = people(view.liaison or view.usual)
        yield Duty(f"no-commander/draft/{n}", newest.made_at, Whisper(whom, text, edit))
    due = view.declared_at + view.rules.first_within
    drafted = f" Public message {newest.number} is drafted and needs an IC's approval." if newest else ""
    text = (
        f"Customers are waiting for a first message, and there is no IC to decide.{drafted} IC-trained: `!ic command`."
    )
    yield Duty("no-commander/waiting", due, Remark(text))


# -- reminders ---------------------------------------------------------------------------------------------


def _reminders(view: CustomerLiaisonView) -> Iterator[Duty]:
    if view.announcement is not Announcement.YES:
        return
    for draft in view.drafts:
        states = {version.state for version in draft.versions.values()}
        if draft.waits:
            yield from _waits(view, draft)
        if DraftState.HELD in states:
            yield from _in_words(view, draft, "held", _due(view, draft), "is due, and the IC holds it back")
        elif long := publishing.too_long(draft):
            where = " and ".join(publishing.the(outlet) for outlet in long)
            yield from _in_words(view, draft, "long", draft.made_at, f"is too long for {where}")
        failed = [v.approved_at for v in draft.versions.values() if v.state is DraftState.FAILED and v.approved_at]
        if failed:
            yield from _in_words(
                view, draft, f"failed/{max(failed):%m%dT%H%M%S}", max(failed), "could not be published"
            )


def _owed(view: CustomerLiaisonView, done: Done) -> Iterator[Duty]:
    """After the call: liaison, deputy and IC in turn, then each hour, until it is out or dropped by somebody's word."""
    if view.open or view.ended_at is None or not view.owed:
        return
    chain = people(view.liaison or view.usual, view.deputy, view.commander)
    prefix = f"owed/{view.ended_at:%m%dT%H%M%S}"
    n = 0
    due = view.ended_at + view.rules.first_within
    while (before := done.get(f"{prefix}/{n}")) is not None:
        n += 1
        due = before + (view.rules.every if n < len(chain) else OWED_AGAIN_EVERY)
    if chain:
        text = (
            f"Customers are still owed, after the end of {view.label}: {'; '.join(view.owed)}."
            " If they need nothing more: `!ic customers drop WHY`."
        )
        drop = (Choice("Nothing more …", "customers drop", form=True),)
        yield Duty(f"{prefix}/{n}", due, Whisper((chain[n % len(chain)],), text, drop))


def _individually(view: CustomerLiaisonView) -> Iterator[Duty]:
    """Customers who are told in person: at scope, at each change of impact after it, and at the end."""
    scope = view.declared_at + view.rules.first_within + view.rules.scope_within
    key, due, since = "scope", scope, view.declared_at
    if view.open and view.impact_at is not None and view.impact_at > scope:
        key, due, since = f"impact/{view.impact_at:%m%dT%H%M%S}", view.impact_at, view.impact_at
    elif not view.open:
        if view.ended_at is None or view.ended_at < scope:
            return
        key, due, since = f"end/{view.ended_at:%m%dT%H%M%S}", view.ended_at, view.ended_at
    told = view.told_in_person
    left = [one for one in view.rules.individually if one.name not in told or told[one.name] < since]
    if left:
        named = "; ".join(f"{one.name} ({one.how})" if one.how else one.name for one in left)
        impact = f" Customer impact: {view.impact.rstrip('.')}." if view.impact else ""
        ended = "" if view.open else f" It is {view.phase}."
        text = (
            f"Customers to be told individually about {view.label}: {named}.{impact}{ended}"
            " `!ic customers told NAME` records who was told."
        )
        whom = people(view.liaison or view.deputy or view.commander)
        yield Duty(f"individually/{key}", due, Whisper(whom, text))


def _due(view: CustomerLiaisonView, draft: Draft) -> datetime:
    """One that somebody wrote without being asked is due when a due one would be the deputy's."""
    due = draft.due_at or draft.made_at + view.rules.deputy_may_approve_after
    return max(due, draft.made_at, view.announced_at or draft.made_at)


def _waits(view: CustomerLiaisonView, draft: Draft) -> Iterator[Duty]:
    """It is due and waits: the IC hears it, and once more three minutes later, when the deputy may approve."""
    due, n = _due(view, draft), draft.number
    mind = view.minds.get(n, "")
    text = f"Public message {n} is due and waits: `!ic message approve {n}`.{mind}"
    decide = (
        Choice("Approve anyway" if mind else "Approve", f"message approve {n}{mark(draft.digest)}", "primary"),
        Choice("Edit …", f"message edit {n}", form=True),
        Choice("Hold", f"message hold {n}"),
    )
    later = due + view.rules.deputy_may_approve_after
    yield Duty(f"due/{n}", due, Whisper(people(view.commander), text, decide))
    yield Duty(f"due/{n}/again", later, Whisper(people(view.commander), text, decide))
    yield Duty(
        f"due/{n}/deputy", later, Whisper(people(view.deputy), f"{text} The IC has left it; you may.", decide[:1])
    )


def _in_words(view: CustomerLiaisonView, draft: Draft, why: str, since: datetime, what: str) -> Iterator[Duty]:
    """It needs other words: once and once more to the liaison, then to the deputy, then to the IC, then silence."""
    n = draft.number
    text = f"Public message {n} {what}. Other words: `!ic message edit {n} [x|status-page] TEXT`; as it is: `!ic message approve {n}`."
    edit = (Choice("Edit …", f"message edit {n}", "primary", form=True),)
    chain = [people(view.liaison, view.deputy), people(view.liaison), people(view.deputy), people(view.commander)]
    heard = [whom for whom in (chain if view.liaison else chain[2:]) if whom]
    for step, whom in enumerate(heard):
        at = since + view.rules.deputy_may_approve_after * step
        yield Duty(f"words/{n}/{why}/{step}", at, Whisper(whom, text, edit))
