"""What an activity answers, read where a fault can be handled.

Anybody with access to the namespace can complete a pending activity by its id, with whatever they like. The SDK reads a
result before any code of the workflow runs, so one that cannot be read would hold the workflow for ever. Here results
arrive raw, and an unreadable one is a failure of that activity like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, RetryState
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

UNREADABLE = "Unreadable"


class ReadResults(Interceptor):
    """For each worker, and wherever histories are replayed."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        kind, input.ret_type = input.ret_type, RawValue
        handle = super().start_activity(input)
        # To its callers a handle is a task that cancels its activity, which this is.
        return cast("workflow.ActivityHandle[Any]", _Reading(handle, _read(handle, input.activity, kind)))


class _Reading(asyncio.Task[Any]):
    """The activity, and the reading of its result; cancelling it cancels the activity."""

    def __init__(self, activity: workflow.ActivityHandle[Any], reading: Coroutine[Any, Any, Any]) -> None:
        super().__init__(reading)
        self._activity = activity
        # As the SDK does with each task: one that is pending when its workflow leaves the cache is no fault.
        self._log_destroy_pending = False

    def cancel(self, msg: Any | None = None) -> bool:
        # Not the reading: cancelled before its first step it would leave the activity running.
        return self._activity.cancel(msg)


async def _read(activity: workflow.ActivityHandle[Any], name: str, kind: Any) -> Any:  # a type, or none
    answer = await activity
    if not isinstance(answer, RawValue):
        return answer
    try:
        return workflow.payload_converter().from_payload(answer.payload, kind)
    except Exception as fault:  # noqa: BLE001  # whatever a converter raises about bytes that anybody may send
        error = ActivityError(
            "Activity task failed",
            scheduled_event_id=0,
            started_event_id=0,
            identity="",
            activity_type=name,
            activity_id="",
            retry_state=RetryState.NON_RETRYABLE_FAILURE,
        )
        why = f"the answer of {name} cannot be read ({type(fault).__name__})"
        raise error from ApplicationError(why, type=UNREADABLE, non_retryable=True)
