"""What the stories about repair actions share: the shop beside the room, a proposal, an approval, an end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.shop.front import TOKEN, start
from emulators.shop.shop import Shop
from incident.model import Repair, RepairState
from tests.configured import example
from tests.conftest import CONFIG, ROOT
from tests.stories.copy import Copy, exported, running

QUICK = {"poll_window": '"1s"'}


@dataclass
class Site:
    """A running copy with the shop that its catalogue is about."""

    copy: Copy
    shop: Shop

    def did(self, *what: str) -> list[str]:
        """What was done to the shop: `restart east-1`; only of the kinds that are named."""
        return [f"{d['what']} {d['to']}".strip() for d in self.shop.did() if not what or d["what"] in what]

    async def commanded(self, words: str = "declare 2 checkout answers with 500 service: shop-api") -> None:
        await self.copy.say("anne", words)
        await self.copy.say("bob", "command")

    async def proposed(self, words: str, by: str = "anne") -> int:
        """Its number."""
        answer = await self.copy.say(by, words)
        return int(answer.split("proposed as ")[1].split(";")[0])

    async def repair(self, number: int) -> Repair:
        return (await self.copy.look()).repairs[number]

    async def came_to(self, number: int, *states: RepairState) -> Repair:
        async def there() -> Repair | None:
            repair = await self.repair(number)
            return repair if repair.state in states else None

        found: Repair = await self.copy.until(there, f"repair {number} is {' or '.join(states)}")
        return found

    async def notice(self, number: int) -> dict[str, Any]:
        """The proposal as it stands in the room now."""
        messages = (await self.copy.room())["messages"]
        wanted = (f"proposes repair {number}:", f"proposes repair {number} (")
        return next((m for m in messages if any(text in m["text"] for text in wanted)), {"text": "", "blocks": []})

    async def notice_says(self, number: int, text: str) -> None:
        async def there() -> bool:
            return text in (await self.notice(number))["text"]

        await self.copy.until(there, f"{text!r} in the notice of repair {number}")


@asynccontextmanager
async def site(
    tmp_path: Path,
    catalogue: Path = CONFIG / "catalogue",
    sections: Mapping[str, dict[str, str]] | None = None,
    **options: Any,
) -> AsyncIterator[Site]:
    """The shop, and the product beside it with the catalogue that is about it, and `sections` configured so."""
    with start(tmp_path / "shop") as shop, exported(SHOP_URL=shop.url, SHOP_TOKEN=TOKEN):
        async with running(tmp_path, example(catalogue, repair=QUICK, **(sections or {})), **options) as copy:
            copy.environment |= {"SHOP_URL": shop.url, "SHOP_TOKEN": TOKEN}
            yield Site(copy, shop.shop)


@asynccontextmanager
async def runner(copy: Copy, environment: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A runner as a process of its own, told nothing but what a runner needs; ended when the context ends."""
    ready = copy.settings.state / f"runner-{environment}.ready"
    ready.unlink(missing_ok=True)
    temporal, ours = ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"), ("DONT_PANIC_CONFIG", "DONT_PANIC_STATE")
    wanted = (*temporal, *ours, "SLACK_API_URL", "SHOP_URL", "SHOP_TOKEN")
    known = {name: copy.environment[name] for name in wanted if name in copy.environment}
    with (copy.settings.state / "runner.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-m", "worker", "--role", "runner"),
            *("--environment", environment, "--ready-file", str(ready)),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **known, **more},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    async def serves() -> bool:
        assert process.returncode is None, (copy.settings.state / "runner.log").read_text()
        return ready.exists()

    try:
        await copy.until(serves, "the runner serves")
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()
