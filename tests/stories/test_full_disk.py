"""Temporal is away and nothing can be written: people are paged all the same, and what could not be saved is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from emulators.server import Emulators
from tests.configured import example
from tests.stories.copy import surroundings
from tests.stories.shell import ic

AWAY = "127.0.0.1:9"


@dataclass
class Shell:
    """`ic` as a program, with Temporal away."""

    environment: dict[str, str]
    http: aiohttp.ClientSession
    url: str

    async def ic(self, *words: str, full: bool = False) -> tuple[int, str, str]:
        """Exit code, stdout, stderr. `full`: no byte can be written to any file."""
        return await ic({**self.environment, "TEMPORAL_ADDRESS": AWAY}, *words, full=full)

    async def paged(self) -> list[str]:
        async with self.http.get(f"{self.url}/control/pagerduty/incidents") as answer:
            found: list[dict[str, Any]] = await answer.json()
            return sorted(str(one["incident_key"]) for one in found)


@pytest.fixture
async def shell(emulators: Emulators, tmp_path: Path) -> AsyncIterator[Shell]:
    async with aiohttp.ClientSession() as http:
        yield Shell(surroundings(tmp_path, example(), emulators.url), http, emulators.url)


async def test_declaring_pages_first_and_says_what_could_not_be_saved(shell: Shell, tmp_path: Path) -> None:
    code, out, err = await shell.ic("declare", "1", "checkout", "is", "down", "--as", "anne", "--id", "k1", full=True)
    assert (code, "Traceback" in err) == (0, False), err
    assert "paged Bob Boberson" in out
    assert "could not be saved on this machine (File too large)" in out and "--id k1" in out
    paged = await shell.paged()
    assert len(paged) == 3
    # Said again as it says, with space on the disk: the same pages, and this time it is kept.
    code, out, err = await shell.ic("declare", "1", "checkout", "is", "down", "--as", "anne", "--id", "k1")
    assert code == 0 and "follow by themselves" in out, err
    assert await shell.paged() == paged
    assert [file.suffix for file in (tmp_path / "standby").iterdir()] == [".json"]


async def test_a_page_in_an_incident_goes_out_first_too(shell: Shell) -> None:
    code, out, err = await shell.ic(
        "page", "@sam", "--as", "anne", "--id", "k2", "--incident", "zofav-habov", full=True
    )
    assert (code, "Traceback" in err) == (0, False), err
    assert "paged Sam Storeson" in out and "could not be saved" in out and "--id k2" in out
    assert len(await shell.paged()) == 1


async def test_an_odd_answer_of_pagerduty_names_the_phone(shell: Shell) -> None:
    body = {"service": "pagerduty", "call": "POST /incidents", "fault": "odd", "body": "[]", "times": -1}
    async with shell.http.post(f"{shell.url}/control/faults", json=body) as answer:
        assert answer.status == 200
    code, out, err = await shell.ic("declare", "1", "checkout", "is", "down", "--as", "anne")
    assert (code, "Traceback" in err) == (0, False), err
    assert "could not page" in out and "follow by themselves" in out
