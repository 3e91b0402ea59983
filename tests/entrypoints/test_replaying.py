"""Where code and history part: small workflows on a real server, their code changed afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from entrypoints import replaying
from entrypoints.replaying import CodeFails, Disagreement, Replay, cancel_requested, newer_code, reset_point
from tests.stories import temporal

QUEUE = "replaying"
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
MOMENT = timedelta(seconds=20)
NOW = "20260314T120000Z-present"


@activity.defn
async def one() -> None: ...


@activity.defn
async def other() -> None: ...


async def does(name: str) -> None:
    await workflow.execute_activity(name, start_to_close_timeout=MOMENT)


@workflow.defn(name="Worked")
class AsItWas:
    @workflow.run
    async def run(self) -> None:
        await does("one")
        await does("one")
        await does("other")


@workflow.defn(name="Worked")
class WithAnotherActivity:
    @workflow.run
    async def run(self) -> None:
        await does("one")
        await does("other")
        await does("other")


@workflow.defn(name="Worked")
class WithATimer:
    @workflow.run
    async def run(self) -> None:
        await does("one")
        await workflow.sleep(1)
        await does("other")


@workflow.defn(name="Worked")
class WithAFault:
    @workflow.run
    async def run(self) -> None:
        await does("one")
        raise ValueError("a fault of ours")


@workflow.defn(name="Worked")
class WithALaterChange:
    @workflow.run
    async def run(self) -> None:
        await does("one")
        if workflow.patched("a later change"):
            await does("one")
        await does("other")


@asynccontextmanager
async def history_of(tmp_path: Path, kind: type, version: str = NOW) -> AsyncIterator[tuple[Client, WorkflowHistory]]:
    async with (
        temporal.namespace(tmp_path) as client,
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[kind],
            activities=[one, other],
            workflow_runner=UnsandboxedWorkflowRunner(),
            build_id=version,
        ),
    ):
        handle = await client.start_workflow("Worked", id="worked", task_queue=QUEUE)
        await handle.result()
        yield client, await handle.fetch_history()


def completed(history: WorkflowHistory) -> list[int]:
    return [event.event_id for event in history.events if event.event_type == COMPLETED]


def replay(client: Client, kind: type) -> Replay:
    return Replay(client, [kind], UnsandboxedWorkflowRunner(), [])


async def test_a_history_that_replays(tmp_path: Path) -> None:
    async with history_of(tmp_path, AsItWas) as (client, history):
        assert await replay(client, AsItWas)(history) is None


@pytest.mark.parametrize(
    ("kind", "names_it"), [(WithATimer, True), (WithAnotherActivity, False)], ids=["named", "not named"]
)
async def test_the_task_to_go_back_to(tmp_path: Path, kind: type, names_it: bool) -> None:
    """The second one: its own commands are what the code does not do any more. Not each error names the event."""
    async with history_of(tmp_path, AsItWas) as (client, history):
        found = await replay(client, kind)(history)
    assert isinstance(found, Disagreement) and not found.later_change
    assert ("HistoryEvent" in found.why) is names_it
    assert reset_point(history, found.event) == completed(history)[1]


async def test_code_that_fails_is_no_matter_of_the_history(tmp_path: Path) -> None:
    async with history_of(tmp_path, AsItWas) as (client, history):
        found = await replay(client, WithAFault)(history)
    assert isinstance(found, CodeFails) and "a fault of ours" in found.why


async def test_a_change_that_the_code_does_not_have_yet(tmp_path: Path) -> None:
    async with history_of(tmp_path, WithALaterChange) as (client, history):
        found = await replay(client, AsItWas)(history)
    assert isinstance(found, Disagreement) and found.later_change


@pytest.mark.parametrize(
    ("version", "newer"),
    [
        ("20260314T120001Z-x", True),
        ("20260314T115959Z-x", False),
        ("20260314T120000Z-of-the-same-moment", False),
        ("of-somebody-else", False),
    ],
)
async def test_which_code_is_newer(tmp_path: Path, version: str, newer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "code_version", lambda: NOW)
    async with history_of(tmp_path, AsItWas, version) as (_, history):
        first, *_ = completed(history)
    assert newer_code(history, first + 1) == (version if newer else "")


async def test_an_end_that_was_asked_for_after_the_reset_point(tmp_path: Path) -> None:
    async with history_of(tmp_path, AsItWas) as (_, history):
        asked = [event for event in history.events if event.event_id < 6]
        asked[-1].event_type = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
        changed = dataclasses.replace(history, events=asked)
    assert cancel_requested(changed, 4) and not cancel_requested(changed, 5)
    assert reset_point(history, 4) is None


def test_the_version_is_that_of_the_code() -> None:
    assert replaying.code_version() == replaying.code_version()
    assert len(replaying.code_version().partition("-")[2]) == 12
