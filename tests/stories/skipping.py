"""A running copy on the time-skipping server: hours of the process in seconds."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from activities.on_call_book import OnCallBook
from connection import data_converter
from emulators.server import start
from emulators.world import read_world
from entrypoints.gateway import Gateway
from entrypoints.snapshots import SnapshotReader
from incident import identity
from settings import Settings
from tests.configured import example
from tests.conftest import CONFIG
from tests.stories import temporal
from tests.stories.copy import Copy, serving, surroundings
from worker import furnish, workers

SERVER = str(Path(sys.executable).parent / "temporal-test-server")
A_PIECE = timedelta(minutes=10)


def quiet(**sections: dict[str, str]) -> str:
    """Without a status source: the stalk is an activity that runs for hours, over which this server cannot skip.
    What changes meanwhile is read seldom: each reading is a stop on the way."""
    seldom = {"changes": {"every": '"12h"'}}
    whole = example(paging={"poll_every": '"50ms"'}, **{**seldom, **sections})
    return re.sub(r"\[\[status_sources\]\].*?(?=\n#)", "", whole, flags=re.DOTALL)


@dataclass
class Skipping:
    """`copy` to speak with, `sleep` to let time go by. Workers have to be there: without them this server either waits
    in real time for what is due, or leaps over years."""

    copy: Copy
    server: WorkflowEnvironment

    async def sleep(self, minutes: float, piece: timedelta = A_PIECE) -> None:
        """In pieces: a long skip outruns what is done meanwhile."""
        left, longest = timedelta(minutes=minutes), piece
        while left > timedelta(0):
            piece = min(left, longest)
            await self.server.sleep(piece)
            left -= piece

    async def ended(self) -> None:
        """Until the incident is closed. This server lists nothing, and has no time to skip once nothing runs."""
        handle = self.copy.client.get_workflow_handle(identity.workflow_id(self.copy.incident))
        while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
            await self.sleep(1)


@asynccontextmanager
async def skipping(state: Path, config: str, **options: Any) -> AsyncIterator[Skipping]:
    """Server, emulators and workers until the context ends; who is paged has acknowledged at once. `options` go to each worker."""
    world = read_world(CONFIG / "emulators.toml")
    async with (
        start(world) as emulators,
        aiohttp.ClientSession() as http,
        await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=SERVER, data_converter=data_converter
        ) as server,
    ):
        await server.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=server.client.namespace, search_attributes=temporal.keywords())
        )
        environment = surroundings(state, config, emulators.url)
        settings = Settings.model_validate(environment)
        copy = Copy(
            client=server.client,
            gateway=Gateway(server.client, SnapshotReader(settings.records_url)),
            organisation=settings.organisation,
            book=OnCallBook(settings.on_call_book, settings.organisation),
            settings=settings,
            url=emulators.url,
            http=http,
            environment=environment,
        )
        for person in ("PBOB001", "PDEE001", "PTARA01"):
            await copy.control("POST", "pagerduty/acknowledgement", {"user": person, "after_seconds": 0})
        async with furnish(settings, server.client) as house:
            await asyncio.to_thread(house.paging.refresh_book)
            async with serving(workers(server.client, house, ["all"], "local", **options)):
                yield Skipping(copy, server)
