"""Three simulated hours of a quiet SEV-1 on the time-skipping server: what comes by itself, when, and no drift."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import timedelta
from pathlib import Path

import aiohttp
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
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
QUIET = re.sub(r"\[\[status_sources\]\].*?(?=\n#)", "", example(paging={"poll_every": '"50ms"'}), flags=re.DOTALL)
"""Without a status source: the stalk is an activity that runs for hours, over which this server cannot skip."""


async def test_three_quiet_hours(tmp_path: Path) -> None:
    world = read_world(CONFIG / "emulators.toml")
    async with (
        start(world) as emulators,
        aiohttp.ClientSession() as http,
        await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=SERVER, data_converter=data_converter
        ) as server,
    ):
        await server.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=server.client.namespace,
                search_attributes={
                    key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD for key in search_attributes.ALL
                },
            )
        )
        environment = surroundings(tmp_path, QUIET, emulators.url)
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
        async with furnish(settings, server.client) as house:
            await asyncio.to_thread(house.paging.refresh_book)
            async with serving(workers(server.client, house, ["all"], "local")):
                await copy.say("anne", "declare 1 checkout is down")
                await copy.say("bob", "command")
                await copy.say("dee", "join")
                await copy.heard_in_room("Tara Traineeson acknowledged the page.")
                for _ in range(18):
                    await server.sleep(timedelta(minutes=10))
                await copy.heard_in_room("180 minute mark")
                await _only_what_the_process_derives(copy)


async def _only_what_the_process_derives(copy: Copy) -> None:
    marks = [int(m[1]) for line in await copy.lines() if (m := re.search(r"now at the (\d+) minute mark", line))]
    assert marks == [*range(10, 121, 10), 150, 180]
    texts = [m["text"] for m in (await copy.room("executive-summary"))["messages"]]
    assert [re.search(r"((?:\d+ h ?)?(?:\d+ min)?) in\.", text)[1] for text in texts] == [  # type: ignore[index]  # a text without it is the failure meant
        "5 min",
        "35 min",
        "1 h 5 min",
        "1 h 35 min",
        "2 h 5 min",
        "2 h 35 min",
    ]
    incident = await copy.look()
    late = [summary.sent_at - summary.due_at for summary in incident.summaries]
    assert all(timedelta(0) <= wait < timedelta(seconds=5) for wait in late), late
    assert not any("late by" in line for line in [*await copy.lines(), *texts])
