"""What a story left behind, judged from outside alone: what the services received, `ic show --json`, Temporal's histories."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus

from entrypoints.replaying import Replay
from incident import identity
from tests.stories.copy import Copy
from tests.stories.program import ic
from worker import INTERCEPTORS, WORKFLOWS, workflow_runner

IN_ORDER = (WorkflowExecutionStatus.COMPLETED, WorkflowExecutionStatus.CONTINUED_AS_NEW)
HARMLESS = (
    # What happened while a task was under way is looked at before the workflow ends or begins anew.
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
)

STOOD_STILL = "[TMPRL1101]"
"""The SDK's detection of deadlocks goes by the clock: a worker that was stopped in the middle of a task for more than two
seconds is taken for one. The task is tried again at once, and the history says so."""


async def shown(copy: Copy) -> dict[str, Any]:
    """The incident, as anybody reads it."""
    code, out, err = await ic(copy, "show", "--json", "--incident", copy.incident)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


async def wrong_outside(copy: Copy) -> list[str]:
    """What reached somebody twice, and which pages were left open."""
    wrong: list[str] = []
    incidents = [
        one for one in await copy.control("GET", "pagerduty/incidents") if one["incident_key"].startswith("incident-")
    ]
    wrong += _twice("paged", Counter(one["incident_key"] for one in incidents))
    wrong += [f"never resolved: {one['incident_key']}" for one in incidents if one["status"] != "resolved"]
    for room in await copy.control("GET", "slack/rooms"):
        payloads = [message.get("metadata", {}).get("event_payload", {}) for message in room["messages"]]
        keys = [key for one in payloads for key in one.get("says") or ([one["key"]] if "key" in one else [])]
        wrong += _twice(f"said in #{room['name']}", Counter(keys))
        wrong += _twice(f"bookmarked in #{room['name']}", Counter(one["link"] for one in room["bookmarks"]))
    entries = await copy.control("GET", "statuspage")
    if len(entries) > 1:
        wrong.append(f"{len(entries)} entries on the status page")
    wrong += _twice("on the status page", Counter(u["body"] for one in entries for u in one["incident_updates"]))
    wrong += _twice("on X", Counter(one["text"] for one in await copy.control("GET", "x")))
    return wrong


def _twice(what: str, counted: Counter[str]) -> list[str]:
    return [f"{what} {times} times: {key}" for key, times in counted.items() if times > 1]


async def executions(copy: Copy) -> list[WorkflowExecution]:
    return [run async for run in copy.client.list_workflows("")]


async def wrong_inside(copy: Copy) -> list[str]:
    """Workflows that have not ended in order, tasks that failed, histories that do not replay."""
    wrong: list[str] = []
    classes = [kind for each in WORKFLOWS.values() for kind in each]
    replay = Replay(copy.client, classes, workflow_runner(), INTERCEPTORS)
    for run in await executions(copy):
        name = f"{run.id} ({run.run_id[-6:]})"
        living = run.id.endswith("/after") and run.status is WorkflowExecutionStatus.RUNNING
        if run.status not in IN_ORDER and not living:
            wrong.append(f"{name} is {run.status.name.lower() if run.status else 'nowhere'}")
        handle = copy.client.get_workflow_handle(run.id, run_id=run.run_id)
        history = await handle.fetch_history()
        for event in history.events:
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                failed = event.workflow_task_failed_event_attributes
                stood_still = failed.failure.message.startswith(STOOD_STILL)
                if failed.cause not in HARMLESS and not stood_still:
                    cause = WorkflowTaskFailedCause.Name(failed.cause)
                    wrong.append(f"{name}: its task {event.event_id} failed: {cause} {failed.failure.message[:300]}")
        if (found := await replay(history)) is not None:
            wrong.append(f"{name} does not replay: {found}")
    return wrong


def incident_workflows(runs: list[WorkflowExecution]) -> set[str]:
    return {identity.incident_of(run.id) for run in runs if run.workflow_type == "IncidentWorkflow"}
