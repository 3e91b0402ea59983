"""Whether something may have been done before: then it is looked for before it is done.

A later attempt says so itself. An activity that a reset made be begun again has attempt 1, and may have been done by the
run that the reset ended: it is known by the run that scheduled it, which stands in a header of each.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

RUN_HEADER = "run"
_scheduled_by: ContextVar[str] = ContextVar("scheduled_by")


def may_be_done() -> bool:
    """Whether an earlier attempt, or the run that was reset, may have got through. Outside of an activity nothing has."""
    return activity.in_activity() and (activity.info().attempt > 1 or begun_anew())


def begun_anew() -> bool:
    """Whether this is done for another run than the one that scheduled it, or for one that was reset before it did."""
    return _scheduled_by.get(activity.info().workflow_run_id) != activity.info().workflow_run_id


class AgainInterceptor(Interceptor):
    """Reads the header. Without one, from a worker of an older version, nothing is known to be done for the first time."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _ReadsHeader(next)


class _ReadsHeader(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # whatever the activity returns
        _scheduled_by.set(_run(input.headers.get(RUN_HEADER)))
        return await super().execute_activity(input)


def _run(header: Payload | None) -> str:
    try:
        return str(json.loads(header.data)) if header is not None else ""
    except ValueError:
        return ""
