"""What the deputy sees of the incident: every clock that runs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from incident import deputies, experts, publishing, sub_teams, wording
from incident.choices import Choice
from incident.model import Announcement, Incident, RepairState, Worsening
from incident.policy import Deputy
from incident.policy import Repair as RepairRules
from incident.repairs import usual_owner
from incident.severity import Role, Severity


@dataclass(frozen=True)
class TaskClock:
    number: int
    person: str
    name: str
    text: str
    assigned_at: datetime
    due_at: datetime
    extensions: int
    understood: bool
    spoken: bool


@dataclass(frozen=True)
class WaitingProposal:
    number: int
    line: str
    waits_since: datetime
    approvals: int
    needs_owner: bool


@dataclass(frozen=True)
class RunningRepair:
    number: int
    line: str
    owner: str | None
    time_box_ends: datetime
    approvals: int
    manual: bool = False
    extensions: int = 0


@dataclass(frozen=True)
class ManualRepair:
    """Approved, and its owner has not said that they begin."""

    number: int
    line: str
    owner: str
    name: str
    approved_at: datetime
    approvals: int


@dataclass(frozen=True)
class TeamClock:
    key: str
    title: str
    leader: str
    text: str
    due_at: datetime
    extensions: int
    letter: str
    answers: tuple[Choice, ...]


@dataclass(frozen=True)
class Need:
    """A team that is wanted here and that nobody has come from; `since` it was asked for, or last paged."""

    team: str
    name: str
    since: datetime
    paged: bool


@dataclass(frozen=True)
class LongAtWork:
    """Somebody with a role, or an SME, since when."""

    person: str
    what: str
    since: datetime


@dataclass(frozen=True)
class DeputyView:
    """All that the deputy's timers need."""

    open: bool
    over: bool
    practice: bool
    label: str
    declared_at: datetime
    severity: str
    commander: str | None
    commanded_since: datetime | None
    suggest_handover_after: timedelta
    deputy: str | None
    tasks: tuple[TaskClock, ...]
    proposals: tuple[WaitingProposal, ...]
    repairs: tuple[RunningRepair, ...]
    announcement: Announcement
    draft: int | None
    draft_text: str
    impact_at: datetime | None
    room_update_at: datetime | None
    reports_to_commander: int
    picture: wording.Picture
    rules: Deputy
    repair_rules: RepairRules
    manual: tuple[ManualRepair, ...] = ()
    silent: bool = False
    raised_at: datetime | None = None
    declined_at: datetime | None = None
    worse: Worsening | None = None
    needs: tuple[Need, ...] = ()
    sub_teams_over: int = 0
    scattered: tuple[str, ...] = ()
    teams: tuple[TeamClock, ...] = ()
    light: bool = False
    draft_digest: str = ""
    means: dict[Severity, str] = field(default_factory=dict)
    deputies: tuple[str, ...] = ()
    deputy_parts: tuple[tuple[str, str], ...] = ()
    suggest_relief_after: timedelta | None = None
    at_work: tuple[LongAtWork, ...] = ()

    def in_turn(self, part: str) -> tuple[str, ...]:
        """The deputies, in the order in which a reminder about that part goes to them, one after the other."""
        return deputies.in_turn(self.deputies, dict(self.deputy_parts), part)


def view(incident: Incident, *, over: bool) -> DeputyView:
    waiting = [d for d in incident.drafts.values() if d.open]
    # Who works in a sub-team reports to its leader, the leader to the IC.
    led = {member for team in incident.teams.values() if team.open for member in team.members}
    not_counted = led | {incident.holder(role) for role in Role} | {*incident.deputies}
    return DeputyView(
        open=incident.open,
        over=over,
        practice=incident.practice,
        label=incident.label,
        declared_at=incident.declared_at,
        severity=incident.severity,
        commander=incident.commander,
        commanded_since=incident.commanded_since,
        suggest_handover_after=incident.policy.command.suggest_handover_after,
        deputy=incident.deputy,
        tasks=tuple(
            TaskClock(
                t.number,
                t.person,
                incident.name(t.person),
                t.text,
                t.assigned_at,
                t.due_at,
                t.extensions,
                t.understood_at is not None,
                t.spoke_at is not None,
            )
            for t in incident.tasks.values()
            if t.done_at is None
        ),
        proposals=tuple(
            WaitingProposal(
                r.number,
                wording.repair_line(r),
                max(r.proposed_at, r.voided_at or r.proposed_at),
                r.approvals,
                not r.automated and usual_owner(incident, r) is None,
            )
            for r in incident.repairs.values()
            if r.state.awaits_approval
        ),
        repairs=tuple(
            RunningRepair(
                r.number,
                wording.repair_line(r),
                r.owner,
                r.time_box_ends,
                r.approvals,
                manual=not r.automated,
                extensions=r.extensions,
            )
            for r in incident.repairs.values()
            if r.state is RepairState.RUNNING and r.time_box_ends is not None
        ),
        announcement=incident.announcement,
        draft=waiting[-1].number if waiting else None,
        draft_text=wording.draft_texts(waiting[-1]) + publishing.warnings(incident, waiting[-1]) if waiting else "",
        draft_digest=waiting[-1].digest if waiting else "",
        impact_at=incident.facts.impact_at,
        room_update_at=incident.room_update_at,
        reports_to_commander=sum(1 for r in incident.responders.values() if r.here and r.person not in not_counted),
        picture=wording.picture(incident),
        rules=incident.policy.deputy,
        means={severity: incident.policy.means(severity) for severity in incident.policy.deputy.severity_of.values()},
        repair_rules=incident.policy.repair,
        manual=tuple(
            ManualRepair(r.number, wording.repair_line(r), r.owner, incident.name(r.owner), r.approved_at, r.approvals)
            for r in incident.repairs.values()
            if r.state is RepairState.APPROVED and not r.automated and r.owner and r.approved_at
        ),
        silent=incident.silent,
        raised_at=max(_raises(incident), default=None),
        declined_at=incident.declined_at,
        worse=incident.worse,
        needs=tuple(_need(incident, team) for team in incident.needs),
        sub_teams_over=sum(not team.open for team in incident.teams.values()),
        scattered=_scattered(incident),
        teams=tuple(
            TeamClock(t.key, t.title, t.leader, t.text, t.due_at, t.extensions, t.letter, sub_teams.answers(t))
            for t in incident.teams.values()
            if t.open
        ),
        light=not incident.full,
        deputies=incident.deputies,
        deputy_parts=tuple(incident.deputy_parts.items()),
        suggest_relief_after=incident.policy.command.suggest_relief_after,
        at_work=tuple(_at_work(incident)),
    )


def _at_work(incident: Incident) -> Iterator[LongAtWork]:
    """Whoever holds a role, the IC apart, and the SMEs; each once, with what they have done longest."""
    since: dict[str, LongAtWork] = {}
    for held in incident.held:
        if held.until is None and held.role is not Role.COMMANDER:
            work = LongAtWork(held.person, held.role.label.lower(), held.since)
            if held.person not in since or held.since < since[held.person].since:
                since[held.person] = work
    for responder in incident.responders.values():
        person, joined = responder.person, responder.joined_at
        if responder.here and joined is not None and person not in since and experts.is_expert(incident, person):
            since[person] = LongAtWork(person, "SME", joined)
    for person, work in since.items():
        if person != incident.commander:
            yield work


def _raises(incident: Incident) -> Iterator[datetime]:
    """When the severity rose."""
    for before, after in pairwise(incident.severities):
        if after.severity.worse_than(before.severity):
            yield after.at


def _need(incident: Incident, team_id: str) -> Need:
    team = incident.policy.team(team_id)
    pages = [p.asked_at for p in incident.pages.values() if p.target in (team_id, *(team.members if team else ()))]
    since = incident.needed_at.get(team_id, incident.declared_at)
    paged = [at for at in pages if at >= since]
    return Need(team_id, team.name if team else team_id, max(paged, default=since), bool(paged))


def _scattered(incident: Incident) -> tuple[str, ...]:
    """Teams at work while there are several symptoms: nobody can lead them all (process, 5)."""
    if len(incident.facts.symptoms) < 2 or any(team.open for team in incident.teams.values()):
        return ()
    working = {task.person for task in incident.tasks.values() if task.done_at is None}
    names = tuple(team.name for team in incident.policy.teams if working & set(team.members))
    return names if len(names) > 1 else ()
