"""An incident whose history does not replay heals itself.

A workflow whose history the code does not replay is stuck: its workflow task fails again and again, and nobody answers.
Each process that runs workflows looks for such ones. What it finds it replays with its own code; where the history
and the code disagree, the workflow is reset to the last workflow task that was completed before the event which the
replay names, and goes on from there: the server delivers all later Signals again, and what is done again is done once,
by its key (`activities.again`). When the new run fails as well, it is reset further back.

Nothing is reset where that would not help: when the history replays, when the code itself fails, or when a newer version
of the code has been at work. That is logged once, and `ic doctor` shows it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState, WorkflowExecutionStatus, WorkflowTaskFailedCause
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
    ResetWorkflowExecutionRequest,
)
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Interceptor, WorkflowRunner

from entrypoints.replaying import (
    MACHINES,
    CodeFails,
    Disagreement,
    Replay,
    cancel_requested,
    code_version,
    last_failure,
    newer_code,
    reset_point,
)

LOOK_EVERY = timedelta(seconds=3)
OFTEN = 3
"""The second attempt of a workflow task takes ten seconds to fail, as each after it. After the first, its failure tells."""
SURELY = 6
"""A worker that was stopped for a while leaves a task with some attempts behind, too."""
LOOKED_AT_ONCE = 100
PAUSE = 0.05
HEALED_AT_ONCE = 20
JITTER = 1.0
"""So that two processes that see the same do not act at the same moment, which would do no harm."""
FINISHED_WITHIN = 15.0
LOOPING = ("watch", "await_acknowledgement")
"""Activities that last, and only read."""
TRIES = 6
FAILS_AGAIN_WITHIN = 2.0
EXAMINED_AGAIN_AFTER = 60.0
REMEMBERED = 1000

_RUNNING = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
_STARTED = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
_NON_DETERMINISTIC = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stuck:
    """A workflow whose task was begun `attempts` times and not completed."""

    id: str
    run: str
    attempts: int


class Healer:
    """Looks after the workflows of `classes`, which this process runs with `runner` and `interceptors`."""

    def __init__(
        self, client: Client, classes: Sequence[type], runner: WorkflowRunner, interceptors: Sequence[Interceptor]
    ) -> None:
        self._client = client
        self._replay = Replay(client, classes, runner, interceptors)
        names = ", ".join(f'"{one.__name__}"' for one in classes)
        self._query = f'ExecutionStatus = "Running" AND WorkflowType IN ({names})'
        self._next: list[tuple[str, str]] = []
        self._examined: dict[str, float] = {}
        self._said: dict[str, str] = {}

    async def look(self) -> None:
        """Once: at what the server itself reports, and at the next hundred of all that run."""
        stuck = []
        for id, run in [*await self._reported(), *await self._some()]:
            if time.monotonic() >= self._examined.get(run, 0) + EXAMINED_AGAIN_AFTER:
                if (found := await self._look_at(id)) is not None:
                    stuck.append(found)
                await asyncio.sleep(PAUSE)
        turn = asyncio.Semaphore(HEALED_AT_ONCE)
        await asyncio.gather(*(self._heal(one, turn) for one in stuck))

    async def _look_at(self, id: str) -> Stuck | None:
        found = await self._describe(id)
        if found is None:
            return None
        attempts = found.pending_workflow_task.attempt
        if attempts >= OFTEN or (attempts > 1 and await self._failed_over_history(id)):
            return Stuck(id, found.workflow_execution_info.execution.run_id, attempts)
        return None

    async def _reported(self) -> list[tuple[str, str]]:
        """Whatever the number of workflows: a server that knows of this reports it, after some more attempts."""
        try:
            return await self._list(f"{self._query} AND TemporalReportedProblems IS NOT NULL")
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            return []

    async def _some(self) -> list[tuple[str, str]]:
        if not self._next:
            self._next = await self._list(self._query)
            random.shuffle(self._next)  # each process goes through them in another order
        some, self._next = self._next[:LOOKED_AT_ONCE], self._next[LOOKED_AT_ONCE:]
        return some

    async def _list(self, query: str) -> list[tuple[str, str]]:
        return [(run.id, run.run_id) async for run in self._client.list_workflows(query)]

    async def _describe(self, id: str) -> DescribeWorkflowExecutionResponse | None:
        """How its current run is; None when it has ended."""
        try:
            found = (await self._client.get_workflow_handle(id).describe()).raw_description
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None
        return found if found.workflow_execution_info.status == _RUNNING else None

    async def _failed_over_history(self, id: str) -> bool:
        """Whether the worker said of the first attempt that code and history disagree. Only of that it says anything."""
        newest = await self._client.workflow_service.get_workflow_execution_history_reverse(
            GetWorkflowExecutionHistoryReverseRequest(
                namespace=self._client.namespace, execution=WorkflowExecution(workflow_id=id), maximum_page_size=5
            )
        )
        failures = (event.workflow_task_failed_event_attributes for event in newest.history.events)
        return any(one.cause == _NON_DETERMINISTIC or MACHINES in one.failure.message for one in failures)

    async def _heal(self, stuck: Stuck, turn: asyncio.Semaphore) -> None:
        """One that fails in an unforeseen way does not keep the others waiting."""
        async with turn:
            try:
                await self._reset_until_it_goes_on(stuck)
            except (RPCError, asyncio.TimeoutError) as error:
                self._leave(stuck.id, stuck.run, f"could not be healed: {type(error).__name__}: {error}")

    async def _reset_until_it_goes_on(self, stuck: Stuck) -> None:
        """Reset it as often, and as far back, as it takes; what does not help is not done."""
        await asyncio.sleep(random.uniform(0, JITTER))  # noqa: S311  # there is nothing to guess
        run = stuck.run
        for _ in range(TRIES):
            history = await self._client.get_workflow_handle(stuck.id, run_id=run).fetch_history()
            found = await self._replay(history)
            if not isinstance(found, Disagreement) or found.later_change or newer_code(history, found.event):
                self._leave(stuck.id, run, _why_not(stuck, history, found))
                return
            point = reset_point(history, found.event)
            if point is None:
                self._leave(stuck.id, run, f"is stuck in its first task: {found.why}")
                return
            await self._let_finish(stuck.id)
            now = await self._describe(stuck.id)
            if now is None or now.workflow_execution_info.execution.run_id != run:
                return  # another process, or somebody, was quicker
            run = await self._reset(stuck.id, run, point, found.why)
            if cancel_requested(history, point):  # the one request that a reset forgets
                await self._client.get_workflow_handle(stuck.id, run_id=run).cancel()
            await asyncio.sleep(FAILS_AGAIN_WITHIN)
            again = await self._describe(stuck.id)
            if again is None or again.pending_workflow_task.attempt < 2:
                return
        self._leave(stuck.id, run, f"is stuck: {TRIES} resets, each further back, did not help")

    async def _reset(self, id: str, run: str, point: int, why: str) -> str:
        """The run that goes on.

        The server is told the workflow and not the run: should another one be current by now, nothing that it was told
        is lost. The server takes no notice of a request id (1.32); it is the same for all who make this request.
        """
        _log.warning("%s does not replay and is reset to event %d: %s", id, point, why)
        answer = await self._client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self._client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=id),
                reason=f"its history did not replay: {why}",
                workflow_task_finish_event_id=point,
                request_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{id}/{run}/{point}")),
            )
        )
        return answer.run_id

    async def _let_finish(self, id: str) -> None:
        """What is being done at this moment would be done a second time beside itself. Done, it is found."""
        ends = time.monotonic() + FINISHED_WITHIN
        while (found := await self._describe(id)) is not None and time.monotonic() < ends:
            if not any(a.state == _STARTED and a.activity_type.name not in LOOPING for a in found.pending_activities):
                return
            await asyncio.sleep(0.2)

    def _leave(self, id: str, run: str, why: str) -> None:
        """Say it once. It is examined again later: by then there may be another reason."""
        self._examined[run] = time.monotonic()
        if why and self._said.get(run) != why:
            self._said[run] = why
            _log.error("%s %s", id, why)
        for kept in (self._examined, self._said):
            while len(kept) > REMEMBERED:
                del kept[next(iter(kept))]


def _why_not(stuck: Stuck, history: WorkflowHistory, found: Disagreement | CodeFails | None) -> str:
    """Why a reset would not help; nothing while it may be a mere delay."""
    match found:
        case Disagreement(event=event, why=why):
            newer = newer_code(history, event) or "with a change that is not in this one"
            return f"was carried on by a newer version of the code ({newer}); {code_version()} leaves it alone: {why}"
        case CodeFails(why=why):
            return f"is stuck, because the code fails: {why}"
        case None if stuck.attempts >= SURELY:
            return f"replays with {code_version()}, and yet its task fails: {last_failure(history)}"
    return ""
