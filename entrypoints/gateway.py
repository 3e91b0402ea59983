"""The doors' typed way to the incidents. Every door uses it, and so do the tests.

The vocabulary and the rules of declaring are imported by what sends them: whoever only looks does without.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities import command_answers
from activities.command_answers import CommandAnswers
from entrypoints.problems import Doubtful, NoSuchIncident, Refused, Unanswered, Unreachable
from entrypoints.quota import Quota
from entrypoints.signing import Sign, unsigned
from entrypoints.snapshots import CannotRead, SnapshotReader
from incident import answers, identity, proof
from incident.answers import Outcome
from incident.model import Answer, Incident
from incident.severity import Severity
from incident.snapshots import Snapshot
from workflows import search_attributes
from workflows.queues import INCIDENT, ROLES

if TYPE_CHECKING:
    from incident.commands import Command, Said
    from incident.declaring import Declaration
    from incident.reports import Report
    from workflows.incident_input import IncidentInput

SUB_TEAM_WORKFLOW = "SubTeamWorkflow"
WORKFLOW = "IncidentWorkflow"  # by name: its class would import every SDK of the activities into each `ic`
AFTER = "AfterIncidentWorkflow"
ANSWER_WITHIN = timedelta(seconds=20)
BEGUN_WITHIN = timedelta(seconds=4)
"""After that a door pages by itself: a page is never behind anything."""
LENGTHS = (2, 3, 4)
"""How many words an incident's id may have: more where the shorter one is taken."""
ENDED_BADLY = (
    WorkflowExecutionStatus.CANCELED,
    WorkflowExecutionStatus.FAILED,
    WorkflowExecutionStatus.TERMINATED,
    WorkflowExecutionStatus.TIMED_OUT,
)
TURN = 0.1
SAVING = "save_snapshot"
"""The activity that saves an incident's snapshot."""
_NOT_RUNNING = "No incident {!r} is running. `ic list` shows the open ones."
MOVED_WITHIN = 3.0
SAVED_WITHIN = 5.0
"""Seconds; longer than a snapshot takes when the database answers."""


class _HandedOver(Exception):
    """Not heard by this workflow of the incident, but by its other one."""


@dataclass(frozen=True)
class Listed:
    """A line of the list of incidents."""

    id: str
    title: str
    severity: str
    status: str
    commander: str
    declared_at: datetime
    ended_at: datetime | None
    secret: bool = False

    @property
    def open(self) -> bool:
        return self.status == "open"

    @property
    def major(self) -> bool:
        """Open, a SEV-1 or SEV-2, and not one that is kept quiet."""
        return not self.secret and self.open and self.severity in (Severity.SEV1, Severity.SEV2)


class Gateway:
    """`say` a command, `declare` an incident, look at what is there. No method a verb.

    `snapshots` is what is read; no workflow is asked anything. `sign` proves whose word it is: with the door's own key, or with that of whoever sits at it.
    """

    def __init__(
        self, client: Client, snapshots: SnapshotReader, sign: Sign = unsigned, *, quota: Quota | None = None
    ) -> None:
        self._client = client
        self.snapshots = snapshots
        self._answers = CommandAnswers(client)
        self._sign = sign
        self._quota = quota or Quota()
        self.namespace = client.namespace

    async def at_hand(self) -> Gateway:
        """Itself, where a way to get one is asked for."""
        return self

    async def declare(self, title: str, *, key: str = "", **more: Any) -> str:
        """The id of the incident. `more` is as `declaring.draw_up` has it.

        The same key always gives the same incident; no worker has to be alive. Raises Doubtful, Unreachable.
        """
        from incident import declaring

        key = key or str(uuid.uuid4())
        declaration = declaring.draw_up(title, key=key, at=datetime.now(UTC), **more)
        return await self.settle(key, await self.signed(declaration))

    async def settle(self, key: str, declaration: Declaration) -> str:
        """Begin what was declared under `key`; the id it has, longer where the usual one is taken by something else.

        Raises Doubtful, Unreachable.
        """
        from incident import declaring

        for words in LENGTHS:
            this = declaration if words == LENGTHS[0] else await self.signed(declaring.longer(declaration, key, words))
            if await self.begin(this):
                return this.id
        raise Doubtful("Other workflows have every id that this incident could have.")

    async def signed(self, declaration: Declaration) -> Declaration:
        return replace(declaration, proof=await self._sign(proof.of_declaration(declaration), needed=False))

    async def begin(self, declaration: Declaration) -> bool:
        """True when it runs, begun now or before under the same key; False when something else has its id.

        Raises Doubtful, Unreachable.
        """
        from workflows import retries
        from workflows.incident_input import IncidentInput

        declarer = "somebody" if declaration.security else declaration.by_name
        try:
            await self._client.start_workflow(
                WORKFLOW,
                IncidentInput(declaration),
                id=identity.workflow_id(declaration.id),
                task_queue=INCIDENT,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                memo={"key_mark": declaration.key_mark, "title": declaration.title},
                search_attributes=search_attributes.of_declaration(declaration),
                static_summary=retries.summary(f"{declaration.severity} {declaration.title}"),
                static_details=f"Declared by {declarer} through {declaration.origin.door}.",
                rpc_timeout=BEGUN_WITHIN,
            )
        except WorkflowAlreadyStartedError:
            return await self._stands_for(declaration)
        except RPCError as error:
            raise Unreachable(_sentence(error)) from error
        return True

    async def _stands_for(self, declaration: Declaration) -> bool:
        """Whether the workflow that has its id already was begun under the same key, and pages whom this one would.

        Anybody who may write to the namespace can start a workflow under that id. False when it is of another kind or
        key. Raises Doubtful when it looks like this incident and may page nobody, Unreachable.
        """
        id = identity.workflow_id(declaration.id)
        try:
            described = await self._client.get_workflow_handle(id).describe(rpc_timeout=BEGUN_WITHIN)
            if not await _begun_under(described, declaration.key_mark):
                return False
            begun = await self._first_input(described)
        except RPCError as error:
            raise Unreachable(_sentence(error)) from error
        except Exception as fault:  # somebody else's payloads: whatever cannot be read is in doubt
            raise Doubtful(f"What began the workflow {id} cannot be read ({type(fault).__name__}).") from fault
        if described.status in ENDED_BADLY:
            raise Doubtful(f"The workflow {id} was {str(described.status.name).lower().replace('_', ' ')}.")
        if begun.declaration is None or not _pages_alike(begun.declaration, declaration):
            raise Doubtful(f"The workflow {id} was begun with something else: it may page nobody.")
        return True

    async def _first_input(self, described: WorkflowExecutionDescription) -> IncidentInput:
        """What its first run was begun with; later runs carry the incident along."""
        from workflows.incident_input import IncidentInput

        first = described.raw_info.first_run_id or described.run_id
        handle = self._client.get_workflow_handle(described.id, run_id=first)
        async for event in handle.fetch_history_events(page_size=1, rpc_timeout=BEGUN_WITHIN):
            payloads = event.workflow_execution_started_event_attributes.input.payloads
            found: list[IncidentInput] = await described.data_converter.decode(payloads, [IncidentInput])
            return found[0]
        raise LookupError("a history without events")

    async def say(
        self,
        incident: str,
        command: Command,
        *,
        by: str,
        name: str = "",
        door: str,
        id: str = "",
        at: datetime | None = None,
        on_behalf: str = "",
    ) -> Answer:
        """Accepted and durable when it returns. Raises Refused, NoSuchIncident, Unreachable, Unanswered."""
        from incident.commands import Said
        from incident.commands.base import may_decide

        if (seconds := self._quota.take(by)) > 0:
            raise Refused(f"You've sent too many commands. Try again in {math.ceil(seconds)} s.")
        said = Said(command, by, id or str(uuid.uuid4()), door, name, at or datetime.now(UTC), on_behalf=on_behalf)
        text = proof.of_command(incident, said)
        said = replace(said, proof=await self._sign(text, needed=may_decide(command)))
        return await self.pass_on(incident, said)

    async def pass_on(self, incident: str, said: Said[Any]) -> Answer:
        """What was signed already, as it is. Raises as `say` does."""
        try:
            return await self._said(identity.workflow_id(incident), incident, said)
        except (_HandedOver, NoSuchIncident):
            if not said.command.after_close:
                raise
        # The incident is closed; the weeks after it have a workflow of their own.
        begun, after = time.monotonic(), await self._after(incident)
        while True:
            try:
                return await self._said(after, incident, said)
            except _HandedOver:
                if time.monotonic() - begun > MOVED_WITHIN:
                    raise Unreachable("The incident is just being closed. Say it again in a minute.") from None
                await asyncio.sleep(TURN)

    async def _after(self, incident: str) -> str:
        """The workflow of the weeks after it, which has another id than usual where something else stood there."""
        usual, parent, kind = identity.after_workflow_id(incident), identity.workflow_id(incident), AFTER
        try:
            found = await self._client.get_workflow_handle(usual).describe()
            if (found.parent_id, found.workflow_type) != (parent, kind):
                query = f'WorkflowType = "{kind}" AND WorkflowId STARTS_WITH "{usual}/"'
                async for run in self._client.list_workflows(query):
                    if run.parent_id == parent:
                        return run.id
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise Unreachable(_sentence(error)) from error
        return usual

    async def _said(self, workflow_id: str, incident: str, said: Said[Command]) -> Answer:
        said = replace(said, reply_to=uuid.uuid4().hex[:12])
        within = ANSWER_WITHIN.total_seconds()
        try:
            reply = await self._answers.ask(workflow_id, said.command.verb, said.reply_to, said, within=within)
        except RPCError as error:
            raise self._what(error, incident, said.id) from error
        except command_answers.Unanswered:
            raise Unanswered(said.id) from None
        except command_answers.Ended:
            raise NoSuchIncident(_NOT_RUNNING.format(incident)) from None
        if reply.outcome is Outcome.ELSEWHERE:
            raise _HandedOver
        self.snapshots.expect(incident, reply.version)
        text = reply.text if reply.whole else await self._whole_answer(incident, said)
        if reply.outcome is Outcome.REFUSED:
            raise Refused(text)
        return Answer(text, reply.number)

    async def _whole_answer(self, incident: str, said: Said[Any]) -> str:
        """The text of an answer that the memo does not hold; the outcome is known without it."""
        name, ends = answers.field_of(said.command.verb, said.reply_to), time.monotonic() + SAVED_WITHIN
        while time.monotonic() < ends:
            with contextlib.suppress(CannotRead):
                found = await self.snapshots.find(incident)
                if found is not None and name in found.answers:
                    return found.answers[name]
            await asyncio.sleep(TURN)
        return "It is done, or refused, as the exit code says; what was answered stands in the channel."

    async def report(self, incident: str, report: Report) -> None:
        """What the outside says of an incident. Raises NoSuchIncident, Unreachable."""
        handle = self._client.get_workflow_handle(identity.workflow_id(incident))
        try:
            await handle.signal("report", report)
        except RPCError as error:
            raise self._what(error, incident, "") from error

    async def declared_under(self, key: str) -> str:
        """The incident that was declared under `key`, open or not; empty when there is none. Raises Unreachable."""
        for words in LENGTHS:
            id = identity.incident_id(key, words)
            try:
                described = await self._client.get_workflow_handle(identity.workflow_id(id)).describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return ""
                raise Unreachable(_sentence(error)) from error
            try:
                if await _begun_under(described, identity.key_mark(key)):
                    return id
            except Exception as fault:  # noqa: BLE001  # somebody else's payloads: they are no word of ours
                logging.getLogger(__name__).warning("%s has a memo that cannot be read: %r", described.id, fault)
        return ""

    async def incident_of_team(self, letter: str) -> str:
        """The incident whose sub-team works under this letter; empty when none does. Raises Unreachable."""
        try:
            described = await self._client.get_workflow_handle(identity.sub_team_workflow_id(letter)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return ""
            raise Unreachable(_sentence(error)) from error
        ours = (described.workflow_type, described.task_queue) == (SUB_TEAM_WORKFLOW, ROLES)
        running = described.status is WorkflowExecutionStatus.RUNNING
        return str((await described.memo()).get("incident", "")) if ours and running else ""

    async def incident_in(self, channel: str) -> str:
        """The incident whose channel this is, by its id; empty elsewhere. Raises Unreachable."""
        try:
            return await self.snapshots.in_channel(channel)
        except CannotRead as fault:
            raise Unreachable(str(fault)) from None

    async def look(self, incident: str, *, live: bool = False) -> Incident:
        """The incident as last saved. Raises NoSuchIncident, Unreachable."""
        return (await self.snapshot(incident, live=live)).incident

    async def snapshot(self, incident: str, *, live: bool = False) -> Snapshot:
        """The snapshot as last saved, with whatever this process had answered; `live`: with all that has happened.

        Raises NoSuchIncident, Unreachable.
        """
        ends = time.monotonic() + SAVED_WITHIN
        while True:
            settled = not live or await self._is_settled(incident)
            found = await self._saved(incident)
            if found is not None and settled and self.snapshots.as_expected(incident, found):
                return found
            if time.monotonic() > ends:
                break
            if found is None and not await self._is_running(incident):
                raise NoSuchIncident(_NOT_RUNNING.format(incident))
            await asyncio.sleep(TURN)
        if found is not None:
            return found
        raise Unreachable("The incident's state is not saved yet. Is `ic up` running?")

    async def _saved(self, incident: str) -> Snapshot | None:
        try:
            return await self.snapshots.find(incident)
        except CannotRead as problem:
            raise Unreachable(str(problem)) from None

    async def _is_settled(self, incident: str) -> bool:
        """Whether the incident has nothing left to save; asks the server, and no worker."""
        for id in (identity.workflow_id(incident), await self._after(incident)):
            try:
                described = (await self._client.get_workflow_handle(id).describe()).raw_description
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    continue
                raise Unreachable(_sentence(error)) from error
            saving = any(one.activity_type.name == SAVING for one in described.pending_activities)
            if saving or described.HasField("pending_workflow_task"):
                return False
        return True

    async def _is_running(self, incident: str) -> bool:
        try:
            described = await self._client.get_workflow_handle(identity.workflow_id(incident)).describe()
        except RPCError as error:
            raise self._what(error, incident, "") from error
        return described.status is WorkflowExecutionStatus.RUNNING

    async def list(self, *, everything: bool = False) -> list[Listed]:
        """Open incidents, or all that the server still knows; the newest first."""
        query = f'WorkflowType = "{WORKFLOW}"' + ("" if everything else ' and ExecutionStatus = "Running"')
        found: dict[str, Listed] = {}
        try:
            async for run in self._client.list_workflows(query):
                try:
                    id, title = identity.incident_of(run.id), str((await run.memo()).get("title", ""))
                except Exception as fault:  # noqa: BLE001  # somebody else's workflow, or payload: the others are listed
                    logging.getLogger(__name__).warning("%s is not listed: %r", run.id, fault)
                    continue
                attributes = run.typed_search_attributes
                listed = Listed(
                    id=id,
                    title=title,
                    severity=attributes.get(search_attributes.SEVERITY) or "",
                    status=attributes.get(search_attributes.STATUS) or "",
                    commander=attributes.get(search_attributes.COMMANDER) or "",
                    declared_at=run.start_time,
                    ended_at=run.close_time,
                    secret=attributes.get(search_attributes.KIND) == search_attributes.SECRET,
                )
                found.setdefault(listed.id, listed)
        except RPCError as error:
            raise Unreachable(_sentence(error)) from error
        return list(found.values())

    def _what(self, error: RPCError, incident: str, id: str) -> Exception:
        if error.status is RPCStatusCode.NOT_FOUND:
            return NoSuchIncident(_NOT_RUNNING.format(incident))
        if id and error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
            return Unanswered(id)
        again = f" If it was sent, repeat it with `--id {id}`: it counts once." if id else ""
        return Unreachable(_sentence(error) + again)


async def _begun_under(described: WorkflowExecutionDescription, key_mark: str) -> bool:
    """Whether it is an incident's workflow, on the queue that our workers serve, declared under this key."""
    if (described.workflow_type, described.task_queue) != (WORKFLOW, INCIDENT):
        return False
    return (await described.memo()).get("key_mark") == key_mark


def _pages_alike(one: Declaration, other: Declaration) -> bool:
    """Whether `one` pages at least whom `other` would. Words may differ: a trigger is told again with newer ones."""
    return (
        one.key_mark == other.key_mark
        and one.practice == other.practice
        and (one.severity.major or not other.severity.major)
        and one.policy.paging == other.policy.paging
        and one.policy.teams == other.policy.teams
    )


def _sentence(error: RPCError) -> str:
    if error.status in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED):
        return f"Temporal does not accept it: {error.message}. `ic doctor` says what is missing."
    return f"Temporal cannot be reached ({error.status.name.lower().replace('_', ' ')}). Is `ic up` running?"
