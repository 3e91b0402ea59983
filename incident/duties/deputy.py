"""The deputy keeps the timers and brings things to the IC's attention (process, 3 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from incident import sub_teams, wording
from incident.choices import Choice
from incident.duties.base import Done, Duty, Remark, Whisper, people, ticks
from incident.model import Announcement, DraftState, Incident, RepairState
from incident.policy import Deputy
from incident.policy import Repair as RepairRules
from incident.repairs import usual_owner
from incident.severity import Role
from incident.words import mark


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
    teams: tuple[TeamClock, ...] = ()
    draft_digest: str = ""


def view(incident: Incident, *, over: bool) -> DeputyView:
    waiting = [d for d in incident.drafts.values() if d.state is DraftState.WAITING]
    staff = {incident.holder(role) for role in Role}
    members = {person for team in incident.teams.values() if team.open for person in team.members}
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
                r.proposed_at,
                r.approvals,
                not r.automated and usual_owner(incident, r) is None,
            )
            for r in incident.repairs.values()
            if r.state.awaits_approval
        ),
        repairs=tuple(
            RunningRepair(r.number, wording.repair_line(r), r.owner, r.time_box_ends, r.approvals)
            for r in incident.repairs.values()
            if r.state is RepairState.RUNNING and r.time_box_ends is not None
        ),
        announcement=incident.announcement,
        draft=waiting[-1].number if waiting else None,
        draft_text=waiting[-1].text if waiting else "",
        draft_digest=waiting[-1].digest if waiting else "",
        impact_at=incident.facts.impact_at,
        room_update_at=incident.room_update_at,
        reports_to_commander=sum(1 for r in incident.responders.values() if r.here and r.person not in staff | members),
        picture=wording.picture(incident),
        rules=incident.policy.deputy,
        repair_rules=incident.policy.repair,
        teams=tuple(
            TeamClock(t.key, t.title, t.leader, t.text, t.due_at, t.extensions, t.letter, sub_teams.answers(t))
            for t in incident.teams.values()
            if t.open
        ),
    )


def duties(view: DeputyView, done: Done, now: datetime) -> list[Duty]:
    """All that is still to be done, with the moment each is due."""
    if not view.open:
        return []
    found = [_mark(view, done, now)]
    for source in (
        _tasks(view),
        _proposals(view),
        _time_boxes(view),
        _announce(view),
        _teams(view),
        _commander(view, done, now),
    ):
        found += [duty for duty in source if duty.key not in done]
    return found


def _mark(view: DeputyView, done: Done, now: datetime) -> Duty:
    """Every 10 minutes; every 30 after two hours."""
    early = int(view.rules.later_after / view.rules.mark_every)
    key, due, covered = ticks("mark", view.declared_at, view.rules.mark_every, done, now)
    if int(key.removeprefix("mark/")) > early:
        turn = view.declared_at + view.rules.mark_every * early
        key, due, later = ticks("later-mark", turn, view.rules.mark_every_later, done, now)
        covered = (*(k for k in covered if int(k.removeprefix("mark/")) <= early), *later)
    minute = int((due - view.declared_at) / timedelta(minutes=1))
    return Duty(key, due, Remark(wording.minute_mark(minute) + wording.late(due, now)), covered)


def _tasks(view: DeputyView) -> Iterator[Duty]:
    for task in view.tasks:
        key, what = f"task/{task.number}", f"task {task.number} ({task.text})"
        if not task.understood:
            yield Duty(
                f"{key}/understood",
                task.assigned_at + view.rules.understood_within,
                Whisper(
                    people(task.person, view.deputy),
                    f"{task.name} has not said that {what} is understood: `ack {task.number}`.",
                    (Choice("Understood", f"ack {task.number}", "primary"),),
                ),
            )
        half = task.assigned_at + (task.due_at - task.assigned_at) / 2
        if not task.spoken and task.understood and not task.extensions:
            yield Duty(
                f"{key}/looking",
                half,
                Whisper(
                    people(task.person, view.deputy),
                    f"{task.name}, still looking? {what} is half over.",
                    _answers(task),
                ),
            )
        yield Duty(
            f"{key}/up/{task.extensions}",
            task.due_at,
            Whisper(
                people(view.commander, task.person, view.deputy),
                f"IC, be advised: the timer for {task.name}'s investigation is up ({what})."
                f" `done {task.number} …` or `more 5m {task.number}`.",
                _answers(task),
            ),
        )


def _answers(task: TaskClock) -> tuple[Choice, ...]:
    return (
        Choice("Done …", f"done {task.number}", "primary", form=True),
        Choice("5 minutes more", f"more 5m {task.number}"),
    )


def _teams(view: DeputyView) -> Iterator[Duty]:
    """The leader reports to the IC; the clock is the deputy's (process, 5)."""
    for team in view.teams:
        yield Duty(
            f"team/{team.key}/up/{team.extensions}",
            team.due_at,
            Whisper(
                people(view.commander, team.leader, view.deputy),
                f"IC, be advised: the timer of {team.title} is up ({team.text})."
                f" `team close {team.letter} RESULT` or `team more 10m`.",
                team.answers,
            ),
        )


def _proposals(view: DeputyView) -> Iterator[Duty]:
    for proposal in view.proposals:
        key = f"proposal/{proposal.number}/{proposal.approvals}"
        text = f"Waiting for the IC: {proposal.line}. `approve {proposal.number}` or `reject {proposal.number} why`."
        decide = (
            Choice("Approve", f"approve {proposal.number}", "primary", form=proposal.needs_owner),
            Choice("Reject …", f"reject {proposal.number}", "danger", form=True),
        )
        reminders = view.repair_rules.remind_after
        for n, after in enumerate(reminders):
            yield Duty(f"{key}/remind-{n}", proposal.waits_since + after, Whisper(people(view.commander), text, decide))
        if reminders:
            patience = reminders[-1] + (reminders[-1] - reminders[-2] if len(reminders) > 1 else reminders[-1])
            yield Duty(f"{key}/deputy", proposal.waits_since + patience, Whisper(people(view.deputy), text))


def _time_boxes(view: DeputyView) -> Iterator[Duty]:
    for repair in view.repairs:
        yield Duty(
            f"time-box/{repair.number}/{repair.approvals}",
            repair.time_box_ends,
            Whisper(
                people(view.commander, repair.owner, view.deputy),
                f"The time-box of {repair.line} is over. How does it stand? `abort {repair.number}` stops it.",
                (Choice("Abort", f"abort {repair.number}", "danger"),),
            ),
        )


def _announce(view: DeputyView) -> Iterator[Duty]:
    """Asked with the first message attached; again when the severity rises, and after a no when impact changes."""
    if view.announcement is Announcement.YES or view.draft is None or view.commander is None:
        return
    cause = view.severity
    asked_at = view.commanded_since or view.declared_at
    if view.announcement is Announcement.NO:
        if view.impact_at is None:
            cause, asked_at = f"{cause}/no", asked_at
        else:
            cause, asked_at = f"{cause}/{view.impact_at:%H%M%S}", view.impact_at
    question = (
        f"IC: announce publicly? With this message:\n> {view.draft_text}\n"
        f"`announce yes {view.draft}` announces and approves it; `announce no`; unsure means yes."
    )
    answers = (
        Choice("Yes, with this message", f"announce yes {view.draft}{mark(view.draft_digest)}", "primary"),
        Choice("Edit it first …", f"message edit {view.draft}", form=True),
        Choice("No", "announce no"),
        Choice("Unsure (means yes)", f"announce unsure {view.draft}{mark(view.draft_digest)}"),
    )
    yield Duty(f"announce/{cause}", asked_at, Whisper(people(view.commander), question, answers))
    if view.announcement is Announcement.UNDECIDED:
        again = asked_at + view.rules.announce_asked_within
        yield Duty(f"announce/{cause}/again", again, Whisper(people(view.commander, view.deputy), question, answers))


def _commander(view: DeputyView, done: Done, now: datetime) -> Iterator[Duty]:
    if view.commander is None:
        return
    since = view.room_update_at or view.declared_at
    prefix = f"brief/{since:%m%dT%H%M%S}"
    key, due, covered = ticks(prefix, since, view.rules.room_update_every, done, now)
    update = wording.room_update(view.picture, due if due > now else now)
    yield Duty(
        key,
        due,
        Whisper(
            people(view.commander),
            f"A status update for the room, ready to send with `brief`:\n> {update}",
            (Choice("Send it", "brief", "primary"), Choice("In my words …", "brief", form=True)),
        ),
        covered,
    )
    if view.commanded_since is not None:
        yield Duty(
            f"tired/{view.commanded_since:%m%dT%H%M%S}",
            view.commanded_since + view.suggest_handover_after,
            Whisper(
                people(view.commander),
                f"You have commanded for {wording.minutes(view.suggest_handover_after)}. Hand over? `handover @somebody`."
                f" The briefing: {update}",
                (Choice("Hand over …", "handover", form=True),),
            ),
        )
    if view.reports_to_commander > view.rules.span_of_control:
        yield Duty(
            "span",
            view.declared_at,
            Whisper(
                people(view.commander, view.deputy),
                f"{view.reports_to_commander} people report to the IC; more than {view.rules.span_of_control} is too many."
                " Form sub-teams.",
            ),
        )
