"""How each effect of an incident is carried out: pages, checks and records here, the rest in `children` and `rooms`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import records
from activities.monitoring import Monitoring, ReadChanges
from activities.pages import FollowOrder, PageNews, PageOrder, order_for
from activities.paging import Paging
from activities.repair import Runner, StepOrder
from incident import effects as want
from incident import repairs, settling
from incident.model import Incident, Offer, Page, Trouble
from incident.paging import Paged
from workflows import children, pagerduty, retries
from workflows.queues import CHAT, INCIDENT, WATCH
from workflows.repair_action import look
from workflows.resets import resets
from workflows.tasks import raise_if_cancelled

CLOSELY = timedelta(minutes=2)
TRY_AGAIN_AFTER = timedelta(minutes=1)


async def carry_out(effect: want.Effect, incident: Incident, versions: dict[str, int]) -> None:
    """Until it is answered. Raises ActivityError when it was given up."""
    match effect:
        case want.SendPage(page=key):
            await _send_page(incident, incident.pages[key])
        case want.FollowPage(page=key):
            await _follow_page(incident, incident.pages[key])
        case want.UpdatePages() | want.NotePages() | want.AcknowledgePages() | want.MergePages() | want.ResolvePages():
            await pagerduty.carry_out(effect, incident)
        case want.ReadChanges():
            await _read_changes(incident)
        case want.KeepRecord():
            await workflow.execute_activity_method(
                records.Records.keep, incident, task_queue=CHAT, summary="keep the record", **retries.RECORD
            )
        case want.RunChecks(number=number):
            await _run_checks(incident, incident.troubles[number])
        case _:
            await children.carry_out(effect, incident, versions)


async def _send_page(incident: Incident, page: Page) -> None:
    """First briefly; then names and phones are said, and it is tried without end."""
    order = order_for(incident, page)
    if resets().now and page.for_commander and incident.commander is not None:
        await _take_on(incident, page, replace(order, only_look=True))
        return
    try:
        paged = await _page(order, page, retries.FIRST_PAGE)
    except ActivityError as failure:
        raise_if_cancelled(failure)
        await _say_whom_to_call(incident, page, order)
        paged = await _page_at_last(order, page)
    settling.paged(incident, page, paged, workflow.now())
    if order_for(incident, page).title != order.title:
        incident.want(
            want.UpdatePages("update-pages", len(incident.timeline))
        )  # it was made a secret, or another severity, while this was tried


async def _take_on(incident: Incident, page: Page, order: PageOrder) -> None:
    """After a reset, with somebody in command: a round that was paged before is known; one that was not is not wanted."""
    try:
        paged = await _page(order, page, retries.FIRST_PAGE)
    except ActivityError as failure:
        raise_if_cancelled(failure)
        page.failing = True
        paged = await _page_at_last(order, page)
    if paged.pagerduty_id:
        settling.paged(incident, page, paged, workflow.now())
    else:
        incident.pages.pop(page.key, None)


async def _page(order: PageOrder, page: Page, terms: retries.Terms) -> Paged:
    return await workflow.execute_activity_method(
        Paging.page, order, task_queue=INCIDENT, summary=retries.summary(f"page {page.label}"), **terms
    )


async def _page_at_last(order: PageOrder, page: Page) -> Paged:
    while True:
        try:
            return await _page(order, page, retries.PAGE)
        except ActivityError as failure:
            raise_if_cancelled(failure)
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
    except ActivityError as failure:
        raise_if_cancelled(failure)
        who = Paged(order.key, people=order.people, names=tuple(map(incident.name, order.people)), age="not readable")
    settling.not_paged(incident, page, who.people, who.names, who.age, workflow.now())


async def _follow_page(incident: Incident, page: Page) -> None:
    """Each acknowledgement by itself, until all have, or long enough; closely in the first minutes, and less where webhooks
    tell of it.

    Whether the time is over is for the activity to say: two clocks that judge one deadline begin it again and again.
    """
    rules = incident.policy.paging
    paged_at = page.paged_at or page.asked_at
    until = paged_at + rules.follow_acknowledgement_for
    for ends, terms in ((min(paged_at + CLOSELY, until), retries.WATCHED_CLOSELY), (until, retries.WATCHED)):
        while not page.ended and not (page.people and not page.unanswered):
            every = (
                max(rules.poll_every, rules.poll_every_with_webhooks) if incident.webhooks_heard else rules.poll_every
            )
            news: PageNews = await workflow.execute_activity_method(
                Paging.await_acknowledgement,
                FollowOrder(page.pagerduty_id, tuple(page.acknowledged_by), every, ends, tuple(page.people)),
                task_queue=WATCH,
                summary=retries.summary(f"wait until {', '.join(page.paged) or page.label} acknowledges"),
                **terms,
            )
            if news == PageNews():
                break
            _settle(incident, page, news)


def _settle(incident: Incident, page: Page, news: PageNews) -> None:
    now = workflow.now()
    if news.person:
        settling.acknowledged(incident, page, news.person, news.name, news.at or now, now)
    elif news.merged_into:
        settling.page_merged(incident, page, news.merged_into, news.by, now)
    elif news.resolved:
        settling.page_resolved(incident, page, news.by, now)
    else:
        settling.page_reassigned(incident, page, news.reassigned, news.reassigned_names, news.by, now)


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
