"""One repair action, from the proposal to the verification. Its history is the record of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType
from temporalio.exceptions import TimeoutError as TimedOut

from activities import errors
from activities.repair import Runner, StepOrder
from activities.steps import StepOutcome
from incident import identity
from incident.catalogue import StepName
from incident.model import RepairState
from incident.repairs import ENDED
from incident.reports import (
    ApprovalLapsed,
    CheckAnswered,
    PollOver,
    Report,
    RunEnded,
    RunnerMissing,
    VerifyAnswered,
    What,
    WorkflowReset,
)
from workflows import messages, queues, retries, tasks
from workflows.resets import resets
from workflows.versions import newer
from workflows.waiting import wait_until

LAST_WORD_WITHIN = timedelta(seconds=30)
"""What still runs when the incident closes is stopped; a runner that is lost is noticed by its heartbeats within ten seconds."""


@dataclass(frozen=True)
class RepairBrief:
    """How the incident sees it now, with a version; an older one is ignored."""

    version: int
    over: bool
    state: RepairState
    automated: bool
    approvals: int
    approval_ends: datetime | None
    polled_until: datetime | None
    abort: bool
    story: str = ""


@dataclass(frozen=True)
class RepairStart:
    """`checked`, `verified`: the entry has a check, and a verify, that the runner may carry out without approval.

    `tries`: how often the step may be begun under one approval; more than once only when its entry is idempotent.
    """

    incident: str
    number: int
    title: str
    entry: str
    parameters: dict[str, str]
    digest: str
    runner: str
    checked: bool
    brief: RepairBrief
    step: StepName = "apply"
    verified: bool = False
    tries: int = 1


@workflow.defn
class RepairActionWorkflow:
    """Runs the check, closes the poll, lets an approval lapse, has an approved action run at most once, and the verify.

    Id: `incident-ID/repair-N`. Starting it runs nothing; the incident decides, and the runner asks the incident. Only the
    incident speaks to it: signals named after what happened, each with how it stands. It ends when the action is
    settled, or with the incident; what runs then is stopped, and the incident is told how it ended. The same when it is
    cancelled from outside.
    """

    @workflow.init
    def __init__(self, start: RepairStart) -> None:
        self._start = start
        self._brief = start.brief
        self._poll_closed: datetime | None = None
        self._ran: tuple[int, datetime | None] = (0, None)
        self._seen = 0
        self._lost = False
        self._resets = 0
        self._running = False
        self._cancelled = False

    @workflow.run
    async def run(self, start: RepairStart) -> RepairState:
        if start.brief.story:
            workflow.set_current_details(start.brief.story)
        return await tasks.end_in_order(self._see_through(), self._cancel_asked)

    async def _see_through(self) -> RepairState:
        chapters = [
            asyncio.create_task(c)
            for c in (
                self._check(),
                self._close_polls(),
                self._run_when_approved(),
                self._verify_when_ended(),
                self._report_resets(),
            )
        ]
        # A reset is reported first.
        await workflow.wait_condition(lambda: (self._over and resets().count == self._resets) or tasks.failed(chapters))
        tasks.raise_defects(chapters)
        await wait_until(lambda: not self._running, within=LAST_WORD_WITHIN, summary="until what runs has been stopped")
        await tasks.end(chapters)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._brief.state

    def _cancel_asked(self, reason: str) -> None:
        self._cancelled = True

    def _see(self, brief: RepairBrief) -> None:
        """The incident shows how it stands."""
        if newer(brief.version, self._brief.version):
            self._brief = brief
            workflow.set_current_details(brief.story or f"{self._start.title}: **{brief.state}**")

    @workflow.signal(dynamic=True)
    def receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        """From the incident, under the name of what happened (polled, approved, …), for whoever reads the history."""
        try:
            self._see(messages.read(arguments, RepairBrief))
        except messages.Malformed as fault:
            workflow.logger.warning("a Signal %s was dropped: %s", name[:40], fault)

    @property
    def _over(self) -> bool:
        return self._brief.over or self._brief.state.settled or self._lost or self._cancelled

    async def _report_resets(self) -> None:
        """Somebody reset this workflow, or it healed itself: the incident says so in its channel."""
        while True:
            await workflow.wait_condition(lambda: resets().count > self._resets)
            went_back = WorkflowReset(f"repair {self._start.number}", resets().to or workflow.now())
            await self._report(f"reset/{workflow.now():%m%dT%H%M%S%f}", went_back)
            self._resets = resets().count

    async def _check(self) -> None:
        if self._start.checked:
            answer = await look(
                Runner.check, self._order, self._start.runner, f"{self._start.title}: how does it stand?"
            )
            await self._report("check", CheckAnswered(self._start.number, answer))

    async def _verify_when_ended(self) -> None:
        """Once a run has ended, by itself: the IC sees what it says, and judges."""
        while self._start.verified:
            await workflow.wait_condition(lambda: self._brief.state in ENDED and self._brief.approvals > self._seen)
            seen = self._seen = self._brief.approvals
            answer = await look(Runner.verify, self._order, self._start.runner, f"{self._start.title}: did it work?")
            await self._report(f"verify/{seen}", VerifyAnswered(self._start.number, answer))

    async def _close_polls(self) -> None:
        """The end of a window approves nothing; it is only said."""
        while True:
            await workflow.wait_condition(lambda: self._brief.polled_until not in (None, self._poll_closed))
            closed = self._poll_closed = self._brief.polled_until
            assert closed is not None
            if await self._window_is_over(closed):
                await self._report(f"poll/{closed:%m%dT%H%M%S}", PollOver(self._start.number))

    async def _window_is_over(self, closes: datetime) -> bool:
        """False when the IC decided before: approving or rejecting during the window ends it."""
        left = max(closes - workflow.now(), timedelta())
        summary = f"the window for objections ends {closes:%H:%M:%S} UTC"
        return not await wait_until(lambda: not self._brief.state.awaits_approval, within=left, summary=summary)

    async def _run_when_approved(self) -> None:
        """Once an approval: the runner, or the clock of whoever owns a manual step."""
        while True:
            await workflow.wait_condition(lambda: self._wanted and self._is_new_approval and not self._over)
            approval, _ = self._ran = (self._brief.approvals, self._brief.approval_ends)
            if not self._approved:
                why = "its workflow was begun anew from outside, which stopped what ran"
                await self._report(self._of_this("ended"), RunEnded(self._start.number, RepairState.UNKNOWN, why))
            elif self._brief.automated:
                self._running = True
                await self._have_it_run(approval)
                self._running = False
            else:
                await self._await_start(approval)

    @property
    def _wanted(self) -> bool:
        """Approved; or said to be running, which it cannot be: a run of this workflow before this one had begun it."""
        return self._approved or (self._brief.automated and self._brief.state is RepairState.RUNNING)

    @property
    def _is_new_approval(self) -> bool:
        """A forged view may have claimed one with that number before: when it ends tells them apart."""
        return self._brief.approvals >= max(self._ran[0], 1) and self._ran != (
            self._brief.approvals,
            self._brief.approval_ends,
        )

    def _of_this(self, what: str) -> str:
        """The key of a report about this approval."""
        approval, ends = self._ran
        return f"{what}/{approval}" + (f"/{ends:%m%dT%H%M%S%f}" if ends else "")

    @property
    def _approved(self) -> bool:
        return self._brief.state is RepairState.APPROVED

    async def _await_start(self, approval: int) -> None:
        ends = self._brief.approval_ends or workflow.now()
        begun_or_void = await wait_until(
            lambda: not self._approved or self._brief.approvals != approval,
            within=ends - workflow.now(),
            summary=f"approval lapses {ends:%H:%M:%S} UTC",
        )
        if not begun_or_void:
            await self._report(self._of_this("lapsed"), ApprovalLapsed(self._start.number, approval))

    async def _have_it_run(self, approval: int) -> None:
        """First with three seconds for a runner to take it; if none does, that is said and it waits for one."""
        wait = retries.RUN["schedule_to_start_timeout"]
        while True:
            running = asyncio.create_task(self._execute(wait))
            watching = asyncio.create_task(self._watch(running, approval))
            try:
                await workflow.wait([running])
            finally:
                watching.cancel()
                running.cancel()
            if running.cancelled():
                if self._brief.abort or self._brief.over or self._cancelled:
                    # Between two tries, or before the runner had begun.
                    ended = RunEnded(self._start.number, RepairState.ABORTED, "aborted; nothing was running")
                    await self._report(self._of_this("ended"), self._with_reason(ended))
                return  # void before any runner took it
            outcome = running.result()
            if outcome is not None:
                await self._report(self._of_this("ended"), self._with_reason(outcome))
                return
            left = (self._brief.approval_ends or workflow.now()) - workflow.now()
            if left <= timedelta(seconds=1):
                await self._report(self._of_this("lapsed"), ApprovalLapsed(self._start.number, approval))
                return
            await self._report(
                self._of_this("missing"), RunnerMissing(self._start.number, queues.runner(self._start.runner))
            )
            wait = left

    async def _watch(self, running: asyncio.Task[RunEnded | None], approval: int) -> None:
        """An abort, an approval that became void, or the end of it all cancels the activity."""
        waiting = (RepairState.APPROVED, RepairState.RUNNING)
        await workflow.wait_condition(
            lambda: (
                self._brief.abort or self._over or self._brief.approvals != approval or self._brief.state not in waiting
            )
        )
        running.cancel()

    def _with_reason(self, ended: RunEnded) -> RunEnded:
        """Why it was stopped, where nobody has asked for that."""
        if ended.state not in (RepairState.ABORTED, RepairState.UNKNOWN) or self._brief.abort:
            return ended
        why = "its workflow was cancelled from outside" if self._cancelled else "the incident closed"
        return replace(ended, outcome=f"{why}: {ended.outcome}") if self._cancelled or self._brief.over else ended

    async def _execute(self, wait: timedelta) -> RunEnded | None:
        """How the run ended; None when no runner took it, and so nothing ran."""
        terms = retries.run(self._start.tries, wait)
        try:
            outcome: StepOutcome = await workflow.execute_activity_method(
                Runner.run,
                self._order,
                task_queue=queues.runner(self._start.runner),
                summary=retries.summary(self._start.title),
                **terms,
            )
        except ActivityError as failure:
            tasks.raise_if_cancelled(failure)
            return self._after(failure)
        return RunEnded(self._start.number, _state(outcome), outcome.text, output=outcome.output)

    def _after(self, failure: ActivityError) -> RunEnded | None:
        cause = failure.cause
        if isinstance(cause, TimedOut):
            if cause.type is TimeoutType.SCHEDULE_TO_START and self._brief.state is not RepairState.RUNNING:
                return None
            seen = "\n".join(str(line) for line in cause.last_heartbeat_details)
            return RunEnded(
                self._start.number, RepairState.UNKNOWN, f"the runner was lost. Last output: {seen or 'none'}"
            )
        if isinstance(cause, ApplicationError) and cause.type in (errors.UNFORESEEN, errors.UNAVAILABLE):
            return RunEnded(self._start.number, RepairState.UNKNOWN, cause.message)  # how far it came nobody knows
        if isinstance(cause, ApplicationError):
            refused = cause.type == errors.REFUSED
            return RunEnded(self._start.number, RepairState.FAILED, cause.message, refused=refused)
        return RunEnded(self._start.number, RepairState.UNKNOWN, _why(failure))

    @property
    def _order(self) -> StepOrder:
        start = self._start
        return StepOrder(start.number, start.entry, start.parameters, start.digest, start.step)

    async def _report(self, key: str, what: What) -> None:
        incident = workflow.get_external_workflow_handle(identity.workflow_id(self._start.incident))
        try:
            report = Report(f"repair-{self._start.number}", key, what, workflow.now())
            await tasks.complete(incident.signal("report", report))
        except ApplicationError:
            self._lost = True


async def look(
    method: Callable[[Runner, StepOrder], Awaitable[StepOutcome]], order: StepOrder, environment: str, summary: str
) -> str:
    """Have a check or a verify run, which only reads; what it says, or why there is no answer."""
    try:
        outcome: StepOutcome = await workflow.execute_activity_method(
            method,
            order,
            task_queue=queues.runner(environment),
            summary=retries.summary(summary),
            **retries.CHECK,
        )
    except ActivityError as failure:
        tasks.raise_if_cancelled(failure)
        return f"could not be asked: {_why(failure)}"
    return outcome.text if outcome.ok else f"not all right: {outcome.text}"


def _state(outcome: StepOutcome) -> RepairState:
    if outcome.aborted:
        return RepairState.ABORTED
    if outcome.unknown:
        return RepairState.UNKNOWN
    return RepairState.SUCCEEDED if outcome.ok else RepairState.FAILED


def _why(failure: ActivityError) -> str:
    cause = failure.cause
    if isinstance(cause, TimedOut) and cause.type is TimeoutType.SCHEDULE_TO_START:
        return "no runner is alive"
    return cause.message if isinstance(cause, ApplicationError) else str(cause)
