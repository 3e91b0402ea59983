"""What Temporal knows of a workflow that stands under an id which the product needs for one of its own."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from activities import errors


@dataclass(frozen=True)
class Execution:
    """`parent` is the id of the workflow that started it, as the server recorded it; empty when it was started by hand.

    `run_id` is its first run.
    """

    type: str
    parent: str
    run_id: str
    running: bool


@activity.defn
async def describe_execution(workflow_id: str) -> Execution | None:
    """None when nothing stands there any more."""
    try:
        found = await activity.client().get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise errors.unavailable("Temporal", error.status.name.lower()) from None
    first = found.raw_description.workflow_execution_info.first_run_id or found.run_id
    return Execution(found.workflow_type, found.parent_id or "", first, found.close_time is None)
