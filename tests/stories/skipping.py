"""A running copy on the time-skipping server: hours of the process in seconds, with a wire that can be cut."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.on_call_book import OnCallBook
from connection import data_converter
from emulators.server import start
from emulators.world import read_world
from entrypoints.gateway import Gateway
from settings import Settings
from tests.configured import example
from tests.conftest import CONFIG
from tests.stories.copy import Copy, serving, surroundings
from worker import furnish, workers
from workflows import search_attributes

SERVER = str(Path(sys.executable).parent / "temporal-test-server")
A_PIECE = timedelta(minutes=10)


def quiet(**sections: dict[str, str]) -> str:
    """Without a status source: the stalk is an activity that runs for hours, over which this server cannot skip."""
    whole = example(paging={"poll_every": '"50ms"'}, **sections)
    return re.sub(r"\[\[status_sources\]\].*?(?=\n#)", "", whole, flags=re.DOTALL)


class Wire:
    """Between the workers and the server. Cut, it takes every connection with it and lets none through."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._cut = False

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _carry(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        if self._cut:
            near_out.transport.abort()
            return
        far, far_out = await asyncio.open_connection(*self._to)
        ends = {near_out, far_out}
        self._writers |= ends
        with suppress(OSError):
            await asyncio.gather(_pump(near, far_out), _pump(far, near_out))
        for writer in ends:
            writer.transport.abort()
        self._writers -= ends


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()


@dataclass
class Skipping:
    """`copy` to speak with, `sleep` to let time go by; `wire` leads from the workers to the server."""

    copy: Copy
    server: WorkflowEnvironment
    wire: Wire
    client: Client

    async def sleep(self, minutes: float) -> None:
        """In pieces: a long skip outruns what is done meanwhile."""
        left = timedelta(minutes=minutes)
        while left > timedelta(0):
            piece = min(left, A_PIECE)
            await self.server.sleep(piece)
            left -= piece

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """With workers, until the context ends."""
        async with furnish(self.copy.settings, self.client) as house:
            await asyncio.to_thread(house.paging.refresh_book)
            async with serving(workers(self.client, house, ["all"], "local")):
                yield


@asynccontextmanager
async def skipping(state: Path, config: str) -> AsyncIterator[Skipping]:
    """Server and emulators until the context ends; who is paged has acknowledged at once."""
    world = read_world(CONFIG / "emulators.toml")
    async with (
        start(world) as emulators,
        aiohttp.ClientSession() as http,
        await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=SERVER, data_converter=data_converter
        ) as server,
    ):
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        await server.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=server.client.namespace,
                search_attributes={key.name: keyword for key in search_attributes.ALL},
            )
        )
        environment = surroundings(state, config, emulators.url)
        settings = Settings.model_validate(environment)
        copy = Copy(
            client=server.client,
            gateway=Gateway(server.client),
            organisation=settings.organisation,
            book=OnCallBook(settings.on_call_book, settings.organisation),
            settings=settings,
            url=emulators.url,
            http=http,
            environment=environment,
        )
        for person in ("PBOB001", "PDEE001", "PTARA01"):
            await copy.control("POST", "pagerduty/acknowledgement", {"user": person, "after_seconds": 0})
        host, _, port = server.client.service_client.config.target_host.rpartition(":")
        wire = Wire(host, int(port))
        client = await Client.connect(await wire.open(), data_converter=data_converter)
        try:
            yield Skipping(copy, server, wire, client)
        finally:
            await wire.close()
