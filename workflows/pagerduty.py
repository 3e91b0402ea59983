"""PagerDuty is kept in sync: how the effects that change or close its incidents are carried out."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.pagerduty_sync import (
    AcknowledgeOrder,
    MergeOrder,
    NotDone,
    NoteOrder,
    ResolveOrder,
    Sync,
    UpdateOrder,
)
from incident import effects as want
from incident import pagerduty, wording
from incident.model import Incident
from workflows import retries
from workflows.queues import CHAT
from workflows.tasks import raise_if_cancelled

InSync = want.UpdatePages | want.NotePages | want.AcknowledgePages | want.MergePages | want.ResolvePages


async def carry_out(effect: InSync, incident: Incident) -> None:
    """Until it is answered. What PagerDuty refuses for good is said, and holds nothing else."""
    try:
        match effect:
            case want.UpdatePages():
                refused = await _update(incident)
            case want.NotePages():
                refused = await _note(incident)
            case want.AcknowledgePages(page=key, person=person):
                refused = await _acknowledge(incident, key, person)
            case want.MergePages(into=into, pages=keys):
                refused = await _merge(incident, into, keys)
            case want.ResolvePages(pages=keys):
                refused = await _resolve(incident, keys)
    except ActivityError as failure:
        raise_if_cancelled(failure)
        cause = failure.cause
        refused = NotDone((cause.message if isinstance(cause, ApplicationError) else str(cause),))
    if refused.what:
        incident.say(f"PagerDuty did not accept: {'; '.join(refused.what)}", workflow.now())
        incident.log("page", f"PagerDuty did not accept: {'; '.join(refused.what)}", workflow.now(), source="pagerduty")


async def _update(incident: Incident) -> NotDone:
    pages = pagerduty.open_pages(incident)
    titles = {page.pagerduty_id: wording.page_title(incident, page) for page in pages}
    urgent = tuple(page.pagerduty_id for page in pages if page.urgency == "high")
    if not titles:
        return NotDone()
    return await workflow.execute_activity_method(
        Sync.update_pages,
        UpdateOrder(titles, _priority(incident), urgent),
        task_queue=CHAT,
        summary="titles and priority in PagerDuty",
        **retries.POST,
    )


async def _note(incident: Incident) -> NotDone:
    """What gathers before there is a page waits for it."""
    while incident.unsent_notes:
        page = pagerduty.main_page(incident)
        if page is None:
            return NotDone()
        texts = tuple(incident.unsent_notes)
        await workflow.execute_activity_method(
            Sync.note,
            NoteOrder(page.pagerduty_id, texts),
            task_queue=CHAT,
            summary=retries.summary(f"note in PagerDuty: {'; '.join(texts)}"),
            **retries.POST,
        )
        del incident.unsent_notes[: len(texts)]
    return NotDone()


async def _acknowledge(incident: Incident, key: str, person: str) -> NotDone:
    page = incident.pages[key]
    if page.ended:
        return NotDone()
    await workflow.execute_activity_method(
        Sync.acknowledge,
        AcknowledgeOrder(page.pagerduty_id, person),
        task_queue=CHAT,
        summary=retries.summary(f"acknowledge for {person} in PagerDuty"),
        **retries.POST,
    )
    return NotDone()


async def _merge(incident: Incident, into: str, keys: tuple[str, ...]) -> NotDone:
    sources = tuple(incident.pages[key].pagerduty_id for key in keys)
    return await workflow.execute_activity_method(
        Sync.merge_pages,
        MergeOrder(incident.pages[into].pagerduty_id, sources),
        task_queue=CHAT,
        summary="merge the pages in PagerDuty",
        **retries.POST,
    )


async def _resolve(incident: Incident, keys: tuple[str, ...]) -> NotDone:
    """By id, and by key where the answer of a page never came."""
    pages = [incident.pages[key] for key in keys or incident.pages]
    return await workflow.execute_activity_method(
        Sync.resolve,
        ResolveOrder(
            tuple(page.pagerduty_id for page in pages if page.pagerduty_id),
            tuple(page.key for page in pages if not page.pagerduty_id),
            _priority(incident),
            "" if incident.security else wording.last_note(incident),
            pagerduty.last_status_update(incident, workflow.now()),
        ),
        task_queue=CHAT,
        summary="resolve in PagerDuty",
        **retries.POST,
    )


def _priority(incident: Incident) -> str:
    return incident.policy.paging.priorities.get(incident.severity, "")
