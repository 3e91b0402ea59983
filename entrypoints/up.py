"""`ic up`: everything on this machine, in the foreground: Temporal, the emulators, the workers, the listener."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO

import aiohttp
from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from connection import runtime
from entrypoints.processes import Child
from hardening import keep_folder_private, keep_private
from settings import PAGERDUTY, PRACTICE_KEYS, PRIVATE, SLACK, Misconfigured, Settings
from supervision import Supervisor
from worker import APART
from workflows import search_attributes

RETENTION = timedelta(days=90)
_WORKER = PRIVATE - {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "PAGERDUTY_WEBHOOK_SECRET"}
NEEDED = {
    "worker-incident": _WORKER,
    "worker-roles": _WORKER,
    "listener": PRIVATE - {name for name in PRIVATE if name.startswith(("STATUSPAGE", "X_"))},
}
"""Which secrets each program needs. The server, the emulators, and the runner, whose children repair, need none."""
HEALTHY_WITHIN = 60.0
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Places:
    """Where this copy listens and what it keeps."""

    state: Path
    temporal_port: int = 7233
    ui_port: int = 8233
    emulators_port: int = 7080
    listener_port: int = 7090
    emulators_config: Path = Path("config/emulators.toml")
    shop_port: int = 7081

    @property
    def temporal(self) -> str:
        return f"{HOST}:{self.temporal_port}"

    @property
    def listens(self) -> str:
        """Where the listener takes PagerDuty's webhooks."""
        return f"{HOST}:{self.listener_port}"

    @property
    def web_ui(self) -> str:
        return f"http://{HOST}:{self.ui_port}"

    @property
    def shop(self) -> str:
        """What repair actions are practised on."""
        return f"http://{HOST}:{self.shop_port}"

    @property
    def emulators(self) -> str:
        return f"http://{HOST}:{self.emulators_port}"


@dataclass
class Copy:
    """One running copy of everything."""

    places: Places
    settings: Settings
    practice: bool
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._supervisor = Supervisor("up", self.places.state)

    async def run(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            starting = asyncio.create_task(self._start())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopping
            else:
                starting.cancel()
            _say("stopping …")
        finally:
            (self.places.state / "up.json").unlink(missing_ok=True)
            await self._supervisor.close()
            for child in reversed(self.children):
                await child.end()
            _say("stopped; what was running goes on with the next start")

    async def _start(self) -> None:
        begun = time.monotonic()
        server = await self._child("temporal", _server(self.places), ends_within=8)
        waits: list[Awaitable[None]] = [self._wait(server, self._server_serves)]
        if self.practice:
            emulators = await self._child("emulators", _emulators(self.places))
            waits.append(self._wait(emulators, partial(self._serves, f"{self.places.emulators}/healthz")))
            shop = await self._child("shop", _shop(self.places))
            waits.append(self._wait(shop, partial(self._serves, f"{self.places.shop}/did")))
        await asyncio.gather(*waits)
        await self._keep_histories()
        self._write_down()
        programs = {f"worker-{roles[0]}": ["worker", *(a for r in roles for a in ("--role", r))] for roles in APART}
        programs["listener"] = ["chat.app"]
        ours = []
        for name, program in programs.items():
            ready = self._ready_file(name)
            argv = [sys.executable, "-m", *program, "--ready-file", str(ready)]
            ours.append((await self._child(name, argv, ends_within=30), _exists(ready)))
        await asyncio.gather(*(self._wait(child, serves) for child, serves in ours))
        print(self._ready(time.monotonic() - begun), flush=True)

    async def _child(self, name: str, argv: list[str], *, ends_within: float = 5.0) -> Child:
        child = Child(name, argv, self.environment(name), self.places.state / "logs" / f"{name}.log", ends_within, _say)
        self.children.append(child)
        await child.start(self._supervisor)
        return child

    async def _wait(self, child: Child, healthy: Callable[[], Awaitable[bool]]) -> None:
        ends = time.monotonic() + HEALTHY_WITHIN
        said = time.monotonic()
        while not await healthy():
            if not child.alive or time.monotonic() > ends:
                raise Misconfigured(f"{child.name} does not start. The end of {child.log}:\n{child.last_lines()}")
            if time.monotonic() - said > 1:
                said = time.monotonic()
                _say(f"waiting for {child.name} …")
            await asyncio.sleep(0.05)

    async def _server_serves(self) -> bool:
        try:
            client = await Client.connect(self.places.temporal, runtime=runtime())
            return await client.service_client.check_health(timeout=timedelta(seconds=1))
        except (RuntimeError, RPCError):
            return False

    async def _serves(self, url: str) -> bool:
        try:
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def _keep_histories(self) -> None:
        """The embedded server forgets closed workflows after a day; a record is wanted for longer."""
        client = await Client.connect(self.places.temporal, runtime=runtime())
        seconds = int(RETENTION.total_seconds())
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(
                namespace="default",
                config=NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=seconds)),
            )
        )

    def _ready_file(self, name: str) -> Path:
        file = self.places.state / f"{name}.ready"
        file.unlink(missing_ok=True)
        return file

    def _overrides(self) -> dict[str, str]:
        """What children and doors need to know of this copy."""
        known = {
            "TEMPORAL_ADDRESS": self.places.temporal,
            "TEMPORAL_NAMESPACE": "default",
            "DONT_PANIC_WEB_UI": self.places.web_ui,
            "DONT_PANIC_CONFIG": str(self.settings.config.absolute()),
        }
        if self.practice:
            known |= {
                "SLACK_API_URL": f"{self.places.emulators}/slack/api/",
                "PAGERDUTY_API_URL": f"{self.places.emulators}/pagerduty",
                "STATUSPAGE_API_URL": f"{self.places.emulators}/statuspage",
                "X_API_URL": f"{self.places.emulators}/x",
                "PRACTICE_URL": self.places.emulators,
                "SHOP_URL": self.places.shop,
                "DONT_PANIC_LISTEN": self.places.listens,
                **PRACTICE_KEYS,
            }
        return known

    def environment(self, program: str) -> dict[str, str]:
        """What `program` finds around it: of all secrets those that it needs."""
        # A key or certificate meant for another Temporal would turn TLS on, which the embedded server has not.
        stray = ("TEMPORAL_API_KEY", "TEMPORAL_TLS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(stray)}
        if self.practice:
            # The shop is repaired with `python3`, which a machine may have by another name alone, or too old a one.
            kept["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath)))
        found = {**kept, **self._overrides(), "DONT_PANIC_STATE": str(self.places.state.absolute())}
        withheld = PRIVATE - NEEDED.get(program, frozenset())
        return {name: value for name, value in found.items() if name not in withheld}

    def _write_down(self) -> None:
        file = self.places.state / "up.json"
        file.write_text(json.dumps({"environment": self._overrides()}, indent=2))

    def _ready(self, seconds: float) -> str:
        anne, bob = (" --as anne", " --as bob") if self.practice else ("", "")
        state = "" if self.places.state == Path(".state") else f"DONT_PANIC_STATE={self.places.state} "
        lines = [
            f"ready after {seconds:.1f} s{', practice: nobody is woken, nothing is public' if self.practice else ''}",
            "",
        ]
        if self.practice:
            lines.append(f"  rooms and pages   {self.places.emulators}")
            lines.append(f"  shop to repair    {self.places.shop}/status")
        lines += [
            f"  Web UI            {self.places.web_ui}/namespaces/default/workflows",
            f"  logs              {self.places.state / 'logs'}",
            "",
            "Try, in another terminal:",
            f"  {state}bin/ic declare 1 checkout answers with 500{anne}",
            f"  {state}bin/ic command{bob}",
            f"  {state}bin/ic show",
            f"  {state}bin/ic help",
            "",
            "Ctrl-C stops it; what was running goes on with the next start.",
        ]
        return "\n".join(lines)


def up(places: Places, settings: Settings) -> int:
    """Runs until Ctrl-C. Raises Misconfigured or BadPolicy with what to do."""
    # Nothing of settings, organisation or ports may be wrong before the first process is started.
    practice = _is_practice(settings)
    assert settings.organisation
    keep_private()
    keep_folder_private(places.state)
    lock = _alone(places.state)
    _find_server()
    wanted = {"--temporal-port": places.temporal_port, "--ui-port": places.ui_port}
    if practice:
        wanted |= {"--port": places.emulators_port, "--listener-port": places.listener_port}
        wanted |= {"--shop-port": places.shop_port}
    for option, port in wanted.items():
        _free(option, port)
    with lock:
        asyncio.run(Copy(places, settings, practice).run())
    return 0


def _is_practice(settings: Settings) -> bool:
    """Without any real key it is a practice; with some, all that is needed must be there."""
    named = settings.slack_api_url != SLACK or settings.pagerduty_api_url != PAGERDUTY
    keys = settings.slack_bot_token.get_secret_value() or settings.pagerduty_api_key.get_secret_value()
    return settings.practice if named or keys else True


def _server(places: Places) -> list[str]:
    attributes = [part for key in search_attributes.ALL for part in ("--search-attribute", f"{key.name}=Keyword")]
    pragmas = ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=1"]
    where = ["--ip", HOST, "--port", str(places.temporal_port), "--ui-ip", HOST, "--ui-port", str(places.ui_port)]
    file = ["--db-filename", str(places.state / "temporal.db")]
    return [_find_server(), "server", "start-dev", *where, *file, *pragmas, *attributes, "--log-level", "warn"]


def _emulators(places: Places) -> list[str]:
    port, config = str(places.emulators_port), str(places.emulators_config)
    where = ["--port", port, "--config", config, "--state", str(places.state)]
    return [sys.executable, "-m", "emulators", *where, "--webhook", f"http://{places.listens}/pagerduty/webhook"]


def _shop(places: Places) -> list[str]:
    return [
        sys.executable,
        "-m",
        "emulators.shop",
        "--port",
        str(places.shop_port),
        "--state",
        str(places.state / "shop"),
    ]


def _find_server() -> str:
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if not found:
        raise Misconfigured("The `temporal` program is missing: `make up` installs it.")
    return found


def _free(option: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise Misconfigured(
                f"Port {port} is taken. Stop what uses it, or choose another with `{option}`."
            ) from None


def _alone(state: Path) -> IO[str]:
    lock = (state / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Misconfigured(
            f"A copy is running already in {state}. Stop it, or choose another with `--state`."
        ) from None
    return lock


def _exists(file: Path) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return await asyncio.to_thread(file.exists)

    return there


def _say(text: str) -> None:
    with suppress(BrokenPipeError):
        print(text, flush=True)
