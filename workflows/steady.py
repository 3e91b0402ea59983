"""Keeps a workflow that is spoken to by Updates the same when it is read again from its history.

An Update is no event until it is accepted. So when a worker that does not have the workflow in its cache gets one, and
the workflow task before it ended without any command, the SDK cannot tell the two apart and hands over both at once,
the Update first; on each later replay it hands them over one after the other. What was begun in one order is then
compared with the other, and the workflow is stuck ("Nondeterminism error"). The remedy: no task of such a workflow
ends without a command. Where there is nothing to do, a field of the memo is set, which costs one event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info

SPOKEN_TO_BY_UPDATES = frozenset({"IncidentWorkflow", "AfterIncidentWorkflow"})
_NOTHING_HAPPENED = frozenset({"query_workflow", "remove_from_cache"})


class SteadyRunner(WorkflowRunner):
    """Runs workflows with `inner`."""

    def __init__(self, inner: WorkflowRunner) -> None:
        self._inner = inner

    def prepare_workflow(self, defn: Any) -> None:  # the SDK's own definition, passed on as it is
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = self._inner.create_instance(det)
        return _Steady(instance) if det.info.workflow_type in SPOKEN_TO_BY_UPDATES else instance

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        self._inner.set_worker_level_failure_exception_types(types)


class _Steady(WorkflowInstance):
    """Everything but `activate` is the inner instance's."""

    def __init__(self, inner: WorkflowInstance) -> None:
        self._inner = inner

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._inner.activate(act)
        happened = {job.WhichOneof("variant") for job in act.jobs} - _NOTHING_HAPPENED
        if happened and completion.HasField("successful") and not completion.successful.commands:
            fields = completion.successful.commands.add().modify_workflow_properties.upserted_memo.fields
            fields["step"].CopyFrom(Payload(metadata={"encoding": b"json/plain"}, data=b"%d" % act.history_length))
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()
