"""A worker whose activities never report: what they did stands outside, and the server hears nothing of it.

python -m tests.stories.held, with the arguments of `python -m worker`. Of each activity that `HELD` names, the first
that has done its work is held back, and a file of that name in the folder `HELD_IN` says so. It is for whoever started
this to kill it then.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

import worker
from activities import pagerduty, social
from workflows import retries

MISSED_AFTER = timedelta(seconds=5)
ANSWERS_WITHIN = 3
"""Shorter than an attempt may take, as in the product: what is tried again is not still under way."""
BEATS_MISSED_AFTER = timedelta(seconds=3)


class Hold(Interceptor):
    """Holds back what has been done."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Held(next)


class _Held(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # whatever the activity returns
        outcome = await super().execute_activity(input)
        kind = activity.info().activity_type
        if kind in os.environ["HELD"].split(","):
            with contextlib.suppress(FileExistsError):
                (Path(os.environ["HELD_IN"]) / kind).touch(exist_ok=False)
                await asyncio.Event().wait()
        return outcome


def hurry() -> None:
    """A worker that died is missed sooner than after the 15 s of most activities."""
    every = [terms for terms in vars(retries).values() if isinstance(terms, dict) and "start_to_close_timeout" in terms]
    for terms in every:
        if "heartbeat_timeout" in terms:
            terms["heartbeat_timeout"] = BEATS_MISSED_AFTER
        else:
            terms["start_to_close_timeout"] = min(terms["start_to_close_timeout"], MISSED_AFTER)
    worker.OUTSIDE_WITHIN = ANSWERS_WITHIN
    pagerduty.PagerDuty.timeout = social.WITHIN = float(ANSWERS_WITHIN)


if __name__ == "__main__":
    hurry()
    worker.INTERCEPTORS = (*worker.INTERCEPTORS, Hold())  # type: ignore[assignment]  # one more than the product has
    sys.exit(worker.main(sys.argv[1:]))
