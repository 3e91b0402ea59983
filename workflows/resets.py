"""What a workflow has to know of a reset.

A reset, by `temporal workflow reset` or by our own healing, ends a run and begins another in its place, with its history
up to some workflow task. The Signals that came after that task are delivered again, all at once, with the first new
task. Two things follow:

- An activity that was under way, or that the ended run had done already, is begun again with attempt 1. So each
  activity carries the run that scheduled it; `activities.again` compares that with the run that it is done for.
- What is delivered again was sent earlier. It is judged by the time at which it was sent, and deadlines that fell in
  between are taken in their turn: else a decision of an hour ago is too old to count, or was not its author's yet.

Neither the SDK's API nor an interceptor tells a workflow in time that it was reset: Signals are handed over first, the
new random seed, which a reset alone brings, afterwards. The runner here looks at the whole activation before it is
carried out.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info

from activities.again import RUN_HEADER

_RESETS = "resets"


@dataclasses.dataclass
class Resets:
    """`count` is how many the history of this run holds; `to` is the time to which the last one went back.

    `now`: this task is the first one after it, and brings what had been delivered before.
    """

    count: int = 0
    to: datetime | None = None
    now: bool = False


def resets() -> Resets:
    """Of the present run. None where another runner than ours carries it out."""
    found = workflow.extern_functions().get(_RESETS, Resets)()
    assert isinstance(found, Resets)
    return found


class EventTime:
    """The time by which a message is judged: that of its arrival, or, when it is delivered again, that of its sending."""

    def __init__(self) -> None:
        self._resets = 0
        self._reached: datetime | None = None

    def of(self, sent_at: datetime | None) -> datetime:
        """Never before a message that came earlier, nor ahead of the present. One without a time came with the last."""
        now, reset = workflow.now(), resets()
        if not reset.now:
            return now
        if self._resets != reset.count or self._reached is None:
            self._resets, self._reached = reset.count, reset.to or now
        if sent_at is not None and sent_at.tzinfo is not None:
            self._reached = min(max(sent_at, self._reached), now)
        return self._reached


class ResetAwareRunner(WorkflowRunner):
    """Run workflows with `inner`, and let them know of resets."""

    def __init__(self, inner: WorkflowRunner) -> None:
        self._inner = inner

    def prepare_workflow(self, defn: Any) -> None:  # the SDK's own definition, passed on as it is
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        found = Resets()
        details = dataclasses.replace(det, extern_functions={**det.extern_functions, _RESETS: lambda: found})
        return _ResetAware(self._inner.create_instance(details), found, det.info.run_id)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        self._inner.set_worker_level_failure_exception_types(types)


class _ResetAware(WorkflowInstance):
    """Everything but `activate` is the inner instance's."""

    def __init__(self, inner: WorkflowInstance, found: Resets, run_id: str) -> None:
        self._inner = inner
        self._resets = found
        self._run_id = run_id
        self._last = inner.get_info().workflow_start_time

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        self._resets.now = any(job.HasField("update_random_seed") for job in act.jobs)
        if self._resets.now:
            self._resets.count += 1
            self._resets.to = self._last
        self._last = act.timestamp.ToDatetime(UTC)
        completion = self._inner.activate(act)
        # After a reset nothing is known to be done for the first time.
        run = "" if self._resets.count else self._run_id
        header = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(run).encode())
        for command in completion.successful.commands:
            if command.HasField("schedule_activity"):
                command.schedule_activity.headers[RUN_HEADER].CopyFrom(header)
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()
