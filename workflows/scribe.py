"""The scribe's workflow: the status stalk, and that the call is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError

from activities.monitoring import Monitoring, Watch
from incident.duties import scribe
from incident.duties.scribe import ScribeView
from incident.model import Status
from incident.reports import StatusSeen
from incident.severity import Role
from workflows import queues, retries, tasks
from workflows.role import Brief, RoleKeeper, RoleStart

ANEW_AFTER = timedelta(seconds=10)


@workflow.defn
class ScribeWorkflow:
    """Keeps the record, and watches the status: one activity that returns when it changes.

    Id: `incident-ID/scribe`. Ends with the incident, an hour after the call, until when the status is watched. Only the
    incident speaks to it (`see`); it reports to the incident.
    """

    @workflow.init
    def __init__(self, start: RoleStart[ScribeView]) -> None:
        self._keeper = RoleKeeper(Role.SCRIBE, start, scribe.duties)
        self._status: Status | None = start.status
        self._changes: list[datetime] = list(start.changes)
        self._flapping = start.flapping

    @workflow.run
    async def run(self, start: RoleStart[ScribeView]) -> None:
        stalk = asyncio.create_task(self._stalk())
        if await self._keeper.keep(stalk):
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(
                RoleStart(
                    start.incident, self._keeper.brief, self._keeper.done, self._status, self._changes, self._flapping
                )
            )

    @workflow.signal(dynamic=True)
    def receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        self._keeper.receive(name, arguments, Brief[ScribeView])

    async def _stalk(self) -> None:
        """Whoever stops the stalk stops the looking; a worker that dies only interrupts it."""
        while True:
            await workflow.wait_condition(lambda: self._keeper.view.watching and bool(self._keeper.view.sources))
            look = asyncio.create_task(self._look())
            stopped = asyncio.create_task(workflow.wait_condition(lambda: not self._keeper.view.watching))
            try:
                await workflow.wait([look, stopped], return_when=asyncio.FIRST_COMPLETED)
            finally:
                look.cancel()
                stopped.cancel()
            await workflow.wait([look])
            tasks.raise_defects([look])
            if not look.cancelled():
                await self._tell(look.result())

    async def _look(self) -> Status:
        view = self._keeper.view
        while True:
            try:
                return await workflow.execute_activity_method(
                    Monitoring.watch,
                    Watch(sources=view.sources, every=view.rules.every, seen=self._status),
                    task_queue=queues.WATCH,
                    summary=f"status stalk every {view.rules.every.total_seconds():.0f} s",
                    **retries.WATCHED,
                )
            except ActivityError as failure:
                tasks.raise_if_cancelled(failure)
                # 24 hours without a change end the activity, not the stalk.
                workflow.logger.info("the status stalk begins anew: %s", failure.cause)
                await workflow.sleep(ANEW_AFTER, summary="the status stalk begins anew")

    async def _tell(self, status: Status) -> None:
        before, self._status = self._status, status
        window = self._keeper.view.rules.flapping_within
        if before is not None and scribe.is_change(before, status):
            self._changes = [at for at in self._changes if status.at - at <= window] + [status.at]
        text, self._flapping = scribe.news(self._keeper.view.rules, before, status, self._changes, self._flapping)
        await self._keeper.report(
            f"status/{status.at:%m%dT%H%M%S%f}", StatusSeen(status, text, flapping=self._flapping)
        )
