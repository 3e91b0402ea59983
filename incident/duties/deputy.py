"""The deputy keeps the timers and brings things to the IC's attention (process, 3 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from incident import texts, wording
from incident.choices import Choice
from incident.duties.base import Done, Duty, Remark, Whisper, people, reminder, ticks
from incident.duties.deputy_view import DeputyView as DeputyView
from incident.duties.deputy_view import TaskClock
from incident.duties.deputy_view import view as view
from incident.model import Announcement
from incident.severity import Severity
from incident.words import mark

ANNOUNCE_QUESTIONS = "Which products are affected? How badly? How many customers? How noticeable is it? Can customers do anything about it?"


def duties(view: DeputyView, done: Done, now: datetime) -> list[Duty]:
    """All that is still to be done, with the moment each is due."""
    if not view.open:
        return []
    if view.light:  # a room, a scribe and tasks (process, 1)
        return [duty for duty in _tasks(view, done) if duty.key not in done and duty.has_an_ear]
    found = [_mark(view, done, now)]
    for source in (
        _tasks(view, done),
        _needs(view, done),
        _proposals(view),
        _time_boxes(view, done),
        _worse(view),
        _announce(view, done),
        _teams(view),
        _commander(view, done, now),
        _fatigue(view),
        _span(view),
    ):
        found += [duty for duty in source if duty.key not in done and duty.has_an_ear]
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


def _tasks(view: DeputyView, done: Done) -> Iterator[Duty]:
    timers = view.in_turn("timers")
    for task in view.tasks:
        key, what = f"task/{task.number}", f"task {task.number} ({task.text})"
        if not task.understood:
            yield from reminder(
                f"{key}/understood",
                task.assigned_at + view.rules.understood_within,
                view.rules.understood_within,
                done,
                f"{task.name} has not said that {what} is understood: `!ic ack {task.number}`.",
                (Choice("Understood", f"ack {task.number}", "primary"),),
                to=people(task.person, *timers[:1]),
                then=people(*(timers[1:] or timers), view.commander),
            )
        half = task.assigned_at + (task.due_at - task.assigned_at) / 2
        if not task.spoken and task.understood and not task.extensions:
            yield Duty(
                f"{key}/looking",
                half,
                Whisper(
                    people(task.person, *timers[:1]),
                    f"{task.name}, still looking? {what} is half over.",
                    _answers(task),
                ),
            )
        yield from reminder(
            f"{key}/up/{task.extensions}",
            task.due_at,
            view.rules.remind_again_after,
            done,
            f"IC, be advised: the timer for {task.name}'s investigation is up ({what})."
            f" `!ic done {task.number} …` or `!ic more 5m {task.number}`.",
            _answers(task),
            to=people(view.commander, task.person, *timers[:1]),
            then=timers[1:],
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
                people(view.commander, team.leader, *view.in_turn("timers")[:1]),
                f"IC, be advised: the timer of {team.title} is up ({team.text})."
                f" `!ic team close {team.letter} RESULT` or `!ic team more 10m`.",
                team.answers,
            ),
        )


def _needs(view: DeputyView, done: Done) -> Iterator[Duty]:
    """What was asked for and has not come comes back, with paging offered (process, 3)."""
    paging = view.in_turn("paging")
    for need in view.needs:
        asked = "was paged" if need.paged else "was asked for"
        yield from reminder(
            f"need/{need.team}/{need.since:%m%dT%H%M%S}",
            need.since + view.rules.need_unfilled_after,
            view.rules.remind_again_after,
            done,
            f"Nobody from {need.name} is here yet; {need.name} {asked} at {texts.moment(need.since)}."
            f" `!ic page {need.team}` pages them{' again' if need.paged else ''}.",
            (Choice(f"Page {need.name}{' again' if need.paged else ''}", f"page {need.team}", "primary"),),
            to=people(view.commander, *paging[:1]),
            then=paging[1:],
        )


def _proposals(view: DeputyView) -> Iterator[Duty]:
    if view.commander is None:
        return
    for proposal in view.proposals:
        key = f"proposal/{proposal.number}/{proposal.approvals}"
        text = f"Waiting for the IC: {proposal.line}. `!ic approve {proposal.number}` or `!ic reject {proposal.number} why`."
        decide = (
            Choice("Approve", f"approve {proposal.number}", "primary", form=proposal.needs_owner),
            Choice("Reject …", f"reject {proposal.number}", "danger", form=True),
        )
        reminders = view.repair_rules.remind_after
        since = max(proposal.waits_since, view.commanded_since or proposal.waits_since)
        for n, after in enumerate(reminders):
            yield Duty(f"{key}/remind-{n}", since + after, Whisper(people(view.commander), text, decide))
        if reminders:
            patience = reminders[-1] + (reminders[-1] - reminders[-2] if len(reminders) > 1 else reminders[-1])
            for n, deputy in enumerate(view.in_turn("call")):
                step = f"{key}/deputy" if not n else f"{key}/deputy-{n + 1}"
                yield Duty(step, since + patience + n * view.rules.remind_again_after, Whisper((deputy,), text))


def _time_boxes(view: DeputyView, done: Done) -> Iterator[Duty]:
    timers = view.in_turn("timers")
    for repair in view.repairs:
        n, moved = repair.number, f"/{repair.extensions}" if repair.extensions else ""
        report = (Choice("Done …", f"done {n}", form=True), Choice("Failed …", f"failed {n}", form=True))
        yield from reminder(
            f"time-box/{n}/{repair.approvals}{moved}",
            repair.time_box_ends,
            view.rules.remind_again_after,
            done,
            f"The time-box of {repair.line} is over. How does it stand? `!ic more 5m {n}`, or `!ic abort {n}` stops it.",
            (*(report if repair.manual else ()), Choice("Abort", f"abort {n}", "danger")),
            to=people(view.commander, repair.owner, *timers[:1]),
            then=timers[1:],
        )
    for manual in view.manual:
        n = manual.number
        yield from reminder(
            f"begin/{n}/{manual.approvals}",
            manual.approved_at + view.rules.understood_within,
            view.rules.remind_again_after,
            done,
            f"{manual.name} has not begun {manual.line}: `!ic ack {n}` begins it.",
            (Choice("I begin", f"ack {n}", "primary"),),
            to=people(manual.owner, *timers[:1]),
            then=timers[1:],
        )


def _worse(view: DeputyView) -> Iterator[Duty]:
    """The IC is told, with the severity it would mean and the evidence; once per worsening (process, 5)."""
    if view.worse is None or view.commander is None:
        return
    text = f"IC, be advised: the status is worse, read twice: {view.worse.evidence}."
    choices: tuple[Choice, ...] = ()
    meant = next((severity for state, severity in view.rules.severity_of.items() if state == view.worse.state), None)
    if meant is not None and meant.worse_than(Severity(view.severity)):
        digit = meant.value[-1]
        text += f" That would mean {meant}; this is a {view.severity}. `!ic sev {digit}` makes it so. {meant}: {view.means[meant]}"
        choices = (Choice(f"Make it {meant}", f"sev {digit}", "primary"),)
    elif meant is not None:
        text += f" That would mean {meant}; this is a {view.severity} already."
    due = max(view.worse.at, view.commanded_since or view.worse.at)
    key = f"worse/{view.worse.at:%m%dT%H%M%S}"
    yield Duty(key, due, Whisper(people(view.commander, *view.in_turn("call")[:1]), text, choices))


def _announce(view: DeputyView, done: Done) -> Iterator[Duty]:
    """Asked as soon as there is an IC; again at each rise in severity, and after a no when impact changes.

    The first message is attached as soon as it is drafted; two minutes after there is an IC it is asked without.
    """
    if view.announcement is Announcement.YES or view.silent or view.commander is None:
        return
    commanded = view.commanded_since or view.declared_at
    causes = [(at, why) for at, why in ((view.raised_at, "raised"), (view.impact_at, "impact")) if at is not None]
    if view.announcement is Announcement.NO:
        causes = [(at, why) for at, why in causes if at > (view.declined_at or commanded)]
        if not causes:
            return
    else:
        causes = [(at, why) for at, why in causes if why == "raised"]
    at, why = max(causes, default=(commanded, ""))
    due, message, number = max(at, commanded), f" With this message:\n{view.draft_text}", f" {view.draft}"
    shown = f"{number}{mark(view.draft_digest)}"
    if view.draft is None:
        due, message, number, shown = due + view.rules.announce_asked_within, "", "", ""
    attached = (Choice("Edit it first …", f"message edit {view.draft}", form=True),) if view.draft is not None else ()
    yield from reminder(
        f"announce/{f'{why}-{at:%m%dT%H%M%S}' if why else 'first'}",
        due,
        view.rules.announce_asked_within,
        done,
        f"IC: announce publicly?{message}\n`!ic announce yes{number}`"
        f"{' announces and approves it' if number else ''}; `!ic announce no`; unsure means yes.\n{ANNOUNCE_QUESTIONS}",
        (
            Choice("Yes, with this message" if number else "Yes", f"announce yes{shown}", "primary"),
            *attached,
            Choice("No", "announce no"),
            Choice("Unsure (means yes)", f"announce unsure{shown}"),
        ),
        to=people(view.commander),
        then=view.in_turn("call"),
    )


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
            f"A status update for the room, ready to send with `!ic brief`:\n> {update}",
            (Choice("Send it", "brief", "primary"), Choice("In my words …", "brief", form=True)),
        ),
        covered,
    )
    if view.commanded_since is not None:
        tired = view.commanded_since + view.suggest_handover_after
        yield Duty(
            f"tired/{view.commanded_since:%m%dT%H%M%S}",
            tired,
            Whisper(
                people(view.commander),
                f"You have commanded for {wording.minutes(view.suggest_handover_after)}. Hand over? `!ic handover @somebody`."
                f"\nThe briefing: {wording.executive_summary(view.picture, max(tired, now))}",
                (Choice("Hand over …", "handover", form=True),),
            ),
        )


def _fatigue(view: DeputyView) -> Iterator[Duty]:
    """The other roles and SMEs, as the IC before them: one private suggestion each (process, 2)."""
    after = view.suggest_relief_after
    if after is None:
        return
    for work in view.at_work:
        yield Duty(
            f"tired/{work.person}/{work.since:%m%dT%H%M%S}",
            work.since + after,
            Whisper(
                (work.person,),
                f"You've been {work.what} for {wording.minutes(after)}. Hand over to somebody rested, and tell the IC who.",
            ),
        )


def _span(view: DeputyView) -> Iterator[Duty]:
    """Sub-teams are advised once per cause, and again only when one has ended and its people are back."""
    if view.commander is None:
        return
    how = "Form sub-teams: `!ic team alpha @leader 20m what to find out`."
    if view.reports_to_commander > view.rules.span_of_control:
        yield Duty(
            f"span/{view.sub_teams_over}",
            view.commanded_since or view.declared_at,
            Whisper(
                people(view.commander, *view.in_turn("call")[:1]),
                f"{view.reports_to_commander} people report to the IC; more than {view.rules.span_of_control} is too many."
                f" {how}",
            ),
        )
    if view.scattered:
        yield Duty(
            f"scattered/{view.sub_teams_over}",
            view.commanded_since or view.declared_at,
            Whisper(
                people(view.commander, *view.in_turn("call")[:1]),
                f"{' and '.join(view.scattered)} work on several symptoms at once. {how}",
            ),
        )
