"""Starting a workflow under an id that somebody else may have taken: an incident never fails for a child."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.executions import Execution, describe_execution
from incident.model import Incident
from workflows import queues, retries, tasks

FREE_AFTER = timedelta(seconds=1)


@dataclass(frozen=True)
class Child:
    """Where it runs. `handle` is there when this run of the incident has started it."""

    id: str
    run_id: str
    handle: workflow.ChildWorkflowHandle[Any, Any] | None = None


def id_of(incident: Incident, usual: str) -> str:
    """Under which id the child runs that usually runs under `usual`."""
    return incident.other_ids.get(usual, usual)


async def start_child(incident: Incident, kind: str, start: object, usual: str, **terms: Any) -> Child:
    """Start a child of the incident. One that this incident has started already is taken on, whether it has ended or not.

    That one is there after a reset: what it has done, a second one would do again. Where something else stands under the id it gets another, which nobody can guess, and the channel is told.
    """
    id = id_of(incident, usual)
    while True:
        try:
            handle = await begin(kind, start, id, id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE, **terms)
        except WorkflowAlreadyStartedError:
            found = await whose(id)
        else:
            return Child(id, handle.first_execution_run_id or "", handle)
        if found is None:
            await workflow.sleep(FREE_AFTER, summary=retries.summary(f"{id} is free again"))
            continue
        if is_ours(found, kind):
            return Child(id, found.run_id)
        taken, id = id, f"{usual}/{workflow.uuid4().hex[:8]}"
        incident.other_ids[usual] = id
        text = f"`{taken}` is taken by a workflow that is not ours ({found.type}): `{id}` runs in its place."
        incident.say(text, workflow.now())
        incident.log("id taken", text, workflow.now(), source="workflow")


async def begin(kind: str, start: object, id: str, **terms: Any) -> workflow.ChildWorkflowHandle[Any, Any]:
    """A child that outlives its parent. Raises WorkflowAlreadyStartedError."""
    starting = workflow.start_child_workflow(
        kind, start, id=id, parent_close_policy=ParentClosePolicy.ABANDON, **({"task_queue": queues.ROLES} | terms)
    )
    return await tasks.complete(starting)


async def whose(id: str) -> Execution | None:
    """What stands under an id."""
    return await workflow.execute_activity(
        describe_execution,
        id,
        task_queue=queues.INCIDENT,
        summary=retries.summary(f"whose is {id}"),
        **retries.LOOK_UP,
    )


def is_ours(found: Execution, kind: str) -> bool:
    """The server records who started it: nobody can start a child of this incident by hand."""
    return found.parent == workflow.info().workflow_id and found.type == kind
