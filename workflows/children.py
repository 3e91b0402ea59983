"""The workflows that an incident starts and tells: repair actions, sub-teams, the weeks after, another incident."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from incident import declaring, identity, notices, repairs, settling, wording
from incident import effects as want
from incident.catalogue import CatalogueEntry, StepName
from incident.duties import sub_team
from incident.model import Incident, Origin, RepairState, Trigger
from workflows import retries, rooms, search_attributes, starting, tasks
from workflows.after_input import AfterStart
from workflows.after_input import brief as after_brief
from workflows.incident_input import IncidentInput
from workflows.queues import INCIDENT
from workflows.repair_action import RepairActionWorkflow, RepairBrief, RepairStart
from workflows.resets import resets
from workflows.role import Brief, RoleStart
from workflows.sub_team import SubTeamWorkflow
from workflows.versions import next_version
from workflows.waiting import wait_until

LETTER_FREE_WITHIN = timedelta(seconds=5)
STOPPED_WITHIN = timedelta(seconds=30)
"""A runner stops a command within a few seconds; one that is lost is noticed by its heartbeats within ten."""


async def carry_out(effect: want.Effect, incident: Incident, versions: dict[str, int]) -> None:
    """What starts a workflow of its own, or tells one."""
    match effect:
        case want.StartRepair(number=number):
            await _start_repair(incident, number)
        case want.TellRepair(number=number):
            start = f"repair/{number}/start"
            await workflow.wait_condition(
                lambda: bool(incident.repairs[number].run_id) or start not in incident.effects
            )
            if incident.repairs[number].run_id:
                await _tell_repair(incident, number, versions, over=False)
        case want.StartTeam(team=key):
            await _start_team(incident, key)
        case want.TellTeam(team=key):
            await _tell_team(incident, key, versions)
        case want.DeclareSeparately(number=number):
            await _declare_separately(incident, incident.triggers[number])
        case want.BeginAfter() | want.TellAfter():
            await _come_after(effect, incident, versions)
        case _:
            await rooms.carry_out(effect, incident)


async def _come_after(effect: want.BeginAfter | want.TellAfter, incident: Incident, versions: dict[str, int]) -> None:
    """Its workflow lives on for weeks, so nobody's end is its end; what it is shown is numbered."""
    after, usual = incident.after, identity.after_workflow_id(incident.id)
    assert after is not None
    begins = isinstance(effect, want.BeginAfter)
    await workflow.wait_condition(lambda: after.started or begins or "begin-after" not in incident.effects)
    if not after.started:
        await starting.start_child(
            incident,
            "AfterIncidentWorkflow",
            AfterStart(after_brief(incident, 0)),
            usual,
            static_summary=retries.summary(f"after {incident.label}"),
            search_attributes=search_attributes.of_kind("after"),
        )
        after.started = True
    child = starting.id_of(incident, usual)
    version = next_version(versions, child)
    if begins:
        return
    seen = after_brief(incident, version)
    try:
        await tasks.complete(workflow.get_external_workflow_handle(child).signal("see", seen))
    except ApplicationError as failure:
        workflow.logger.warning("what comes after was ended from outside: %s", failure.message)
        settling.after_gone(incident, workflow.now())


async def _declare_separately(incident: Incident, trigger: Trigger) -> None:
    """Its own workflow, which lives on whatever becomes of this one. Started twice, it is one.

    Where something else stands under its id, it has a longer one.
    """
    for words in itertools.count(trigger.became.count("-") + 1):
        declaration = declaring.draw_up(
            trigger.text,
            by=trigger.decided_by or incident.declared_by,
            by_name=incident.name(trigger.decided_by),
            policy=incident.policy,
            practice=incident.practice,
            key=f"{incident.id}/trigger/{trigger.number}",
            at=workflow.now(),
            security=incident.silent,
            origin=Origin("incident", incident.room.channel if incident.room else ""),
            words=words,
        )
        if trigger.became != declaration.id:
            text = f"{trigger.became} is taken by a workflow that is not ours: it is incident {declaration.id}."
            incident.say(text, workflow.now())
            incident.log("id taken", text, workflow.now(), source="workflow")
            trigger.became = declaration.id
        id = identity.workflow_id(declaration.id)
        try:
            await starting.begin(
                "IncidentWorkflow",
                IncidentInput(declaration),
                id,
                task_queue=INCIDENT,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                memo={"key_mark": declaration.key_mark, "title": declaration.title},
                search_attributes=search_attributes.of_declaration(declaration),
                static_summary=retries.summary(f"{declaration.severity} {declaration.title}"),
            )
        except WorkflowAlreadyStartedError:
            found = await starting.whose(id)
            if found is not None and not starting.is_ours(found, "IncidentWorkflow"):
                continue
        return


async def _start_repair(incident: Incident, number: int) -> None:
    repair = incident.repairs[number]
    entry = incident.policy.entry(repair.entry) if repair.entry else None
    start = RepairStart(
        incident=incident.id,
        number=number,
        title=repair.title,
        entry=repair.entry,
        parameters=repair.parameters,
        digest=repair.digest,
        runner=entry.runner if entry else "",
        checked=entry is not None and entry.automates("check") and repair.step == "apply",
        brief=_repair_brief(incident, number, 0, over=False),
        step=repair.step,
        verified=entry is not None and entry.automates("verify"),
        tries=_tries(entry, repair.step),
    )
    child = await starting.start_child(
        incident,
        RepairActionWorkflow.__name__,
        start,
        identity.repair_workflow_id(incident.id, number),
        static_summary=retries.summary(wording.repair_line(repair)),
        static_details=wording.repair_offer(incident, repair),
        search_attributes=search_attributes.of_kind("repair"),
    )
    incident.repairs[number].run_id = child.run_id


def _tries(entry: CatalogueEntry | None, name: StepName) -> int:
    step = entry.step(name) if entry else None
    return step.tries if entry and step and entry.idempotent else 1


async def _start_team(incident: Incident, key: str) -> None:
    """The server refuses a second workflow of that id: then another incident uses the letter, or somebody else."""
    team = incident.teams[key]
    if resets().now and team.closed_at is not None:
        return  # its room has heard of its beginning and its end
    child, kind = identity.sub_team_workflow_id(team.letter), SubTeamWorkflow.__name__
    again = sum(1 for t in incident.teams.values() if t.letter == team.letter) > 1
    for wait in (LETTER_FREE_WITHIN, LETTER_FREE_WITHIN, None) if again else (None,):
        try:
            await starting.begin(
                kind,
                RoleStart(incident.id, Brief(0, sub_team.view(incident, key))),
                child,
                static_summary=retries.summary(f"{team.title} of {incident.label}"),
                search_attributes=search_attributes.of_kind("sub-team"),
                memo={"incident": incident.id},
            )
        except WorkflowAlreadyStartedError:
            if wait is not None:  # ours of before is saying its last words
                await workflow.sleep(wait, summary=f"{team.letter} is free again in a moment")
                continue
            found = await starting.whose(child)
            team.started = not again and found is not None and starting.is_ours(found, kind)
            if not team.started:
                settling.letter_taken(incident, team, workflow.now(), by_us=found is None or found.type == kind)
        else:
            team.started = True
        return


async def _tell_team(incident: Incident, key: str, versions: dict[str, int]) -> None:
    team = incident.teams[key]
    await workflow.wait_condition(lambda: team.started or f"team/{key}/start" not in incident.effects)
    if not team.started:
        return
    child = identity.sub_team_workflow_id(team.letter)
    brief = Brief(next_version(versions, child), sub_team.view(incident, key))
    try:
        await tasks.complete(workflow.get_external_workflow_handle(child).signal("see", brief))
    except ApplicationError as failure:
        workflow.logger.info("%s hears nothing more: %s", child, failure.message)
        settling.team_gone(incident, incident.teams[key], workflow.now())


async def dismiss_repairs(incident: Incident, versions: dict[str, int]) -> None:
    """Nothing more happens to any of them: what still runs is stopped, and says how it ended. Else nobody knows."""
    started = [r.number for r in incident.repairs.values() if r.run_id and not r.state.settled]
    await asyncio.gather(*(_tell_repair(incident, number, versions, over=True) for number in started))
    await wait_until(
        lambda: not repairs.still_running(incident, automated=True),
        within=STOPPED_WITHIN,
        summary="until what runs has been stopped",
    )
    for repair in repairs.still_running(incident):
        why = "the incident closed, and nobody had said how it ended"
        repairs.end_run(incident, repair, RepairState.UNKNOWN, why, workflow.now(), who="workflow")


async def _tell_repair(incident: Incident, number: int, versions: dict[str, int], *, over: bool) -> None:
    child = starting.id_of(incident, identity.repair_workflow_id(incident.id, number))
    brief = _repair_brief(incident, number, next_version(versions, child), over=over)
    try:
        await tasks.complete(workflow.get_external_workflow_handle(child).signal(_happened(incident, number), brief))
    except ApplicationError as failure:
        # It has ended already: what is settled needs no more words.
        workflow.logger.info("repair %s hears nothing more: %s", number, failure.message)
        repairs.workflow_gone(incident, incident.repairs[number], workflow.now())


def _happened(incident: Incident, number: int) -> str:
    """What the history of the repair action calls it."""
    repair = incident.repairs[number]
    if repair.abort_asked and repair.state is RepairState.RUNNING:
        return "abort"
    if repair.state.awaits_approval and repair.polled_until is not None and not repair.poll_closed:
        return "polled"
    return repair.state.value if incident.open else "the incident is over"


def _repair_brief(incident: Incident, number: int, version: int, *, over: bool) -> RepairBrief:
    repair = incident.repairs[number]
    valid = incident.policy.repair.approval_valid_for
    return RepairBrief(
        version=version,
        over=over,
        state=repair.state,
        automated=repair.automated,
        approvals=repair.approvals,
        approval_ends=repair.approved_at + valid if repair.approved_at else None,
        polled_until=None if repair.poll_closed else repair.polled_until,
        abort=repair.abort_asked,
        story=notices.story(incident, repair),
    )
