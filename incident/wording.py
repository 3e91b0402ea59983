"""Every sentence the product says that more than one place needs, or that the process gives word for word.

Sentences that belong to one command stand in that command. Times are said local first, then UTC.
Phones, the PIN and the like are places (`incident.texts`), which are filled in where a text leaves, so that none of them
is ever in a history.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incident import comparing, experts, texts
from incident.identity import room_name
from incident.model import (
    Change,
    ChangedLately,
    Draft,
    Handover,
    Incident,
    Objection,
    Page,
    Repair,
    RepairState,
    Room,
    Status,
    SubTeam,
    Task,
    Trouble,
)
from incident.policy import Policy, Service
from incident.severity import Role, Severity
from incident.texts import moment
from incident.texts import shorten as shorten
from incident.times import clock as clock
from incident.times import dated as dated
from incident.times import minutes as minutes

KEPT_QUIET = (
    "\nSecurity: say nothing about it outside of this room. No public message, no executive broadcast goes out."
)


def roles(incident: Incident) -> str:
    """Word for word as in the process, 2."""
    return ", ".join(
        f"{role.label}: {deputies(incident) if role is Role.DEPUTY else incident.name(incident.holder(role))}"
        for role in (Role.COMMANDER, Role.DEPUTY, Role.SCRIBE)
    )


def deputies(incident: Incident) -> str:
    """Each with the part that the IC gave them; one who is not trained is shown as such."""
    shown = []
    for person in incident.deputies:
        untrained = () if incident.policy.trained(person) else ("not IC-trained",)
        part = incident.deputy_parts.get(person)
        marks = ", ".join((*((part,) if part else ()), *untrained))
        shown.append(f"{incident.name(person)} ({marks})" if marks else incident.name(person))
    return " and ".join(shown) or incident.name(None)


def late(due: datetime, now: datetime, from_: timedelta = timedelta(minutes=1)) -> str:
    """` (late by 12 min)` when something is said well after it was due, else nothing."""
    return f" (late by {minutes(now - due)})" if now - due >= from_ else ""


def minute_mark(minute: int) -> str:
    """Word for word as in the process, 5."""
    return f"IC, be advised: the incident is now at the {minute} minute mark"


def this_is(name: str, *, acting: bool) -> str:
    """Word for word as in the process, 2."""
    return f"This is {name}, I am the {'acting ' if acting else ''}Incident Commander"


def command_passes(name: str) -> str:
    """Word for word as in the process, 2."""
    return f"Everyone, be advised: command passes to {name}"


def opening(incident: Incident) -> str:
    """The first words in the room."""
    practice = "PRACTICE: everything here runs against the emulators; nobody is woken, nothing is public.\n"
    return (
        f"{practice if incident.practice else ''}{incident.severity}: {incident.title}"
        f" — declared by {incident.declared_by_name} at {moment(incident.declared_at)}. Incident {incident.id}."
        f"{KEPT_QUIET if incident.silent else ''}"
    )


def checklist(incident: Incident) -> str:
    """What has to be seen to in a security incident, with who and when (process, 1)."""
    lines = ["*Checklist* — `!ic checklist N WHAT WAS DONE` ticks an item off"]
    for number, item in enumerate(incident.policy.security.checklist, 1):
        ticked = incident.checklist.get(number)
        if ticked is None:
            lines.append(f"☐ {number}. {item}")
        else:
            what = f": {ticked.what}" if ticked.what else ""
            lines.append(f"☑ {number}. {item}{what} ({incident.name(ticked.by)}, {moment(ticked.at)})")
    return "\n".join(lines)


def no_commander(incident: Incident, now: datetime) -> str:
    waited = minutes(now - (incident.commanded_since or incident.declared_at))
    return (
        f"There is no incident commander yet, {waited} into the incident. IC-trained? Say `!ic command`."
        f" After {minutes(incident.policy.command.anyone_after)} anyone may, as acting IC."
    )


PAGE_TITLE_AT_MOST = 120


def page_title(incident: Incident, page: Page) -> str:
    """What a phone reads out to who is woken: what they have to do comes first."""
    if incident.security:
        return f"{incident.label}: join"
    todo = "Reopened" if page.quiet else "Join"
    if page.for_commander:
        todo = "Shadow the incident commander" if page.target == "shadow" else "Take command"
    practice = "PRACTICE " if incident.practice else ""
    return shorten(f"{practice}{todo}: {incident.severity}, {incident.title}", PAGE_TITLE_AT_MOST)


def channel(incident: Incident) -> str:
    """Its channel, which may have another name than the usual one."""
    usual = f"#{room_name(incident.id, moved=incident.moved)}"
    return texts.channel(incident.room.channel, incident.room.name) if incident.room else usual


def page_details(incident: Incident, page: Page) -> str:
    """What stands under the title of a page."""
    if incident.security:
        return "join"
    if page.goes_on and page.quiet:
        return f"{incident.title}\nReopened. It goes on from {', '.join(page.goes_on)}. Incident {incident.id}."
    room = incident.room
    join = join_link(room) if room else f"Join {channel(incident)} in Slack."
    command = " To take command, type `!ic command` in the channel or run `ic command`." if page.for_commander else ""
    again = f" Reopened: it goes on from {', '.join(page.goes_on)}." if page.goes_on else ""
    declared = f"Declared by {incident.declared_by_name}. Incident {incident.id}.{again}"
    return f"{incident.title}\n{declared}\n{join}{command}"


def join_link(room: Room) -> str:
    """Opens the channel in Slack, from anywhere."""
    return f"Join #{room.name} in Slack: https://slack.com/app_redirect?channel={room.channel}"


def titles_that_stay(incident: Incident) -> str:
    """PagerDuty changes nothing of an incident that is resolved: those that were merged keep their titles."""
    urls = [page.url for page in incident.pages.values() if page.merged_into and page.url]
    return f" PagerDuty keeps the title of what was merged: redact it there ({', '.join(urls)})." if urls else ""


def not_needed(incident: Incident) -> str:
    return f"{incident.name(incident.commander)} is in command of {incident.label}: no need to get up."


def not_paged_because_busy(incident: Incident, named: str) -> str:
    """To whoever leads another open incident."""
    return (
        f"{incident.severity}: {incident.label}. You weren't paged for it, because you're leading another incident:"
        f" {named} was."
    )


def refused_lines(page: Page) -> list[str]:
    """Who could not be paged, with their numbers, and what PagerDuty did not accept."""
    lines = [
        f"could not page {texts.one_line(name)}, call {texts.phone(person)}" for person, name in page.unpaged.items()
    ]
    return lines + ([f"PagerDuty did not accept {texts.one_line('; '.join(page.dropped))}."] if page.dropped else [])


def contact_card(incident: Incident, room: Room) -> str:
    """Pinned at the top of the room (process, 1)."""
    executive = incident.policy.rooms.executive
    return "\n".join(
        (
            f"Contact card of {incident.label}",
            f"Bridge: {texts.bridge('url')} · phone {texts.bridge('phone')} · PIN {texts.bridge('pin')}",
            f"This room: {texts.channel(room.channel, room.name)} · executive summaries: {texts.channel(executive)}",
            "To page an incident commander: `!ic page` in any channel, or `ic page`.",
        )
    )


def page_lines(page: Page) -> list[str]:
    """A line per person where the incident was declared, and in the room (process, 1)."""
    if page.paged_at is not None:
        paged = [f"paged {name}" for name in page.paged] or [f"paged {page.label}"]
        return paged + refused_lines(page)
    if not page.failing:
        return [f"paging {page.label} …"]
    calls = [
        f"could not page {name}, call {texts.phone(person)}"
        for person, name in zip(page.people, page.paged, strict=True)
    ]
    calls = calls or [f"could not page {page.label}, call from the phone list: `ic responders`"]
    return [*calls, f"(on-call book: {page.book_age}; paging goes on being tried)"]


def pages_lines(pages: Iterable[Page]) -> list[str]:
    """Those of all of them; how old the on-call book is, once and at the end."""
    lines = dict.fromkeys(line for page in pages for line in page_lines(page))
    return sorted(lines, key=lambda line: line.startswith("("))


def sentence(text: str) -> str:
    """It begins with a capital."""
    return text[:1].upper() + text[1:]


def primary_sme(incident: Incident, service: Service | None, person: str | None) -> str:
    """Through whom others speak about a service; empty when there is nobody to point to (process, 3)."""
    if service is None or person is None:
        return ""
    return f"{service.name}'s primary SME: {texts.person(person, incident.name(person))}"


def through(incident: Incident, service: Service | None, person: str | None) -> str:
    """The same for the author alone."""
    if service is None or person is None:
        return ""
    return f". {incident.name(person)} is the primary SME for {service.name}: speak through them."


def repair_line(repair: Repair) -> str:
    risk = "" if repair.risk == "low" else f" ({repair.risk} risk)"
    return f"repair {repair.number}{risk}: {repair.title}"


def repair_offer(incident: Incident, repair: Repair) -> str:
    """A proposal as the room reads it: what, risk, fallback, and what the IC may say."""
    ic = "IC" if incident.commander is None else f"IC {incident.name(incident.commander)}"
    with_ = ", ".join(f"{k}={v}" for k, v in repair.parameters.items())
    parts = [f"{incident.name(repair.proposed_by)} proposes {repair_line(repair)}.{f' With {with_}.' if with_ else ''}"]
    if repair.does:
        parts.append(f"It does: `{shorten(repair.does, 300)}` ({repair.digest[:8]})")
    if since := comparing.since_last_approval(incident, repair):
        parts.append(since)
    if repair.check:
        parts.append(f"Check: {'; '.join(repair.check.splitlines())}.".replace("..", "."))
    parts.append(f"Fallback: {repair.fallback}." if repair.fallback else "No fallback was named.")
    if pointer := primary_sme(incident, *experts.of_repair(incident, repair)):
        parts.append(f"{pointer}.")
    if repair.state.awaits_approval:
        if repair.risk == "high" and repair.polled_until is None:
            parts.append(f"High risk: `!ic poll {repair.number}` asks for strong objections first.")
        parts.append(
            f"{ic}: `!ic approve {repair.number}`, `!ic poll {repair.number}` or `!ic reject {repair.number} why`."
        )
    return "\n".join(parts)


def trouble(incident: Incident, named: Trouble) -> str:
    """What the catalogue has for a trouble, with what the checks said."""
    lines = [f"{incident.name(named.by)} says the trouble is: {named.name}. The catalogue has:"]
    for offer in named.offers:
        entry = incident.policy.entry(offer.entry)
        empty = dict.fromkeys(entry.parameters if entry else (), "…") if offer.missing else {}
        with_ = "".join(f" {k}={v}" for k, v in {**empty, **offer.parameters}.items())
        answer = f" Check: {offer.answer}." if offer.answer else " Being checked …" if offer.checked else ""
        lines.append(
            f"• {offer.title} ({offer.risk} risk), `!ic propose {offer.entry}{with_}`.{answer}".replace("..", ".")
        )
    return "\n".join(lines)


def poll(repair: Repair, window: timedelta) -> str:
    """Word for word as in the process, 4."""
    return (
        f"The proposal is {repair_line(repair)}. Are there any strong objections?"
        f" {minutes(window)} to say `!ic object {repair.number} why`."
    )


def poll_of_message(draft: Draft, window: timedelta) -> str:
    """Word for word as in the process, 4."""
    return (
        f"The proposal is {message_line(draft)}:\n{draft_texts(draft)}\nAre there any strong objections?"
        f" {minutes(window)} to say `!ic object {draft.number} why`."
    )


def message_line(draft: Draft) -> str:
    return f"public message {draft.number} ({draft.stage})"


def objections(found: Iterable[Objection]) -> str:
    return "; ".join(f"{o.who}: {o.why}" for o in found)


def proceeding(what: str, against: list[Objection], *, polled: bool, who: str = "The IC") -> str:
    """What is said when the IC approves (process, 4)."""
    if against:
        return f"Objections were heard ({objections(against)}). {who} has decided: we are proceeding with {what}."
    if polled:
        return f"Hearing no objections, we are proceeding with {what}."
    return f"Approved: we are proceeding with {what}."


def team_line(incident: Incident, team: SubTeam) -> str:
    """A sub-team at a glance."""
    members = f", with {', '.join(map(incident.name, team.members))}" if team.members else ""
    bridge = f" · {team.bridge}" if team.bridge else ""
    led = f"{team.title}: {incident.name(team.leader)}{members}: {team.text}"
    return f"{led}, until {moment(team.due_at)} · {texts.channel(team.room)}{bridge}"


def task_line(incident: Incident, task: Task) -> str:
    return f"task {task.number}, {incident.name(task.person)}: {task.text}"


def task_offer(incident: Incident, task: Task) -> str:
    """A task as its person reads it."""
    ask = "" if task.understood_at or task.done_at else f" Say `!ic ack {task.number}` when you have understood."
    return (
        f"{texts.person(task.person, incident.name(task.person))} {task_line(incident, task)}, {task.minutes} min.{ask}"
    )


def handover_offer(incident: Incident, offer: Handover) -> str:
    """Command is offered; until it is accepted the old IC commands (process, 2)."""
    holder = incident.name(incident.commander)
    wait = minutes(offer.lapses_at - offer.offered_at)
    to = texts.person(offer.to, incident.name(offer.to))
    if offer.asks_a_disrupter:
        return f"{to}, do you wish to take command?"
    return f"{holder} offers command to {to}: say `!ic accept` within {wait}. Until then {holder} commands."


def draft_offer(incident: Incident, draft: Draft) -> str:
    """A public message as the room reads it: exactly as it will stand on each outlet."""
    n = draft.number
    head = f"Public message {n} ({draft.stage})" + (
        " waits for the IC, exactly as it will stand:" if draft.open else ":"
    )
    ask = f"`!ic message approve {n}`, `!ic message edit {n} …` or `!ic message hold {n}`." if draft.open else ""
    return "\n".join(line for line in (head, draft_texts(draft), ask) if line)


def draft_texts(draft: Draft) -> str:
    """Quoted; with its count where there are several outlets."""
    lines = []
    for outlet, version in draft.versions.items():
        if draft.also:
            lines.append(f"*{outlet.label.capitalize()}* ({outlet.length(version.text)} of {outlet.limit} characters):")
        lines.append(texts.exact(version.text))
    if draft.components:
        lines.append(f"Components: {', '.join(f'{name} {state}' for name, state in draft.components.items())}.")
    return "\n".join(lines)


def severities(policy: Policy) -> str:
    """What each severity means, for whoever chooses one."""
    lines = [f"{severity}: {policy.means(severity)}" for severity in Severity]
    return "\n".join([*lines, "If unsure, pick the more severe."])


def next_summary(incident: Incident) -> datetime:
    """When executives hear next, as far as is known: the first, then the grid from the first (process, 5)."""
    rules = incident.policy.executives
    if not incident.summaries:
        return incident.declared_at + rules.first_after
    first, last = incident.summaries[0].sent_at, incident.summaries[-1].sent_at
    return first + rules.every * ((last - first) // rules.every + 1)


def status(seen: Status) -> str:
    """What each source says of the system, with the values it says it with."""
    values = "; ".join(f"{r.source}: {r.value}" for r in seen.readings if r.value)
    return f"{seen.detail}{f' ({values})' if values else ''}"


def changed(change: Change) -> str:
    """One thing that changed lately."""
    return f"{moment(change.at)} {change.text}{f' {change.link}' if change.link else ''}"


def changed_lately(found: ChangedLately, since: datetime) -> list[str]:
    """Newest first; what could not be read is said."""
    lines = [changed(change) for change in found.changes]
    if not lines and not found.unreadable:
        lines = [f"nothing since {moment(since)}"]
    return [*lines, *(f"{source} could not be read" for source in found.unreadable)]


def state_in_words(incident: Incident) -> str:
    """One word or two for where the incident stands."""
    return _state(incident)[0]


def state_since(incident: Incident) -> datetime:
    """Since when it stands there."""
    return _state(incident)[1]


def _state(incident: Incident) -> tuple[str, datetime]:
    if not incident.open:
        closed = [entry.at for entry in incident.timeline if entry.kind == incident.phase]
        return incident.phase.value, closed[-1] if closed else incident.ended_at or incident.declared_at
    for state, words in (
        (RepairState.SUCCEEDED, "repair done, being verified"),
        (RepairState.RUNNING, "being repaired"),
        (RepairState.VERIFIED, "recovering"),
    ):
        since = [_came_to(repair) for repair in incident.repairs.values() if repair.state is state]
        if since:
            return words, min(since)
    if incident.facts.cause:
        return "cause identified", incident.facts.cause_at or incident.declared_at
    return "being investigated", incident.declared_at


def _came_to(repair: Repair) -> datetime:
    """When it came to its present state."""
    begun = repair.started_at or repair.proposed_at
    return begun if repair.state is RepairState.RUNNING else repair.settled_at or begun


@dataclass(frozen=True)
class Picture:
    """What a summary is composed from, without the clock: equal as long as nothing has changed."""

    label: str
    severity: str
    state: str
    open: bool
    declared_at: datetime
    ended_at: datetime | None
    impact: str
    cause: str
    eta: str
    in_progress: tuple[str, ...]
    at_most: int
    workaround: str = ""
    fallbacks: tuple[str, ...] = ()
    link: str = ""


def picture(incident: Incident) -> Picture:
    running = [repair_line(r) for r in incident.repairs.values() if r.state is RepairState.RUNNING]
    tasks = [t.text for t in incident.tasks.values() if t.done_at is None]
    return Picture(
        label=incident.label,
        severity=incident.severity,
        state=state_in_words(incident),
        open=incident.open,
        declared_at=incident.declared_at,
        ended_at=incident.ended_at,
        impact=incident.facts.impact,
        cause=incident.facts.cause,
        eta=incident.facts.eta,
        in_progress=(*running, *tasks),
        at_most=incident.policy.executives.at_most,
        workaround=incident.facts.workaround,
        fallbacks=tuple(
            f"If repair {r.number} ({r.title}) fails: {r.fallback.rstrip('.')}."
            for r in incident.repairs.values()
            if r.state is RepairState.RUNNING and r.fallback
        ),
        link=incident.room.url if incident.room else "",
    )


def executive_summary(seen: Picture, now: datetime) -> str:
    """Link, state, actions in progress, customer impact, expected time; what is unknown is left out (process, 5).

    Two or three sentences; a part that is too long gives up its end so that the others stay whole.
    """
    if seen.open:
        parts = [f"{_head(seen)}: {seen.state}, {minutes(now - seen.declared_at)} in."]
    else:
        parts = [f"{_head(seen)}: {seen.state} after {minutes((seen.ended_at or now) - seen.declared_at)}."]
    room = (seen.at_most - len(parts[0])) // 2 - 30
    workaround = seen.workaround.rstrip(".") if seen.open else ""
    if seen.impact and workaround:
        half = f"{shorten(seen.impact.rstrip('.'), room // 2)}; workaround: {shorten(workaround, room // 2)}"
        parts.append(f"Customer impact: {half}.")
    elif seen.impact or workaround:
        what = "Customer impact" if seen.impact else "Workaround"
        parts.append(f"{what}: {_sentence(shorten(seen.impact or workaround, room))}")
    expected = f"; expected: {shorten(seen.eta, 80)}" if seen.eta and seen.open else ""
    if seen.in_progress and seen.open:
        parts.append(f"In progress: {shorten('; '.join(seen.in_progress), room - len(expected))}{expected}.")
    elif seen.cause:
        parts.append(f"Cause: {shorten(seen.cause.rstrip('.'), room - len(expected))}{expected}.")
    elif expected:
        parts.append(f"Expected: {_sentence(shorten(seen.eta, 80))}")
    return shorten(" ".join(parts), seen.at_most)


def summary_in_own_words(seen: Picture, words: str, at_most: int) -> str:
    """Somebody's own words, behind severity, impact and link (process, 5)."""
    head = f"{_head(seen)}."
    room = at_most - len(f"{head} Customer impact: . {words}")
    impact = f" Customer impact: {_sentence(shorten(seen.impact, room))}" if seen.impact and room > 20 else ""
    return shorten(f"{head}{impact} {words}", at_most)


def _head(seen: Picture) -> str:
    """Severity, name and link; a name that is too long gives up its end."""
    link = f" ({seen.link})" if seen.link else ""
    return f"{seen.severity} {shorten(seen.label, seen.at_most // 4)}{link}"


def plain_summary(seen: Picture, now: datetime) -> str:
    """The executive summary for PagerDuty's subscribers: plain text, without the expected time (process, 5)."""
    return executive_summary(replace(seen, eta=""), now)


def last_note(incident: Incident) -> str:
    """The last thing that stands in PagerDuty."""
    ended = incident.ended_as or incident.phase
    lasted = minutes((incident.ended_at or incident.declared_at) - incident.declared_at)
    cause = f" Cause: {_sentence(incident.facts.cause)}" if incident.facts.cause else ""
    return f"Incident {incident.id} is {ended} after {lasted}, final severity {incident.severity}.{cause}"


def not_subscribed(what: Iterable[str]) -> str:
    return f"PagerDuty did not subscribe {'; '.join(what)}. They won't get its status updates."


def no_status_update(why: str) -> str:
    return f"PagerDuty's subscribers did not get the last status update: {texts.one_line(why)}"


def room_update(seen: Picture, now: datetime) -> str:
    """A status update for the room, ready to send by the IC (process, 3)."""
    return f"{' '.join((executive_summary(seen, now), *seen.fallbacks))} Any additional actions or proposals?"


def public_message(incident: Incident, template: str, next_at: datetime | None) -> str:
    """A template, filled; sentences that lack their fact are left out."""
    facts = incident.facts
    known = {
        "impact": facts.impact,
        "cause": facts.cause,
        "workaround": facts.workaround,
        "eta": "",  # no public message estimates recovery, whatever a template of before says
        "lost": incident.lost,
        "next": clock(next_at) if next_at else "",
    }
    sentences = []
    for sentence in template.strip().splitlines():
        line = string.Template(sentence.strip())
        if all(known[name] for name in line.get_identifiers()):
            sentences.append(line.substitute(known))
    text = " ".join(s for s in sentences if s)
    return f"PRACTICE {text}" if incident.practice else text


def where_we_are(incident: Incident, now: datetime) -> str:
    """Five lines for who has just joined (process, 1)."""
    facts = incident.facts
    return "\n".join(
        (
            f"{incident.severity} {incident.label}, {minutes(now - incident.declared_at)} in. {roles(incident)}.",
            f"Wrong: {'; '.join(facts.symptoms) or incident.title}.",
            f"Impact: {facts.impact or 'not known yet'}. Cause: {facts.cause or 'not known yet'}."
            f"{f' Workaround: {facts.workaround}.' if facts.workaround else ''}",
            f"In progress: {'; '.join(t.text for t in incident.tasks.values() if t.done_at is None) or 'nothing yet'}.",
            "Wanted of you: say what you are expert in (`!ic join as …`), report with `!ic finding …`, propose with"
            " `!ic propose …`; repair nothing before the IC says so.",
        )
    )


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
