"""Public messages between the draft and the outlets (process, 5).

A message has a text for each outlet, as it will stand there. Each is approved, goes out and fails by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from incident import pagerduty, polls, text_warnings, wording
from incident.customers import Stage
from incident.model import Announcement, Draft, DraftState, Incident, Phase, Version
from incident.outlets import Outlet
from incident.policy import Policy
from incident.proof import Signed
from incident.severity import Role


def decide_to_announce(incident: Incident, person: str, now: datetime) -> None:
    incident.announcement = Announcement.YES
    incident.announced_at = now
    incident.log("decision", "announce publicly", now, who=person)
    incident.say("The IC decides: we announce it publicly.", now)
    pagerduty.note(incident, f"{incident.name(person)} decided to announce it publicly")
    tell_liaison(incident, person, f"to announce {incident.label} publicly. Each text still needs approval")


def tell_liaison(incident: Incident, decided_by: str, what: str) -> None:
    """What was decided about customers, to their liaison; while nobody was named, to who usually is."""
    role = Role.CUSTOMER_LIAISON
    liaison = incident.holder(role) or incident.policy.usual.get(role)
    if liaison != decided_by:
        incident.tell(liaison, f"{incident.name(decided_by)} decided {what}.")


def outlets(policy: Policy) -> tuple[Outlet, ...]:
    """Where a public message goes. Without any, it fails where it is published, and says so."""
    there = {Outlet.STATUS_PAGE: policy.status_page.page, Outlet.X: policy.x.account}
    return tuple(outlet for outlet in Outlet if there[outlet]) or (Outlet.STATUS_PAGE,)


def refuse_text(outlet: Outlet, text: str) -> str | None:
    """Too long is refused, never cut."""
    if not text.strip():
        return "There is nothing in it."
    if outlet.fits(text):
        return None
    return f"That has {outlet.length(text)} characters; {the(outlet)} takes {outlet.limit}."


def marked(incident: Incident, text: str) -> str:
    """In practice every public message begins PRACTICE."""
    if incident.practice and not text.startswith("PRACTICE"):
        return f"PRACTICE {text}"
    return text


def warnings(incident: Incident, draft: Draft) -> str:
    """What to mind before it is approved; none of it is a refusal, but that too long a text cannot go out."""
    down = all_down(incident, draft)
    texts = (version.text for version in draft.versions.values())
    found = list(dict.fromkeys(mind for text in texts if (mind := text_warnings.warning(text, all_down=down))))
    says = all(text_warnings.NEXT_MESSAGE.search(version.text) for version in draft.versions.values())
    if draft.stage != "resolved" and draft.promised_at is None and not says:
        found.append(" Mind: it does not say when the next one is due.")
    return "".join(found) + "".join(f" {_shorten(draft, outlet)}" for outlet in too_long(draft))


def all_down(incident: Incident, draft: Draft) -> bool:
    """Every component with a major outage, or every status source down: then it is an outage."""
    named = incident.policy.status_page.components
    if named and all(draft.components.get(name) == "major_outage" for name in named):
        return True
    readings = incident.status.readings if incident.status else []
    return bool(readings) and all(reading.state == "down" for reading in readings)


def compose(incident: Incident, stage: Stage, promised_at: datetime | None) -> dict[Outlet, str]:
    """The templates of `stage` for each outlet, filled."""
    rules = incident.policy.customers
    templates = {Outlet.STATUS_PAGE: rules.templates, Outlet.X: rules.templates_x}
    return {
        outlet: wording.public_message(incident, templates[outlet][stage], promised_at)
        for outlet in outlets(incident.policy)
    }


def in_own_words(
    incident: Incident, stage: Stage, text: str, short: str, promised_at: datetime | None
) -> dict[Outlet, str]:
    """`text` wherever it fits; on X `short`, else the template of the stage where `text` is too long for it."""
    texts = compose(incident, stage, promised_at)
    for outlet in texts:
        own = short if outlet is Outlet.X and short else text
        if own and (outlet is not Outlet.X or outlet.fits(marked(incident, own))):
            texts[outlet] = marked(incident, own)
    return texts


def offer(
    incident: Incident,
    stage: str,
    texts: Mapping[Outlet, str],
    made_by: str,
    now: datetime,
    due_at: datetime | None,
    promised_at: datetime | None = None,
) -> Draft:
    """A draft for the IC. An older one that still waits is superseded: its facts are older."""
    for older in incident.drafts.values():
        for version in older.versions.values():
            if version.state is DraftState.WAITING:
                version.state = DraftState.SUPERSEDED
    number = incident.next_number()
    (outlet, text), *others = ((outlet, marked(incident, text)) for outlet, text in texts.items())
    draft = Draft(number, stage, text, now, made_by, due_at, outlet=outlet)
    draft.also = {outlet: Version(text) for outlet, text in others}
    draft.components = states(incident, stage)
    draft.promised_at = promised_at
    keep_promise(draft)
    incident.drafts[number] = draft
    incident.say(wording.draft_offer(incident, draft) + warnings(incident, draft), now, about=f"draft/{number}")
    incident.log("message", f"draft {number} ({stage})", now, who=made_by)
    return draft


def states(incident: Incident, stage: str) -> dict[str, str]:
    """What the status page shows of the components with this message; recovered, all of them work again."""
    return dict.fromkeys(incident.components, "operational") if stage == "resolved" else dict(incident.components)


def keep_promise(draft: Draft) -> None:
    """What no text says any more is promised no more."""
    at = draft.promised_at
    if at is not None and not any(wording.clock(at) in version.text for version in draft.versions.values()):
        draft.promised_at = None


def too_long(draft: Draft) -> list[Outlet]:
    """Where its text cannot go out as it is."""
    return [outlet for outlet, v in draft.versions.items() if v.state.open and not outlet.fits(v.text)]


def cannot(incident: Incident, number: int, outlet: Outlet | None) -> str | None:
    """Why nothing is to be decided about this message, for whoever comes second or mistypes."""
    draft = incident.drafts.get(number)
    if draft is None:
        waiting = [str(d.number) for d in incident.drafts.values() if d.open]
        return f"There is no public message {number}. Waiting: {', '.join(waiting) or 'none'}."
    if outlet is not None and outlet not in draft.versions:
        return f"Public message {number} is not for {the(outlet)}: that outlet is not configured."
    if not any(version.state.open for _, version in _chosen(draft, outlet)):
        return _settled(incident, draft, outlet)
    return None


def cannot_approve(incident: Incident, number: int, outlet: Outlet | None) -> str | None:
    if (fault := cannot(incident, number, outlet)) is not None:
        return fault
    draft = incident.drafts[number]
    if draft.stage == "resolved" and not incident.recovered and incident.phase is not Phase.CANCELLED:
        return NOT_RECOVERED
    found = [(o, v) for o, v in _chosen(draft, outlet) if v.state.open]
    if any(o.fits(v.text) for o, v in found):
        return None
    return " ".join(_shorten(draft, o) for o, _ in found)


NOT_RECOVERED = (
    '"Resolved" needs the IC\'s word of full recovery: `!ic resolve recovered [lost WHAT]`, after the end `!ic recovered`.'
    " Until then it is `!ic draft monitoring`."
)


def approve(
    incident: Incident,
    draft: Draft,
    person: str,
    now: datetime,
    outlet: Outlet | None = None,
    signed: Signed | None = None,
    *,
    held: bool = True,
) -> str:
    """From here on the texts are fixed; the customer liaison sends them, with the approval as it was `signed`.

    What is left to do, or nothing. What the IC held stays so unless `held`: the deputy may not let it go.

    Nothing older goes out behind it on the same outlet, but for what is being sent at this moment.
    """
    left = []
    for where, version in _chosen(draft, outlet):
        if not version.state.open or (version.state is DraftState.HELD and not held):
            continue
        if not where.fits(version.text):
            left.append(_shorten(draft, where))
            continue
        version.state = DraftState.APPROVED
        version.approved_by = person
        version.approved_at = now
        version.approvals += 1
        version.approval = signed
        version.delayed = False
        _supersede(incident, draft, where)
        log = f"{draft.number} approved" + (f" for {the(where)}" if draft.also else "")
        incident.log("message", f"{log}: {version.text}", now, who=person)
        polls.decided(incident, draft, person, now)
    return " ".join(left)


def _supersede(incident: Incident, draft: Draft, outlet: Outlet) -> None:
    for older in incident.drafts.values():
        version = older.versions.get(outlet)
        if version is not None and older.number < draft.number and version.state.open:
            version.state = DraftState.SUPERSEDED


def fall_silent(incident: Incident) -> None:
    """Of a security incident nothing goes out, whatever was approved before."""
    for draft in incident.drafts.values():
        for version in draft.versions.values():
            if version.state.open or version.state is DraftState.APPROVED:
                version.state, version.delayed = DraftState.SUPERSEDED, False


def published(
    incident: Incident, draft: Draft, outlet: Outlet, url: str, post_id: str, at: datetime, now: datetime
) -> None:
    """It stands there. What is older and did not get that far goes out there no more."""
    version = draft.versions[outlet]
    version.state, version.published_at, version.url, version.post_id = DraftState.PUBLISHED, at, url, post_id
    version.delayed = False
    _supersede(incident, draft, outlet)
    incident.say(f"Public message {draft.number} is out on {the(outlet)}: {url}".rstrip(": "), now)
    pagerduty.note(incident, f"Published on {the(outlet)}: {version.text} {url}".rstrip())


def not_published(incident: Incident, draft: Draft, outlet: Outlet, why: str, now: datetime) -> None:
    """It was given up: said with what to do, and it can be tried again alone."""
    version = draft.versions[outlet]
    if version.state is not DraftState.APPROVED:
        return
    version.state, version.delayed = DraftState.FAILED, False
    again = f"`!ic message approve {draft.number} {outlet}`" if draft.also else f"`!ic message approve {draft.number}`"
    incident.say(
        f"Public message {draft.number} could not be published on {the(outlet)}: {why} {again} tries again.", now
    )


def delayed(incident: Incident, draft: Draft, outlet: Outlet, why: str, now: datetime) -> None:
    """Not out yet, and tried on; a newer message for that outlet takes its place."""
    version = draft.versions[outlet]
    if version.state is not DraftState.APPROVED or version.delayed:
        return
    version.delayed = True
    incident.say(
        f"Public message {draft.number} is not out on {the(outlet)} yet: {why} It is tried on;"
        " the other outlets wait for nothing.",
        now,
    )


def taken_down(incident: Incident, draft: Draft, outlet: Outlet, now: datetime) -> None:
    """An entry of the status page goes with all messages in it. When nothing is left, nothing is announced."""
    others = out_with_it(incident, draft) if outlet is Outlet.STATUS_PAGE else []
    for gone in (draft, *others):
        version = gone.versions[outlet]
        version.state, version.retract_asked_at = DraftState.RETRACTED, None
        incident.log("retracted", f"{gone.number} on {the(outlet)}: {version.text}", now)
    numbers = " and ".join(str(gone.number) for gone in (draft, *others))
    incident.say(f"Taken down on {the(outlet)}: public message {numbers}.", now)
    if incident.announcement is Announcement.YES and not any(d.out_at for d in incident.drafts.values()):
        incident.announcement, incident.announced_at = Announcement.NO, None
        incident.say("Nothing public stands any more. `!ic announce yes` begins again.", now)


def close(incident: Incident, now: datetime) -> None:
    """The incident has closed. What was approved and is not out, or stands though it was to be taken down, is said."""
    for draft in incident.drafts.values():
        for outlet, version in draft.versions.items():
            if version.state in (DraftState.WAITING, DraftState.HELD):
                version.state = DraftState.DROPPED
                incident.log("message", f"{draft.number} was not approved for {the(outlet)} before the end", now)
            elif version.state is DraftState.APPROVED:
                version.state, version.delayed = DraftState.DROPPED, False
                incident.say(
                    f"Public message {draft.number} was approved and is not out on {the(outlet)}: the incident is"
                    " closed, it is tried no more.",
                    now,
                )
                incident.log("message", f"{draft.number} dropped on {the(outlet)}: {version.text}", now)
            elif version.retract_asked_at is not None and version.state is DraftState.PUBLISHED:
                version.retract_asked_at = None
                text = f"Public message {draft.number} still stands on {the(outlet)}, though it was to be taken down"
                incident.say(f"{text}: the incident is closed, take it down there by hand.", now)
                incident.log("message", text, now)


def withdraw(incident: Incident, stage: str) -> None:
    """What is not true any more waits for nobody, and does not hold up the next."""
    for draft in incident.drafts.values():
        for version in draft.versions.values() if draft.stage == stage else ():
            if version.state.open:
                version.state = DraftState.SUPERSEDED


def wanted(incident: Incident, stage: str) -> bool:
    """A draft that was under way when the call ended is wanted only if it belongs to the public end."""
    last = "resolved" if incident.recovered else "monitoring"
    return incident.open or (incident.phase is Phase.RESOLVED and stage == last)


def still_owed(incident: Incident) -> list[str]:
    """What customers are to hear yet after the call, until it is out or dropped by somebody's word (process, 6)."""
    if incident.open or not public_end_is_open(incident):
        return []
    found = []
    for draft in incident.drafts.values():
        states = {version.state for version in draft.versions.values()}
        if states & {DraftState.WAITING, DraftState.HELD}:
            held = "is held back" if DraftState.HELD in states else "needs approval"
            found.append(f"public message {draft.number} ({draft.stage}) {held}: `!ic message approve {draft.number}`")
        elif DraftState.APPROVED in states:
            found.append(f"public message {draft.number} ({draft.stage}) is approved and not out yet")
    if incident.phase is Phase.RESOLVED and not incident.recovered and incident.announcement is Announcement.YES:
        found.append("that it is resolved: `!ic recovered` once everything works again")
    return found or ["the last message, which is being drafted"]


def drop_owed(incident: Incident, by: str, why: str) -> None:
    """Nothing more is said to customers, by somebody's word; what is on its way still goes out."""
    incident.owed_dropped, incident.owed_dropped_by = why, by
    for draft in incident.drafts.values():
        for version in draft.versions.values():
            if version.state.open:
                version.state = DraftState.DROPPED


def public_end_is_open(incident: Incident) -> bool:
    """The public end has its own truth: until "resolved" is out, or while a message is on its way (process, 6)."""
    drafts = incident.drafts.values()
    for version in [version for draft in drafts for version in draft.versions.values()]:
        if version.state in (DraftState.WAITING, DraftState.HELD, DraftState.APPROVED):
            return True
        if version.retract_asked_at is not None and version.state is DraftState.PUBLISHED:
            return True
    if incident.phase is not Phase.RESOLVED or incident.announcement is not Announcement.YES or incident.owed_dropped:
        return False
    return not any(draft.stage == "resolved" and draft.out_at for draft in drafts)


def rhythm(incident: Incident) -> timedelta:
    """From message to message; a slower one if the IC chose it."""
    return incident.rhythm or incident.policy.customers.every


def next_promise(incident: Incident, out_at: datetime) -> datetime:
    """When the next is due if one goes out at `out_at`: the scope after the first, then the rhythm; a full minute."""
    first = not any(draft.out_at for draft in incident.drafts.values())
    at = out_at + (incident.policy.customers.scope_within if first else rhythm(incident))
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)


def owed(incident: Incident) -> datetime | None:
    """When customers are promised the next message; None while nothing is announced, and once the last one is out."""
    if incident.announcement is not Announcement.YES or not (incident.open or public_end_is_open(incident)):
        return None
    rules = incident.policy.customers
    first_due = incident.declared_at + rules.first_within
    return next_due(incident.drafts.values(), first_due, rules.scope_within, rhythm(incident))


def next_due(drafts: Iterable[Draft], first_due: datetime, scope_within: timedelta, every: timedelta) -> datetime:
    """When customers are owed the next message: what the last one promised, and never later than the rhythm."""
    out = [(draft.out_at, draft) for draft in drafts if draft.out_at is not None]
    if not out:
        return first_due
    at, last = max(out, key=lambda one: (one[0], one[1].number))
    due = at + (scope_within if len(out) == 1 else every)
    return due if last.promised_at is None else min(due, max(last.promised_at, at))


def out_with_it(incident: Incident, draft: Draft) -> list[Draft]:
    """Other messages that stand in the same entry of the status page: it can only be taken down as a whole."""
    page = Outlet.STATUS_PAGE
    return [
        other
        for other in incident.drafts.values()
        if other is not draft and page in other.versions and other.versions[page].state is DraftState.PUBLISHED
    ]


def _chosen(draft: Draft, outlet: Outlet | None) -> list[tuple[Outlet, Draft | Version]]:
    return [(where, version) for where, version in draft.versions.items() if outlet in (None, where)]


def _shorten(draft: Draft, outlet: Outlet) -> str:
    length = outlet.length(draft.versions[outlet].text)
    return (
        f"The text for {the(outlet)} has {length} characters of {outlet.limit}:"
        f" `!ic message edit {draft.number} {outlet} TEXT`."
    )


def _settled(incident: Incident, draft: Draft, outlet: Outlet | None) -> str:
    found = []
    for where, version in _chosen(draft, outlet):
        on = f" on {the(where)}" if draft.also else ""
        if version.approved_at is None:
            found.append(f"Public message {draft.number} is {version.state}{on}.")
        else:
            by, at = incident.name(version.approved_by), wording.clock(version.approved_at)
            found.append(f"{by} approved public message {draft.number} at {at}; it is {version.state}{on}.")
    newer = [str(d.number) for d in incident.drafts.values() if d.number > draft.number and d.open]
    if newer:
        found.append(f"Waiting: {', '.join(newer)}.")
    return " ".join(found)


def the(outlet: Outlet) -> str:
    """Its name within a sentence."""
    return "X" if outlet is Outlet.X else f"the {outlet.label}"
