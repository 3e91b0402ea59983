"""What `ic` imports. It lives for half a second, and nearly all of that is importing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.configured import example
from tests.conftest import ROOT
from tests.stories.copy import running, surroundings

NEVER = (
    "aiohttp",
    "cryptography",
    "dotenv",
    "jinja2",
    "matplotlib",
    "pdpyras",
    "psycopg",
    "requests",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "xdk",
)
"""None of these is needed to look at something, or to say something, while Temporal answers."""
SERVER = ("asyncio", "google", "temporalio")
INCIDENT = ("incident.commands", "incident.declaring", "incident.model", "incident.reports")
COMMANDS = ("incident.commands", "incident.declaring", "incident.reports", "entrypoints.standby", "workflows.spoken_to")


async def imported(environment: Mapping[str, str], folder: Path, *words: str) -> set[str]:
    """Every module that `ic` with these words imports, the Python at its end included."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-X", "importtime", "-W", "ignore", "-m", "entrypoints.cli", *words),
        cwd=folder,  # without a `.env`
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert out, "it says something"
    return {line.rpartition("|")[2].strip() for line in err.decode().splitlines() if line.startswith("import time:")}


def among(modules: set[str], *heads: str) -> set[str]:
    return {name for name in modules if any(name == head or name.startswith(f"{head}.") for head in heads)}


@pytest.mark.parametrize("words", [(), ("oncall",), ("who", "bob"), ("responders",)], ids=" ".join)
async def test_who_is_on_call_needs_neither_server_nor_incident(tmp_path: Path, words: tuple[str, ...]) -> None:
    modules = await imported(surroundings(tmp_path, example(), "http://127.0.0.1:1"), tmp_path, *words)
    assert "entrypoints.contacts" in modules
    assert not among(modules, *NEVER, *SERVER, *INCIDENT)


@pytest.mark.parametrize("words", [("help",), ("--help",), ("help", "approve"), ("approve", "--help")], ids=" ".join)
async def test_help_needs_no_server(tmp_path: Path, words: tuple[str, ...]) -> None:
    modules = await imported(surroundings(tmp_path, example(), "http://127.0.0.1:1"), tmp_path, *words)
    assert "incident.commands" in modules
    assert not among(modules, *NEVER, *SERVER)


async def test_what_looks_at_an_incident_needs_no_commands(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        for words in (("show",), ("timeline",), ("show", copy.incident)):
            modules = await imported(copy.environment, elsewhere, *words)
            assert not among(modules, *NEVER, *COMMANDS, "google", "temporalio"), words
        for words in (("list",), ("show", "--live")):
            modules = await imported(copy.environment, elsewhere, *words)
            assert "temporalio.client" in modules, words
            assert not among(modules, *NEVER, *COMMANDS), words
        modules = await imported(copy.environment, elsewhere, "note", "still looking")
        assert "incident.commands" in modules
        assert not among(modules, *NEVER, "entrypoints.standby")
        modules = await imported(copy.environment, elsewhere, "declare", "2", "search is slow")
        assert "incident.declaring" in modules
        assert not among(modules, *NEVER, "incident.commands", "entrypoints.standby")


@pytest.mark.skipif(not (ROOT / ".venv" / "bin" / "python").exists(), reason="bin/ic runs the Python of `make setup`")
def test_ic_of_this_checkout_takes_nothing_from_where_it_is_called(tmp_path: Path) -> None:
    for name in ("settings", "click", "json", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('from the wrong place')\n")
    done = subprocess.run(
        [ROOT / "bin" / "ic", "help", "show"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("`ic show ")
