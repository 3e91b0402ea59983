"""The runner: carries out a step of the catalogue, and nothing else.

It trusts nothing in its input. The step is taken from the catalogue on the runner's own disk, read anew each time, its
parameters are judged by it, the incident is derived from the id of the workflow that asks, and before it executes
anything that changes the system it asks that incident for the word "go". The incident says it once.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities import again, errors, steps
from activities.command_answers import CommandAnswers, Ended, Unanswered
from activities.on_call_book import now
from activities.steps import Place, StepOutcome
from incident import identity
from incident.catalogue import CatalogueEntry, Step, StepName
from incident.policy import BadPolicy, Organisation
from incident.proof import FRESH, Signed, approves
from incident.repairs import Claim, digest, lets_run, verdict
from incident.reports import LONGEST_OUTPUT, OutputSeen, Report

CLAIM_WITHIN = 20.0
CHECK_WITHIN = timedelta(seconds=60)
TOLD_EVERY = 3.0
TOLD_RARER = 1.15
TOLD_AT_LEAST_EVERY = 300.0
MOST_TOLD = 100


@dataclass(frozen=True)
class StepOrder:
    """One step of one entry. `digest` is what was proposed and approved: entry, parameters, catalogue and step."""

    number: int
    entry: str
    parameters: dict[str, str]
    digest: str
    step: StepName = "apply"


class Runner:
    """`catalogue` reads the organisation anew; `output` is the folder in which the whole output of each run is kept.

    In a practice only what is there to be practised on is touched; for everything else it says what it would do. Outside
    of one the IC's signature is verified again, with the keys that the runner itself knows. Commands run as `user`, unless
    that is empty.
    """

    def __init__(
        self, client: Client, catalogue: Callable[[], Organisation], output: Path, *, practice: bool, user: str = ""
    ) -> None:
        self._client = client
        self._answers = CommandAnswers(client)
        self._catalogue = catalogue
        self._output = output
        self._practice = practice
        self._user = user

    @activity.defn
    async def check(self, order: StepOrder) -> StepOutcome:
        """The entry's check. It only reads, so it needs no approval."""
        return await self._look(order, "check")

    @activity.defn
    async def verify(self, order: StepOrder) -> StepOutcome:
        """How one sees that it worked. It only reads, so it needs no approval."""
        return await self._look(order, "verify")

    @activity.defn
    async def run(self, order: StepOrder) -> StepOutcome:
        """The entry's apply, or its undo: at most once an approval, which is claimed from the incident just before."""
        entry, step = await self._step(order, order.step)
        attempt = activity.info().attempt
        if order.step not in ("apply", "undo"):
            raise _refused(f"{order.step} is not what an approval is for")
        if attempt > 1 and not entry.idempotent:
            raise _refused("it was begun before, and may not be done twice")
        teller = _Teller(self._client, order.number, await self._claim(order))
        place = self._place(order.step, f"{order.step}-{attempt}" if attempt > 1 else order.step, once=True)
        outcome = await self._carry_out(entry, step, order, place, step.time_limit, teller.beat)
        await teller.stop()
        if not outcome.ok and not outcome.aborted and attempt < step.tries:
            raise errors.step_failed(outcome.text)
        return outcome

    async def _look(self, order: StepOrder, name: StepName) -> StepOutcome:
        # What only reads belongs to an apply as well as to its undo.
        entry, step = await self._step(order, name)
        limit = step.time_limit or CHECK_WITHIN
        outcome = await self._carry_out(entry, step, order, self._place(name, name), limit, activity.heartbeat)
        if not outcome.ok and activity.info().attempt < step.tries:
            raise errors.step_failed(outcome.text)
        return outcome

    async def _carry_out(
        self,
        entry: CatalogueEntry,
        step: Step,
        order: StepOrder,
        place: Place,
        limit: timedelta | None,
        beat: steps.Beat,
    ) -> StepOutcome:
        if self._practice and not entry.practice:
            return StepOutcome(True, f"PRACTICE: not done. It would be: {step.shown(order.parameters)}")
        try:
            outcome = await steps.carry_out(step, order.parameters, place, limit, beat)
        except FileExistsError:
            raise _refused("this run was begun before on this machine") from None
        file = f"{outcome.output} on {socket.gethostname()}" if outcome.output else ""
        return replace(outcome, output=file)

    def _place(self, step: str, name: str, *, once: bool = False) -> Place:
        info = activity.info()
        run = f"{(info.workflow_id or '').replace('/', '_')}.{info.workflow_run_id}.{info.activity_id}"
        return Place(
            environment=steps.machine(),
            action=f"{info.workflow_id}/{step}/{info.workflow_run_id}/{info.activity_id}",
            keep=self._output / f"{run}.{name}.txt",
            once=once,
            user=self._user,
            why_cancelled=lambda: "the runner was shut down" if activity.is_worker_shutdown() else "aborted",
        )

    async def _step(self, order: StepOrder, name: StepName) -> tuple[CatalogueEntry, Step]:
        """From the runner's own catalogue; refuses what differs from the order."""
        if not activity.info().in_workflow:
            raise _refused("only a repair action's workflow may ask for a step")
        try:
            organisation = await asyncio.to_thread(self._catalogue)
        except (BadPolicy, OSError) as fault:
            raise _refused(f"the runner's catalogue cannot be read: {fault}") from None
        entry = organisation.entry(order.entry)
        if entry is None:
            raise _refused(f"the runner's catalogue has no {order.entry!r}")
        only: StepName | None = name if name in ("check", "verify") else None
        services = frozenset(service.id for service in organisation.services)
        if (why := entry.refuse(order.parameters, services, only)) is not None:
            raise _refused(why)
        if digest(entry, order.parameters, "", order.step) != order.digest:
            raise _refused("the runner's catalogue differs from what was proposed; `!ic reload`, then propose it again")
        step = entry.step(name)
        if step is None or not step.automated:
            raise _refused(f"{entry.id} has no automated {name}")
        return entry, step

    async def _claim(self, order: StepOrder) -> str:
        """Ask the incident for the word; the token it was asked with."""
        info = activity.info()
        assert info.workflow_id is not None and info.workflow_run_id is not None
        try:
            incident = identity.incident_of(info.workflow_id)
            ours = identity.repair_number_of(info.workflow_id) == order.number
        except ValueError as fault:
            raise _refused(str(fault)) from None
        if not ours:
            raise _refused("the workflow that asks is another repair action's")
        token = str(uuid.uuid4())
        run = await self._first_run() if again.begun_anew() else info.workflow_run_id
        claim = Claim(order.number, order.digest, info.workflow_id, run, token, practice=self._practice)
        try:
            asked = self._answers.ask(identity.workflow_id(incident), "claim", token, claim, within=CLAIM_WITHIN)
            answer = verdict(await asked)
        except (Unanswered, Ended, RPCError, ValueError) as error:
            raise _refused(f"the incident did not answer ({type(error).__name__})") from None
        if not answer.go:
            raise _refused(answer.why)
        if not self._practice or answer.approval is not None:
            run = f"{info.workflow_run_id}/{info.activity_id}"
            await asyncio.to_thread(self._verify, answer.approval, incident, order, run)
        return token

    async def _first_run(self) -> str:
        """The run that the incident started, when the one that asks came out of a reset of it, says the server."""
        info = activity.info()
        asks = self._client.get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)
        try:
            return (await asks.describe()).raw_description.workflow_execution_info.first_run_id
        except RPCError as error:
            raise _refused(f"the server did not say which run asks ({error.status.name.lower()})") from None

    def _verify(self, approval: Signed | None, incident: str, order: StepOrder, run: str) -> None:
        """The incident's "go" could be forged by whoever may write to its namespace; the IC's signature cannot."""
        rules = self._catalogue().policy()
        since = now() - rules.repair.approval_valid_for - FRESH

        def this(verb: str, command: Mapping[str, Any]) -> bool:
            return lets_run(verb, command, order.number, order.digest)

        if (why := approves(rules, approval, incident, this, since=since)) is not None:
            raise _refused(why)
        assert approval is not None
        used = self._output / "approvals" / hashlib.sha256(approval.text.encode()).hexdigest()
        used.parent.mkdir(parents=True, exist_ok=True)
        try:
            with used.open("x") as file:
                file.write(run)
        except FileExistsError:
            if used.read_text() != run:  # an idempotent entry may be tried again under the same approval
                raise _refused("this approval was used on this host already") from None


class _Teller:
    """Beats the activity's heart, and now and then tells the incident the last lines: the rarer the longer it lasts.

    Each telling is an event of the incident's history, so there are few of them.
    """

    def __init__(self, client: Client, number: int, token: str) -> None:
        incident = identity.incident_of(activity.info().workflow_id or "")
        self._incident = client.get_workflow_handle(identity.workflow_id(incident))
        self._number = number
        self._token = token
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.time() + TOLD_EVERY
        self._pause = TOLD_EVERY
        self._count = 0
        self._told = ""
        self._telling: asyncio.Task[None] | None = None

    def beat(self, last: str) -> None:
        activity.heartbeat(last[-LONGEST_OUTPUT:])
        idle = self._telling is None or self._telling.done()
        if idle and last and last != self._told and self._loop.time() >= self._next and self._count < MOST_TOLD:
            self._count += 1
            self._told = last
            self._pause = min(self._pause * TOLD_RARER, TOLD_AT_LEAST_EVERY)
            self._next = self._loop.time() + self._pause
            self._telling = asyncio.create_task(self._tell(last[-LONGEST_OUTPUT:]))

    async def stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])

    async def _tell(self, last: str) -> None:
        key = f"output/{self._token}/{self._count}"
        try:
            await self._incident.signal(
                "report", Report(f"repair-{self._number}", key, OutputSeen(self._number, last), now())
            )
        except Exception as error:  # noqa: BLE001  # a repair goes on whether it is told of or not
            activity.logger.warning("the last lines were not told: %r", error)


def _refused(why: str) -> ApplicationError:
    return ApplicationError(f"Not run: {why}.".replace("..", "."), type=errors.REFUSED, non_retryable=True)
