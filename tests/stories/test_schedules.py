"""Random schedules: whatever is said to the product's workflows, and whenever their worker is killed or stands still, each
history replays.

Signals well-formed, malformed and unknown, several at once and one by one; Queries, as the Web UI asks them; tasks and
proposals, whose timers are cancelled in the task that started them; services that fail; workers that keep workflows in
memory and workers that keep none.
"""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.common import RawValue
from temporalio.service import RPCError

from entrypoints.replaying import Replay
from incident import grammar, identity
from incident.commands import Command, Said
from tests import randomly
from tests.configured import example
from tests.stories import uncached
from tests.stories.copy import Copy, running
from worker import INTERCEPTORS, WORKFLOWS, workflow_runner

AT_ONCE = 5
ASKED_WITHIN = timedelta(seconds=5)
BATCHES = 10
BRIEFLY = 30.0
"""Seconds in `make test`; what was not begun by then is left to `make soak`."""
WORDS = (
    "command",
    "note the graphs look odd",
    "todo write a runbook",
    "join as api",
    "leave",
    "finding the queue is full",
    "impact nobody can pay",
    "eta within half an hour",
    "sev 2 only one region",
    "sev 1 it is worse",
    "task @sam 1m look at the queries",
    "ask @anne what changed today",
    "ack",
    "more 5m",
    "done found it",
    "propose restart the cache by hand",
    "poll 1",
    "object 1 it is peak hour",
    "approve 1",
    "reject 1 too risky",
    "withdraw 1",
    "done 1 restarted",
    "abort 1",
    "verified 1",
    "announce yes 1",
    "announce no",
    "draft investigating We are looking into it.",
    "message hold 2",
    "message approve 2",
    "summary send",
    "handover @kim",
    "accept",
    "team alpha @anne 20m find the latency",
    "team close alpha it was the cache",
    "status unstalk",
    "status stalk",
    "approve 77",
    "resolve --insist recovered",
    "reopen it came back",
    "cancel --yes it was the test system",
)
PEOPLE = ("anne", "bob", "dee", "kim", "sam", "U0GIL")
QUERIES = ("incident", "card", "timeline", "summary", "__stack_trace", "nonsense")
ENCODINGS = (b"json/plain", b"binary/plain", b"binary/zlib", b"binary/null", b"odd/odd", b"")

AT_ONCE_TOO = st.booleans()
children = st.sampled_from(
    ("", "", "/deputy", "/scribe", "/customer-liaison", "/internal-liaison", "/repair-1", "/after")
)
spoken = st.tuples(st.just("say"), st.sampled_from(PEOPLE), st.sampled_from(WORDS), AT_ONCE_TOO)
rubbish = st.tuples(
    st.just("rubbish"),
    children,
    st.sampled_from(("note", "approve", "report", "claim", "see", "nothing-at-all", "approved")),
    st.lists(st.tuples(st.sampled_from(ENCODINGS), st.binary(max_size=40)), max_size=3),
    AT_ONCE_TOO,
)
asked = st.tuples(st.just("query"), children, st.sampled_from(QUERIES), AT_ONCE_TOO)
paused = st.tuples(st.just("pause"), st.floats(0, 0.4))
steps = st.lists(st.one_of(spoken, spoken, spoken, rubbish, asked, paused), min_size=5, max_size=25)


@dataclass(frozen=True)
class Interruption:
    """Of the worker of all, so long after the beginning."""

    after: float
    kill: bool
    seconds: float


interruptions = st.lists(
    st.builds(Interruption, st.floats(0, 2), st.booleans(), st.floats(0.2, 3 if randomly.TIMES == 1 else 13)),
    max_size=3,
)
failures = st.lists(
    st.tuples(
        st.sampled_from(("slack", "pagerduty", "statuspage", "x")),
        st.sampled_from((400, 429, 500)),
        st.integers(1, 4),
    ),
    max_size=3,
)


@dataclass(frozen=True)
class Batch:
    """Several incidents at once, each with what is done to it."""

    cached: bool
    schedules: list[list[Any]]
    interruptions: list[Interruption]
    failures: list[tuple[str, int, int]]


batches = st.builds(Batch, st.booleans(), st.lists(steps, min_size=AT_ONCE, max_size=AT_ONCE), interruptions, failures)


@dataclass
class Places:
    """A running copy with a cache, and one without."""

    cached: Copy
    uncached: Copy
    begun: float


@pytest.fixture(scope="module")
async def places(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Places]:
    async with AsyncExitStack() as stack:
        copies = []
        for cached in (200, 0):
            state = tmp_path_factory.mktemp(f"cached-{cached}")
            copy = await stack.enter_async_context(running(state, example(), worker="none"))
            copy.environment["CACHED"] = str(cached)
            copies.append(copy)
        await asyncio.gather(*(copy.start_worker(module=uncached.__name__) for copy in copies))
        for copy in copies:
            stack.push_async_callback(copy.kill_worker)
        yield Places(cached=copies[0], uncached=copies[1], begun=time.monotonic())


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # of the length of a batch
@settings(
    max_examples=randomly.examples(BATCHES),
    deadline=None,
    verbosity=Verbosity.quiet,  # the error says what is needed; a batch does not
    database=None,
    phases=[Phase.generate],  # none of it can be shrunk: it never runs in the same way again
    suppress_health_check=list(HealthCheck),
)
@given(batch=batches)
async def test_every_history_replays(places: Places, batch: Batch) -> None:
    if randomly.TIMES == 1 and time.monotonic() - places.begun > BRIEFLY:
        return
    copy = places.cached if batch.cached else places.uncached
    for service, code, times in batch.failures:
        await copy.fault(service, "*", code=code, times=times)
    incidents = await asyncio.gather(*(_declare(copy) for _ in batch.schedules))
    await _all_begun(copy, incidents)
    interrupting = [asyncio.create_task(_interrupt(copy, one)) for one in batch.interruptions]
    await asyncio.gather(*(_act(copy, *both) for both in zip(incidents, batch.schedules, strict=True)))
    await asyncio.gather(*interrupting)
    await copy.control("DELETE", "faults")
    await _heard(copy, incidents)
    broken = await _broken(copy)
    assert not broken, "\n".join([f"cached: {batch.cached}, {batch.interruptions}, {batch.failures}", *broken])


async def _interrupt(copy: Copy, one: Interruption) -> None:
    """One at a time: a worker that is dead cannot stand still."""
    await asyncio.sleep(one.after)
    async with _lock(copy):
        if one.kill:
            await copy.kill_worker()
            await copy.start_worker(module=uncached.__name__)
            return
        for process in copy.processes:
            process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(one.seconds)
        for process in copy.processes:
            process.send_signal(signal.SIGCONT)


_locks: dict[int, asyncio.Lock] = {}


def _lock(copy: Copy) -> asyncio.Lock:
    return _locks.setdefault(id(copy), asyncio.Lock())


async def _declare(copy: Copy) -> str:
    organisation = copy.organisation
    rules: dict[str, Any] = {"policy": organisation.policy(), "practice": copy.settings.practice}
    return await copy.gateway.declare("checkout answers with 500", by="anne", by_name="Anne Apison", **rules)


async def _all_begun(copy: Copy, incidents: list[str]) -> None:
    """Their roles, too, may be spoken to."""

    async def begun() -> bool:
        runs = {run.id async for run in copy.client.list_workflows("ExecutionStatus = 'Running'")}
        return all(f"{identity.workflow_id(incident)}/scribe" in runs for incident in incidents)

    await copy.until(begun, "all roles have begun")


async def _act(copy: Copy, incident: str, schedule: list[Any]) -> None:
    under_way = []
    for kind, *step in schedule:
        if kind == "pause":
            await asyncio.sleep(step[0])
            continue
        *what, at_once = step
        doing = asyncio.create_task(_do(copy, incident, kind, what))
        under_way.append(doing)
        if not at_once:
            await doing
    await asyncio.gather(*under_way)


async def _do(copy: Copy, incident: str, kind: str, what: list[Any]) -> None:
    """Whatever the server says to it: a workflow that has ended, or is not there yet, hears nothing."""
    with suppress(RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
        if kind == "say":
            who, words = what
            command = grammar.read(words, copy.organisation.policy())
            assert isinstance(command, Command)
            said = Said(command, who, id=str(uuid.uuid4()))
            await copy.client.get_workflow_handle(identity.workflow_id(incident)).signal(command.verb, said)
            return
        child, name, *more = what
        handle = copy.client.get_workflow_handle(identity.workflow_id(incident) + child)
        if kind == "query":
            await handle.query(name, rpc_timeout=ASKED_WITHIN)
        else:
            raw = [RawValue(Payload(metadata={"encoding": encoding}, data=data)) for encoding, data in more[0]]
            await handle.signal(name, args=raw)


async def _heard(copy: Copy, incidents: list[str]) -> None:
    """Each has taken all that was said: no task of it waits, and none is tried again."""
    for incident in incidents:
        handle = copy.client.get_workflow_handle(identity.workflow_id(incident))

        async def idle(handle: Any = handle) -> bool:
            pending = (await handle.describe()).raw_description
            return not pending.HasField("pending_workflow_task")

        await copy.until(idle, f"{incident} has heard it all")


async def _broken(copy: Copy) -> list[str]:
    """Histories that do not replay; each is judged once, and its workflow ended."""
    classes = [kind for each in WORKFLOWS.values() for kind in each]
    replay = Replay(copy.client, classes, workflow_runner(), INTERCEPTORS)
    broken = []
    runs = [run async for run in copy.client.list_workflows("ExecutionStatus = 'Running'")]
    for run in runs:
        handle = copy.client.get_workflow_handle(run.id, run_id=run.run_id)
        if (found := await replay(await handle.fetch_history())) is not None:
            broken.append(f"{run.id}: {found}")
        with suppress(RPCError):
            await handle.terminate()
    return broken
