"""Which workflows are stuck, and which were reset of late: read from the server, for `ic doctor`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client, WorkflowExecution, WorkflowHistoryEventFilterType
from temporalio.service import RPCError, RPCStatusCode

OFTEN = 3
"""Attempts of one workflow task. A worker that was stopped for a while leaves two behind."""
OF_LATE = timedelta(hours=24)
LOOKED_AT = 300
AT_ONCE = 20
OURS = "DpKind IS NOT NULL"


@dataclass(frozen=True)
class Found:
    """`stuck`: ids, with the attempts in a row. `reset`: ids, with when it was and why."""

    stuck: dict[str, int]
    reset: dict[str, tuple[datetime, str]]


async def find(client: Client) -> Found:
    """Of the newest workflows of ours."""
    since = f"{datetime.now(UTC) - OF_LATE:%Y-%m-%dT%H:%M:%SZ}"
    running = f'{OURS} AND ExecutionStatus = "Running"'
    ended = f'{OURS} AND ExecutionStatus = "Terminated" AND CloseTime > "{since}"'
    stuck: dict[str, int] = {}
    reset: dict[str, tuple[datetime, str]] = {}
    for run, described in await _described(client, running):
        if (attempts := described.pending_workflow_task.attempt) >= OFTEN:
            stuck[run.id] = attempts
    for run, described in await _described(client, ended):
        if described.workflow_extended_info.reset_run_id and run.close_time and run.id not in reset:
            reset[run.id] = run.close_time, await _reason(client, run)
    return Found(stuck, reset)


async def _described(client: Client, query: str) -> list[tuple[WorkflowExecution, DescribeWorkflowExecutionResponse]]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def describe(run: WorkflowExecution) -> DescribeWorkflowExecutionResponse | None:
        async with turn:
            try:
                found = await client.get_workflow_handle(run.id, run_id=run.run_id).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return None
            return found.raw_description

    runs = [run async for run in client.list_workflows(query, limit=LOOKED_AT)]
    found = await asyncio.gather(*(describe(run) for run in runs))
    return [(run, one) for run, one in zip(runs, found, strict=True) if one is not None]


async def _reason(client: Client, run: WorkflowExecution) -> str:
    """What was said when the run was ended for the one in its place."""
    last = [
        event
        async for event in client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events(
            event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT
        )
    ]
    return last[-1].workflow_execution_terminated_event_attributes.reason if last else ""
