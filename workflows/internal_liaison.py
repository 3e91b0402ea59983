"""The internal liaison's workflow: executive summaries and stakeholders."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from incident.duties import internal_liaison
from incident.duties.internal_liaison import InternalLiaisonView
from incident.severity import Role
from workflows.role import Brief, RoleKeeper, RoleStart


@workflow.defn
class InternalLiaisonWorkflow:
    """Tells executives and stakeholders.

    Id: `incident-ID/internal-liaison`. Ends with the incident, an hour after the call. Only the incident speaks to it (`see`); it
    reports to the incident.
    """

    @workflow.init
    def __init__(self, start: RoleStart[InternalLiaisonView]) -> None:
        self._keeper = RoleKeeper(Role.INTERNAL_LIAISON, start, internal_liaison.duties)

    @workflow.run
    async def run(self, start: RoleStart[InternalLiaisonView]) -> None:
        if await self._keeper.keep():
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(RoleStart(start.incident, self._keeper.brief, self._keeper.done))

    @workflow.signal(dynamic=True)
    def receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        self._keeper.receive(name, arguments, Brief[InternalLiaisonView])
