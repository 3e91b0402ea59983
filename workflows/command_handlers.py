"""Commands reach a workflow as Signals, named by their verb; their answers stand in its memo.

Why not Updates: with a worker that stands still for a while, Updates beside Queries leave histories that do not replay
(docs/decisions). One dynamic handler takes every Signal, so that none is dropped by the SDK for its shape.
"""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.snapshots import Outcome as Saved
from activities.snapshots import Snapshots
from incident import answers, snapshots
from incident.answers import Answers, Outcome, Reply
from incident.commands import Command, Refusal, Said, Who, hear, judge
from incident.commands.base import speaker
from incident.commands.ending import Reload
from incident.model import Answer, Incident
from incident.snapshots import Document, Save, Version
from incident.texts import one_line
from workflows import messages, queues, retries
from workflows.messages import Malformed
from workflows.resets import EventTime
from workflows.savepoint import Savepoint
from workflows.waiting import wait_until

LONGEST_NAME = 200
LONGEST_PROOF = 8_000
FULL_FOR_TEXTS = 700_000
FULL = 1_400_000
"""Bytes of state. The server takes 2 MB a message, and the state travels whole, compressed, into each new history."""
SHORT_TEXT = 200
NOTES_A_WINDOW = 5
WINDOW = timedelta(minutes=10)
SAVED_WITHIN = timedelta(seconds=30)
HELD_WITHIN = timedelta(seconds=2)
"""How often, of one author, the channel is told of a refused Signal that nobody waits for."""


class Elsewhere(Exception):
    """The incident's other workflow takes this command."""


class CommandHandlers(ABC):
    """A workflow that holds an incident, takes commands about it, and saves its snapshot for whoever reads."""

    commands: ClassVar[dict[str, type[Command]]]
    _incident: Incident
    _answers: Answers
    _saved: tuple[Version, Document] | None = None
    _unsaved: bool = False
    _saving: bool = False
    _saves_held: bool = False
    _event_time: EventTime

    @workflow.signal(dynamic=True)
    def receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Take any Signal. What cannot be read changes nothing, and is answered where somebody waits for it."""
        if name in self.commands:
            self._take_command(name, arguments)
        elif not self._take_message(name, arguments):
            self._refuse_unread(name, arguments, f"Unknown command {name[:40]!r}. `help` lists the commands.")

    def _take_message(self, name: str, arguments: Sequence[RawValue]) -> bool:
        """Take what is no command. False when it is unknown."""
        return False

    def _check(self, said: Said[Command]) -> None:
        """Raise Refusal, or Elsewhere. Changes nothing."""
        judge(self._incident, said, self._event_time.of(said.at))

    def _apply(self, said: Said[Command]) -> Answer:
        return hear(self._incident, said, self._event_time.of(said.at))

    @abstractmethod
    def _let_time_pass(self, until: datetime) -> None:
        """Take what fell due before a message that is delivered again."""

    @abstractmethod
    def _changed(self) -> None:
        """Have it carried out, shown and saved."""

    # -- one command ----------------------------------------------------------------------------------

    def _take_command(self, verb: str, arguments: Sequence[RawValue]) -> None:
        kind = self.commands[verb]
        most = messages.RULES_BYTES if kind is Reload else messages.MESSAGE_BYTES
        try:
            said: Said[Command] = messages.read(arguments, Said[kind], most=most)  # type: ignore[valid-type]  # chosen at run time
        except Malformed as fault:
            self._refuse_unread(verb, arguments, f"`{verb}` was not understood: {fault}. Nothing was changed.")
            return
        if long := _too_long(said):
            self._refuse_unread(verb, arguments, f"`{verb}` was refused: {long}. Nothing was changed.")
            return
        self._answer(verb, said, self._reply(said))

    def _reply(self, said: Said[Command]) -> Reply:
        self._let_time_pass(self._event_time.of(said.at))
        before = Savepoint(self._incident)
        try:
            self._check_room_for(said.command, before.size)
            self._check(said)
            answer = self._apply(said)
        except Refusal as refusal:
            return Reply(Outcome.REFUSED, str(refusal))
        except Elsewhere:
            return Reply(Outcome.ELSEWHERE)
        except Exception:  # noqa: BLE001  # a defect of ours must neither hold the incident nor spoil it
            workflow.logger.exception("`%s` met a defect", said.command.verb)
            before.restore()
            return Reply(
                Outcome.REFUSED,
                f"`{said.command.verb}` failed because of a defect in Don't Panic, which is in the worker's log."
                " Nothing was changed. Say it in the channel, and do it by hand.",
            )
        self._changed()
        return Reply(Outcome.DONE, answer.text, answer.number)

    def _check_room_for(self, command: Command, state: int) -> None:
        """Keep the state below what the server takes; decisions and whatever has no text are never refused for it."""
        text = sum(len(value) for value in vars(command).values() if isinstance(value, str))
        full = state > FULL or (state > FULL_FOR_TEXTS and text > SHORT_TEXT)
        if full and text and command.who is Who.ANYONE:
            raise Refusal(
                f"This incident's record is full ({state // 1000} kB). Put it in a document, and post the link in the"
                " channel."
            )

    def _answer(self, verb: str, said: Said[Command], reply: Reply) -> None:
        if said.reply_to or said.id:
            name = answers.field_of(verb, said.reply_to or said.id)
            self._answers.give(name, reply, workflow.now(), restricted=self._incident.silent)
            self._unsaved = True
        elif reply.outcome is Outcome.REFUSED:
            who = speaker(self._incident, said)
            self._say_refused(
                who.id, f"{who.name}'s `!ic {one_line(said.command.words()[:200])}` was refused: {reply.text}"
            )

    def _refuse_unread(self, verb: str, arguments: Sequence[RawValue], why: str) -> None:
        workflow.logger.warning("a Signal %s was refused: %s", verb[:40], why)
        if id := _id_in(arguments):
            self._answers.give(answers.field_of(verb[:40], id), Reply(Outcome.REFUSED, why), workflow.now())

    def _say_refused(self, author: str, text: str) -> None:
        """Nobody waits for the answer, as when the stock `temporal` program sends a command without an id."""
        now, told = workflow.now(), self._incident.refusals
        author = author[:LONGEST_NAME]
        recent = [at for at in told.get(author, []) if at > now - WINDOW]
        if len(recent) >= NOTES_A_WINDOW or (author not in told and len(told) >= LONGEST_NAME):
            return
        told[author] = [*recent, now]
        self._incident.say(text, now)
        self._incident.log("refused", text, now, who=author, source="signal")
        self._changed()

    # -- its answer -----------------------------------------------------------------------------------

    async def _show_answers(self) -> None:
        """Keep the memo's answers current; runs beside the workflow's own work."""
        while True:
            self._show_answers_now()
            oldest = self._answers.next_expiry()
            news = lambda: bool(self._answers.unsent)  # noqa: E731  # read twice below
            if oldest is None:
                await workflow.wait_condition(news)
            else:
                left = oldest + answers.KEPT_FOR - workflow.now()
                await wait_until(news, within=left, summary="until the oldest answers leave the memo")
            self._answers.expire(workflow.now())

    def _show_answers_now(self) -> None:
        """The last thing before a workflow ends or goes on in a new history."""
        if changes := self._answers.take_unsent():
            workflow.upsert_memo({**changes, answers.VERSION: self._version().written()})

    # -- its snapshot ---------------------------------------------------------------------------------

    async def _keep_snapshot(self) -> None:
        """Save the incident after each change; runs beside the workflow's own work."""
        while True:
            await workflow.wait_condition(lambda: self._unsaved and not self._saves_held)
            self._unsaved = False
            await self._save_snapshot()

    async def _save_snapshot(self) -> None:
        version = self._version()
        document = snapshots.document(self._incident, self._answers)
        save = Save(self._incident.id, version, snapshots.closed(self._incident))
        if self._saved is None:
            save = dataclasses.replace(save, document=document)
        elif patch := snapshots.difference(self._saved[1], document):
            save = dataclasses.replace(save, patch=patch, base=self._saved[0])
        else:
            return
        self._saving = True
        try:
            outcome = await workflow.execute_activity_method(
                Snapshots.save, save, task_queue=queues.RECORDS, summary="snapshot for readers", **retries.SNAPSHOT
            )
            self._saved = (version, document) if outcome is Saved.SAVED else None
            self._unsaved = self._unsaved or outcome is not Saved.SAVED
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            workflow.logger.error("a snapshot was not saved: %s", failure.cause)
            self._saved = None
        finally:
            self._saving = False

    def _version(self) -> Version:
        info = workflow.info()
        return Version(info.run_id, info.get_current_history_length())

    async def _hold_snapshots(self) -> None:
        """Before a new history, which saves the whole anew: what is being saved is not given up for it."""
        self._saves_held = True
        await wait_until(lambda: not self._saving, within=HELD_WITHIN, summary="until the snapshot is saved")

    async def _last_snapshot(self) -> None:
        """Before the workflow ends. A database that is away does not keep it from ending; the record follows."""
        await wait_until(
            lambda: not self._unsaved and not self._saving, within=SAVED_WITHIN, summary="until the snapshot is saved"
        )


def _too_long(said: Said[Any]) -> str | None:
    """Texts have limits of their own (`commands.base`); the envelope's fields have these."""
    for field in dataclasses.fields(said):
        value = getattr(said, field.name)
        most = {"id": answers.LONGEST_ID, "reply_to": answers.LONGEST_ID, "proof": LONGEST_PROOF}.get(
            field.name, LONGEST_NAME
        )
        if isinstance(value, str) and len(value) > most:
            return f"its field {field.name!r} has {len(value)} characters of at most {most}"
    return None


def _id_in(arguments: Sequence[RawValue]) -> str:
    """The id of a command that could not be read as a whole, so that its sender learns why; empty without one."""
    for argument in arguments:
        if len(argument.payload.data) <= messages.MESSAGE_BYTES:
            try:
                found = json.loads(argument.payload.data)
            except (ValueError, RecursionError):
                continue
            names = (found.get("reply_to"), found.get("id")) if isinstance(found, dict) else ()
            for name in names:
                if isinstance(name, str) and 0 < len(name) <= answers.LONGEST_ID:
                    return name
    return ""
