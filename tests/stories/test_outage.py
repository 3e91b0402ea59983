"""`ic up` as people run it, with server, workers and listener killed in turn in mid-incident: it all goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from temporalio.client import Client

from activities.on_call_book import OnCallBook
from connection import data_converter
from entrypoints.gateway import Gateway
from entrypoints.problems import Unanswered, Unreachable
from entrypoints.snapshots import SnapshotReader
from settings import Settings
from tests.configured import example
from tests.conftest import ROOT
from tests.stories.copy import Copy, surroundings

CADENCE = {"mark_every": '"3s"', "later_after": '"1h"'}
BEGUN_WITHIN = 60.0


def _free(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _children(parent: int) -> dict[int, str]:
    """The processes that a process started, with their command lines."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            status = (process / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == parent:
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def kill(parent: int, name: str) -> None:
    """As the kernel would, out of memory."""
    victims = [pid for pid, command in _children(parent).items() if name in command]
    assert victims, (name, _children(parent))
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def up(state: Path) -> AsyncIterator[tuple[Copy, int]]:
    """The program, and hands to use it with; its process id."""
    temporal, ui, page, listener, shop = _free(5)
    config = state / "organisation.toml"
    config.write_text(example(deputy=CADENCE, ending={"watched_for": '"2s"'}))
    ports = [
        "--port",
        str(page),
        "--temporal-port",
        str(temporal),
        "--ui-port",
        str(ui),
        "--listener-port",
        str(listener),
        "--shop-port",
        str(shop),
    ]
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "entrypoints.cli",
            "up",
            "--state",
            str(state),
            "--config",
            str(config),
        ),
        *ports,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        while b"ready after" not in (line := await asyncio.wait_for(process.stdout.readline(), BEGUN_WITHIN)):
            assert line, "ic up ended before it was ready"
        reading = asyncio.create_task(process.stdout.read())
        url = f"http://127.0.0.1:{page}"
        environment = surroundings(state, config.read_text(), url)
        settings = Settings.model_validate(environment)
        client = await Client.connect(f"127.0.0.1:{temporal}", data_converter=data_converter)
        async with aiohttp.ClientSession() as http:
            yield (
                Copy(
                    client=client,
                    gateway=Gateway(client, SnapshotReader(settings.records_url)),
                    organisation=settings.organisation,
                    book=OnCallBook(settings.on_call_book, settings.organisation),
                    settings=settings,
                    url=url,
                    http=http,
                    environment=environment,
                ),
                process.pid,
            )
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 45)
        await reading


async def insist(copy: Copy, by: str, words: str, id: str) -> None:
    """Say it again under the same id until it is answered, as the answer itself advises."""
    ends = time.monotonic() + 60
    while True:
        try:
            await copy.say(by, words, id=id)
        except (Unanswered, Unreachable):
            assert time.monotonic() < ends, words
            await asyncio.sleep(0.2)
        else:
            return


@pytest.mark.long
async def test_server_workers_and_listener_are_killed_in_turn(tmp_path: Path) -> None:
    async with up(tmp_path) as (copy, parent):
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.say("bob", "command")
        await copy.heard_in_room("the 0 minute mark")
        expected = []
        for n, victim in enumerate(("server start-dev", "worker --role incident", "worker --role roles", "chat.app")):
            kill(parent, victim)
            await insist(copy, "sam", f"finding number {n}", f"finding-{n}")
            expected.append(f"Sam Storeson found: number {n}")
            await copy.heard_in_room(expected[-1])
        channel = (await copy.room())["id"]

        async def heard() -> bool:
            body = {"user": "U0ANNE", "channel": channel, "text": "NOTE the listener is back"}
            await copy.control("POST", "slack/message", body)
            await asyncio.sleep(0.5)
            return any(n.text == "the listener is back" for n in (await copy.look()).notes)

        await copy.until(heard, "the listener hears again")
        await insist(copy, "bob", "resolve --insist recovered", "the-end")
        await copy.ended()
        lines = await copy.lines()
        assert [line for line in lines if line in expected] == expected
        keys = [m["metadata"]["event_payload"]["key"] for m in (await copy.room())["messages"] if "metadata" in m]
        assert len(keys) == len(set(keys))
        pages = [i["incident_key"] for i in await copy.control("GET", "pagerduty/incidents")]
        assert len(pages) == len(set(pages)) == 3
