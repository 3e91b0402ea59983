"""How the tasks of a workflow end (`workflows.tasks`), with small workflows on the real server, each step replayed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.stories.temporal import PROGRAM
from workflows import tasks

QUEUE = "tasks"


@activity.defn
async def hang() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.05)


@workflow.defn
class Listener:
    """Hears what is sent, and ends when it has heard `last`."""

    def __init__(self) -> None:
        self._heard: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: "last" in self._heard)
        return self._heard

    @workflow.signal
    def hear(self, word: str) -> None:
        self._heard.append(word)


@workflow.defn
class Group:
    """Begins what it is told to, and has all of it end."""

    def __init__(self) -> None:
        self._begun = 0
        self._seen: list[str] = []

    @workflow.run
    async def run(self, kinds: list[str]) -> list[str]:
        group = [asyncio.create_task(self._do(kind), name=kind) for kind in kinds]
        await workflow.wait_condition(lambda: self._begun == len(kinds))
        await tasks.end(group)
        assert all(task.done() for task in group) or "stubborn" in kinds
        return self._seen

    async def _do(self, kind: str) -> None:
        work: dict[str, Callable[[], Awaitable[None]]] = {
            "waits": lambda: workflow.wait_condition(lambda: False),
            "sleeps": lambda: workflow.sleep(3600),
            "asks": self._asks,
            "sends": self._sends,
            "swallows": lambda: self._swallows(1),
            "stubborn": lambda: self._swallows(100),
            "fails": self._fails,
        }
        self._begun += 1
        try:
            await work[kind]()
        finally:
            self._seen.append(kind)

    async def _asks(self) -> None:
        """Tries again for ever, whatever is wrong: but a cancellation is no failure."""
        while True:
            try:
                await workflow.execute_activity(
                    hang, start_to_close_timeout=timedelta(minutes=1), heartbeat_timeout=timedelta(seconds=5)
                )
            except ActivityError as failure:
                tasks.raise_if_cancelled(failure)

    async def _sends(self) -> None:
        """A Signal that is on its way arrives, and then it is over."""
        listener = workflow.get_external_workflow_handle(f"{workflow.info().workflow_id}/listener")
        await tasks.complete(listener.signal("hear", "last"))
        await workflow.wait_condition(lambda: False)

    async def _swallows(self, times: int) -> None:
        for _ in range(times):
            try:
                await workflow.wait_condition(lambda: False)
            except asyncio.CancelledError:
                self._seen.append("swallowed")
        await workflow.wait_condition(lambda: False)

    async def _fails(self) -> None:
        raise ApplicationError("this must not fail the workflow", non_retryable=True)


@workflow.defn
class InOrder:
    """Works until it is told to stop, or is cancelled from outside."""

    def __init__(self) -> None:
        self._stop = ""

    @workflow.run
    async def run(self, id: str) -> str:
        return await tasks.end_in_order(self._work(id), self._cancel_asked)

    def _cancel_asked(self, reason: str) -> None:
        self._stop = f"cancelled ({reason})"

    @workflow.signal
    def stop(self) -> None:
        self._stop = "stopped"

    async def _work(self, id: str) -> str:
        await workflow.wait_condition(lambda: bool(self._stop))
        await workflow.get_external_workflow_handle(id).signal("hear", self._stop)
        await workflow.get_external_workflow_handle(id).signal("hear", "last")
        return self._stop


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    async with (
        await WorkflowEnvironment.start_local(
            dev_server_existing_path=PROGRAM, dev_server_extra_args=["--log-level", "never"]
        ) as server,
        Worker(
            server.client,
            task_queue=QUEUE,
            workflows=[Group, InOrder, Listener],
            activities=[hang],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=0,
        ),
    ):
        yield server.client


async def begun(client: Client, *kinds: str) -> WorkflowHandle[Any, list[str]]:
    id = str(uuid.uuid4())
    await client.start_workflow(Listener.run, id=f"{id}/listener", task_queue=QUEUE)
    return await client.start_workflow(Group.run, list(kinds), id=id, task_queue=QUEUE)


async def timers_fired(handle: WorkflowHandle[Any, Any]) -> int:
    return len([e async for e in handle.fetch_history_events() if e.HasField("timer_fired_event_attributes")])


async def test_all_of_it_ends_at_once_in_its_order(client: Client) -> None:
    handle = await begun(client, "waits", "asks", "sleeps", "sends")
    seen = await asyncio.wait_for(handle.result(), 10)
    assert sorted(seen) == ["asks", "sends", "sleeps", "waits"] and seen[:2] == ["waits", "sleeps"]
    assert await timers_fired(handle) == 0
    listener: WorkflowHandle[Any, list[str]] = client.get_workflow_handle(f"{handle.id}/listener")
    assert await asyncio.wait_for(listener.result(), 10) == ["last"]


async def test_one_that_goes_on_is_cancelled_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCELLED_AGAIN_AFTER", timedelta(seconds=1))
    handle = await begun(client, "swallows", "waits")
    assert await asyncio.wait_for(handle.result(), 10) == ["swallowed", "waits", "swallows"]
    assert await timers_fired(handle) == 1


async def test_one_that_never_ends_does_not_hold_the_workflow(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCELLED_AGAIN_AFTER", timedelta(seconds=1))
    handle = await begun(client, "stubborn", "waits")
    seen = await asyncio.wait_for(handle.result(), 15)
    assert seen.count("swallowed") == tasks.CANCELLED_AT_MOST and "waits" in seen


async def test_a_failure_among_them_fails_the_workflow_task_and_not_the_workflow(client: Client) -> None:
    handle = await begun(client, "waits", "fails")
    for _ in range(100):
        failed = [e async for e in handle.fetch_history_events() if e.HasField("workflow_task_failed_event_attributes")]
        if failed:
            break
        await asyncio.sleep(0.1)
    assert "this must not fail the workflow" in failed[0].workflow_task_failed_event_attributes.failure.message
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    await handle.terminate()


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
async def test_a_workflow_that_is_cancelled_from_outside_does_its_work_to_the_end(client: Client, how: str) -> None:
    id = str(uuid.uuid4())
    listener = await client.start_workflow(Listener.run, id=f"{id}/listener", task_queue=QUEUE)
    handle = await client.start_workflow(InOrder.run, listener.id, id=id, task_queue=QUEUE)
    if how == "stopped":
        await handle.signal(InOrder.stop)
        assert await asyncio.wait_for(handle.result(), 10) == "stopped"
    else:
        await handle.cancel(reason="for a test")
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 10)
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    expected = "stopped" if how == "stopped" else "cancelled (for a test)"
    assert await asyncio.wait_for(listener.result(), 10) == [expected, "last"]
