"""The Temporal servers of the stories: one for all of a test process, where each story has a namespace of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from connection import data_converter
from workflows import search_attributes

PROGRAM = str(Path(sys.executable).parent / "temporal")
_PRAGMAS = ("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=1")
_RETENTION = Duration(seconds=int(timedelta(days=1).total_seconds()))


class Shared:
    """Starts its server when the first story asks, and gives each one a new namespace."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._server: WorkflowEnvironment | None = None
        self._numbers = count(1)

    async def namespace(self) -> Client:
        if self._server is None:
            state = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="temporal-"))
            self._server = await self._stack.enter_async_context(_server(Path(state)))
        first = self._server.client
        name = f"story-{next(self._numbers)}"
        await first.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=_RETENTION)
        )
        await first.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=name, search_attributes=keywords())
        )
        address = first.service_client.config.target_host
        return await Client.connect(address, namespace=name, data_converter=data_converter)


_shared: Shared | None = None


@asynccontextmanager
async def shared() -> AsyncIterator[None]:
    """Until it ends, `namespace` gives one of a server that all of them share."""
    global _shared
    async with AsyncExitStack() as stack:
        _shared = Shared(stack)
        try:
            yield
        finally:
            _shared = None


@asynccontextmanager
async def namespace(state: Path) -> AsyncIterator[Client]:
    """A client of an empty namespace; of a server of its own, kept in `state`, where none is shared."""
    if _shared is not None:
        yield await _shared.namespace()
        return
    async with _server(state) as server:
        yield server.client


def keywords() -> dict[str, IndexedValueType.ValueType]:
    return {key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD for key in search_attributes.ALL}


@asynccontextmanager
async def _server(state: Path) -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=PROGRAM,
        dev_server_database_filename=str(state / "temporal.db"),
        dev_server_extra_args=[*_PRAGMAS, "--log-level", "never"],
        search_attributes=list(search_attributes.ALL),
        data_converter=data_converter,
    ) as server:
        yield server
