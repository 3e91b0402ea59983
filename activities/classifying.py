"""Around every activity: whatever it raises leaves it as an error of the one table (`activities.errors`)."""

from __future__ import annotations

from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities import errors


class Classifying(Interceptor):
    """`tries` is how often something unforeseen is tried; None, for what only looks: without end, with growing pauses."""

    def __init__(self, tries: int | None = errors.TRIES) -> None:
        self._tries = tries

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Classified(next, self._tries)


class _Classified(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, tries: int | None) -> None:
        super().__init__(next)
        self._tries = tries

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await self.next.execute_activity(input)
        except Exception as fault:
            if isinstance(fault, FailureError) and not isinstance(fault, ApplicationError):
                raise  # cancelled
            error = errors.classified(fault, activity.info().attempt, self._tries)
            if error is fault:
                raise
            activity.logger.error("%s", error.message, exc_info=fault)
            # Without the fault itself: its text would stand in the history.
            raise error from None
