"""A real incident, as far as the product knows: the emulators take the place of the world, and people sign.

How often the service under test was repaired is counted by itself: each repair adds a line to a file.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incident.model import Announcement, Draft, RepairState
from incident.severity import Role
from tests.configured import SIMPLE, example
from tests.signing import Key, with_keys
from tests.stories import temporal
from tests.stories.copy import Copy, running

APPLY = 'argv = ["echo", "rolled back", "{service}"]'


@dataclass
class Scene:
    """A real incident that Bob commands, with a repair action 1 and a public message waiting."""

    copy: Copy
    repaired: Path
    draft: int = 0

    @property
    def runs(self) -> int:
        return len(self.repaired.read_text().splitlines()) if self.repaired.exists() else 0

    @property
    def id(self) -> str:
        return self.copy.incident

    async def say(self, by: str, words: str, sign: Any = None, *, door: str = "cli", id: str = "") -> str:
        """Signed with the speaker's own key, if no other is given."""
        return await self.copy.say(by, words, sign=sign or Key(by), door=door, id=id)

    async def published(self) -> list[str]:
        entries = await self.copy.control("GET", "statuspage")
        return [update["body"] for entry in entries for update in entry["incident_updates"]]

    async def untouched(self) -> None:
        """Nothing was decided, nothing ran, nothing is public."""
        incident = await self.copy.look()
        assert incident.commander == "bob" and incident.roles.get(Role.DEPUTY) != "kim"
        assert incident.repairs[1].state is RepairState.PROPOSED and self.runs == 0
        assert incident.announcement is Announcement.UNDECIDED and await self.published() == []

    async def stock(self, *arguments: str) -> tuple[int, str]:
        """The stock `temporal` program: exit code, and all that it says."""
        at = ("--address", self.copy.environment["TEMPORAL_ADDRESS"], "--namespace", self.copy.client.namespace)
        process = await asyncio.create_subprocess_exec(
            *(temporal.PROGRAM, *arguments, *at),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()


def _catalogue(place: Path, repaired: Path) -> Path:
    """The simple one, whose rollback leaves a line in `repaired` each time it runs."""
    folder = place / "catalogue"
    shutil.copytree(SIMPLE, folder)
    changed = 0
    for file in folder.glob("*.toml"):
        text = file.read_text()
        changed += APPLY in text
        file.write_text(text.replace(APPLY, f'argv = ["sh", "-c", "echo repaired >> {repaired}"]'))
    assert changed == 1
    return folder


@asynccontextmanager
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    repaired = tmp_path / "repaired"
    config = with_keys(example(_catalogue(tmp_path, repaired)))
    async with running(tmp_path, config, real=True) as copy:
        begun = Scene(copy, repaired)
        await begun.say("anne", "declare 1 checkout is down")
        await begun.say("bob", "command")
        await begun.say("anne", "propose rollback service=shop-api")

        async def drafted() -> dict[int, Draft]:
            return (await copy.look()).drafts

        begun.draft = next(iter(await copy.until(drafted, "the first message is drafted")))
        yield begun
