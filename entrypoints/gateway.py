"""The doors' typed way to the incidents. Every door uses it, and so do the tests."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from entrypoints.signing import Sign, unsigned
from incident import declaring, identity, proof
from incident.commands import Command, Said
from incident.commands.base import may_decide
from incident.declaring import Declaration
from incident.model import Answer, Incident, Phase
from incident.reports import Report
from incident.severity import Severity
from workflows import retries, search_attributes
from workflows.incident_input import IncidentInput
from workflows.queues import INCIDENT
from workflows.spoken_to import HANDED_OVER

WORKFLOW = "IncidentWorkflow"  # by name: its class would import every SDK of the activities into each `ic`
AFTER = "AfterIncidentWorkflow"
ANSWER_WITHIN = timedelta(seconds=20)
BEGUN_WITHIN = timedelta(seconds=4)
"""After that a door pages by itself: a page is never behind anything."""
TURN = 0.1
MOVED_WITHIN = 3.0
ASKED = 4
ASKED_AGAIN_AFTER = 5.0


class Refused(Exception):
    """Heard and refused; the text says why."""


class Unreachable(Exception):
    """Temporal does not answer."""


class Unanswered(Exception):
    """Sent and not answered. It may still happen; said again with the same id it counts once."""

    def __init__(self, id: str) -> None:
        self.id = id
        super().__init__(f"Sent, not answered. It may still happen. Repeat it with `--id {id}`: it counts once.")


class _HandedOver(Exception):
    """Not heard by this workflow of the incident, but by its other one."""


class NoSuchIncident(Exception):
    """There is none of that id."""


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

    `sign` proves whose word it is: with the door's own key, or with that of whoever sits at it.
    """

    def __init__(self, client: Client, sign: Sign = unsigned) -> None:
        self._client = client
        self._sign = sign
        self.namespace = client.namespace

    async def declare(self, title: str, *, key: str = "", **more: Any) -> str:
        """The id of the incident. `more` is as `declaring.draw_up` has it.

        The same key always gives the same incident; no worker has to be alive. Raises Unreachable.
        """
        key = key or str(uuid.uuid4())
        for words in itertools.count(2):
            declaration = declaring.draw_up(title, key=key, at=datetime.now(UTC), words=words, **more)
            if await self.begin(await self.signed(declaration)):
                return declaration.id
        raise AssertionError("another key's incident has each of these ids")

    async def signed(self, declaration: Declaration) -> Declaration:
        return replace(declaration, proof=await self._sign(proof.of_declaration(declaration), needed=False))

    async def begin(self, declaration: Declaration) -> bool:
        """True when it runs, begun now or before under the same key. Raises Unreachable."""
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
            handle = self._client.get_workflow_handle(identity.workflow_id(declaration.id))
            memo = await (await handle.describe()).memo()
            return memo.get("key_mark") == declaration.key_mark
        except RPCError as error:
            raise Unreachable(_sentence(error)) from error
        return True

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
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            return await asyncio.wait_for(
                self._update(handle, said.command.verb, said, said.id), ANSWER_WITHIN.total_seconds()
            )
        except WorkflowUpdateFailedError as failure:
            cause = failure.cause
            if isinstance(cause, ApplicationError) and cause.type == HANDED_OVER:
                raise _HandedOver(cause.message) from None
            raise Refused(cause.message if isinstance(cause, ApplicationError) else str(cause)) from None
        except RPCError as error:
            raise self._what(error, incident, said.id) from error
        except asyncio.TimeoutError:
            raise Unanswered(said.id) from None

    async def _update(self, handle: WorkflowHandle[Any, Any], verb: str, said: Said[Any], id: str) -> Answer:
        """Ten commands may be under way in one incident; the others wait their turn.

        While a history begins anew the server is shortly unavailable for the incident. Asking again is safe: the
        incident knows the command's id.
        """
        begun = time.monotonic()
        while True:
            try:
                answer: Answer = await handle.execute_update(verb, said, id=f"{verb}/{id}", result_type=Answer)
            except RPCError as error:
                full = error.status is RPCStatusCode.RESOURCE_EXHAUSTED
                moving = error.status is RPCStatusCode.UNAVAILABLE and time.monotonic() - begun < MOVED_WITHIN
                if not (full or moving):
                    raise
                await asyncio.sleep(TURN)
            else:
                return answer

    async def report(self, incident: str, report: Report) -> None:
        """What the outside says of an incident. Raises NoSuchIncident, Unreachable."""
        handle = self._client.get_workflow_handle(identity.workflow_id(incident))
        try:
            await handle.signal("report", report)
        except RPCError as error:
            raise self._what(error, incident, "") from error

    async def declared_under(self, key: str) -> str:
        """The incident that was declared under `key`, open or not; empty when there is none. Raises Unreachable."""
        for words in (2, 3):
            id = identity.incident_id(key, words)
            try:
                described = await self._client.get_workflow_handle(identity.workflow_id(id)).describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return ""
                raise Unreachable(_sentence(error)) from error
            if (await described.memo()).get("key_mark") == identity.key_mark(key):
                return id
        return ""

    async def incident_of_team(self, letter: str) -> str:
        """The incident whose sub-team works under this letter; empty when none does. Raises Unreachable."""
        try:
            described = await self._client.get_workflow_handle(identity.sub_team_workflow_id(letter)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return ""
            raise Unreachable(_sentence(error)) from error
        running = described.status is WorkflowExecutionStatus.RUNNING
        return str((await described.memo()).get("incident", "")) if running else ""

    async def look(self, incident: str) -> Incident:
        """All of it, from the workflow whose own it is."""
        found: Incident = await self._ask(incident, "incident", Incident)
        if not found.open and found.after is not None:
            with contextlib.suppress(NoSuchIncident):
                usual = identity.after_workflow_id(incident)
                id = found.other_ids.get(usual, usual)
                after: Incident = await self._ask(incident, "incident", Incident, id)
                found = after if after.phase is Phase.CLOSED else found
        return found

    async def summary(self, incident: str) -> str:
        return str(await self._ask(incident, "summary", str))

    async def _ask(self, incident: str, query: str, answer: Any, of: str = "") -> Any:  # of the type `answer`
        """A question that went to a worker which has died since is asked again: asking changes nothing."""
        handle = self._client.get_workflow_handle(of or identity.workflow_id(incident))
        for _ in range(ASKED):
            try:
                return await asyncio.wait_for(handle.query(query, result_type=answer), ASKED_AGAIN_AFTER)
            except RPCError as error:
                raise self._what(error, incident, "") from error
            except WorkflowQueryFailedError as error:
                raise Unreachable(f"The question failed: {error.message}") from error
            except asyncio.TimeoutError:
                continue
        raise Unreachable("No worker answers. Is `ic up` running?")

    async def list(self, *, everything: bool = False) -> list[Listed]:
        """Open incidents, or all that the server still knows; the newest first."""
        query = f'WorkflowType = "{WORKFLOW}"' + ("" if everything else ' and ExecutionStatus = "Running"')
        found: dict[str, Listed] = {}
        try:
            async for run in self._client.list_workflows(query):
                attributes = run.typed_search_attributes
                listed = Listed(
                    id=identity.incident_of(run.id),
                    title=str((await run.memo()).get("title", "")),
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
            return NoSuchIncident(f"No incident {incident!r} is running. `ic list` shows the open ones.")
        if id and error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
            return Unanswered(id)
        again = f" If it was sent, repeat it with `--id {id}`: it counts once." if id else ""
        return Unreachable(_sentence(error) + again)


def _sentence(error: RPCError) -> str:
    if error.status in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED):
        return f"Temporal does not accept it: {error.message}. `ic doctor` says what is missing."
    return f"Temporal cannot be reached ({error.status.name.lower().replace('_', ' ')}). Is `ic up` running?"


@contextmanager
def reaching() -> Iterator[None]:
    """The first call connects; a server that is not there is said in our words."""
    try:
        yield
    except RuntimeError as error:
        if "connect" not in str(error).lower():
            raise
        raise Unreachable("Temporal cannot be reached. Is `ic up` running?") from error
