"""The body that all role workflows share: wait for the earliest deadline or news, do what is due."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.chat import Chat, Invitation, Post, Tell
from activities.paging import Paging, SubscribeOrder
from activities.status_page import Publication, StatusPage
from incident import identity
from incident.duties.base import Done, Duty, Publish, Remark, SayIn, Subscribe, Summarise, Whisper, WriteDraft
from incident.duties.internal_liaison import InternalLiaisonView
from incident.model import Status
from incident.reports import MessageNotPublished, MessagePublished, Report, SummarySent, What
from workflows import queues, retries

HISTORY_LIMIT = 2_000


class View(Protocol):
    """A role's cut of the incident."""

    @property
    def over(self) -> bool: ...
    @property
    def practice(self) -> bool: ...


V = TypeVar("V", bound=View)


@dataclass(frozen=True)
class Brief(Generic[V]):
    """The whole view with its version; an older one is ignored."""

    version: int
    view: V


@dataclass(frozen=True)
class RoleStart(Generic[V]):
    """What a role's workflow begins, and after a continue-as-new goes on, with."""

    incident: str
    brief: Brief[V]
    done: dict[str, datetime] = field(default_factory=dict)
    status: Status | None = None
    changes: list[datetime] = field(default_factory=list)
    flapping: bool = False


class RoleKeeper(Generic[V]):
    """Keeps one role's duties. A workflow holds one; it has no Temporal definitions of its own."""

    def __init__(self, role: str, start: RoleStart[V], duties: Callable[[V, Done, datetime], list[Duty]]) -> None:
        self.role = role
        self.incident = start.incident
        self.brief = start.brief
        self.done = dict(start.done)
        self.lost = False
        self._duties = duties
        self._news = False
        self._doing: dict[str, asyncio.Task[None]] = {}

    @property
    def view(self) -> V:
        return self.brief.view

    def see(self, brief: Brief[V]) -> None:
        if brief.version > self.brief.version:
            self.brief = brief
            self._news = True

    async def keep(self) -> bool:
        """Until the incident is over (False), or the history is long enough for a new run (True).

        After an outage the end and the words that the incident is over may arrive together: what is due is done first.
        """
        while not self.lost:
            self._news = False
            now = workflow.now()
            for duty in [duty for duty in self._todo(now) if duty.due_at <= now]:
                self._doing[duty.key] = asyncio.create_task(self._carry_out(duty))
            if self.view.over:
                if not self._doing:
                    break
                await workflow.wait_condition(lambda: not self._doing)
                continue
            if workflow.info().get_current_history_length() >= HISTORY_LIMIT and not self._doing:
                return True
            await self._wait(self._next(now))
        await workflow.wait_condition(lambda: not self._doing)
        return False

    async def report(self, key: str, what: What) -> None:
        """Tell the incident. When there is no incident any more, this role ends too."""
        incident = workflow.get_external_workflow_handle(identity.workflow_id(self.incident))
        try:
            await incident.signal("report", Report(str(self.role), key, what))
        except ApplicationError:
            self.lost = True

    def _todo(self, now: datetime) -> list[Duty]:
        return [duty for duty in self._duties(self.view, self.done, now) if duty.key not in self._doing]

    def _next(self, now: datetime) -> tuple[datetime, str] | None:
        """When the next duty falls due, and its key."""
        return min(((duty.due_at, duty.key) for duty in self._todo(now)), default=None)

    def _moved(self, earliest: tuple[datetime, str] | None) -> bool:
        """News that leaves the next deadline where it is leaves its timer alone: a timer is two events and an action."""
        if not self._news:
            return False
        self._news = False
        return self.view.over or self.lost or self._next(workflow.now()) != earliest

    async def _wait(self, earliest: tuple[datetime, str] | None) -> None:
        if earliest is None:
            await workflow.wait_condition(lambda: self._moved(earliest))
            return
        due, key = earliest
        left = due - workflow.now()
        if left <= timedelta(0):
            return
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._moved(earliest),
                timeout=left,
                timeout_summary=retries.summary(f"{key} due {due:%H:%M:%S} UTC"),
            )

    async def _carry_out(self, duty: Duty) -> None:
        try:
            await self._do(duty)
            # From here the duty is done for good; what it stands for need not be done either.
            for key in (duty.key, *duty.settles):
                self.done[key] = workflow.now()
        except ActivityError as failure:
            workflow.logger.warning("%s: %s was not done: %s", self.role, duty.key, failure.cause)
            if isinstance(failure.cause, ApplicationError) and failure.cause.non_retryable:
                self.done[duty.key] = workflow.now()
                await self.report(
                    f"not-done/{duty.key}", Remark(f"Could not be done ({duty.key}): {failure.cause.message}")
                )
            # Else its time ran out: it is due still, and is done anew with the facts of then.
        finally:
            del self._doing[duty.key]
            self._news = True

    async def _do(self, duty: Duty) -> None:
        match duty.deed:
            case Remark() | WriteDraft():
                await self.report(duty.key, duty.deed)
            case SayIn(channel=channel, text=text, people=people):
                await self._say_in(duty, channel, text, people)
            case Whisper(people=people):
                await asyncio.gather(*(self._whisper(duty, duty.deed, person) for person in people))
            case Summarise():
                await self._summarise(duty, duty.deed)
            case Publish():
                await self._publish(duty, duty.deed)
            case Subscribe(teams=teams):
                assert isinstance(self.view, InternalLiaisonView)
                await workflow.execute_activity_method(
                    Paging.subscribe,
                    SubscribeOrder(self.view.pagerduty_id, teams, self.view.practice),
                    task_queue=queues.CHAT,
                    summary=f"stakeholders: {', '.join(teams)}",
                    **retries.POST,
                )

    async def _say_in(self, duty: Duty, channel: str, text: str, people: tuple[str, ...]) -> None:
        if people:
            await workflow.execute_activity_method(
                Chat.invite,
                Invitation(channel, people),
                task_queue=queues.CHAT,
                summary=retries.summary(f"invite {', '.join(people)}"),
                **retries.POST,
            )
        await workflow.execute_activity_method(
            Chat.post,
            Post(channel, text, f"{workflow.info().workflow_id}/{duty.key}"),
            task_queue=queues.CHAT,
            summary=retries.summary(text),
            **retries.POST,
        )

    async def _whisper(self, duty: Duty, whisper: Whisper, person: str) -> None:
        key = f"{workflow.info().workflow_id}/{duty.key}/{person}"
        await workflow.execute_activity_method(
            Chat.tell,
            Tell(person, whisper.text, key, self.incident, whisper.choices),
            task_queue=queues.CHAT,
            summary=retries.summary(f"to {person}: {whisper.text}"),
            **retries.POST,
        )

    async def _summarise(self, duty: Duty, summary: Summarise) -> None:
        """Posted once, whatever is retried: earlier attempts are looked for under this key and those it covers."""
        assert isinstance(self.view, InternalLiaisonView)
        prefix = workflow.info().workflow_id
        await workflow.execute_activity_method(
            Chat.post,
            Post(
                channel=self.view.channel,
                text=summary.text,
                here=True,
                key=f"{prefix}/{duty.key}",
                also=tuple(f"{prefix}/{key}" for key in duty.settles),
            ),
            task_queue=queues.CHAT,
            summary=retries.summary(f"executive summary due {summary.due_at:%H:%M} UTC"),
            **retries.TIMELY_POST,
        )
        await self.report(duty.key, SummarySent(duty.key, summary.text, summary.due_at, workflow.now()))

    async def _publish(self, duty: Duty, message: Publish) -> None:
        try:
            published = await workflow.execute_activity_method(
                StatusPage.publish,
                Publication(
                    incident=self.incident,
                    key=f"{workflow.info().workflow_id}/{duty.key}",
                    stage=message.stage,
                    text=message.text,
                    practice=self.view.practice,
                    approval=message.approval,
                ),
                task_queue=queues.CHAT,
                summary=retries.summary(f"public message {message.number}: {message.text}"),
                **retries.PUBLISH,
            )
        except ActivityError as failure:
            why = (
                failure.cause.message
                if isinstance(failure.cause, ApplicationError)
                else "the status page did not answer."
            )
            await self.report(duty.key, MessageNotPublished(message.number, why))
        else:
            await self.report(duty.key, MessagePublished(message.number, published.url, published.at))
