"""Does the code still lead to a history that it, or an earlier version of it, has made? And where not any more?"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Interceptor, Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info, NondeterminismError

WITHIN = 60.0
AT_ONCE = 2
_COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
_FAILED = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
_CANCEL_REQUESTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
_NAMED = re.compile(r"(?:HistoryEvent\(id|event_id): (\d+)")
MACHINES = "Fatal error in workflow machines"
"""What the SDK says where the history holds an event that cannot follow upon what the code has done."""
_LATER_CHANGE = "no corresponding change command"
_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')


@cache
def code_version() -> str:
    """When this code was put here, and a digest of it. It stands in every workflow task that this code completed."""
    root = Path(__file__).parent.parent
    files = sorted(file for room in ("incident", "workflows", "activities") for file in (root / room).rglob("*.py"))
    newest = datetime.fromtimestamp(max(file.stat().st_mtime for file in files), UTC)
    return f"{newest:%Y%m%dT%H%M%SZ}-{hashlib.sha256(b''.join(file.read_bytes() for file in files)).hexdigest()[:12]}"


@dataclass(frozen=True)
class Disagreement:
    """From `event` on the history holds something else than the code would do.

    `later_change`: it holds a change (`workflow.patched`) that the code does not have.
    """

    why: str
    event: int
    later_change: bool = False


@dataclass(frozen=True)
class CodeFails:
    """The code raises while it replays."""

    why: str


class Replay:
    """Replays histories of `classes` as a worker with `runner` and `interceptors` would."""

    def __init__(
        self, client: Client, classes: Sequence[type], runner: WorkflowRunner, interceptors: Sequence[Interceptor]
    ) -> None:
        self._client = client
        self._classes = classes
        self._runner = runner
        self._interceptors = interceptors
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, history: WorkflowHistory) -> Disagreement | CodeFails | None:
        """None when it replays. The history must be whole: the SDK waits for ever for what is missing."""
        watched = _Watched(self._runner)
        async with self._turn:
            failure = await self._failure(history, watched)
        if failure is None:
            return None
        message = _MESSAGE.search(str(failure))
        why = message[1].replace('\\"', '"') if message else str(failure)
        if not isinstance(failure, NondeterminismError) and not why.startswith(MACHINES):
            return CodeFails(why[:500])
        named = _NAMED.search(why)
        # Not every disagreement names its event. It follows the completion of the task that was replayed last.
        event = int(named[1]) if named else watched.last_started + 2
        return Disagreement(why[:500], event, _LATER_CHANGE in why)

    async def _failure(self, history: WorkflowHistory, watched: _Watched) -> Exception | None:
        with ThreadPoolExecutor(1) as thread:
            replayer = Replayer(
                workflows=self._classes,
                workflow_task_executor=thread,
                workflow_runner=watched,
                interceptors=self._interceptors,
                namespace=self._client.namespace,
                data_converter=self._client.data_converter,
            )
            replaying = replayer.replay_workflow(history, raise_on_replay_failure=False)
            return (await asyncio.wait_for(replaying, WITHIN)).replay_failure


def reset_point(history: WorkflowHistory, event: int) -> int | None:
    """The last workflow task that was completed before `event`."""
    points = [one.event_id for one in history.events if one.event_type == _COMPLETED and one.event_id < event]
    return points[-1] if points else None


def newer_code(history: WorkflowHistory, event: int) -> str:
    """The newest version of the code that has carried this on since `event`, if it is newer than this one."""
    versions = [
        one.workflow_task_completed_event_attributes.worker_version.build_id
        for one in history.events
        if one.event_type == _COMPLETED and one.event_id >= (reset_point(history, event) or 0)
    ]
    newest = max((version for version in versions if re.match(r"\d{8}T\d{6}Z-", version)), default="")
    return newest if newest.partition("-")[0] > code_version().partition("-")[0] else ""


def cancel_requested(history: WorkflowHistory, since: int) -> bool:
    """Whether somebody asked for its end after the event `since`."""
    return any(one.event_type == _CANCEL_REQUESTED and one.event_id > since for one in history.events)


def last_failure(history: WorkflowHistory) -> str:
    """What the worker said when the last workflow task failed."""
    failed = [one for one in history.events if one.event_type == _FAILED]
    return failed[-1].workflow_task_failed_event_attributes.failure.message if failed else "it was never completed"


class _Watched(WorkflowRunner):
    """Remembers how far a replay came: the start of the last workflow task that it carried out."""

    def __init__(self, inner: WorkflowRunner) -> None:
        self._inner = inner
        self.last_started = 0

    def prepare_workflow(self, defn: Any) -> None:  # the SDK's own definition, passed on as it is
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _WatchedInstance(self._inner.create_instance(det), self)


class _WatchedInstance(WorkflowInstance):
    """Everything but `activate` is the inner instance's."""

    def __init__(self, inner: WorkflowInstance, watched: _Watched) -> None:
        self._inner = inner
        self._watched = watched

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        self._watched.last_started = max(self._watched.last_started, act.history_length)
        return self._inner.activate(act)

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()
