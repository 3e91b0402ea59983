"""A machine on which the whole product runs, each program a process that is kept alive: to be killed and stopped at will.

The emulators, which are the outside, live in the process of the test, and outlive all of it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import aiohttp
from temporalio.client import Client

from activities.on_call_book import OnCallBook
from connection import data_converter
from emulators.server import start
from emulators.shop.front import TOKEN
from emulators.shop.front import start as shop
from emulators.shop.shop import Shop
from emulators.world import read_world
from entrypoints.gateway import Gateway
from entrypoints.processes import _die_with_parent
from entrypoints.snapshots import SnapshotReader
from entrypoints.up import HOST, Places, _server
from settings import PRACTICE_KEYS, Settings
from tests.conftest import CONFIG, ROOT
from tests.stories.copy import Copy, exported, surroundings
from tests.stories.test_outage import _free
from worker import APART

BEGUN_AGAIN_AFTER = 0.5
REDELIVERED_AFTER = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Slack's 1 and 5 minutes, shortened: what is under way is never down for so long."""
SERVER = "server"


@dataclasses.dataclass
class Program:
    """Started again when it ends, as `ic up` does it."""

    name: str
    argv: list[str]
    environment: dict[str, str]
    log: Path
    pause: float = BEGUN_AGAIN_AFTER
    process: asyncio.subprocess.Process | None = None
    starts: int = 0

    async def keep(self) -> None:
        while True:
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *self.argv,
                    cwd=ROOT,
                    env=self.environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=_die_with_parent,
                )
            self.starts += 1
            await self.process.wait()
            await asyncio.sleep(self.pause)
            self.pause = BEGUN_AGAIN_AFTER

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)

    def kill(self, pause: float) -> None:
        """As the kernel would, out of memory; it begins again after `pause`."""
        self.pause = pause
        self.send(signal.SIGKILL)


@dataclasses.dataclass
class Machine:
    """All that runs on it, and the outside that is around it."""

    copy: Copy
    shop: Shop
    programs: dict[str, Program]


@asynccontextmanager
async def machine(state: Path, config: str) -> AsyncIterator[Machine]:
    """Until the context ends. It serves when the context begins."""
    world = dataclasses.replace(read_world(CONFIG / "emulators.toml"), redeliver_after=REDELIVERED_AFTER)
    temporal, ui, listens = _free(3)
    webhook = (f"http://{HOST}:{listens}/pagerduty/webhook", PRACTICE_KEYS["PAGERDUTY_WEBHOOK_SECRET"])
    async with AsyncExitStack() as stack:
        emulators = await stack.enter_async_context(start(world, webhook=webhook))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        site = stack.enter_context(shop(state / "shop"))
        stack.enter_context(exported(SHOP_URL=site.url, SHOP_TOKEN=TOKEN))
        environment = surroundings(state, config, emulators.url) | {
            "TEMPORAL_ADDRESS": f"{HOST}:{temporal}",
            "TEMPORAL_NAMESPACE": "default",
            "DONT_PANIC_LISTEN": f"{HOST}:{listens}",
            "SHOP_URL": site.url,
            "SHOP_TOKEN": TOKEN,
        }
        places = Places(state, temporal_port=temporal, ui_port=ui)
        programs = await stack.enter_async_context(_kept(state, environment, places))
        settings = Settings.model_validate(environment)
        client = await Client.connect(f"{HOST}:{temporal}", data_converter=data_converter, lazy=True)
        copy = Copy(
            client=client,
            gateway=Gateway(client, SnapshotReader(settings.records_url)),
            organisation=settings.organisation,
            book=OnCallBook(settings.on_call_book, settings.organisation),
            settings=settings,
            url=emulators.url,
            http=http,
            environment=environment,
        )
        await copy.until(lambda: _serves(state, client), "it serves")
        yield Machine(copy, site.shop, programs)


@asynccontextmanager
async def _kept(state: Path, environment: dict[str, str], places: Places) -> AsyncIterator[dict[str, Program]]:
    python = (sys.executable, "-W", "ignore", "-m")
    argv = {SERVER: _server(places), "listener": [*python, "chat.app", "--ready-file", str(state / "listener.ready")]}
    for roles in APART:
        name = f"worker-{roles[0]}"
        named = (part for role in roles for part in ("--role", role))
        argv[name] = [*python, "worker", *named, "--ready-file", str(state / f"{name}.ready")]
    whole = {**os.environ, **environment}
    programs = {name: Program(name, each, whole, state / f"{name}.log") for name, each in argv.items()}
    keeping = [asyncio.create_task(program.keep()) for program in programs.values()]
    try:
        yield programs
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        for program in programs.values():
            program.send(signal.SIGCONT)
            program.send(signal.SIGKILL)
            if program.process is not None:
                await program.process.wait()


async def _serves(state: Path, client: Client) -> bool:
    names = ["listener", *(f"worker-{roles[0]}" for roles in APART)]
    if not all([await asyncio.to_thread((state / f"{name}.ready").exists) for name in names]):
        return False
    with suppress(Exception):
        return await client.service_client.check_health(timeout=timedelta(seconds=1))
    return False
