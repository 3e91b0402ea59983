"""The deputy's workflow: minute marks, task clocks, what nobody answered."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from incident.duties import deputy
from incident.duties.deputy import DeputyView
from incident.severity import Role
from workflows.role import Brief, RoleKeeper, RoleStart


@workflow.defn
class DeputyWorkflow:
    """Keeps the timers and brings things to the IC's attention.

    Id: `incident-ID/deputy`. Ends with the incident, an hour after the call. Only the incident speaks to it (`see`); it
    reports to the incident.
    """

    @workflow.init
    def __init__(self, start: RoleStart[DeputyView]) -> None:
        self._keeper = RoleKeeper(Role.DEPUTY, start, deputy.duties)

    @workflow.run
    async def run(self, start: RoleStart[DeputyView]) -> None:
        if await self._keeper.keep():
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(RoleStart(start.incident, self._keeper.brief, self._keeper.done))

    @workflow.signal(dynamic=True)
    def receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        self._keeper.receive(name, arguments, Brief[DeputyView])
