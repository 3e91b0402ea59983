"""Send a command as a Signal, and read its answer in the workflow's memo.

Describe reads a memo without asking a worker. All who wait in this process for answers of one workflow share one
Describe; it is repeated quickly at first, then more slowly.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Iterator
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from incident import answers
from incident.answers import Reply

PAUSES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.25)
"""Seconds between looks; the last one is repeated."""
RPC_WITHIN = 5.0


class Unanswered(Exception):
    """Sent, and no answer came in time; it may still happen."""


class Ended(Exception):
    """The workflow has ended, and there is no answer."""


class CommandAnswers:
    """One for each client of a process."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: dict[str, _Reader] = {}

    async def ask(self, workflow_id: str, verb: str, id: str, message: Any, *, within: float) -> Reply:
        """Send `message` as the Signal `verb`, and wait up to `within` seconds for the answer to `id`.

        Raises RPCError when it was not sent, Unanswered and Ended when it was.
        """
        await self._client.get_workflow_handle(workflow_id).signal(verb, message)
        reader = self._waiting.get(workflow_id)
        if reader is None or reader.done:
            reader = self._waiting[workflow_id] = _Reader(self._client, workflow_id)
        return await reader.wait(verb, id, within)


class _Reader:
    """Looks at one workflow's memo for as long as somebody waits for something in it."""

    def __init__(self, client: Client, workflow_id: str) -> None:
        self._handle = client.get_workflow_handle(workflow_id)
        self._wanted: dict[tuple[str, str], asyncio.Future[Reply]] = {}
        self._pauses = _pauses()
        self._looking = asyncio.create_task(self._look_until_all_have_it())

    @property
    def done(self) -> bool:
        return self._looking.done()

    async def wait(self, verb: str, id: str, within: float) -> Reply:
        wanted = self._wanted.setdefault((verb, id), asyncio.get_running_loop().create_future())
        self._pauses = _pauses()
        try:
            # Shielded: somebody else may wait for the same command, sent twice under one id.
            return await asyncio.wait_for(asyncio.shield(wanted), within)
        except asyncio.TimeoutError:
            self._wanted.pop((verb, id), None)
            raise Unanswered from None

    async def _look_until_all_have_it(self) -> None:
        await asyncio.sleep(next(self._pauses))
        while self._wanted:
            await self._look()
            if self._wanted:
                await asyncio.sleep(next(self._pauses))

    async def _look(self) -> None:
        began = time.monotonic()
        try:
            described = await asyncio.wait_for(self._handle.describe(), RPC_WITHIN)
            memo = await described.memo()
        except Exception as error:  # noqa: BLE001  # an odd memo, too, is met by whoever waits as no answer in time
            # The server blinks: who waits goes on waiting. A workflow that is gone stays gone.
            if not isinstance(error, (RPCError, asyncio.TimeoutError)):
                logging.getLogger(__name__).warning("a memo was not read: %r", error)
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                self._give_up()
            elif time.monotonic() - began < PAUSES[-1]:
                await asyncio.sleep(PAUSES[-1])
            return
        for verb, id in list(self._wanted):
            if (reply := answers.read(memo, verb, id)) is not None:
                self._settle(self._wanted.pop((verb, id)), reply)
        if described.status is not WorkflowExecutionStatus.RUNNING:
            self._give_up()

    def _settle(self, wanted: asyncio.Future[Reply], outcome: Reply | Exception) -> None:
        if wanted.done():
            return
        if isinstance(outcome, Exception):
            wanted.set_exception(outcome)
            wanted.exception()  # whoever waited may have left
        else:
            wanted.set_result(outcome)

    def _give_up(self) -> None:
        for wanted in self._wanted.values():
            self._settle(wanted, Ended())
        self._wanted.clear()


def _pauses() -> Iterator[float]:
    return itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
