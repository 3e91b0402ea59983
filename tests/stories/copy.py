"""A running copy of the product for a story: real server, real workers, real HTTP; and hands to use it with."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from temporalio.client import Client, WorkflowExecutionStatus

from activities.on_call_book import OnCallBook
from emulators.server import start
from emulators.world import read_world
from entrypoints.conversation import Conversation, Heard
from entrypoints.gateway import Gateway
from entrypoints.signing import Sign, unsigned
from entrypoints.snapshots import SnapshotReader
from incident import identity
from incident.model import Incident
from incident.policy import Organisation
from settings import PRACTICE_KEYS, Settings
from tests.conftest import CONFIG, ROOT
from tests.reading import rooms_as_read
from tests.stories import temporal
from worker import APART, furnish, workers

PATIENCE = 120.0
"""An upper bound, for a machine that has much else to do; nothing that goes well waits for it."""
LOOKED_AGAIN, LOOKED_AGAIN_AT_MOST = 0.03, 0.25
RUNNING = WorkflowExecutionStatus.RUNNING
FAILED = (WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.TIMED_OUT)
ENDED_IN_ORDER = (WorkflowExecutionStatus.COMPLETED, WorkflowExecutionStatus.CANCELED)


class Real(Settings):
    """Takes the emulators for the world. For tests alone: the product decides by the addresses, and by nothing else."""

    @property
    def practice(self) -> bool:
        return False


@dataclass
class Copy:
    """`say` as a person would in the shell; look at what the outside received."""

    client: Client
    gateway: Gateway
    organisation: Organisation
    book: OnCallBook
    settings: Settings
    url: str
    http: aiohttp.ClientSession
    environment: dict[str, str]
    incident: str = ""
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    patience: float = PATIENCE

    # -- people ---------------------------------------------------------------------------------------

    async def say(self, by: str, words: str, *, id: str = "", door: str = "cli", sign: Sign = unsigned) -> str:
        """`words` as `by` would type them with `ic`, `sign`ed if need be; the answer."""
        contact = self.organisation.contact(by)
        gateway, practice = (
            Gateway(self.client, self.gateway.snapshots, sign),
            self.settings.practice,
        )
        conversation = Conversation(
            gateway.at_hand,
            gateway.snapshots,
            self.organisation,
            self.book,
            practice=practice,
            door=door,
            present=self.settings.present,
        )
        heard = Heard(words, by, contact.name if contact else by, id, self.incident)
        outcome = await conversation.act(heard)
        if words.startswith("declare"):
            self.incident = outcome.data["incident"]
        return outcome.text

    async def look(self) -> Incident:
        return await self.gateway.look(self.incident, live=True)

    async def is_in_it(self, person: str) -> None:
        """Until they are paged: who is not in a security incident is refused there."""

        async def paged() -> bool:
            return any(person in page.people for page in (await self.look()).pages.values())

        await self.until(paged, f"{person} is paged, and so in it")

    # -- the outside ----------------------------------------------------------------------------------

    async def control(self, method: str, path: str, body: object = None) -> Any:
        async with self.http.request(method, f"{self.url}/control/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            found = await answer.json()
        return rooms_as_read(found) if path.startswith("slack/rooms") else found

    async def fault(self, service: str, call: str, **how: object) -> None:
        await self.control("POST", "faults", {"service": service, "call": call, **how})

    async def received(self, service: str, call: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.control("GET", f"received?service={service}&call={call}")
        return found

    async def room(self, name: str = "") -> dict[str, Any]:
        """A channel with its messages; without messages while it is not there."""
        rooms = await self.control("GET", f"slack/rooms?name={name or f'inc-{self.incident}'}")
        return next(iter(rooms), {"messages": [], "pins": []})

    async def lines(self, name: str = "") -> list[str]:
        """Every line that stands in a room, in order."""
        return [line for message in (await self.room(name))["messages"] for line in message["text"].splitlines()]

    async def told(self, slack_user: str) -> list[str]:
        """What the bot said to somebody privately."""
        rooms = await self.control("GET", f"slack/rooms?user={slack_user}")
        return [m["text"] for room in rooms for m in room["messages"]]

    # -- waiting --------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], Awaitable[object]], what: str, patience: float = 0) -> Any:
        """Look again until it is so, less often the longer it takes. Fails with `what` when it takes too long."""
        ends, pause = time.monotonic() + (patience or self.patience), LOOKED_AGAIN
        while True:
            found = await condition()
            if found:
                return found
            assert time.monotonic() < ends, f"never: {what}\n" + "\n".join(await self.lines())
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, LOOKED_AGAIN_AT_MOST)

    async def heard_in_room(self, text: str, patience: float = 0) -> None:
        async def there() -> bool:
            return any(text in line for line in await self.lines())

        await self.until(there, f"{text!r} in the room", patience)

    async def ended(self) -> None:
        """Every workflow of the incident has ended well, but the one of the weeks after it."""

        async def all_closed() -> bool:
            runs = [run async for run in self.client.list_workflows("")]
            ours = [run for run in runs if self.incident in run.id and not run.id.endswith("/after")]
            return len(ours) >= 5 and all(run.status == WorkflowExecutionStatus.COMPLETED for run in ours)

        await self.until(all_closed, "all workflows ended")

    async def workflows(self) -> dict[str, WorkflowExecutionStatus | None]:
        """How each workflow of the incident stands, its sub-teams' too."""
        found: dict[str, WorkflowExecutionStatus | None] = {}
        async for run in self.client.list_workflows(""):  # the newest run of each comes first
            ours = run.id.partition("/")[0] == identity.workflow_id(self.incident)
            if ours or (await run.memo()).get("incident") == self.incident:
                found.setdefault(run.id, run.status)
        return found

    async def everything_ended(self, patience: float = 0, *, but: str = "/after") -> dict[str, str]:
        """How each workflow of the incident has ended. Fails by name with those that do not."""

        async def none_runs() -> dict[str, WorkflowExecutionStatus | None] | None:
            stand = await self.workflows()
            running = [id for id, status in stand.items() if status is RUNNING and not (but and but in id)]
            return None if running or identity.workflow_id(self.incident) not in stand else stand

        try:
            stand = await self.until(none_runs, "all workflows of the incident end", patience)
        except AssertionError as never:
            left = [id for id, status in (await self.workflows()).items() if status is RUNNING]
            raise AssertionError(f"never ended: {', '.join(left)}\n{never}") from None
        return {id: status.name.lower() for id, status in stand.items() if status is not None}

    async def nothing_left_behind(self) -> None:
        """Where an incident has ended in order, so has all that it started; no workflow of one has failed."""
        stand: dict[str, WorkflowExecutionStatus | None] = {}
        async for run in self.client.list_workflows(""):
            stand.setdefault(run.id, run.status)
        failed = [id for id, status in stand.items() if status in FAILED and id.startswith("incident-")]
        assert not failed, f"failed: {', '.join(failed)}"
        before = self.incident
        for id, status in stand.items():
            if id.startswith("incident-") and "/" not in id and status in ENDED_IN_ORDER:
                self.incident = identity.incident_of(id)
                await self.everything_ended()
        self.incident = before

    # -- workers as a process of their own, to be killed ----------------------------------------------

    async def start_worker(self, code: Path = ROOT, module: str = "worker") -> None:
        """The processes that `ic up` would run, of the product that is in the directory `code`.

        `module` is the program: the product's, or one of the tests' that runs it.
        """
        ready = [self.settings.state / f"worker-{roles[0]}.ready" for roles in APART]
        self.processes = []
        for file, roles in zip(ready, APART, strict=True):
            file.unlink(missing_ok=True)
            with (self.settings.state / "worker.log").open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", module, "--ready-file", str(file)),
                    *(argument for role in roles for argument in ("--role", role)),
                    cwd=code,
                    env={**os.environ, **self.environment},
                    stdout=log,
                    stderr=log,
                )
            self.processes.append(process)

        async def serve() -> bool:
            ended = [process for process in self.processes if process.returncode is not None]
            assert not ended, (self.settings.state / "worker.log").read_text()
            return all(file.exists() for file in ready)

        await self.until(serve, "the workers serve")

    async def kill_worker(self) -> None:
        """As the kernel would: nothing is said, nothing is finished."""
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
        for process in self.processes:
            await process.wait()

    async def stop_worker(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.terminate()
        for process in self.processes:
            await process.wait()


def surroundings(state: Path, config: str, url: str) -> dict[str, str]:
    """The environment of a practice whose emulators are at `url`."""
    file = state / "organisation.toml"
    file.write_text(config)
    os.environ["PRACTICE_URL"] = url
    return {
        "SLACK_API_URL": f"{url}/slack/api/",
        "PAGERDUTY_API_URL": f"{url}/pagerduty",
        "STATUSPAGE_API_URL": f"{url}/statuspage",
        "X_API_URL": f"{url}/x",
        "PRACTICE_URL": url,
        "DONT_PANIC_CONFIG": str(file),
        "DONT_PANIC_STATE": str(state),
        **PRACTICE_KEYS,
    }


@asynccontextmanager
async def running(
    state: Path, config: str, *, worker: str = "here", real: bool = False, **options: Any
) -> AsyncIterator[Copy]:
    """A namespace, emulators and workers until the context ends.

    `worker`: here (in this process), apart (a process of its own), or none. `real`: not a practice. `options` go to the
    workers here.
    """
    world = read_world(CONFIG / "emulators.toml")
    async with start(world) as emulators, aiohttp.ClientSession() as http:
        environment = surroundings(state, config, emulators.url)
        settings = (Real if real else Settings).model_validate(environment)
        async with temporal.namespace(state) as client:
            environment["TEMPORAL_ADDRESS"] = client.service_client.config.target_host
            environment["TEMPORAL_NAMESPACE"] = client.namespace
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
            if worker == "here":
                async with furnish(settings, client) as house:
                    await asyncio.to_thread(house.paging.refresh_book)
                    served = workers(client, house, ["all"], "local", **options)
                    async with serving(served):
                        yield copy
                        await copy.nothing_left_behind()
            elif worker == "apart":
                await copy.start_worker()
                try:
                    yield copy
                    await copy.nothing_left_behind()
                finally:
                    await copy.stop_worker()
            else:
                yield copy


@contextmanager
def exported(**values: str) -> Iterator[None]:
    """These variables as those of this process, until the context ends."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@asynccontextmanager
async def serving(served: list[Any]) -> AsyncIterator[None]:
    running = [asyncio.create_task(worker.run()) for worker in served]
    try:
        yield
    finally:
        await asyncio.gather(*(worker.shutdown() for worker in served))
        await asyncio.gather(*running)
