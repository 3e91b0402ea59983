"""Approved texts to their outlets, and off them again: how the customer liaison's workflow carries these duties out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.outlet import Publication, Published, Removal
from activities.social import Social
from activities.status_page import StatusPage
from incident.duties import customer_liaison
from incident.duties.base import Duty, Publish, TakeDown
from incident.duties.customer_liaison import CustomerLiaisonView
from incident.outlets import Outlet
from incident.reports import (
    MessageDelayed,
    MessageNotPublished,
    MessageNotTakenDown,
    MessageOvertaken,
    MessagePublished,
    MessageTakenDown,
)
from incident.texts import one_line
from workflows import queues, retries, tasks

if TYPE_CHECKING:
    from workflows.role import RoleKeeper, V


async def publish(keeper: RoleKeeper[V], duty: Duty, message: Publish) -> None:
    """First briefly; then it is said that it is not out yet, and it is tried while nothing newer takes its place."""
    try:
        try:
            published = await _begin(keeper, duty, message, retries.FIRST_PUBLISH)
        except ActivityError as failure:
            tasks.raise_if_cancelled(failure)
            if _given_up(failure):
                raise
            await keeper.report(f"{duty.key}/delayed", MessageDelayed(message.number, _why(failure), message.outlet))
            late = await _late(keeper, duty, message)
            if late is None:
                await _say_why_not(keeper, duty, message)
                return
            published = late
    except ActivityError as failure:
        tasks.raise_if_cancelled(failure)
        await keeper.report(f"{duty.key}/given-up", MessageNotPublished(message.number, _why(failure), message.outlet))
    else:
        out = MessagePublished(message.number, published.url, workflow.now(), message.outlet, published.id)
        await keeper.report(duty.key, out)


async def _late(keeper: RoleKeeper[V], duty: Duty, message: Publish) -> Published | None:
    """None when it was overtaken: what a newer one has replaced must not go out behind it.

    An attempt that is under way is awaited, because it may get through.
    """
    if _is_over(keeper) or _overtaken(keeper, message):
        return None
    trying = _begin(keeper, duty, message, retries.PUBLISH, again=True)
    try:
        await workflow.wait_condition(lambda: trying.done() or _is_over(keeper) or _overtaken(keeper, message))
    finally:
        trying.cancel()
    await workflow.wait([trying])
    error = None if trying.cancelled() else trying.exception()
    if trying.cancelled() or (error is not None and is_cancelled_exception(error)):
        return None
    return trying.result()


async def _say_why_not(keeper: RoleKeeper[V], duty: Duty, message: Publish) -> None:
    """Of what is not out when the incident closes the incident itself says so."""
    if _overtaken(keeper, message):
        await keeper.report(f"{duty.key}/overtaken", MessageOvertaken(message.number, message.outlet))
    elif keeper.cancelled:
        why = "the customer liaison's workflow was cancelled from outside."
        await keeper.report(f"{duty.key}/given-up", MessageNotPublished(message.number, why, message.outlet))


def _begin(
    keeper: RoleKeeper[V], duty: Duty, message: Publish, terms: retries.Terms, *, again: bool = False
) -> workflow.ActivityHandle[Published]:
    """`again`: an earlier attempt that was given up on may have got through, so it is looked for."""
    publication = Publication(
        incident=keeper.incident,
        key=f"{workflow.info().workflow_id}/{duty.key}",
        stage=message.stage,
        text=message.text,
        practice=keeper.view.practice,
        approved_at=message.approved_at,
        components=message.components,
        entry=message.entry,
        begun=message.begun,
        again=again,
        approval=message.approval,
    )
    return workflow.start_activity_method(
        Social.post if message.outlet is Outlet.X else StatusPage.publish,
        publication,
        task_queue=queues.CHAT,
        summary=retries.summary(f"public message {message.number} on {message.outlet.label}: {message.text}"),
        **terms,
    )


def _is_over(keeper: RoleKeeper[V]) -> bool:
    return keeper.view.over or keeper.lost or keeper.cancelled


def _overtaken(keeper: RoleKeeper[V], message: Publish) -> bool:
    assert isinstance(keeper.view, CustomerLiaisonView)
    return customer_liaison.overtaken(keeper.view, message)


async def take_down(keeper: RoleKeeper[V], duty: Duty, message: TakeDown) -> None:
    try:
        await workflow.execute_activity_method(
            Social.take_down if message.outlet is Outlet.X else StatusPage.take_down,
            Removal(keeper.incident, message.post_id, keeper.view.practice),
            task_queue=queues.CHAT,
            summary=f"take message {message.number} down on {message.outlet.label}",
            **retries.TAKE_DOWN,
        )
    except ActivityError as failure:
        tasks.raise_if_cancelled(failure)
        await keeper.report(duty.key, MessageNotTakenDown(message.number, _why(failure), message.outlet))
    else:
        await keeper.report(duty.key, MessageTakenDown(message.number, message.outlet))


def _given_up(failure: ActivityError) -> bool:
    return isinstance(failure.cause, ApplicationError) and failure.cause.non_retryable


def _why(failure: ActivityError) -> str:
    return one_line(failure.cause.message) if isinstance(failure.cause, ApplicationError) else "no answer in time."
