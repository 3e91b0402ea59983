"""How each effect of an incident is carried out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities import chat, paging, records
from activities.chat import Bookmarks, Chat, Invitation, Post, RoomOrder, Topic, Uninvitation
from activities.monitoring import Monitoring, ReadChanges
from activities.paging import (
    Acknowledgement,
    FollowOrder,
    Paged,
    PageOrder,
    Paging,
    ResolveOrder,
    RetitleOrder,
    order_for,
)
from incident import declaring, identity, notices, settling, wording
from incident import effects as want
from incident.duties import sub_team
from incident.model import Incident, Origin, Page, Room, Shown, Trigger
from workflows import retries, search_attributes
from workflows.incident_input import IncidentInput
from workflows.queues import CHAT, INCIDENT, ROLES, WATCH
from workflows.repair_action import RepairActionWorkflow, RepairBrief, RepairStart
from workflows.role import Brief, RoleStart
from workflows.sub_team import SubTeamWorkflow

CLOSELY = timedelta(minutes=2)
TRY_AGAIN_AFTER = timedelta(minutes=1)
LEFT = "This goes on elsewhere."
LETTER_FREE_WITHIN = timedelta(seconds=5)


async def carry_out(effect: want.Effect, incident: Incident, versions: dict[str, int]) -> None:
    """Until it is answered. Raises ActivityError when it was given up."""
    match effect:
        case want.SendPage(page=key):
            await _send_page(incident, incident.pages[key])
        case want.FollowPage(page=key):
            await _follow_page(incident, incident.pages[key])
        case want.OpenRoom():
            await _open_room(incident)
        case want.StartRepair(number=number):
            await _start_repair(incident, number)
        case want.TellRepair(number=number):
            await workflow.wait_condition(lambda: bool(incident.repairs[number].run_id))
            await _tell_repair(incident, number, versions, over=False)
        case want.StartTeam(team=key):
            await _start_team(incident, key)
        case want.TellTeam(team=key):
            await _tell_team(incident, key, versions)
        case want.DeclareSeparately(number=number):
            await _declare_separately(incident, incident.triggers[number])
        case want.RetitlePages():
            await _retitle_pages(incident)
        case want.ResolvePages():
            await _resolve_pages(incident)
        case want.ReadChanges():
            await _read_changes(incident)
        case want.KeepRecord():
            await workflow.execute_activity_method(
                records.Records.keep, incident, task_queue=CHAT, summary="keep the record", **retries.RECORD
            )
        case _:
            await _say(effect, incident)


async def _say(effect: want.Effect, incident: Incident) -> None:
    """What Slack shows."""
    prefix = workflow.info().workflow_id
    match effect:
        case want.PinCard():
            room = await _room(incident)
            await post_notice(incident, "card", room.channel, f"{prefix}/{effect.key}", pin=True)
        case want.AddBookmarks():
            room = await _room(incident)
            await _chat(Chat.bookmark, Bookmarks(room.channel, prefix), "bookmarks")
        case want.SetTopic(topic=topic):
            room = await _room(incident)
            await _chat(Chat.set_topic, Topic(room.channel, topic), f"topic: {topic}")
        case want.Invite(people=people):
            room = await _room(incident)
            await _chat(Chat.invite, Invitation(room.channel, people), f"invite {', '.join(people)}")
        case want.Uninvite(person=person):
            room = await _room(incident)
            await _chat(Chat.uninvite, Uninvitation(room.channel, person), f"out of the room: {person}")
        case want.LeaveRoom(channel=channel):
            await _leave_room(incident, channel)
        case want.Announce(channel=channel, thread=thread):
            await post_notice(incident, f"announced/{channel}", channel, f"{prefix}/{effect.key}", thread=thread)
        case want.Tell(person=person, text=text, choices=choices):
            tell = chat.Tell(person, text, f"{prefix}/{effect.key}", incident.id, choices)
            await _chat(Chat.tell, tell, f"to {person}: {text}")
        case _:
            raise AssertionError(effect)


async def post_notice(
    incident: Incident, about: str, channel: str, key: str, *, thread: str = "", pin: bool = False
) -> None:
    """Posted once; from then on it is kept up to date."""
    notice = notices.compose(incident, about)
    post = Post(
        channel, notice.text, key, thread=thread, incident=incident.id, choices=notice.choices, more=notice.more
    )
    posted: chat.Posted = await _chat(Chat.pin if pin else Chat.post, post, about if pin else notice.text)
    incident.shown[about] = Shown(posted.channel, posted.ts, notice.mark, workflow.now())


async def edit_notice(incident: Incident, about: str) -> None:
    """Bring it up to date. One that somebody deleted is let go."""
    notice, shown = notices.compose(incident, about), incident.shown[about]
    edit = chat.Edit(shown.channel, shown.ts, notice.text, incident.id, notice.choices, notice.more)
    try:
        await _chat(Chat.edit, edit, f"{about}: {notice.text}")
        done = notices.settled(about, notice)
    except ActivityError:
        done = True
    shown.mark, shown.at = notice.mark, workflow.now()
    # Meanwhile the incident may have gone to another room, where the same matter stands anew.
    if done and incident.shown.get(about) is shown:
        del incident.shown[about]


async def _declare_separately(incident: Incident, trigger: Trigger) -> None:
    """Its own workflow, which lives on whatever becomes of this one. Started twice, it is one."""
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
        words=3,
    )
    with suppress(WorkflowAlreadyStartedError):
        await workflow.start_child_workflow(
            "IncidentWorkflow",
            IncidentInput(declaration),
            id=identity.workflow_id(trigger.became),
            task_queue=INCIDENT,
            parent_close_policy=ParentClosePolicy.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            memo={"key_mark": declaration.key_mark, "title": declaration.title},
            search_attributes=search_attributes.of_declaration(declaration),
            static_summary=retries.summary(f"{declaration.severity} {declaration.title}"),
        )


async def _chat(method: Any, order: object, summary: str) -> Any:  # any of Chat's activities, with its order
    return await workflow.execute_activity_method(
        method,
        order,
        task_queue=CHAT,
        summary=retries.summary(summary),
        **retries.POST,
    )


async def _room(incident: Incident) -> Room:
    """What belongs into the room waits for the room."""
    await workflow.wait_condition(lambda: incident.room is not None)
    assert incident.room is not None
    return incident.room


async def _open_room(incident: Incident) -> None:
    """A missing scope is mended while we wait: this is not given up while the incident lives."""
    name = identity.room_name(incident.id, moved=incident.moved)
    while True:
        try:
            room = await workflow.execute_activity_method(
                Chat.open_room,
                RoomOrder(name, private=incident.security),
                task_queue=CHAT,
                summary=f"room #{name}",
                **retries.POST,
            )
        except ActivityError as failure:
            settling.room_lost(incident, str(failure.cause), workflow.now())
            await workflow.sleep(TRY_AGAIN_AFTER, summary="open the room again")
        else:
            settling.room_opened(incident, room, workflow.now())
            return


async def _send_page(incident: Incident, page: Page) -> None:
    """First briefly; then names and phones are said, and it is tried without end."""
    order = order_for(incident, page)
    try:
        paged = await _page(order, page, retries.FIRST_PAGE)
    except ActivityError:
        await _say_whom_to_call(incident, page, order)
        paged = await _page_at_last(order, page)
    settling.paged(incident, page, paged.pagerduty_id, paged.url, paged.people, paged.names, workflow.now())


async def _page(order: PageOrder, page: Page, terms: retries.Terms) -> Paged:
    return await workflow.execute_activity_method(
        Paging.page, order, task_queue=INCIDENT, summary=retries.summary(f"page {page.label}"), **terms
    )


async def _page_at_last(order: PageOrder, page: Page) -> Paged:
    while True:
        try:
            return await _page(order, page, retries.PAGE)
        except ActivityError:
            # A wrong key or id is mended by somebody while we wait.
            await workflow.sleep(TRY_AGAIN_AFTER, summary=retries.summary(f"page {page.label} again"))


async def _say_whom_to_call(incident: Incident, page: Page, order: PageOrder) -> None:
    try:
        who = await workflow.execute_activity_method(
            Paging.who_would_be_paged,
            order,
            task_queue=INCIDENT,
            summary=retries.summary(f"whom to call for {page.label}"),
            **retries.BOOK,
        )
    except ActivityError:
        who = Paged(order.key, people=order.people, names=tuple(map(incident.name, order.people)), age="not readable")
    settling.not_paged(incident, page, who.people, who.names, who.age, workflow.now())


async def _follow_page(incident: Incident, page: Page) -> None:
    """Each acknowledgement by itself, until all have, or long enough; closely in the first minutes."""
    rules = incident.policy.paging
    paged_at = page.paged_at or page.asked_at
    until = paged_at + rules.follow_acknowledgement_for
    closely_until = min(paged_at + CLOSELY, until)
    while workflow.now() < until and not (page.people and set(page.people) <= set(page.acknowledged_by)):
        closely = workflow.now() < closely_until
        heard: Acknowledgement = await workflow.execute_activity_method(
            Paging.await_acknowledgement,
            FollowOrder(
                page.pagerduty_id, tuple(page.acknowledged_by), rules.poll_every, closely_until if closely else until
            ),
            task_queue=WATCH,
            summary=retries.summary(f"wait until {', '.join(page.paged) or page.label} acknowledges"),
            **(retries.WATCHED_CLOSELY if closely else retries.WATCHED),
        )
        if heard.resolved:
            return
        if heard.person:
            settling.acknowledged(incident, page, heard.person, heard.name, heard.at or workflow.now(), workflow.now())


async def _resolve_pages(incident: Incident) -> None:
    """By id, and by key where the answer of a page never came."""
    opened = tuple(page.pagerduty_id for page in incident.pages.values() if page.pagerduty_id)
    doubtful = tuple(page.key for page in incident.pages.values() if not page.pagerduty_id)
    await workflow.execute_activity_method(
        paging.Paging.resolve,
        ResolveOrder(opened, doubtful),
        task_queue=CHAT,
        summary="resolve in PagerDuty",
        **retries.POST,
    )


async def _retitle_pages(incident: Incident) -> None:
    titles = {
        page.pagerduty_id: wording.page_title(incident, page) for page in incident.pages.values() if page.pagerduty_id
    }
    await workflow.execute_activity_method(
        paging.Paging.retitle,
        RetitleOrder(titles),
        task_queue=CHAT,
        summary="titles in PagerDuty",
        **retries.POST,
    )


async def _leave_room(incident: Incident, channel: str) -> None:
    """What was kept up to date there is emptied, and is let go; the topic says nothing, the last line where it goes on."""
    there = {about: shown for about, shown in incident.shown.items() if shown.channel == channel}
    for about in there:  # before anything is awaited: the same matters are about to stand in the new room
        del incident.shown[about]
    for shown in there.values():
        with suppress(ActivityError):
            await _chat(Chat.edit, chat.Edit(channel, shown.ts, LEFT, incident.id), "emptied")
    await _chat(Chat.set_topic, Topic(channel, LEFT), "topic emptied")
    key = f"{workflow.info().workflow_id}/left"
    await _chat(
        Chat.post, Post(channel, f"{LEFT} Say nothing about it here; who is needed is invited.", key), "last words"
    )


async def _read_changes(incident: Incident) -> None:
    rules = incident.policy.changes
    found = await workflow.execute_activity_method(
        Monitoring.read_changes,
        ReadChanges(rules, incident.declared_at - rules.within),
        task_queue=CHAT,
        summary="what changed lately",
        **retries.LOOK,
    )
    settling.changes_read(incident, found, workflow.now())


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
        checked=entry is not None and entry.check is not None and entry.check.automated,
        brief=_repair_brief(incident, number, 0, over=False),
    )
    handle = await workflow.start_child_workflow(
        RepairActionWorkflow.run,
        start,
        id=identity.repair_workflow_id(incident.id, number),
        task_queue=ROLES,
        parent_close_policy=ParentClosePolicy.ABANDON,
        static_summary=retries.summary(wording.repair_line(repair)),
        search_attributes=search_attributes.of_kind("repair"),
    )
    repair.run_id = handle.first_execution_run_id or ""


async def _start_team(incident: Incident, key: str) -> None:
    """The server refuses a second workflow of that id: then another incident uses the letter."""
    team = incident.teams[key]
    child = identity.sub_team_workflow_id(team.letter)
    again = sum(1 for t in incident.teams.values() if t.letter == team.letter) > 1
    for wait in (LETTER_FREE_WITHIN, LETTER_FREE_WITHIN, None) if again else (None,):
        try:
            await workflow.start_child_workflow(
                SubTeamWorkflow.run,
                RoleStart(incident.id, Brief(0, sub_team.view(incident, key))),
                id=child,
                task_queue=ROLES,
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=retries.summary(f"{team.title} of {incident.label}"),
                search_attributes=search_attributes.of_kind("sub-team"),
                memo={"incident": incident.id},
            )
        except WorkflowAlreadyStartedError:
            if wait is not None:  # ours of before is saying its last words
                await workflow.sleep(wait, summary=f"{team.letter} is free again in a moment")
                continue
            settling.letter_taken(incident, team, workflow.now())
        else:
            team.started = True
        return


async def _tell_team(incident: Incident, key: str, versions: dict[str, int]) -> None:
    team = incident.teams[key]
    await workflow.wait_condition(lambda: team.started or f"team/{key}/start" not in incident.effects)
    if not team.started:
        return
    child = identity.sub_team_workflow_id(team.letter)
    versions[child] = versions.get(child, 0) + 1
    brief = Brief(versions[child], sub_team.view(incident, key))
    try:
        await workflow.get_external_workflow_handle_for(SubTeamWorkflow.run, child).signal(SubTeamWorkflow.see, brief)
    except ApplicationError as failure:
        workflow.logger.info("%s hears nothing more: %s", child, failure.message)


async def dismiss_repairs(incident: Incident, versions: dict[str, int]) -> None:
    """Nothing more happens to any of them."""
    started = [r.number for r in incident.repairs.values() if r.run_id and not r.state.settled]
    await asyncio.gather(*(_tell_repair(incident, number, versions, over=True) for number in started))


async def _tell_repair(incident: Incident, number: int, versions: dict[str, int], *, over: bool) -> None:
    child = identity.repair_workflow_id(incident.id, number)
    versions[child] = versions.get(child, 0) + 1
    brief = _repair_brief(incident, number, versions[child], over=over)
    try:
        await workflow.get_external_workflow_handle_for(RepairActionWorkflow.run, child).signal(
            RepairActionWorkflow.see, brief
        )
    except ApplicationError as failure:
        # It has ended already: what is settled needs no more words.
        workflow.logger.info("repair %s hears nothing more: %s", number, failure.message)


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
    )
