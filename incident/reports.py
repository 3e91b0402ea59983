"""What the roles and the repair actions tell the incident.

Everybody else's words reach the room through the incident alone, so that they stand there in one order. A report is
applied once: its source and key are remembered.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from incident import ending, publishing, repairs, settling, wording
from incident.choices import Choice
from incident.duties import internal_liaison
from incident.duties.base import Remark, WriteDraft
from incident.effects import RegainRoom
from incident.model import ChangedLately, DraftState, Incident, Phase, RepairState, Status, Summary, Worsening
from incident.outlets import Outlet
from incident.texts import Text, one_line, plain, quoted

A_YEAR = timedelta(days=366)
KEPT = 2000
LONGEST_OUTPUT = 1000


@dataclass(frozen=True)
class MessagePublished:
    number: int
    url: str
    at: datetime
    outlet: Outlet = Outlet.STATUS_PAGE
    post_id: str = ""
    kind: Literal["published"] = "published"


@dataclass(frozen=True)
class MessageNotPublished:
    """Given up."""

    number: int
    why: str
    outlet: Outlet = Outlet.STATUS_PAGE
    kind: Literal["not-published"] = "not-published"


@dataclass(frozen=True)
class MessageDelayed:
    """The outlet cannot be reached. It is tried on."""

    number: int
    why: str
    outlet: Outlet
    kind: Literal["delayed"] = "delayed"


@dataclass(frozen=True)
class MessageOvertaken:
    """It had not got out when a newer one for that outlet was approved. It is tried no more."""

    number: int
    outlet: Outlet
    kind: Literal["overtaken"] = "overtaken"


@dataclass(frozen=True)
class MessageTakenDown:
    number: int
    outlet: Outlet
    kind: Literal["taken-down"] = "taken-down"


@dataclass(frozen=True)
class MessageNotTakenDown:
    number: int
    why: str
    outlet: Outlet
    kind: Literal["not-taken-down"] = "not-taken-down"


@dataclass(frozen=True)
class SummarySent:
    key: str
    text: Text
    due_at: datetime
    sent_at: datetime
    kind: Literal["summary-sent"] = "summary-sent"


@dataclass(frozen=True)
class StatusSeen:
    """A new status, and what the room hears of it (nothing while it flaps)."""

    status: Status
    text: str
    kind: Literal["status"] = "status"
    flapping: bool = False


@dataclass(frozen=True)
class ChangesRead:
    """Somebody asked what changed lately, and was answered this."""

    found: ChangedLately
    kind: Literal["changes"] = "changes"


@dataclass(frozen=True)
class MessageDeleted:
    """Somebody deleted a message of ours in the incident's channel."""

    channel: str
    ts: str
    kind: Literal["message-deleted"] = "message-deleted"


@dataclass(frozen=True)
class ChannelLost:
    """The incident's channel was archived, or our app removed from it. `why` is Slack's word for what that refuses."""

    channel: str
    why: str
    kind: Literal["channel-lost"] = "channel-lost"


@dataclass(frozen=True)
class CheckAnswered:
    number: int
    answer: str
    kind: Literal["check"] = "check"


@dataclass(frozen=True)
class VerifyAnswered:
    number: int
    answer: str
    kind: Literal["verify"] = "verify"


@dataclass(frozen=True)
class OutputSeen:
    """The last lines of what runs."""

    number: int
    lines: str
    kind: Literal["output"] = "output"


@dataclass(frozen=True)
class PollOver:
    number: int
    kind: Literal["poll-over"] = "poll-over"


@dataclass(frozen=True)
class ApprovalLapsed:
    number: int
    approvals: int
    kind: Literal["lapsed"] = "lapsed"


@dataclass(frozen=True)
class RunnerMissing:
    """Nobody serves the runner's queue. Nothing ran."""

    number: int
    runner: str
    kind: Literal["runner-missing"] = "runner-missing"


@dataclass(frozen=True)
class RunEnded:
    """`refused`: the runner did not begin. `output`: where all of it is kept."""

    number: int
    state: RepairState
    outcome: str
    kind: Literal["run-ended"] = "run-ended"
    refused: bool = False
    output: str = ""


@dataclass(frozen=True)
class WorkflowReset:
    """The sender's workflow went back to how it was at the time `to`, and goes on. `whose`: "the deputy", "repair 3"."""

    whose: str
    to: datetime
    kind: Literal["workflow-reset"] = "workflow-reset"


@dataclass(frozen=True)
class PageAcknowledged:
    """`page` is the page's key, which is PagerDuty's incident key."""

    page: str
    person: str
    name: str
    at: datetime
    kind: Literal["acknowledged"] = "acknowledged"


@dataclass(frozen=True)
class ResponderReplied:
    """Somebody who was asked to join said yes or no."""

    person: str
    name: str
    accepted: bool
    message: str = ""
    kind: Literal["replied"] = "replied"


@dataclass(frozen=True)
class PageEnded:
    """Resolved in PagerDuty by somebody, or merged into `merged_into` (PagerDuty's id)."""

    page: str
    by: str = ""
    merged_into: str = ""
    kind: Literal["page-ended"] = "page-ended"


@dataclass(frozen=True)
class PageReassigned:
    """Given to these people in PagerDuty."""

    page: str
    people: tuple[str, ...]
    names: tuple[str, ...]
    by: str = ""
    kind: Literal["page-reassigned"] = "page-reassigned"


@dataclass(frozen=True)
class NoteAdded:
    """Somebody's note in PagerDuty."""

    text: str
    by: str = ""
    kind: Literal["note-added"] = "note-added"


InPagerDuty = PageAcknowledged | PageEnded | PageReassigned | NoteAdded
AboutMessage = (
    MessagePublished | MessageNotPublished | MessageDelayed | MessageOvertaken | MessageTakenDown | MessageNotTakenDown
)
What = (
    Remark
    | WriteDraft
    | MessagePublished
    | MessageNotPublished
    | MessageDelayed
    | MessageOvertaken
    | MessageTakenDown
    | MessageNotTakenDown
    | SummarySent
    | StatusSeen
    | ChangesRead
    | CheckAnswered
    | VerifyAnswered
    | OutputSeen
    | PollOver
    | ApprovalLapsed
    | RunnerMissing
    | RunEnded
    | WorkflowReset
    | PageAcknowledged
    | PageEnded
    | PageReassigned
    | NoteAdded
    | ResponderReplied
    | MessageDeleted
    | ChannelLost
)


@dataclass(frozen=True)
class Report:
    """`source` and `key` together name it once. `at` is when it was sent."""

    source: str
    key: str
    what: What
    at: datetime | None = None


def take(incident: Incident, report: Report, now: datetime) -> None:
    """Apply a report, once. Raises ValueError when a time in it is none that can be counted with."""
    _of_our_time(report, now)
    mark = f"{report.source}/{report.key}"
    if mark in incident.reported:
        return
    incident.reported[mark] = now
    while len(incident.reported) > KEPT:
        del incident.reported[next(iter(incident.reported))]
    _apply(incident, report, now)


def _of_our_time(thing: object, now: datetime) -> None:
    """Deadlines follow from these: one without a zone, or of another century, would hold every clock."""
    if isinstance(thing, datetime):
        if thing.tzinfo is None or abs(thing - now) > A_YEAR:
            raise ValueError(f"{thing} is no time of an incident")
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            _of_our_time(getattr(thing, field.name), now)
    elif isinstance(thing, list | tuple):
        for one in thing:
            _of_our_time(one, now)


def _apply(incident: Incident, report: Report, now: datetime) -> None:
    match report.what:
        case Remark(text=text):
            if incident.open:
                incident.say(text, now)
                incident.log("mark", text, now, source=report.source)
        case WriteDraft(stage=stage, due_at=due_at, after=after):
            quicker = after is not None and max(incident.drafts, default=0) > after
            if quicker or not publishing.wanted(incident, stage):
                return
            promised = None if stage == "resolved" else publishing.next_promise(incident, max(due_at, now))
            texts = publishing.compose(incident, stage, promised)
            publishing.offer(incident, stage, texts, report.source, now, due_at, promised)
        case (
            MessagePublished()
            | MessageNotPublished()
            | MessageDelayed()
            | MessageOvertaken()
            | MessageTakenDown()
            | MessageNotTakenDown() as told
        ):
            _public(incident, told, report, now)
        case SummarySent(key=key, text=text, due_at=due_at, sent_at=sent_at):
            words = plain(text).strip()
            incident.summaries.append(Summary(key, words, due_at, sent_at))
            if internal_liaison.takes_own_words(key):
                incident.own_words = ""
            incident.log("summary", words, sent_at, source=report.source)
        case PageAcknowledged() | PageEnded() | PageReassigned() | NoteAdded() as happened:
            _in_pagerduty(incident, happened, now)
        case ResponderReplied(person=person, name=name, accepted=accepted, message=message):
            reply = f"{one_line(name)} {'joins' if accepted else 'cannot join'}{f': {one_line(message)}' if message else '.'}"
            incident.say(reply, now)
            incident.log("page", reply, now, who=person, source=report.source)
        case StatusSeen(status=status, text=text, flapping=flapping):
            incident.status = status
            incident.flapped_at = status.at if flapping else None
            incident.worse = _worsening(incident.worse, status, flapping, now)
            if not incident.statuses or incident.statuses[-1].state != status.state:
                incident.statuses.append(status)
            _status(incident, status, text, report, now)
        case MessageDeleted() | ChannelLost() as told:
            _in_slack(incident, told)
        case _:
            _of_the_system(incident, report, now)


def _of_the_system(incident: Incident, report: Report, now: datetime) -> None:
    """What was done to it, or to our workflows."""
    match report.what:
        case WorkflowReset(whose=whose, to=to):
            settling.workflow_reset(incident, whose, to, now)
        case ChangesRead(found=found):
            settling.changes_read(incident, found, now)
        case _:
            _repair(incident, report, now)


def _in_pagerduty(incident: Incident, happened: InPagerDuty, now: datetime) -> None:
    """A webhook: from now on PagerDuty need not be asked so often."""
    incident.webhooks_heard = True
    match happened:
        case PageAcknowledged(page=key, person=person, name=name, at=at):
            settling.acknowledged(incident, incident.pages[key], person, name, at, now)
        case PageEnded(page=key, by=by, merged_into=into):
            page = incident.pages[key]
            if into:
                settling.page_merged(incident, page, into, by, now)
            else:
                settling.page_resolved(incident, page, by, now)
        case PageReassigned(page=key, people=people, names=names, by=by):
            settling.page_reassigned(incident, incident.pages[key], people, names, by, now)
        case NoteAdded(text=text, by=by):
            settling.noted_in_pagerduty(incident, text, by, now)


def _in_slack(incident: Incident, told: MessageDeleted | ChannelLost) -> None:
    match told:
        case MessageDeleted(channel=channel, ts=ts):
            for shown in incident.shown.values():
                if (shown.channel, shown.ts) == (channel, ts):
                    shown.mark = ""  # so it is edited, which says that it is gone, and posted anew
        case ChannelLost(channel=channel, why=why):
            if incident.open and incident.room is not None and incident.room.channel == channel:
                incident.want(RegainRoom(channel, why))


def _public(incident: Incident, told: AboutMessage, report: Report, now: datetime) -> None:
    draft = incident.drafts[told.number]
    match told:
        case MessagePublished(url=url, at=at, outlet=outlet, post_id=post_id):
            publishing.published(incident, draft, outlet, url, post_id, at, now)
            text = draft.versions[outlet].text
            incident.log("published", f"{told.number} on {publishing.the(outlet)}: {text}", at, source=report.source)
        case MessageNotPublished(why=why, outlet=outlet):
            publishing.not_published(incident, draft, outlet, why, now)
            incident.log("message", f"{told.number} not published: {why}", now, source=report.source)
        case MessageDelayed(why=why, outlet=outlet):
            publishing.delayed(incident, draft, outlet, why, now)
        case MessageOvertaken(outlet=outlet):
            draft.versions[outlet].state = DraftState.SUPERSEDED
            incident.log("message", f"{told.number} overtaken on {publishing.the(outlet)}", now, source=report.source)
        case MessageTakenDown(outlet=outlet):
            publishing.taken_down(incident, draft, outlet, now)
        case MessageNotTakenDown(why=why, outlet=outlet):
            draft.versions[outlet].retract_asked_at = None
            text = f"Public message {told.number} could not be taken down on {publishing.the(outlet)}: {why}"
            incident.say(f"{text} `!ic message retract {told.number} {outlet}` tries again.", now)
            incident.log("message", text, now, source=report.source)


def _worsening(before: Worsening | None, status: Status, flapping: bool, now: datetime) -> Worsening | None:
    """The IC is told of each worsening once; what goes back and forth is one."""
    badness = ("degraded", "down")
    if status.state not in badness:
        return before if flapping or status.state == "unreadable" else None
    if status.times < 2:
        return before
    if before is None or badness.index(status.state) > badness.index(before.state):
        return Worsening(status.state, status.evidence, now)
    return before if flapping else replace(before, state=status.state)


def _status(incident: Incident, status: Status, text: str, report: Report, now: datetime) -> None:
    if not text:
        return
    if incident.open:
        incident.say(text, now)
    elif status.state in ("degraded", "down"):
        _worse_after_the_end(incident, text, now)
    incident.log("status", text, status.at, source=report.source)


def _worse_after_the_end(incident: Incident, text: str, now: datetime) -> None:
    """Everybody who responded may reopen it; the IC hears each change, the others are asked once."""
    first = not incident.worse_after
    incident.worse_after = text
    if first:
        ends = sum(1 for entry in incident.timeline if entry.kind in (Phase.RESOLVED, Phase.CANCELLED))
        incident.say(text, now, about=f"worse/{ends}")
    asked = ending.everybody_who_responded(incident) if first else []
    for person in dict.fromkeys([*([incident.commander] if incident.commander else []), *asked]):
        incident.tell(
            person, f"{text} `!ic reopen` goes on with {incident.label}.", Choice("Reopen", "reopen", "danger")
        )


def _repair(incident: Incident, report: Report, now: datetime) -> None:
    match report.what:
        case CheckAnswered(number=number, answer=answer):
            repair = incident.repairs[number]
            repair.check = answer
            incident.say(f"Check of {wording.repair_line(repair)}: {quoted(answer)}", now)
            incident.log("repair", f"check of {number}: {answer}", now, source=report.source)
        case PollOver(number=number):
            repair = incident.repairs[number]
            if not repair.state.awaits_approval or repair.poll_closed:
                return
            repair.poll_closed = True
            heard = f"Objections: {wording.objections(repair.objections)}." if repair.objections else "Nobody objected."
            incident.say(
                f"The window for {wording.repair_line(repair)} is over. {heard} That approves nothing."
                f" IC: `!ic approve {number}` or `!ic reject {number} why`.",
                now,
            )
        case ApprovalLapsed(number=number, approvals=approvals):
            repair = incident.repairs[number]
            if repair.state is not RepairState.APPROVED or repair.approvals != approvals:
                return
            repair.state, repair.why = RepairState.VOID, "it was not started in time"
            text = f"The approval of {wording.repair_line(repair)} is void: {repair.why}. `!ic approve {number}` approves it again."
            incident.say(text, now)
            incident.tell(incident.commander, text, Choice("Approve again", f"approve {number}", "primary"))
            incident.log("repair", f"approval of {number} void: {repair.why}", now, source=report.source)
        case RunnerMissing(number=number, runner=runner):
            repair = incident.repairs[number]
            text = f"No runner serves {runner}: {wording.repair_line(repair)} has not started. It starts when one does, while the approval is valid."
            incident.say(text, now)
            incident.log("repair", f"{number}: no runner for {runner}", now, source=report.source)
        case RunEnded(number=number, state=state, outcome=outcome, refused=refused, output=output):
            repair = incident.repairs[number]
            if repairs.ended_before_approval(repair, report.at):
                return
            if refused and repair.state is RepairState.RUNNING:
                # Another run was told "go" before this one was refused: what became of that one is not known.
                state, outcome = RepairState.UNKNOWN, f"what ran was lost; what came after it: {outcome}"
            if repair.state in repairs.BUSY:
                repairs.end_run(incident, repair, state, outcome, now, who=report.source, kept_in=output)
        case VerifyAnswered(number=number, answer=answer):
            repairs.verified(incident, incident.repairs[number], answer, now, report.source)
        case OutputSeen(number=number, lines=lines):
            repair = incident.repairs[number]
            if repair.state is RepairState.RUNNING:
                repair.live = lines[-LONGEST_OUTPUT:]
        case _:
            raise AssertionError(report.what)
