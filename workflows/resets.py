"""What a workflow has to know of a reset.

A reset, by `temporal workflow reset` or by our own healing, ends a run and begins another in its place, with its history
up to some workflow task. The Signals that came after that task are delivered again, all at once, with the first new
task. Two things follow:

- An activity that was under way, or that the ended run had done already, is begun again with attempt 1. So each
  activity carries the run that scheduled it; `activities.again` compares that with the run that it is done for.
- What is delivered again was said earlier, and is to be judged by the time at which it was said.

Neither the SDK's API nor an interceptor tells a workflow in time that it was reset: Signals are handed over first, the
new random seed, which a reset alone brings, afterwards. The runner here looks at the whole activation before it is
carried out.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info

from activities.again import RUN_HEADER

_RESETS, _DELIVERED_AGAIN = "resets", "delivered_again"


def count() -> int:
    """How many resets the history of this run holds."""
    return int(workflow.extern_functions().get(_RESETS, int)())


def delivers_again() -> bool:
    """Whether this task brings what the run that was reset had been told before."""
    return bool(workflow.extern_functions().get(_DELIVERED_AGAIN, bool)())


class ResetAwareRunner(WorkflowRunner):
    """Run workflows with `inner`, and let them know of resets."""

    def __init__(self, inner: WorkflowRunner) -> None:
        self._inner = inner

    def prepare_workflow(self, defn: Any) -> None:  # the SDK's own definition, passed on as it is
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        resets = _Resets()
        functions = {_RESETS: lambda: resets.count, _DELIVERED_AGAIN: lambda: resets.in_this_task}
        details = dataclasses.replace(det, extern_functions={**det.extern_functions, **functions})
        return _ResetAware(self._inner.create_instance(details), resets, det.info.run_id)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        self._inner.set_worker_level_failure_exception_types(types)


@dataclasses.dataclass
class _Resets:
    count: int = 0
    in_this_task: bool = False


class _ResetAware(WorkflowInstance):
    """Everything but `activate` is the inner instance's."""

    def __init__(self, inner: WorkflowInstance, resets: _Resets, run_id: str) -> None:
        self._inner = inner
        self._resets = resets
        self._run_id = run_id

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        self._resets.in_this_task = any(job.HasField("update_random_seed") for job in act.jobs)
        self._resets.count += self._resets.in_this_task
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
