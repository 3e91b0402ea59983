"""What a workflow, and what is done for it, knows of a reset: small workflows on a real server."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities import again
from activities.again import AgainInterceptor
from tests.stories import temporal
from worker import workflow_runner
from workflows.resets import EventTime, resets
from workflows.versions import newer, next_version

QUEUE = "resets"
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
MOMENT = timedelta(seconds=20)


@dataclass(frozen=True)
class Sent:
    text: str
    at: datetime | None = None


class Effects:
    """Notes what was done, and whether it was known that it might have been done before."""

    def __init__(self) -> None:
        self.done: list[tuple[str, bool]] = []
        self.let_go = asyncio.Event()

    @activity.defn(name="effect")
    async def effect(self, what: str) -> None:
        self.done.append((what, again.may_be_done()))
        if what == "slow":
            await self.let_go.wait()

    @activity.defn(name="blocking")
    def blocking(self, what: str) -> None:
        self.done.append((what, again.may_be_done()))


@workflow.defn
class Told:
    """Does what it is told, in order; `times` are those by which it judged."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.times: list[tuple[str, datetime]] = []
        self.versions: dict[str, int] = {}
        self.numbered: list[int] = []
        self.event_time = EventTime()

    @workflow.run
    async def run(self) -> None:
        await self._do("first")
        workflow.start_activity("effect", "slow", start_to_close_timeout=MOMENT)
        await workflow.start_activity("blocking", "in a thread", start_to_close_timeout=MOMENT)
        while True:
            await workflow.wait_condition(lambda: len(self.sent) > len(self.numbered))
            self.numbered.append(next_version(self.versions, "child"))
            await self._do(self.sent[len(self.numbered) - 1].text)

    async def _do(self, what: str) -> None:
        await workflow.execute_activity("effect", what, start_to_close_timeout=MOMENT)

    @workflow.signal
    def take(self, sent: Sent) -> None:
        self.sent.append(sent)
        self.times.append((sent.text, self.event_time.of(sent.at)))

    @workflow.query
    def judged_at(self) -> list[tuple[str, datetime]]:
        return self.times

    @workflow.query
    def numbers(self) -> list[int]:
        return self.numbered

    @workflow.query
    def seen(self) -> tuple[int, bool]:
        return resets().count, resets().to is not None


@asynccontextmanager
async def told(tmp_path: Path, effects: Effects) -> AsyncIterator[tuple[Client, WorkflowHandle[Told, None]]]:
    """Running, with "one" sent and done."""
    with ThreadPoolExecutor(2) as threads:
        async with (
            temporal.namespace(tmp_path) as client,
            Worker(
                client,
                task_queue=QUEUE,
                workflows=[Told],
                activities=[effects.effect, effects.blocking],
                activity_executor=threads,
                workflow_runner=workflow_runner(),
                interceptors=[AgainInterceptor()],
            ),
        ):
            handle = await client.start_workflow(Told.run, id="told", task_queue=QUEUE)
            await until(lambda: ("in a thread", False) in effects.done)
            try:
                yield client, handle
            finally:
                effects.let_go.set()
                await client.get_workflow_handle("told").terminate()


async def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


async def reset(client: Client, task: int) -> None:
    """To its workflow task of that number, from 0."""
    events = (await client.get_workflow_handle("told").fetch_history()).events
    point = [event.event_id for event in events if event.event_type == COMPLETED][task]
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id="told"),
            workflow_task_finish_event_id=point,
            reason="a test",
            request_id=str(uuid.uuid4()),
        )
    )


async def test_what_is_begun_again_with_attempt_1_is_known_to_be_begun_again(tmp_path: Path) -> None:
    effects = Effects()
    async with told(tmp_path, effects) as (client, handle):
        await handle.signal(Told.take, Sent("one"))
        await until(lambda: ("one", False) in effects.done)
        await reset(client, -1)  # `slow` is under way, everything else is done
        await until(lambda: ("slow", True) in effects.done)
        await client.get_workflow_handle("told").signal(Told.take, Sent("two"))
        await until(lambda: ("two", True) in effects.done)
        await reset(client, 0)
        await until(lambda: effects.done[-1] == ("two", True) and effects.done.count(("two", True)) == 2)
    assert [what for what, known in effects.done if not known] == ["first", "slow", "in a thread", "one"]


async def test_what_is_delivered_again_counts_by_the_time_at_which_it_was_sent(tmp_path: Path) -> None:
    effects = Effects()
    async with told(tmp_path, effects) as (client, handle):
        began = datetime.now(UTC)
        sent = [
            Sent("an hour early", began - timedelta(hours=1)),
            Sent("in time", began + timedelta(seconds=0.5)),
            Sent("without a time"),
            Sent("without a zone", datetime(2020, 1, 1)),  # which anybody may send
            Sent("of next year", began + timedelta(days=365)),
        ]
        await asyncio.sleep(1)
        for one in sent:
            await handle.signal(Told.take, one)
        await until(lambda: ("of next year", False) in effects.done)
        first = dict(await handle.query(Told.judged_at))
        await reset(client, 0)
        anew: WorkflowHandle[Told, None] = client.get_workflow_handle("told")
        await until(lambda: ("of next year", True) in effects.done)
        then = dict(await anew.query(Told.judged_at))
        assert await anew.query(Told.seen) == (1, True)
    assert list(first) == list(then)
    assert all(at > began + timedelta(seconds=0.9) for at in first.values()), "at first by the time of its arrival"
    assert then["an hour early"] <= began, "the time of the task that it went back to"
    assert then["an hour early"] > began - timedelta(minutes=1), "and none before that"
    assert then["in time"] == then["without a time"] == then["without a zone"] == sent[1].at
    assert first["of next year"] < then["of next year"] < began + timedelta(minutes=2), "never ahead of the present"


async def test_the_views_of_a_run_that_was_reset_are_newer_than_all_before(tmp_path: Path) -> None:
    effects = Effects()
    async with told(tmp_path, effects) as (client, handle):
        for text in ("one", "two", "three"):
            await handle.signal(Told.take, Sent(text))
        await until(lambda: ("three", False) in effects.done)
        first = await handle.query(Told.numbers)
        await reset(client, 1)
        await until(lambda: ("three", True) in effects.done)
        anew: WorkflowHandle[Told, None] = client.get_workflow_handle("told")
        then = await anew.query(Told.numbers)
    assert first == sorted(set(first)) and then == sorted(set(then))
    assert len(first) == len(then) == 3 and then[0] > first[-1]


async def test_a_view_of_the_far_future_does_not_keep_out_those_that_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime.fromisoformat("2026-03-14T12:00:00+00:00")
    monkeypatch.setattr(workflow, "now", lambda: noon)
    versions: dict[str, int] = {}
    seen = next_version(versions, "child")
    assert not newer(10**18, seen)
    assert newer(next_version(versions, "child"), seen) and not newer(seen, seen)
