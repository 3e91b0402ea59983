"""A sub-team's workflow: it holds the letter, and speaks in the team's own room."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from incident.duties import sub_team
from incident.duties.sub_team import SubTeamView
from workflows.role import Brief, RoleKeeper, RoleStart


@workflow.defn
class SubTeamWorkflow:
    """One team at work.

    Id: `sub-team-LETTER`, for all incidents: that is what makes a letter taken while any of them uses it. Only the
    incident speaks to it (`see`). It ends when the team is closed, with the incident at the latest; one whose incident is
    gone finds that out when its time is up.
    """

    @workflow.init
    def __init__(self, start: RoleStart[SubTeamView]) -> None:
        self._keeper = RoleKeeper(start.brief.view.title, start, sub_team.duties)

    @workflow.run
    async def run(self, start: RoleStart[SubTeamView]) -> None:
        if await self._keeper.keep():
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(RoleStart(start.incident, self._keeper.brief, self._keeper.done))

    @workflow.signal(dynamic=True)
    def receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        self._keeper.receive(name, arguments, Brief[SubTeamView])
