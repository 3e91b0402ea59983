"""The body that all role workflows share: wait for the earliest deadline or news, do what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

from activities.chat import Chat, Invitation, Part, Post, Tell
from activities.pagerduty_sync import StatusUpdateOrder, SubscribeOrder, Sync
from incident import identity, wording
from incident.duties.base import Done, Duty, Publish, Remark, SayIn, Subscribe, Summarise, TakeDown, Whisper, WriteDraft
from incident.duties.internal_liaison import InternalLiaisonView
from incident.model import Status
from incident.reports import Report, SummarySent, What, WorkflowReset
from incident.severity import Role
from incident.texts import one_line
from workflows import messages, publishing, queues, retries, tasks
from workflows.resets import resets
from workflows.versions import newer
from workflows.waiting import wait_until

HISTORY_LIMIT = 2_000
LATE_FROM = timedelta(minutes=1)
SUBSCRIBED_WITHIN = timedelta(seconds=30)
FINISHED_WITHIN = timedelta(seconds=30)
"""What is being done when the workflow is cancelled from outside may take this long."""


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
        self.cancelled = False
        self._duties = duties
        self._earliest: tuple[datetime, str] | None = None
        self._moved = False
        self._doing: dict[str, asyncio.Task[None]] = {}
        self._begun: list[asyncio.Task[None]] = []
        self._mouth = asyncio.Lock()
        self._known: dict[str, datetime] = {}
        self._tried: set[str] = set()
        self._resets = 0

    @property
    def view(self) -> V:
        return self.brief.view

    def receive(self, name: str, arguments: Sequence[RawValue], kind: type[Brief[V]]) -> None:
        """Take any Signal: `see` is the incident's; anything else, and what cannot be read, changes nothing."""
        try:
            if name != "see":
                raise messages.Malformed("it is not known")
            self.see(messages.read(arguments, kind, most=messages.RULES_BYTES))
        except messages.Malformed as fault:
            workflow.logger.warning("%s: a Signal %s was dropped: %s", self.role, name[:40], fault)

    def see(self, brief: Brief[V]) -> None:
        if newer(brief.version, self.brief.version):
            self.brief = brief
            self._look_again()

    async def keep(self, *beside: asyncio.Task[None]) -> bool:
        """Until the incident is over (False), or the history is long enough for a new run (True).

        `beside` are tasks that run and end with it. Cancelled from outside, it begins nothing more and finishes what is
        being done.
        """
        self._begun = list(beside)
        return await tasks.end_in_order(self._keep(), self._cancel_asked)

    def _cancel_asked(self, reason: str) -> None:
        self.cancelled = self._moved = True

    async def _keep(self) -> bool:
        """After an outage the end and the words that it is over may arrive together: what is due is done first."""
        while not self.lost and not self.cancelled:
            tasks.raise_defects(self._begun)
            self._begun = [task for task in self._begun if not task.done()]
            self._moved = False
            now = workflow.now()
            self._note_known(now)
            self._note_reset(now)
            due = [duty for duty in self._todo(now) if duty.due_at <= now]
            joined = self._join(due, now)
            for duty in due:
                self._doing[duty.key] = asyncio.create_task(self._carry_out(duty, joined), name=duty.key)
                self._begun.append(self._doing[duty.key])
            if self.view.over:
                if not self._doing:
                    break
                await workflow.wait_condition(lambda: not self._doing or self.cancelled or tasks.failed(self._begun))
                continue
            if self._history_is_long and not self._doing:
                await tasks.end(self._begun)
                return True
            await self._wait(self._next(now))
        await wait_until(lambda: not self._doing, within=FINISHED_WITHIN, summary="until what is being done is done")
        await tasks.end(self._begun)
        return False

    @property
    def _history_is_long(self) -> bool:
        return workflow.info().get_current_history_length() >= HISTORY_LIMIT

    async def report(self, key: str, what: What) -> None:
        """Tell the incident. When there is no incident any more, this role ends too."""
        incident = workflow.get_external_workflow_handle(identity.workflow_id(self.incident))
        try:
            report = Report(str(self.role), key, what, workflow.now())
            await tasks.complete(incident.signal("report", report))
        except ApplicationError:
            self.lost = True

    def _note_reset(self, now: datetime) -> None:
        """Somebody reset this workflow, or it healed itself: the incident says so in its channel."""
        if resets().count > self._resets:
            self._resets = resets().count
            key = f"reset/{now:%m%dT%H%M%S%f}"
            self._doing[key] = asyncio.create_task(self._report_reset(key, resets().to or now))

    async def _report_reset(self, key: str, to: datetime) -> None:
        whose = f"the {self.role.label.lower()}" if isinstance(self.role, Role) else self.role
        await self.report(key, WorkflowReset(whose, to))
        del self._doing[key]
        self._look_again()

    def _todo(self, now: datetime) -> list[Duty]:
        return [duty for duty in self._duties(self.view, self.done, now) if duty.key not in self._doing]

    def _note_known(self, now: datetime) -> None:
        doing = {key: at for key, at in self._known.items() if key in self._doing}
        self._known = doing | {duty.key: self._known.get(duty.key, now) for duty in self._todo(now)}

    def _look_again(self) -> None:
        """After each change: note what can be known from now on, and whether another deadline comes first.

        News that leaves the next deadline where it is leaves its timer alone: a timer is two events and an action.
        """
        now = workflow.now()
        self._note_known(now)
        if self._next(now) != self._earliest:
            self._moved = True

    def _late(self, duty: Duty, now: datetime) -> str:
        """Late is what waited for its time here and was kept from it, not what could be known only afterwards."""
        return wording.late(max(duty.due_at, self._known.get(duty.key, now)), now, LATE_FROM)

    def _join(self, due: list[Duty], now: datetime) -> dict[str, asyncio.Task[None]]:
        """Several that fell due at once for the same person, as after an outage, are one message, in their order."""
        letters: dict[str, list[Part]] = {}
        for duty in sorted(due, key=lambda duty: duty.due_at):
            if isinstance(duty.deed, Whisper):
                for person in duty.deed.people:
                    letters.setdefault(person, []).append(self._part(duty, duty.deed, person, now))
        several = {person: parts for person, parts in letters.items() if len(parts) > 1}
        if not several:
            return {}
        return {
            person: asyncio.create_task(self._tell(person, parts[0], tuple(parts[1:])))
            for person, parts in several.items()
        }

    def _part(self, duty: Duty, whisper: Whisper, person: str, now: datetime) -> Part:
        key = f"{workflow.info().workflow_id}/{duty.key}/{person}"
        return Part(whisper.text + self._late(duty, now), key, whisper.choices)

    def _next(self, now: datetime) -> tuple[datetime, str] | None:
        """When the next duty falls due, and its key."""
        return min(((duty.due_at, duty.key) for duty in self._todo(now)), default=None)

    def _overtaken(self) -> bool:
        over = self.view.over or self.lost or self.cancelled or tasks.failed(self._begun)
        was_reset = resets().count > self._resets
        return self._moved or was_reset or over or (self._history_is_long and not self._doing)

    async def _wait(self, earliest: tuple[datetime, str] | None) -> None:
        self._earliest = earliest
        if earliest is None:
            await workflow.wait_condition(self._overtaken)
            return
        due, key = earliest
        summary = retries.summary(f"{key} due {due:%H:%M:%S} UTC")
        await wait_until(self._overtaken, within=due - workflow.now(), summary=summary)

    async def _carry_out(self, duty: Duty, joined: dict[str, asyncio.Task[None]]) -> None:
        try:
            await self._do(duty, joined)
            # From here the duty is done for good; what it stands for need not be done either.
            for key in (duty.key, *duty.settles):
                self.done[key] = workflow.now()
        except ActivityError as failure:
            tasks.raise_if_cancelled(failure)
            workflow.logger.warning("%s: %s was not done: %s", self.role, duty.key, failure.cause)
            if isinstance(failure.cause, ApplicationError) and failure.cause.non_retryable:
                self.done[duty.key] = workflow.now()
                await self.report(
                    f"not-done/{duty.key}", Remark(f"Could not be done ({duty.key}): {one_line(failure.cause.message)}")
                )
            # Else its time ran out: it is due still, and is done anew with the facts of then.
            self._tried.add(duty.key)
        finally:
            del self._doing[duty.key]
        # Not above: a worker that drops a workflow closes its coroutines where there is no workflow's clock.
        self._look_again()

    async def _do(self, duty: Duty, joined: dict[str, asyncio.Task[None]]) -> None:
        match duty.deed:
            case Remark() | WriteDraft():
                await self.report(duty.key, duty.deed)
            case SayIn(channel=channel, text=text, people=people):
                await self._say_in(duty, channel, text, people)
            case Whisper(people=people) as whisper:
                now = workflow.now()
                await asyncio.gather(
                    *(joined.get(p) or self._tell(p, self._part(duty, whisper, p, now)) for p in people)
                )
            case Summarise():
                await self._summarise(duty, duty.deed)
            case Publish():
                await publishing.publish(self, duty, duty.deed)
            case TakeDown():
                await publishing.take_down(self, duty, duty.deed)
            case Subscribe(teams=teams):
                await self._subscribe(duty, teams)

    async def _subscribe(self, duty: Duty, teams: tuple[str, ...]) -> None:
        """Whoever PagerDuty does not subscribe is named; the others hear."""
        assert isinstance(self.view, InternalLiaisonView)
        answer = await workflow.execute_activity_method(
            Sync.subscribe,
            SubscribeOrder(self.view.pagerduty_id, teams, self.view.practice),
            task_queue=queues.CHAT,
            summary=retries.summary(f"stakeholders: {', '.join(teams)}"),
            **retries.POST,
        )
        if answer.what:
            await self.report(f"not-subscribed/{duty.key}", Remark(wording.not_subscribed(answer.what)))

    async def _say_in(self, duty: Duty, channel: str, text: str, people: tuple[str, ...]) -> None:
        async with self._mouth:  # in the order in which things happened
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

    async def _tell(self, person: str, part: Part, more: tuple[Part, ...] = ()) -> None:
        await workflow.execute_activity_method(
            Chat.tell,
            Tell(person, part.text, part.key, self.incident, part.choices, more),
            task_queue=queues.CHAT,
            summary=retries.summary(f"to {person}: {' + '.join(p.text for p in (part, *more))}"),
            **retries.POST,
        )

    async def _summarise(self, duty: Duty, summary: Summarise) -> None:
        """In Slack, and to PagerDuty's subscribers: one each, whatever becomes of the other."""
        update = asyncio.create_task(self._update_subscribers(duty, summary), name=f"status-update/{duty.key}")
        try:
            await self._post_summary(duty, summary)
        finally:
            await update

    async def _post_summary(self, duty: Duty, summary: Summarise) -> None:
        """Posted once, whatever is retried: one that ran out of time may stand there, so it is looked for."""
        assert isinstance(self.view, InternalLiaisonView)
        prefix = workflow.info().workflow_id
        await workflow.execute_activity_method(
            Chat.post,
            Post(
                channel=self.view.channel,
                text=summary.text,
                here=True,
                key=f"{prefix}/{duty.key}",
                also=(f"{prefix}/{duty.key}",) if duty.key in self._tried else (),
            ),
            task_queue=queues.CHAT,
            summary=retries.summary(f"executive summary due {summary.due_at:%H:%M} UTC"),
            **retries.TIMELY_POST,
        )
        await self.report(duty.key, SummarySent(duty.key, summary.text, summary.due_at, workflow.now()))

    async def _update_subscribers(self, duty: Duty, summary: Summarise) -> None:
        """The last one goes out with the end of the PagerDuty incident, before it is resolved."""
        assert isinstance(self.view, InternalLiaisonView)
        key = f"status-update/{duty.key}"
        if not summary.plain or not self.view.pagerduty_id or not self.view.open or key in self.done:
            return
        # Who is to hear it is subscribed first, if PagerDuty answers.
        await wait_until(
            lambda: not any(doing.startswith("subscribe/") for doing in self._doing),
            within=SUBSCRIBED_WITHIN,
            summary="until the stakeholders are subscribed",
        )
        try:
            await workflow.execute_activity_method(
                Sync.post_status_update,
                StatusUpdateOrder(self.view.pagerduty_id, summary.plain, self.view.practice),
                task_queue=queues.CHAT,
                summary=retries.summary(f"status update due {summary.due_at:%H:%M} UTC"),
                **retries.TIMELY_POST,
            )
            self.done[key] = workflow.now()
        except ActivityError as failure:
            tasks.raise_if_cancelled(failure)
            why = failure.cause.message if isinstance(failure.cause, ApplicationError) else str(failure.cause)
            await self.report(key, Remark(wording.no_status_update(why)))
