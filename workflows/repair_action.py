"""One repair action, from the proposal to the verification. Its history is the record of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType
from temporalio.exceptions import TimeoutError as TimedOut

from activities.repair import Runner, StepOrder, StepOutcome
from incident import identity
from incident.model import RepairState
from incident.reports import ApprovalLapsed, CheckAnswered, PollOver, Report, RunEnded, RunnerMissing, What
from workflows import queues, retries


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


@dataclass(frozen=True)
class RepairStart:
    """`checked`: the entry has a check that the runner may carry out without approval."""

    incident: str
    number: int
    title: str
    entry: str
    parameters: dict[str, str]
    digest: str
    runner: str
    checked: bool
    brief: RepairBrief


@workflow.defn
class RepairActionWorkflow:
    """Runs the check, closes the poll, lets an approval lapse, and has an approved action run at most once.

    Id: `incident-ID/repair-N`. Starting it runs nothing; the incident decides, and the runner asks the incident. Only the
    incident speaks to it (`see`). It ends when the action is settled, or with the incident.
    """

    @workflow.init
    def __init__(self, start: RepairStart) -> None:
        self._start = start
        self._brief = start.brief
        self._poll_closed: datetime | None = None
        self._ran = 0
        self._lost = False

    @workflow.run
    async def run(self, start: RepairStart) -> RepairState:
        chapters = [asyncio.create_task(c) for c in (self._check(), self._close_polls(), self._run_when_approved())]
        await workflow.wait_condition(lambda: self._over)
        for chapter in chapters:
            chapter.cancel()
        await workflow.wait(chapters)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._brief.state

    @workflow.signal
    def see(self, brief: RepairBrief) -> None:
        """The incident shows how it stands."""
        if brief.version > self._brief.version:
            self._brief = brief
            workflow.set_current_details(f"{self._start.title}: **{brief.state}**")

    @property
    def _over(self) -> bool:
        return self._brief.over or self._brief.state.settled or self._lost

    async def _check(self) -> None:
        if not self._start.checked:
            return
        try:
            outcome = await workflow.execute_activity_method(
                Runner.check,
                self._order,
                task_queue=queues.runner(self._start.runner),
                summary=retries.summary(f"check of {self._start.title}"),
                **retries.CHECK,
            )
            answer = outcome.text if outcome.ok else f"not all right: {outcome.text}"
        except ActivityError as failure:
            answer = f"could not be checked: {_why(failure)}"
        await self._report("check", CheckAnswered(self._start.number, answer))

    async def _close_polls(self) -> None:
        """The end of a window approves nothing; it is only said."""
        while True:
            await workflow.wait_condition(lambda: self._brief.polled_until not in (None, self._poll_closed))
            closed = self._poll_closed = self._brief.polled_until
            assert closed is not None
            await workflow.sleep(
                max(closed - workflow.now(), timedelta()),
                summary=f"the window for objections ends {closed:%H:%M:%S} UTC",
            )
            await self._report(f"poll/{closed:%m%dT%H%M%S}", PollOver(self._start.number))

    async def _run_when_approved(self) -> None:
        """Once an approval: the runner, or the clock of whoever owns a manual step."""
        while True:
            await workflow.wait_condition(lambda: self._approved and self._brief.approvals > self._ran)
            self._ran = self._brief.approvals
            if self._brief.automated:
                await self._have_it_run(self._ran)
            else:
                await self._await_start(self._ran)

    @property
    def _approved(self) -> bool:
        return self._brief.state is RepairState.APPROVED

    async def _await_start(self, approval: int) -> None:
        ends = self._brief.approval_ends or workflow.now()
        begun_or_void = lambda: not self._approved or self._brief.approvals != approval  # noqa: E731  # read twice below
        try:
            await workflow.wait_condition(
                begun_or_void,
                timeout=max(ends - workflow.now(), timedelta()),
                timeout_summary=f"approval lapses {ends:%H:%M:%S} UTC",
            )
        except TimeoutError:
            await self._report(f"lapsed/{approval}", ApprovalLapsed(self._start.number, approval))

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
                return  # void before any runner took it
            outcome = running.result()
            if outcome is not None:
                await self._report(f"ended/{approval}", outcome)
                return
            left = (self._brief.approval_ends or workflow.now()) - workflow.now()
            if left <= timedelta(seconds=1):
                await self._report(f"lapsed/{approval}", ApprovalLapsed(self._start.number, approval))
                return
            await self._report(
                f"missing/{approval}", RunnerMissing(self._start.number, queues.runner(self._start.runner))
            )
            wait = left

    async def _watch(self, running: asyncio.Task[RunEnded | None], approval: int) -> None:
        """An abort, or an approval that became void, cancels the activity."""
        waiting = (RepairState.APPROVED, RepairState.RUNNING)
        await workflow.wait_condition(
            lambda: self._brief.abort or self._brief.approvals != approval or self._brief.state not in waiting
        )
        running.cancel()

    async def _execute(self, wait: timedelta) -> RunEnded | None:
        """How the run ended; None when no runner took it, and so nothing ran."""
        terms = retries.Terms(**{**retries.RUN, "schedule_to_start_timeout": wait})
        try:
            outcome: StepOutcome = await workflow.execute_activity_method(
                Runner.run,
                self._order,
                task_queue=queues.runner(self._start.runner),
                summary=retries.summary(f"run: {self._start.title}"),
                **terms,
            )
        except ActivityError as failure:
            return self._after(failure)
        state = RepairState.ABORTED if outcome.aborted else RepairState.SUCCEEDED if outcome.ok else RepairState.FAILED
        return RunEnded(self._start.number, state, outcome.text)

    def _after(self, failure: ActivityError) -> RunEnded | None:
        cause = failure.cause
        if isinstance(cause, TimedOut):
            if cause.type is TimeoutType.SCHEDULE_TO_START:
                return None
            seen = "\n".join(str(line) for line in cause.last_heartbeat_details)
            return RunEnded(
                self._start.number, RepairState.UNKNOWN, f"the runner was lost. Last output: {seen or 'none'}"
            )
        if isinstance(cause, ApplicationError):
            return RunEnded(self._start.number, RepairState.FAILED, cause.message)
        if isinstance(cause, asyncio.CancelledError) or "ancel" in type(cause).__name__:
            raise asyncio.CancelledError
        return RunEnded(self._start.number, RepairState.UNKNOWN, _why(failure))

    @property
    def _order(self) -> StepOrder:
        return StepOrder(self._start.number, self._start.entry, self._start.parameters, self._start.digest)

    async def _report(self, key: str, what: What) -> None:
        incident = workflow.get_external_workflow_handle(identity.workflow_id(self._start.incident))
        try:
            await incident.signal("report", Report(f"repair-{self._start.number}", key, what))
        except ApplicationError:
            self._lost = True


def _why(failure: ActivityError) -> str:
    cause = failure.cause
    if isinstance(cause, TimedOut) and cause.type is TimeoutType.SCHEDULE_TO_START:
        return "no runner is alive"
    return cause.message if isinstance(cause, ApplicationError) else str(cause)
