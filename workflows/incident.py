"""The incident's workflow: commands change the incident; what must happen in the world is carried out here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

from activities.chat import Chat, Part, Post
from incident import answers, card, declaring, ending, notices, publishing, repairs, reports, settling, wording
from incident.answers import Answers
from incident.commands import VOCABULARY, Command, Said
from incident.duties import command
from incident.effects import (
    AddBookmarks,
    Effect,
    FollowPage,
    Invite,
    KeepRecord,
    OpenRoom,
    PinCard,
    SendPage,
    SetTopic,
    StartRepair,
    TellAfter,
    TellRepair,
    Uninvite,
)
from incident.model import Entry, Incident, Line, Phase
from workflows import children, deeds, messages, retries, rooms, search_attributes, staff, tasks
from workflows.command_handlers import CommandHandlers, Elsewhere
from workflows.incident_input import Carried, Ended, IncidentInput
from workflows.queues import CHAT
from workflows.resets import EventTime, resets
from workflows.savepoint import Savepoint
from workflows.waiting import wait_until

HISTORY_LIMIT = 2_000
LINES_A_POST = 40
EDITED_EVERY = timedelta(seconds=4)
URGENT = (SendPage, StartRepair, TellRepair)
"""What never waits for a new history: with Slack away for hours, what is in flight takes as long to end."""
OF_A_ROOM = (OpenRoom, PinCard, AddBookmarks, SetTopic, Invite, Uninvite)


@workflow.defn
class IncidentWorkflow(CommandHandlers):
    """One incident, from the declaration to an hour after its end.

    Id: `incident-ID`. Each command of the vocabulary is a Signal named by its verb. Its roles and repair actions
    `report`, a runner sends a `claim`. It ends when the watch after the call is over.
    """

    commands = {kind.verb: kind for kind in VOCABULARY}

    @workflow.init
    def __init__(self, start: IncidentInput) -> None:
        # A Signal can be handled before `run`: all state is made here.
        if start.carried is not None:
            self._incident = start.carried.incident
        elif start.declaration is not None:
            self._incident = declaring.declare(start.declaration, workflow.info().workflow_start_time)
        else:
            raise ApplicationError("An incident begins with a declaration.", non_retryable=True)
        self._versions = dict(start.carried.versions) if start.carried else {}
        self._answers = start.carried.answers if start.carried else Answers()
        self._answers.show_again()
        self._goes_on = start.carried is not None
        self._doing: dict[str, asyncio.Task[None]] = {}
        self._helpers: list[asyncio.Task[None]] = []
        self._staff = staff.Staff(self._incident, self._versions, goes_on=self._goes_on, settled=self._wake)
        self._shown = None if self._goes_on else search_attributes.of_incident(self._incident)
        self._title = self._incident.title
        self._news = True
        self._speaking = False
        self._redraw = True
        self._editing = False
        self._winding_up = False
        self._event_time = EventTime()
        self._resets = 0

    @workflow.run
    async def run(self, start: IncidentInput) -> Ended:
        """Carry out what the incident wants until it is closed. The pages are the first thing it wants.

        Cancelled from outside, it closes in order, and then ends as cancelled.
        """
        return await tasks.end_in_order(self._see_through(), self._cancel_asked)

    async def _see_through(self) -> Ended:
        self._carry_out_effects()  # the pages come before anything else
        self._unsaved = True
        self._begin_helpers()
        while self._incident.phase is not Phase.CLOSED:
            self._note_reset()
            self._winding_up = self._history_is_long()
            self._carry_out_effects()
            self._show()
            await self._await_news()
            # What is in flight to Slack may take hours, when it is away: the roles go on meanwhile.
            begins_anew = self._winding_up and self._nothing_in_flight()
            self._staff.pause(paused=begins_anew)
            if begins_anew and self._staff.idle:
                await self._begin_anew()
        await self._close()
        incident = self._incident
        lasted = (incident.ended_at or workflow.now()) - incident.declared_at
        return Ended(incident.id, incident.phase, incident.severity, int(lasted.total_seconds() // 60))

    def _begin_helpers(self) -> None:
        self._redraw = True
        helpers = (
            self._speak(),
            self._keep_notices_current(),
            self._keep_time(),
            self._staff.serve(),
            self._show_answers(),
            self._keep_snapshot(),
        )
        self._helpers = [asyncio.create_task(helper) for helper in helpers]

    def _cancel_asked(self, reason: str) -> None:
        ending.cancelled_from_outside(self._incident, reason, workflow.now())
        self._changed()

    async def _await_news(self, until: Callable[[], bool] = lambda: False) -> None:
        """A defect in a task of ours fails the workflow task, which is retried and seen, instead of stalling silently."""
        self._news = False
        ours = [*self._helpers, *self._doing.values()]
        await workflow.wait_condition(lambda: self._news or self._was_reset or tasks.failed(ours) or until())
        tasks.raise_defects(ours)

    @property
    def _was_reset(self) -> bool:
        return resets().count > self._resets

    def _note_reset(self) -> None:
        """Somebody reset this workflow, or it healed itself: what was delivered again was taken before this."""
        if not self._was_reset:
            return
        self._resets = resets().count
        self._take_deadlines(workflow.now())
        settling.workflow_reset(self._incident, "this incident", resets().to or workflow.now(), workflow.now())
        self._changed()

    def _let_time_pass(self, until: datetime) -> None:
        """What fell due before something that is delivered again was said then, or is no news any more."""
        if resets().now:
            said = len(self._incident.outbox)
            self._take_deadlines(until)
            del self._incident.outbox[said:]

    def _take_deadlines(self, until: datetime) -> None:
        """Each at its time, as it was before the reset: what it brings has the same key then."""
        while (due := command.next_deadline(self._incident)) is not None and due <= until:
            command.let_fall_due(self._incident, due)
            if command.next_deadline(self._incident) == due:
                return

    # -- who may speak to it --------------------------------------------------------------------------

    def _take_message(self, name: str, arguments: Sequence[RawValue]) -> bool:
        try:
            match name:
                case "report":
                    self._take_report(messages.read(arguments, reports.Report, most=messages.RULES_BYTES))
                case "claim":
                    self._take_claim(messages.read(arguments, repairs.Claim))
                case _:
                    return False
        except messages.Malformed as fault:
            workflow.logger.warning("a %s was dropped: %s", name, fault)
        return True

    def _take_report(self, report: reports.Report) -> None:
        """From a role or a repair action."""
        now = self._event_time.of(report.at)
        self._let_time_pass(now)
        before = Savepoint(self._incident)
        try:
            reports.take(self._incident, report, now)
        except Exception:  # noqa: BLE001  # as for a command
            # Anybody who may signal can send a number that does not exist; it must not hold the incident.
            workflow.logger.exception("a report was dropped")
            before.restore()
        self._changed()

    def _take_claim(self, claim: repairs.Claim) -> None:
        """From a runner, just before it executes; the answer holds the verdict."""
        if not 0 < len(claim.token) <= answers.LONGEST_ID:
            raise messages.Malformed("its token is empty or too long")
        verdict = repairs.claim(self._incident, claim, self._event_time.of(None))
        if verdict.go:
            repair = self._incident.repairs[claim.number]
            self._incident.want(TellRepair(f"repair/{claim.number}/running-{repair.claims}", claim.number))
        self._answers.give(
            answers.field_of("claim", claim.token),
            repairs.reply(verdict),
            workflow.now(),
            most=answers.VERDICT_BYTES,
        )
        self._changed()

    def _check(self, said: Said[Command]) -> None:
        """Once the incident is closed, the workflow of the weeks after it takes what there is to say."""
        closed = self._incident.phase is Phase.CLOSED and self._incident.after is not None
        if closed and said.command.after_close:
            raise Elsewhere
        super()._check(said)

    @workflow.query
    def incident(self) -> Incident:
        """All of it."""
        return self._incident

    @workflow.query
    def card(self) -> str:
        """Where we are, in Markdown."""
        return card.markdown(self._incident)

    @workflow.query
    def timeline(self) -> list[Entry]:
        """What happened, line by line."""
        return self._incident.timeline

    @workflow.query
    def summary(self) -> str:
        """The executive summary as it would go out now."""
        return wording.executive_summary(wording.picture(self._incident), workflow.now())

    def _wake(self) -> None:
        """The last thing in flight was answered: a new history may begin."""
        if self._winding_up:
            self._news = True

    def _changed(self) -> None:
        self._news = self._redraw = self._unsaved = True
        self._staff.look()

    # -- what happens in the world --------------------------------------------------------------------

    def _carry_out_effects(self) -> None:
        """A task for each effect that has none; one that was replaced meanwhile is carried out again."""
        for effect in list(self._incident.effects.values()):
            key = effect.key
            if self._is_pointless(effect):
                if key in self._doing:
                    self._doing[key].cancel()
                else:
                    del self._incident.effects[key]
            elif key not in self._doing and (not self._winding_up or isinstance(effect, URGENT)):
                self._doing[key] = asyncio.create_task(self._carry_out(key), name=key)

    def _is_pointless(self, effect: Effect) -> bool:
        """Nobody is woken for a call that is over; what needs a room would wait for one for ever."""
        if isinstance(effect, SendPage | FollowPage):
            return not self._incident.open
        return isinstance(effect, OF_A_ROOM) and self._incident.room is None and self._incident.phase is Phase.CLOSED

    async def _carry_out(self, key: str) -> None:
        effect = self._incident.effects[key]
        try:
            await deeds.carry_out(effect, self._incident, self._versions)
        except (FailureError, asyncio.CancelledError) as failure:
            if not is_cancelled_exception(failure):
                self._incident.log("not done", f"{effect.kind}: {_why(failure)}", workflow.now(), source="workflow")
            elif not self._is_pointless(effect):
                return  # only put off: it is carried along to the next history
        finally:
            del self._doing[key]
            self._news = True
        if self._incident.effects.get(key) == effect:
            del self._incident.effects[key]
        self._changed()

    async def _speak(self) -> None:
        """The one mouth of the room: a post at a time, in order; what gathers meanwhile joins the next.

        Lines whose post is given up are posted one by one, so that one of them does not take the others with it.
        """
        incident, apart = self._incident, 0
        while True:
            await workflow.wait_condition(
                lambda: bool(incident.outbox) and incident.room is not None and not self._winding_up
            )
            assert incident.room is not None
            self._speaking = True
            lines = incident.outbox[:1] if apart else _together(incident.outbox)
            prefix = workflow.info().workflow_id
            first, *more = (Part(line.text, f"{prefix}/{line.key}") for line in lines)
            text = "\n".join(line.text for line in lines)
            try:
                if about := lines[0].about:
                    await rooms.post_notice(incident, about, incident.room.channel, first.key)
                else:
                    await workflow.execute_activity_method(
                        Chat.post,
                        Post(
                            incident.room.channel,
                            first.text,
                            first.key,
                            also=(first.key,) if apart else (),
                            lines=tuple(more),
                        ),
                        task_queue=CHAT,
                        summary=retries.summary(text),
                        **retries.POST,
                    )
            except ActivityError as failure:
                tasks.raise_if_cancelled(failure)
                # What Slack can never accept must not hold the room.
                if len(lines) > 1:
                    apart, self._speaking = len(lines), False
                    continue
                incident.log("not said", f"{text} ({_why(failure)})", workflow.now(), source="slack")
                self._unsaved = True
            del incident.outbox[: len(lines)]
            apart, self._speaking = max(0, apart - 1), False
            self._redraw = self._news = True

    async def _keep_notices_current(self) -> None:
        """The card and the other notices, edited in place; none of them more than once in a few seconds."""
        while True:
            await workflow.wait_condition(lambda: self._redraw and not self._winding_up)
            shown = self._incident.shown
            self._redraw, wait = False, timedelta(0)
            for about in [a for a in shown if notices.compose(self._incident, a).mark != shown[a].mark]:
                if about not in shown:
                    continue  # let go while another one was edited
                pause = shown[about].at + EDITED_EVERY - workflow.now()
                # The last words about an incident that is closed wait for nothing.
                if pause > timedelta(0) and self._incident.phase is not Phase.CLOSED:
                    wait = min(pause, wait or pause)
                    continue
                self._editing = True
                await rooms.edit_notice(self._incident, about)
                self._editing, self._news = False, True
            if wait:
                await self._pause(wait)

    async def _pause(self, wait: timedelta) -> None:
        """What happens meanwhile is in the next edit."""
        phase = self._incident.phase
        await wait_until(lambda: self._incident.phase is not phase, within=wait, summary="before the next edit")
        self._redraw = True

    async def _keep_time(self) -> None:
        """The incident's own deadlines."""
        while True:
            await self._until(command.next_deadline(self._incident))
            command.let_fall_due(self._incident, workflow.now())
            self._changed()

    async def _until(self, due: datetime | None) -> None:
        """Until `due`, or until a handler moved the deadline."""
        moved = lambda: command.next_deadline(self._incident) != due  # noqa: E731  # read twice below
        if due is None:
            await workflow.wait_condition(moved)
        else:
            await wait_until(moved, within=due - workflow.now(), summary=f"next deadline {due:%H:%M:%S} UTC")

    # -- what can be read of it -----------------------------------------------------------------------

    def _show(self) -> None:
        """Search attributes, one upsert a change; the card as the workflow's current details."""
        attributes = search_attributes.of_incident(self._incident)
        if attributes != self._shown:
            workflow.upsert_search_attributes(search_attributes.changed(self._shown, attributes))
            self._shown = attributes
        if self._incident.title != self._title:
            self._title = self._incident.title
            workflow.upsert_memo({"title": self._title})
        workflow.set_current_details(card.markdown(self._incident))

    # -- a new history, and the end -------------------------------------------------------------------

    def _history_is_long(self) -> bool:
        info = workflow.info()
        return info.get_current_history_length() >= HISTORY_LIMIT or info.is_continue_as_new_suggested()

    def _nothing_in_flight(self) -> bool:
        """But what may be begun again, because its key makes twice once. What is still wanted is carried along."""
        again = (SendPage, FollowPage, OpenRoom)
        effects = self._incident.effects
        busy = [key for key in self._doing if not isinstance(effects.get(key), again)]
        return not (busy or self._speaking or self._editing)

    async def _begin_anew(self) -> None:
        await self._hold_snapshots()
        await tasks.end([*self._helpers, *self._doing.values()])
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._incident.phase is Phase.CLOSED:
            # Cancelled from outside meanwhile, which a new history would know nothing of.
            self._saves_held = False
            self._begin_helpers()
            return
        self._show_answers_now()
        workflow.continue_as_new(IncidentInput(carried=Carried(self._incident, self._versions, self._answers)))

    async def _close(self) -> None:
        """What runs is stopped, the roles end, the last words are said and the last record is kept."""
        self._winding_up = False
        dismissing = asyncio.create_task(self._dismiss(), name="dismiss")
        self._helpers.append(dismissing)

        def done() -> bool:
            return dismissing.done() and self._all_is_done()

        while not done():
            self._note_reset()
            self._carry_out_effects()
            self._show()
            await self._await_news(done)
        self._show()
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._unsaved = True
        await self._last_snapshot()
        await tasks.end(self._helpers)
        self._show_answers_now()

    async def _dismiss(self) -> None:
        incident = self._incident
        await children.dismiss_repairs(incident, self._versions)
        await self._staff.dismiss()
        publishing.close(incident, workflow.now())
        incident.want(KeepRecord("record/closed"))
        if incident.after is not None:
            incident.want(TellAfter("after/closed"))
        self._changed()

    def _all_is_done(self) -> bool:
        incident = self._incident
        said = not incident.outbox or incident.room is None
        return said and not (self._doing or incident.effects or self._redraw or self._editing)


def _why(failure: BaseException) -> str:
    cause = failure.cause if isinstance(failure, ActivityError) else failure
    return cause.message if isinstance(cause, ApplicationError) else str(cause)


def _together(outbox: list[Line]) -> list[Line]:
    """As many lines as one post takes. A notice is a post of its own."""
    if outbox[0].about:
        return outbox[:1]
    size = 0
    lines: list[Line] = []
    for line in outbox[:LINES_A_POST]:
        size += len(line.text)
        if line.about or (lines and size > 12_000):
            break
        lines.append(line)
    return lines
