"""The incident's side of its roles: it starts them, shows them the incident, and dismisses them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from incident import identity
from incident.duties import customer_liaison, deputy, internal_liaison, scribe
from incident.model import Incident
from incident.severity import Role
from workflows import retries, search_attributes, starting, tasks
from workflows.customer_liaison import CustomerLiaisonWorkflow
from workflows.deputy import DeputyWorkflow
from workflows.internal_liaison import InternalLiaisonWorkflow
from workflows.role import Brief, RoleStart, View
from workflows.scribe import ScribeWorkflow
from workflows.versions import next_version
from workflows.waiting import wait_until

WORKFLOWS: dict[Role, Any] = {  # four classes of one shape; the SDK's types know no such family
    Role.DEPUTY: DeputyWorkflow,
    Role.SCRIBE: ScribeWorkflow,
    Role.CUSTOMER_LIAISON: CustomerLiaisonWorkflow,
    Role.INTERNAL_LIAISON: InternalLiaisonWorkflow,
}
VIEWS: dict[Role, Callable[..., View]] = {
    Role.DEPUTY: deputy.view,
    Role.SCRIBE: scribe.view,
    Role.CUSTOMER_LIAISON: customer_liaison.view,
    Role.INTERNAL_LIAISON: internal_liaison.view,
}


ENDED_WITHIN = timedelta(seconds=45)
"""Longer than an attempt to publish takes, which is awaited because it may get through."""


class Staff:
    """A role sees its whole cut of the incident with a version, only when it changed, one Signal in flight.

    `settled` is called when none is in flight any more: who waits for that to begin a new history would wait for ever.
    """

    def __init__(
        self, incident: Incident, versions: dict[str, int], *, goes_on: bool, settled: Callable[[], None]
    ) -> None:
        self._incident = incident
        self._versions = versions
        self._started = goes_on
        self._settled = settled
        self._seen: dict[Role, View] = {}
        self._looked: dict[Role, bool] = dict.fromkeys(WORKFLOWS, goes_on)
        self._children: dict[Role, workflow.ChildWorkflowHandle[Any, Any]] = {}
        self._showing = 0
        self._paused = False
        self._gone: list[Role] = []
        self._over = False

    def look(self) -> None:
        """Something changed; each role's view is compared with what it has."""
        for role in self._looked:
            self._looked[role] = True

    def pause(self, *, paused: bool = True) -> None:
        """No new Signal from here on; the next history shows each role how it stands then.

        Taken back when there is none after all: whoever waits for the roles to have seen something would wait for ever.
        """
        self._paused = paused

    @property
    def idle(self) -> bool:
        return self._started and not self._showing

    async def serve(self) -> None:
        """Start the roles, then keep them informed, each at its own pace. Cancelled by the incident's end."""
        if not self._started:
            # Four more workflows are not to stand between a hundred declarations and their pages.
            await workflow.wait_condition(lambda: self._over or self._pages_are_answered)
            if self._over:
                self._gone = list(WORKFLOWS)  # it is over before anybody had to be told anything
            else:
                await asyncio.gather(*(self._start(role) for role in WORKFLOWS))
            self._started = True
        await asyncio.gather(*(self._inform(role) for role in WORKFLOWS))

    @property
    def _pages_are_answered(self) -> bool:
        return all(page.paged_at or page.failing for page in self._incident.pages.values())

    async def dismiss(self) -> None:
        """The last view they get says that it is over."""
        self._over = True
        self.pause(paused=False)
        await workflow.wait_condition(lambda: self._started)
        self.look()
        await workflow.wait_condition(lambda: not any(self._looked.values()))
        # Their ends are events of this history, and one that arrives as it closes would have it closed twice over.
        await wait_until(
            lambda: all(child.done() for child in self._children.values()),
            within=ENDED_WITHIN,
            summary="until the roles have ended",
        )

    async def _start(self, role: Role) -> None:
        view = VIEWS[role](self._incident, over=False)
        self._seen[role] = view
        child = await starting.start_child(
            self._incident,
            WORKFLOWS[role].__name__,
            RoleStart[View](self._incident.id, Brief(0, view)),
            identity.role_workflow_id(self._incident.id, role),
            static_summary=retries.summary(f"{role.label} of {self._incident.label}"),
            search_attributes=search_attributes.of_kind("role"),
        )
        if child.handle is not None:
            self._children[role] = child.handle

    async def _inform(self, role: Role) -> None:
        while True:
            # Handlers may change the incident while a Signal is on its way: then there is another look.
            await workflow.wait_condition(lambda: (self._looked[role] and not self._paused) or self._has_ended(role))
            if self._has_ended(role):
                # By somebody from outside; or it was reset and lives on. The next Signal shows which.
                del self._children[role], self._seen[role]
            view: View = VIEWS[role](self._incident, over=self._over)
            if role not in self._gone and view != self._seen.get(role):
                await self._show(role, view)
            if view == VIEWS[role](self._incident, over=self._over):
                self._looked[role] = False

    async def _show(self, role: Role, view: View) -> None:
        child = starting.id_of(self._incident, identity.role_workflow_id(self._incident.id, role))
        brief = Brief(next_version(self._versions, child), view)
        self._seen[role] = view
        self._showing += 1
        try:
            await tasks.complete(workflow.get_external_workflow_handle(child).signal("see", brief))
        except ApplicationError:
            self._say_gone(role)
        finally:
            self._showing -= 1
            self._settled()

    def _has_ended(self, role: Role) -> bool:
        """Before it was told that it is over."""
        return not self._over and role in self._children and self._children[role].done()

    def _say_gone(self, role: Role) -> None:
        self._gone.append(role)
        if not self._over:
            text = f"The {role.label.lower()}'s timers are gone: its workflow was ended from outside."
            self._incident.say(text, workflow.now())
            self._incident.log("role gone", text, workflow.now(), source="workflow")
