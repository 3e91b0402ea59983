"""How the tasks of a workflow end: the one place that cancels, and that tells a cancellation from a failure.

A cancellation is raised once. Whatever catches it and goes on waits for ever, and two things catch it without being
asked: an activity that was cancelled raises `ActivityError`, as one that failed does (`raise_if_cancelled`), and a Signal
or a child that is being sent comes back as if nothing had been said (`complete`). A test holds that every `except` and
every Signal in `workflows` minds that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from workflows.waiting import wait_until

T = TypeVar("T")
Task = asyncio.Task[Any]
CANCELLED_AGAIN_AFTER = timedelta(seconds=15)
"""Longer than a runner takes to stop a command, and than a heartbeat that is missed takes to be noticed."""
CANCELLED_AT_MOST = 3


class Defect(RuntimeError):
    """An error that nobody expected. It fails the workflow task, which is retried and seen, never the workflow."""


async def end(tasks: Iterable[Task]) -> None:
    """Cancel them, in their order, and wait until all have ended. Raises Defect where one failed before it was cancelled.

    One that goes on all the same is cancelled again, and left behind in the end: a workflow that is over ends.
    """
    left = list(tasks)
    for _ in range(CANCELLED_AT_MOST):
        for task in left:
            task.cancel()
        ended = await wait_until(
            lambda: all(task.done() for task in left),
            within=CANCELLED_AGAIN_AFTER,
            summary="until what was cancelled has ended",
        )
        if ended:
            break
    else:
        workflow.logger.error("still there, though cancelled: %s", [task for task in left if not task.done()])
    raise_defects(left)


def failed(tasks: Iterable[Task]) -> bool:
    """Whether one has ended with an error that is no cancellation."""
    return any(_error(task) is not None for task in tasks)


def raise_defects(tasks: Iterable[Task]) -> None:
    """Raise what one of them has failed with. A failure of Temporal's would fail the workflow, so it becomes a Defect."""
    for task in tasks:
        if (error := _error(task)) is not None:
            if isinstance(error, FailureError):
                raise Defect(f"{task.get_name()}: {error!r}") from error
            raise error


def _error(task: Task) -> BaseException | None:
    if not task.done() or task.cancelled():
        return None
    error = task.exception()
    return None if error is None or is_cancelled_exception(error) else error


def raise_if_cancelled(error: BaseException) -> None:
    """For whoever catches the failure of an activity or a child: a cancelled one is no failure."""
    if is_cancelled_exception(error):
        raise asyncio.CancelledError from error


async def complete(operation: Coroutine[Any, Any, T]) -> T:
    """Await a Signal, or the start of a child, to its end; a cancellation that came meanwhile is raised then."""
    task = asyncio.create_task(operation)
    cancelled = False
    while not task.done():
        try:
            await workflow.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if not cancelled:
        return task.result()
    if not task.cancelled():
        task.exception()  # retrieved, or the loop complains
    raise asyncio.CancelledError


async def end_in_order(work: Coroutine[Any, Any, T], cancel_asked: Callable[[str], None]) -> T:
    """Do the whole work of a workflow. When somebody cancels it from outside, `cancel_asked` is told the reason, which
    makes the work come to its end; then the workflow ends as cancelled.
    """
    task = asyncio.create_task(work)
    asked = False
    while not task.done():
        try:
            await workflow.wait([task])
        except asyncio.CancelledError:
            reason = workflow.cancellation_reason()
            if reason is None or asked:
                raise  # the worker takes the workflow out of its cache
            asked = True
            cancel_asked(reason)
    result = task.result()
    if asked:
        raise asyncio.CancelledError
    return result
