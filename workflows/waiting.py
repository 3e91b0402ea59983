"""One wait with a time limit, the same under every Python.

`asyncio.wait_for`, `asyncio.timeout` and `workflow.wait_condition(timeout=…)`, which awaits the first, were rewritten in
Python 3.12: they take another number of turns of the event loop, so that commands come in another order. A history
recorded on 3.11 then does not replay on 3.13, or the other way. A test holds that no workflow uses them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow


async def wait_until(condition: Callable[[], bool], *, within: timedelta, summary: str) -> bool:
    """Wait until `condition` holds; False when it still does not after `within`.

    `condition` is asked again and again and changes nothing. `summary` stands on the timer in the history. No timer is
    started where there is nothing to wait for.
    """
    if condition() or within <= timedelta(0):
        return condition()
    timer = asyncio.create_task(workflow.sleep(within, summary=summary))
    try:
        await workflow.wait_condition(lambda: timer.done() or condition())
    finally:
        timer.cancel()
    return condition()
