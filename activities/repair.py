"""The runner: carries out a step of the catalogue, and nothing else.

It trusts nothing in its input. The step is taken from the catalogue on the runner's own disk, the incident is derived
from the id of the workflow that asks, and before it executes anything that changes the system it asks that incident
for the word "go". The incident says it once.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from temporalio import activity
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities import errors, guardian
from activities.on_call_book import now
from incident import identity
from incident.policy import CatalogueEntry, Organisation, Policy, Step
from incident.proof import FRESH, Signed, approves
from incident.repairs import Claim, Verdict, digest

KILLED_AFTER = 1.5
LAST_LINES = 20
LONGEST_LINE = 500
CHECK_WITHIN = timedelta(seconds=60)
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ")


@dataclass(frozen=True)
class StepOrder:
    """One step of one entry. `digest` is what was proposed and approved: entry, parameters and catalogue."""

    number: int
    entry: str
    parameters: dict[str, str]
    digest: str


@dataclass(frozen=True)
class StepOutcome:
    """`ok`: it ended well. `aborted`: it was stopped. `text`: exit code or status, and the last lines of its output."""

    ok: bool
    text: str
    aborted: bool = False
    output: str = ""


class Runner:
    """`output` is the folder in which the whole output of each run is kept.

    `rules` gives the organisation's present ones, whose keys show who approved.
    """

    def __init__(
        self,
        client: Client,
        organisation: Organisation,
        http: aiohttp.ClientSession,
        output: Path,
        *,
        practice: bool,
        rules: Callable[[], Policy],
    ) -> None:
        self._client = client
        self._organisation = organisation
        self._http = http
        self._output = output
        self._practice = practice
        self._rules = rules

    @activity.defn
    async def check(self, order: StepOrder) -> StepOutcome:
        """The entry's check. It only reads, so it needs no approval."""
        entry = self._entry(order)
        if entry.check is None or not entry.check.automated:
            raise errors.rejected("The catalogue", f"{entry.id} has no automated check")
        return await self._do(entry.check, order, "check", CHECK_WITHIN)

    @activity.defn
    async def run(self, order: StepOrder) -> StepOutcome:
        """The entry's apply: at most once an approval, which is claimed from the incident just before."""
        entry = self._entry(order)
        await self._claim(order)
        return await self._do(entry.apply, order, "apply", entry.apply.time_limit)

    def _entry(self, order: StepOrder) -> CatalogueEntry:
        if not activity.info().in_workflow:
            raise _refused("only a repair action's workflow may ask for a step")
        entry = self._organisation.entry(order.entry)
        if entry is None:
            raise _refused(f"the runner's catalogue has no {order.entry!r}")
        if digest(entry, order.parameters, "") != order.digest:
            raise _refused("the runner's catalogue differs from what was proposed; `reload`, then propose it again")
        return entry

    async def _claim(self, order: StepOrder) -> None:
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
        claim = Claim(order.number, order.digest, info.workflow_id, info.workflow_run_id, token)
        handle = self._client.get_workflow_handle(identity.workflow_id(incident))
        try:
            # The same update id, so that asking again after a lost answer is asking once.
            verdict = await handle.execute_update("claim", claim, id=token, result_type=Verdict)
        except (WorkflowUpdateFailedError, RPCError) as error:
            raise _refused(f"the incident did not answer ({type(error).__name__})") from None
        if not verdict.go:
            raise _refused(verdict.why)
        if not self._practice or verdict.approval is not None:
            self._verify(verdict.approval, incident, order)

    def _verify(self, approval: Signed | None, incident: str, order: StepOrder) -> None:
        """The incident's "go" could be forged by whoever may write to its namespace; the IC's signature cannot."""
        rules = self._rules()
        since = now() - rules.repair.approval_valid_for - FRESH

        def this(verb: str, command: Mapping[str, Any]) -> bool:
            return verb == "approve" and (command["number"], command["digest"]) == (order.number, order.digest)

        if (why := approves(rules, approval, incident, this, since=since)) is not None:
            raise _refused(why)
        assert approval is not None
        used = self._output / "approvals" / hashlib.sha256(approval.text.encode()).hexdigest()
        used.parent.mkdir(parents=True, exist_ok=True)
        try:
            used.touch(exist_ok=False)
        except FileExistsError:
            raise _refused("this approval was used on this host already") from None

    async def _do(self, step: Step, order: StepOrder, name: str, limit: timedelta | None) -> StepOutcome:
        if step.url:
            return await self._request(step, order.parameters, limit)
        return await self._command(step, order, name, limit)

    async def _command(self, step: Step, order: StepOrder, name: str, limit: timedelta | None) -> StepOutcome:
        info = activity.info()
        file = self._output / f"{(info.workflow_id or '').replace('/', '_')}.{info.workflow_run_id}.{name}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        environment = {k: v for k in (*_PASSED_ON, *step.environment) if (v := os.environ.get(k)) is not None}
        secrets = [value for key in step.environment if len(value := environment.get(key, "")) > 3]
        # Mode x: a second run of the same approval on this host fails here, before anything is executed.
        kept = file.open("xb") if name == "apply" else file.open("wb")
        with kept:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                guardian.__file__,
                str(KILLED_AFTER),
                *(_filled(argument, order.parameters) for argument in step.argv),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=step.directory or None,
                env=environment,
            )
            lines: deque[str] = deque(maxlen=LAST_LINES)
            reading = asyncio.create_task(_read(process, kept.write, lines, secrets))
            ended = asyncio.create_task(process.wait())
            why = await _wait(ended, lines, limit)
            if why:
                assert process.stdin is not None
                process.stdin.close()
                await asyncio.shield(ended)
            await asyncio.shield(reading)
        return _outcome(process.returncode or 0, why, lines, str(file))

    async def _request(self, step: Step, parameters: Mapping[str, str], limit: timedelta | None) -> StepOutcome:
        url = step.url
        for key, value in parameters.items():
            url = url.replace(f"{{{key}}}", value)
        body = {key: _filled(value, parameters) for key, value in step.body.items()}
        timeout = aiohttp.ClientTimeout((limit or CHECK_WITHIN).total_seconds())
        try:
            request = self._http.request(step.method, url, json=body or None, headers=step.headers, timeout=timeout)
            async with request as answer:
                text = (await answer.text())[:LONGEST_LINE]
                return StepOutcome(answer.status in step.success, f"HTTP {answer.status}: {text}".rstrip(": "))
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            return StepOutcome(False, f"no answer ({type(error).__name__})")


async def _read(process: asyncio.subprocess.Process, keep: object, lines: deque[str], secrets: list[str]) -> None:
    assert process.stdout is not None and callable(keep)
    rest = b""
    while chunk := await process.stdout.read(8192):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > 65536:  # a line without an end is a line all the same
            whole, rest = [*whole, rest], b""
        for raw in whole:
            keep(_masked(raw + b"\n", secrets))
            lines.append(_masked(raw, secrets).decode(errors="replace")[:LONGEST_LINE])
    if rest:
        keep(_masked(rest, secrets))
        lines.append(_masked(rest, secrets).decode(errors="replace")[:LONGEST_LINE])


async def _wait(ended: asyncio.Task[int], lines: deque[str], limit: timedelta | None) -> str:
    """Until it ends by itself (empty), or why it must: aborted, or over its time limit."""
    seconds = limit.total_seconds() if limit else float("inf")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        while not ended.done():
            activity.heartbeat("\n".join(lines)[-1000:])
            left = begun + seconds - loop.time()
            if left <= 0:
                return f"over its time limit of {seconds:g} s"
            await asyncio.wait([ended], timeout=min(0.5, left))
    except asyncio.CancelledError:
        if activity.is_worker_shutdown():
            return "stopped because the runner was shut down"
        return "aborted"
    return ""


def _outcome(code: int, why: str, lines: deque[str], file: str) -> StepOutcome:
    said = "\n".join(lines)
    how = why or f"exit code {code}"
    return StepOutcome(not why and code == 0, f"{how}\n{said}".strip(), why == "aborted", file)


def _filled(argument: str, parameters: Mapping[str, str]) -> str:
    """A parameter takes the place of a whole argument, so that no value can become a part of another."""
    if argument.startswith("{") and argument.endswith("}"):
        return parameters[argument[1:-1]]
    return argument


def _masked(raw: bytes, secrets: list[str]) -> bytes:
    for secret in secrets:
        raw = raw.replace(secret.encode(), b"***")
    return raw


def _refused(why: str) -> ApplicationError:
    return ApplicationError(f"Not run: {why}.", type=errors.REFUSED, non_retryable=True)
