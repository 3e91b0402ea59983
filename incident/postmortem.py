"""The postmortem of an incident: everything that is known, put in order, from the record alone (process, 6).

`compose` is pure: the same record gives the same document. What it looks like is another room's matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from incident import after, emails, figures, postmortem_sections, wording
from incident.model import DraftState, Incident, Phase, Repair, RepairState, Task

IN_TIME = timedelta(minutes=1)
_HOLE = re.compile(r"\{(person|phone|here|since)(?::([^{}]*))?\} ?")


@dataclass(frozen=True)
class Span:
    """Something that lasted: who or what, from when until when; `state` tells how it is drawn."""

    text: str
    since: datetime
    until: datetime
    state: str = ""

    @property
    def lasted(self) -> timedelta:
        return self.until - self.since


@dataclass(frozen=True)
class Seat:
    """Who held a role."""

    role: str
    name: str
    since: datetime | None
    until: datetime


@dataclass(frozen=True)
class Present:
    """A responder."""

    name: str
    expert_in: str
    joined_at: datetime | None
    left_at: datetime | None
    speaks_through: str


@dataclass(frozen=True)
class Decision:
    at: datetime
    who: str
    text: str


@dataclass(frozen=True)
class Step:
    """One thing that happened to a repair action."""

    what: str
    who: str
    at: datetime | None
    why: str = ""


@dataclass(frozen=True)
class Action:
    """A repair action, from the words to the verification."""

    number: int
    title: str
    risk: str
    state: str
    parameters: tuple[tuple[str, str], ...]
    check: str
    fallback: str
    steps: tuple[Step, ...]
    output: str
    ran: Span | None
    waited: Span | None


@dataclass(frozen=True)
class Work:
    """A task or a sub-team: who had it, how long it took, what came of it. `late` when it took longer than it had."""

    what: str
    name: str
    span: Span
    given: timedelta
    late: bool
    result: str


@dataclass(frozen=True)
class Line:
    """A line of the timeline. `source` is the person, the role or the system it comes from."""

    at: datetime
    kind: str
    source: str
    text: str


@dataclass(frozen=True)
class Item:
    """An action item."""

    number: int
    text: str
    role: str
    people: str
    done: str


@dataclass(frozen=True)
class Message:
    """Something that went out: to executives or customers, there on which outlet where there are several."""

    audience: str
    stage: str
    text: str
    due_at: datetime | None
    sent_at: datetime
    by: str = ""
    outlet: str = ""
    taken_down: bool = False

    @property
    def late(self) -> timedelta | None:
        """By how much; None when it was in time, or nothing was due."""
        if self.due_at is None or self.sent_at - self.due_at <= IN_TIME:
            return None
        return self.sent_at - self.due_at


@dataclass(frozen=True)
class Written:
    """A section that people write."""

    id: str
    heading: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Mail:
    """An internal e-mail, as a draft."""

    what: str
    subject: str
    body: str


@dataclass(frozen=True)
class Document:
    """All of it. Times are in UTC; `severity` is the worst it had."""

    id: str
    label: str
    severity: str
    open: bool
    practice: bool
    security: bool
    begun: datetime
    until: datetime
    overview: tuple[tuple[str, str], ...]
    measures: tuple[tuple[str, timedelta | None], ...]
    impact: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]
    severities: tuple[Span, ...]
    statuses: tuple[Span, ...]
    seats: tuple[Seat, ...]
    present: tuple[Present, ...]
    decisions: tuple[Decision, ...]
    actions: tuple[Action, ...]
    teams: tuple[Work, ...]
    tasks: tuple[Work, ...]
    messages: tuple[Message, ...]
    items: tuple[Item, ...]
    notes: tuple[Line, ...]
    recordings: tuple[str, ...]
    timeline: tuple[Line, ...]
    sections: tuple[Written, ...] = ()
    emails: tuple[Mail, ...] = ()
    retro: tuple[Line, ...] = ()

    def section(self, id: str) -> tuple[str, ...]:
        """What a section says; nothing when nobody wrote it and nothing is known."""
        return next((one.texts for one in self.sections if one.id == id), ())


def compose(incident: Incident) -> Document:
    """What the record says. An incident that is still open is told up to its last line."""
    return _Author(incident).document()


class _Author:
    def __init__(self, incident: Incident) -> None:
        self._of = incident
        last = max((entry.at for entry in incident.timeline), default=incident.declared_at)
        self._until = incident.ended_at or max(last, incident.declared_at)

    def document(self) -> Document:
        of = self._of
        measured = figures.times(of)
        return Document(
            id=of.id,
            label=of.label,
            severity=of.worst.value,
            open=of.open,
            practice=of.practice,
            security=of.security,
            begun=of.declared_at,
            until=self._until,
            overview=tuple((what, text) for what, text in self._overview() if text),
            measures=tuple((label, getattr(measured, name)) for name, label in figures.MEASURES.items()),
            impact=tuple((what, self._plain(text)) for what, text in self._impact() if text),
            findings=tuple(map(self._plain, of.facts.findings)),
            severities=tuple(self._severities()),
            statuses=tuple(self._statuses()),
            seats=tuple(self._seats()),
            present=tuple(self._present()),
            decisions=tuple(sorted(self._decisions(), key=lambda one: one.at)),
            actions=tuple(map(self._action, of.repairs.values())),
            teams=tuple(self._teams()),
            tasks=tuple(map(self._task, of.tasks.values())),
            messages=tuple(sorted(self._messages(), key=lambda one: one.sent_at)),
            items=tuple(self._items()),
            notes=tuple(Line(n.at, n.kind, self._name(n.who), self._plain(n.shown)) for n in of.notes),
            recordings=tuple(self._recordings()),
            timeline=tuple(self._timeline()),
            sections=tuple(
                Written(one.id, one.heading, tuple(map(self._plain, postmortem_sections.texts(of, one))))
                for one in postmortem_sections.SECTIONS
            ),
            emails=tuple(self._emails()),
            retro=tuple(Line(one.at, one.kind, self._name(one.who), self._plain(one.text)) for one in of.retro),
        )

    # -- what stands at the top -----------------------------------------------------------------------

    def _overview(self) -> Iterator[tuple[str, str]]:
        of = self._of
        yield "Severity", of.severity if of.severity is of.worst else f"{of.worst} at worst, {of.severity} at the end"
        yield "Declared", f"{_moment(of.declared_at)} by {of.declared_by_name}"
        if of.ended_at is not None:
            ended = "a false alarm" if of.ended_as is Phase.CANCELLED else "resolved"
            yield "Ended", f"{_moment(of.ended_at)}, {ended}, by {self._name(of.ended_by)}"
        yield "So far" if of.open else "Lasted", wording.minutes(self._until - of.declared_at)
        service = of.policy.service(of.service)
        yield "Service", service.name if service else of.service
        yield "Incident commander", self._name(of.commander) if of.commander else "nobody"
        yield "Room", f"#{of.room.name}" if of.room else ""
        yield "Postmortem", after.in_words(of)
        yield "Document", of.after.link if of.after else ""

    def _impact(self) -> Iterator[tuple[str, str]]:
        facts = self._of.facts
        yield "Symptoms", "; ".join(facts.symptoms)
        yield "Customer impact", facts.impact
        yield "Customers who reported it", str(facts.customers_reporting) if facts.customers_reporting else ""
        yield "Cause", facts.cause
        yield "Lost", self._of.lost

    # -- what lasted ----------------------------------------------------------------------------------

    def _severities(self) -> Iterator[Span]:
        changes = self._of.severities
        for change, end in zip(changes, self._ends([change.at for change in changes]), strict=True):
            yield Span(change.severity.value, change.at, end, change.severity.value)

    def _statuses(self) -> Iterator[Span]:
        seen = [status for status in self._of.statuses if status.at <= self._until]
        for status, end in zip(seen, self._ends([status.at for status in seen]), strict=True):
            yield Span(self._plain(status.detail), status.at, end, status.state)

    def _ends(self, begins: list[datetime]) -> list[datetime]:
        """Each lasts until the next begins, the last one until the end."""
        return [max(end, begin) for begin, end in zip(begins, [*begins[1:], self._until])]

    def _seats(self) -> Iterator[Seat]:
        known = set()
        for held in self._of.held:
            known.add((held.role, held.person))
            until = min(held.until or self._until, self._until)
            yield Seat(held.role.label, self._name(held.person), held.since, max(until, held.since))
        for role, person in self._of.roles.items():
            if (role, person) not in known:  # of an incident that began before this was kept
                yield Seat(role.label, self._name(person), None, self._until)

    def _present(self) -> Iterator[Present]:
        for one in self._of.responders.values():
            proxy = self._name(one.proxy) if one.proxy else ""
            yield Present(self._name(one.person), self._plain(one.expert_in), one.joined_at, one.left_at, proxy)

    # -- what was decided and done --------------------------------------------------------------------

    def _decisions(self) -> Iterator[Decision]:
        of = self._of
        for change in of.severities[1:]:
            yield Decision(change.at, self._name(change.by), f"severity {change.severity}")
        for repair in of.repairs.values():
            line = self._plain(wording.repair_line(repair))
            if repair.approved_at is not None:
                yield Decision(repair.approved_at, self._name(repair.approved_by), f"approved {line}")
            if repair.state.settled and repair.settled_at is not None and repair.state is not RepairState.WITHDRAWN:
                why = f": {self._plain(repair.why)}" if repair.why else ""
                yield Decision(repair.settled_at, self._name(repair.settled_by), f"{repair.state}: {line}{why}")
        for draft in of.drafts.values():
            if draft.approved_at is not None:
                text = f"approved public message {draft.number} ({draft.stage})"
                yield Decision(draft.approved_at, self._name(draft.approved_by), text)
        for entry in of.timeline:
            if entry.kind in ("decision", "command", "release", "trigger", "resolved", "cancelled", "reopened"):
                yield Decision(entry.at, self._name(entry.who) if entry.who else "system", self._plain(entry.text))

    def _action(self, repair: Repair) -> Action:
        ran = waited = None
        begun = repair.started_at
        if begun is not None:
            ran = Span(repair.title, begun, max(repair.ended_at or self._until, begun), repair.state.value)
        first = begun or repair.settled_at or repair.approved_at or self._until
        waited = Span(repair.title, repair.proposed_at, max(first, repair.proposed_at), "waited")
        return Action(
            number=repair.number,
            title=self._plain(repair.title),
            risk=repair.risk,
            state=repair.state.value,
            parameters=tuple(repair.parameters.items()),
            check=self._plain(repair.check),
            fallback=self._plain(repair.fallback),
            steps=tuple(self._steps(repair)),
            output=repair.outcome,
            ran=ran,
            waited=waited,
        )

    def _steps(self, repair: Repair) -> Iterator[Step]:
        yield Step("proposed", self._name(repair.proposed_by), repair.proposed_at)
        for objection in repair.objections:
            yield Step("objected", self._name(objection.who), objection.at, self._plain(objection.why))
        if repair.approved_at is not None:
            yield Step("approved", self._name(repair.approved_by), repair.approved_at)
        doer = "the runner" if repair.automated else self._name(repair.owner)
        if repair.started_at is not None:
            yield Step("began", doer, repair.started_at)
            if repair.ended_at is not None:
                yield Step("ended", doer, repair.ended_at)
        if repair.settled_at is not None:
            yield Step(repair.state.value, self._name(repair.settled_by), repair.settled_at, self._plain(repair.why))
        elif repair.why:
            yield Step(repair.state.value, "", None, self._plain(repair.why))

    def _task(self, task: Task) -> Work:
        end = max(min(task.done_at or self._until, self._until), task.assigned_at)
        return Work(
            what=f"Task {task.number}",
            name=self._name(task.person),
            span=Span(self._plain(task.text), task.assigned_at, end),
            given=timedelta(minutes=task.minutes),
            late=end > task.due_at,
            result=self._plain(task.result),
        )

    def _teams(self) -> Iterator[Work]:
        for team in self._of.teams.values():
            if team.denied:
                continue
            end = max(min(team.closed_at or self._until, self._until), team.formed_at)
            turn = team.key.removeprefix(team.letter).replace("-", " ")
            yield Work(
                what=f"{team.letter.capitalize()}{turn}",
                name=self._name(team.leader),
                span=Span(self._plain(team.text), team.formed_at, end),
                given=team.due_at - team.formed_at,
                late=end > team.due_at,
                result=self._plain(team.result),
            )

    # -- what was said --------------------------------------------------------------------------------

    def _messages(self) -> Iterator[Message]:
        for summary in self._of.summaries:
            yield Message("executives", "", self._plain(summary.text), summary.due_at, summary.sent_at)
        for draft in self._of.drafts.values():
            for outlet, version in draft.versions.items():
                if version.published_at is not None:
                    yield Message(
                        audience="customers",
                        stage=draft.stage,
                        text=self._plain(version.text),
                        due_at=draft.due_at,
                        sent_at=version.published_at,
                        by=self._name(version.approved_by),
                        outlet=outlet.label if draft.also else "",
                        taken_down=version.state is DraftState.RETRACTED,
                    )

    def _items(self) -> Iterator[Item]:
        of = self._of
        if of.after is None:
            for number, todo in enumerate(of.todos, 1):
                yield Item(number, self._plain(todo.text), "", self._name(todo.who), "")
            return
        for one in of.after.followups:
            done = f"{_moment(one.done_at)}, {self._name(one.done_by)}" if one.done_at else ""
            names = ", ".join(map(self._name, one.people))
            yield Item(one.number, self._plain(one.text), one.role, names, done)

    def _emails(self) -> Iterator[Mail]:
        if self._of.silent or self._of.open or self._of.ended_as is Phase.CANCELLED:
            return
        for what, mail in (
            ("That it happened", emails.it_happened(self._of)),
            ("What we learned", emails.what_we_learned(self._of)),
        ):
            yield Mail(what, self._plain(mail.subject), self._plain(mail.body))

    def _recordings(self) -> Iterator[str]:
        """As the scribe was asked to note it: `note recording: LINK`."""
        for note in self._of.notes:
            head, colon, link = note.text.partition(":")
            if colon and head.strip().lower() == "recording":
                yield self._plain(link.strip())

    def _timeline(self) -> Iterator[Line]:
        for entry in sorted(self._of.timeline, key=lambda entry: entry.at):
            named = self._name(entry.who) if entry.who else ""
            source = ", ".join(filter(None, (named, entry.source))) or "system"
            yield Line(entry.at, entry.kind, source, self._plain(entry.shown))

    # -------------------------------------------------------------------------------------------------

    def _name(self, person: str | None) -> str:
        return self._of.name(person) if person else "nobody"

    def _plain(self, text: str) -> str:
        """Without the holes that are filled where a text leaves the house."""
        return _HOLE.sub(lambda hole: f"{self._name(hole[2])} " if hole[1] in ("person", "phone") else "", text).strip()


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
