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
from activities.paging import Acknowledgement, FollowOrder, Paged, PageOrder, Paging, ResolveOrder, order_for
from activities.repair import Runner, StepOrder
from incident import effects as want
from incident import identity, notices, repairs, settling, wording
from incident.catalogue import CatalogueEntry, StepName
from incident.declaring import Declaration
from incident.model import Incident, Offer, Origin, Page, RepairState, Room, Shown, Trigger, Trouble
from workflows import retries, search_attributes
from workflows.incident_input import IncidentInput
from workflows.queues import CHAT, INCIDENT, ROLES, WATCH
from workflows.repair_action import RepairActionWorkflow, RepairBrief, RepairStart, look

CLOSELY = timedelta(minutes=2)
TRY_AGAIN_AFTER = timedelta(minutes=1)


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
        case want.RunChecks(number=number):
            await _run_checks(incident, incident.troubles[number])
        case want.DeclareSeparately(number=number):
            await _declare_separately(incident, incident.triggers[number])
        case want.ResolvePages():
            await _resolve_pages(incident)
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
    except ActivityError:
        del incident.shown[about]
        return
    shown.mark, shown.at = notice.mark, workflow.now()
    if notices.settled(about, notice):
        del incident.shown[about]


async def _declare_separately(incident: Incident, trigger: Trigger) -> None:
    """Its own workflow, which lives on whatever becomes of this one. Started twice, it is one."""
    declaration = Declaration(
        id=trigger.became,
        title=trigger.text,
        by=trigger.decided_by or incident.declared_by,
        by_name=incident.name(trigger.decided_by),
        at=workflow.now(),
        policy=incident.policy,
        origin=Origin("incident", incident.room.channel if incident.room else ""),
        practice=incident.practice,
        key_mark=identity.key_mark(f"{incident.id}/trigger/{trigger.number}"),
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
    while True:
        try:
            room = await workflow.execute_activity_method(
                Chat.open_room,
                RoomOrder(identity.room_name(incident.id), private=incident.security),
                task_queue=CHAT,
                summary=f"room #{identity.room_name(incident.id)}",
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
        decision_ends_window=True,
    )
    handle = await workflow.start_child_workflow(
        RepairActionWorkflow.run,
        start,
        id=identity.repair_workflow_id(incident.id, number),
        task_queue=ROLES,
        parent_close_policy=ParentClosePolicy.ABANDON,
        static_summary=retries.summary(wording.repair_line(repair)),
        static_details=wording.repair_offer(incident, repair),
        search_attributes=search_attributes.of_kind("repair"),
    )
    repair.run_id = handle.first_execution_run_id or ""


def _tries(entry: CatalogueEntry | None, name: StepName) -> int:
    step = entry.step(name) if entry else None
    return step.tries if entry and step and entry.idempotent else 1


async def _run_checks(incident: Incident, trouble: Trouble) -> None:
    """All at once; the notice shows each answer as it comes."""
    await asyncio.gather(*(_run_check(incident, offer) for offer in trouble.offers if offer.checked))


async def _run_check(incident: Incident, offer: Offer) -> None:
    entry = incident.policy.entry(offer.entry)
    if entry is None or offer.answer:
        return
    order = StepOrder(0, entry.id, offer.parameters, repairs.digest(entry, offer.parameters, ""))
    offer.answer = await look(Runner.check, order, entry.runner, f"{entry.title}: how does it stand?")
    incident.log("trouble", f"check of {entry.id}: {offer.answer}", workflow.now(), source="runner")


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
            _happened(incident, number), brief
        )
    except ApplicationError as failure:
        # It has ended already: what is settled needs no more words.
        workflow.logger.info("repair %s hears nothing more: %s", number, failure.message)
        repair = incident.repairs[number]
        if repair.abort_asked and repair.state is RepairState.RUNNING:
            why = "its workflow was ended from outside"
            repairs.end_run(incident, repair, RepairState.UNKNOWN, why, workflow.now(), who="workflow")


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
