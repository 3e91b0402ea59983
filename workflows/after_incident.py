"""What comes after the incident: the postmortem, its meeting, and who still owes what."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from activities.chat import Chat, Part, Post, Tell
from incident import after, card, identity, notices, settling
from incident.commands import VOCABULARY, Command, Said
from incident.duties.after import duties
from incident.duties.base import Duty, Remark, Whisper
from incident.effects import KeepRecord
from incident.model import Answer, Incident, Phase
from incident.reports import Report, WorkflowReset
from workflows import deeds, messages, retries, rooms, tasks
from workflows.after_input import AfterBrief, AfterStart
from workflows.command_handlers import CommandHandlers, Elsewhere
from workflows.queues import CHAT
from workflows.resets import EventTime, resets
from workflows.versions import newer
from workflows.waiting import wait_until

HISTORY_LIMIT = 2_000
FINISHED_WITHIN = timedelta(seconds=30)
"""What is being done when the workflow is cancelled from outside may take this long."""
LOST_AFTER = timedelta(hours=1)
"""An incident that should have been closed so long ago was ended from outside."""


@workflow.defn
class AfterIncidentWorkflow(CommandHandlers):
    """The weeks after an incident that was resolved: owner, meeting, follow-ups; draft → in review → reviewed → closed.

    Id: `incident-ID/after`. While the incident's own workflow runs, that one takes all commands and shows how it stands
    (`see`); once it is closed the incident is this workflow's own, and the commands about the postmortem, notes and
    follow-ups are taken here. It ends when the postmortem is closed; it waits while the incident is open again.
    """

    commands = {kind.verb: kind for kind in VOCABULARY if kind.after_close}

    @workflow.init
    def __init__(self, start: AfterStart) -> None:
        self._incident = start.brief.incident
        self._seen_version = start.brief.version
        self._done = dict(start.done)
        self._answers = start.answers
        self._answers.show_again()
        self._doing: dict[str, asyncio.Task[None]] = {}
        self._helpers: list[asyncio.Task[None]] = []
        self._news = False
        self._winding_up = False
        self._event_time = EventTime()
        self._resets = 0
        self._cancelled = False

    @workflow.run
    async def run(self, start: AfterStart) -> str:
        """The last stage of the postmortem. Cancelled from outside, it says so, keeps the record and ends as cancelled."""
        return await tasks.end_in_order(self._see_through(), self._cancel_asked)

    async def _see_through(self) -> str:
        self._helpers = [asyncio.create_task(one) for one in (self._show_answers(), self._keep_snapshot())]
        self._unsaved = self._own
        while not self._cancelled:
            self._news = False
            self._note_reset()
            info = workflow.info()
            self._winding_up = info.get_current_history_length() >= HISTORY_LIMIT or info.is_continue_as_new_suggested()
            if not self._winding_up:
                self._do_what_is_due()
            workflow.set_current_details(card.markdown(self._incident))
            if not self._doing and after.over(self._incident):
                break
            if not self._doing and self._winding_up:
                await workflow.wait_condition(workflow.all_handlers_finished)
                await self._hold_snapshots()
                await tasks.end(self._helpers)
                self._show_answers_now()
                brief = AfterBrief(self._seen_version, self._incident)
                workflow.continue_as_new(AfterStart(brief, self._done, self._answers))
            await self._await_news()
        if self._cancelled:
            await self._finish()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._last_snapshot()
        await tasks.end(self._helpers)
        self._show_answers_now()
        return self._incident.after.stage if self._incident.after else ""

    def _cancel_asked(self, reason: str) -> None:
        self._cancelled = True
        why = f"its workflow was cancelled from outside{f' ({reason})' if reason else ''}"
        if self._own:
            self._incident.say(f"Nobody is reminded of this postmortem any more: {why}.", workflow.now())
            self._incident.log("postmortem", f"no more reminders: {why}", workflow.now(), source="workflow")
            self._incident.want(KeepRecord("record/cancelled"))
        self._changed()

    async def _finish(self) -> None:
        """What is under way is done, or given up after a while; nothing new is begun but the last words."""
        self._begin_what_is_wanted()
        await wait_until(lambda: not self._doing, within=FINISHED_WITHIN, summary="until what is being done is done")
        await tasks.end(self._doing.values())

    # -- who may speak to it --------------------------------------------------------------------------

    def _take_message(self, name: str, arguments: Sequence[RawValue]) -> bool:
        if name != "see":
            return False
        try:
            self._see(messages.read(arguments, AfterBrief, most=messages.RULES_BYTES))
        except messages.Malformed as fault:
            workflow.logger.warning("a view was dropped: %s", fault)
        return True

    def _see(self, brief: AfterBrief) -> None:
        """From the incident, while its own workflow runs."""
        if newer(brief.version, self._seen_version) and not self._own:
            self._incident, self._seen_version = brief.incident, brief.version
            self._changed()

    def _check(self, said: Said[Command]) -> None:
        """Two do not take commands for the same incident: until it is closed, its own workflow does."""
        if not self._own and not self._lost():
            raise Elsewhere
        super()._check(said)

    def _apply(self, said: Said[Command]) -> Answer:
        if not self._own:
            self._incident.phase = Phase.CLOSED
        return super()._apply(said)

    @workflow.query
    def incident(self) -> Incident:
        """All of it."""
        return self._incident

    @property
    def _own(self) -> bool:
        return self._incident.phase is Phase.CLOSED

    def _lost(self) -> bool:
        """The incident's own workflow was ended from outside, and never said that it is closed."""
        ended_at = self._incident.ended_at
        lives = self._incident.policy.ending.public_end_within + LOST_AFTER
        return ended_at is not None and workflow.now() > ended_at + lives

    def _changed(self) -> None:
        self._news = True
        self._unsaved = self._own  # until then the incident's own workflow saves it

    # -- what happens in the world --------------------------------------------------------------------

    def _let_time_pass(self, until: datetime) -> None:
        """No command depends on what falls due in these weeks."""

    def _note_reset(self) -> None:
        """Somebody reset this workflow, or it healed itself: the channel hears of it from whoever has the incident."""
        if resets().count == self._resets:
            return
        self._resets = resets().count
        now, to = workflow.now(), resets().to or workflow.now()
        if self._own:
            settling.workflow_reset(self._incident, "the postmortem", to, now)
            self._changed()
        else:
            key = f"reset/{now:%m%dT%H%M%S%f}"
            self._doing[key] = asyncio.create_task(
                self._report_reset(key, Report("after", key, WorkflowReset("the postmortem", to), now))
            )

    async def _report_reset(self, key: str, report: Report) -> None:
        with suppress(ApplicationError):  # the incident was ended from outside
            incident = workflow.get_external_workflow_handle(identity.workflow_id(self._incident.id))
            await tasks.complete(incident.signal("report", report))
        del self._doing[key]
        self._news = True

    def _do_what_is_due(self) -> None:
        """A task for each duty that is due, and for what is wanted beside them."""
        now = workflow.now()
        for duty in duties(self._incident, self._done, now):
            if duty.due_at <= now and duty.key not in self._doing:
                self._doing[duty.key] = asyncio.create_task(self._carry_out(duty))
        self._begin_what_is_wanted()

    def _begin_what_is_wanted(self) -> None:
        """A task for each effect, one for what is to be said in the room, one for its card."""
        for key in self._incident.effects:
            if key not in self._doing:
                self._doing[key] = asyncio.create_task(self._settle(key))
        if self._incident.outbox and "speak" not in self._doing:
            self._doing["speak"] = asyncio.create_task(self._speak())
        if self._own and "card" not in self._doing and self._card_is_old():
            self._doing["card"] = asyncio.create_task(self._redraw())

    def _card_is_old(self) -> bool:
        shown = self._incident.shown.get("card")
        return shown is not None and shown.mark != notices.compose(self._incident, "card").mark

    async def _await_news(self) -> None:
        """A defect in a task of ours fails the workflow task, which is retried and seen, instead of stalling silently."""
        doing = [*self._helpers, *self._doing.values()]
        now = workflow.now()
        due = min((d.due_at for d in duties(self._incident, self._done, now) if d.key not in self._doing), default=None)
        news = lambda: self._news or resets().count > self._resets or tasks.failed(doing)  # noqa: E731  # read twice below
        if due is None or self._winding_up:
            await workflow.wait_condition(news)
        else:
            await wait_until(news, within=due - now, summary=f"next reminder {due:%Y-%m-%d %H:%M} UTC")
        tasks.raise_defects(doing)

    async def _carry_out(self, duty: Duty) -> None:
        """What cannot be said to somebody is done all the same: it comes again another day, or matters no more."""
        key = f"{workflow.info().workflow_id}/{duty.key}/{duty.due_at:%Y%m%dT%H%M}"
        match duty.deed:
            case Whisper(people=people, text=text, choices=choices):
                orders = [Tell(person, text, f"{key}/{person}", self._incident.id, choices) for person in people]
                await asyncio.gather(*(self._chat(Chat.tell, one, f"to {one.person}: {text}") for one in orders))
            case Remark(text=text):
                await asyncio.gather(
                    *(self._chat(Chat.post, Post(channel, text, key), text) for channel in self._channels())
                )
            case _:
                raise AssertionError(duty.deed)
        self._done[duty.key] = workflow.now()
        del self._doing[duty.key]
        self._news = True

    def _channels(self) -> list[str]:
        """The room, and where incidents are announced; of a security incident the room alone."""
        incidents = "" if self._incident.silent else self._incident.policy.rooms.incidents
        room = self._incident.room.channel if self._incident.room else ""
        return [channel for channel in (room, incidents) if channel]

    async def _settle(self, key: str) -> None:
        effect = self._incident.effects[key]
        try:
            await deeds.carry_out(effect, self._incident, {})
        except FailureError as failure:
            tasks.raise_if_cancelled(failure)
            workflow.logger.warning("%s was not done: %s", key, failure.cause)
        self._incident.effects.pop(key, None)
        del self._doing[key]
        self._news = True

    async def _speak(self) -> None:
        """One post at a time, in order. Without a room nobody is there to hear."""
        while lines := list(self._incident.outbox):
            if self._incident.room is not None:
                prefix = workflow.info().workflow_id
                first, *more = (Part(line.text, f"{prefix}/{line.key}") for line in lines)
                post = Post(self._incident.room.channel, first.text, first.key, lines=tuple(more))
                await self._chat(Chat.post, post, "\n".join(line.text for line in lines))
            del self._incident.outbox[: len(lines)]
        del self._doing["speak"]
        self._news = True

    async def _redraw(self) -> None:
        """The pinned card says how far the postmortem is."""
        await rooms.edit_notice(self._incident, "card")
        del self._doing["card"]
        self._news = True

    async def _chat(self, method: Any, order: object, text: str) -> None:  # any of Chat's activities, with its order
        try:
            await workflow.execute_activity_method(
                method, order, task_queue=CHAT, summary=retries.summary(text), **retries.POST
            )
        except ActivityError as failure:
            tasks.raise_if_cancelled(failure)
            workflow.logger.warning("not said: %s", failure.cause)
