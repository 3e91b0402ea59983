"""The customer liaison's workflow: drafts in time, the approved text to the status page."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from incident.duties import customer_liaison
from incident.duties.customer_liaison import CustomerLiaisonView
from incident.severity import Role
from workflows.role import Brief, RoleKeeper, RoleStart


@workflow.defn
class CustomerLiaisonWorkflow:
    """Writes what customers read, and publishes what the IC approved.

    Id: `incident-ID/customer-liaison`. Ends with the incident, an hour after the call. Only the incident speaks to it (`see`); it
    reports to the incident.
    """

    @workflow.init
    def __init__(self, start: RoleStart[CustomerLiaisonView]) -> None:
        self._keeper = RoleKeeper(Role.CUSTOMER_LIAISON, start, customer_liaison.duties)

    @workflow.run
    async def run(self, start: RoleStart[CustomerLiaisonView]) -> None:
        if await self._keeper.keep():
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(RoleStart(start.incident, self._keeper.brief, self._keeper.done))

    @workflow.signal(dynamic=True)
    def receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        self._keeper.receive(name, arguments, Brief[CustomerLiaisonView])
