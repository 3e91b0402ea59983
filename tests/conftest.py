"""What all tests share: real parts on loopback addresses, and a guard that keeps them there."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.server import Emulators, start
from emulators.world import World, read_world
from tests.stories import program, temporal

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config"
# Where a machine keeps Python from writing bytecode, each process that a test starts compiles the whole product anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# The example's catalogue repairs the shop with `python3`: this one, as under `ic up`.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
STORIES = (ROOT / "tests" / "stories", ROOT / "tests" / "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, then the other stories: what begins late in a long one keeps all waiting at the end."""
    for item in items:
        if any(place in item.path.parents for place in STORIES):
            item.add_marker(pytest.mark.story)
    items.sort(key=lambda item: 0 if item.get_closest_marker("long") else 1 if item.get_closest_marker("story") else 2)


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """A test that would reach anything but this machine fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test reached for {address}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]  # the one place through which every client goes
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]  # as above


@pytest.fixture(scope="session", autouse=True)
async def _shared() -> AsyncIterator[None]:
    """What all tests of this process share; the first that needs it starts it."""
    async with temporal.shared(), program.forking():
        yield


@pytest.fixture(scope="session")
def world() -> World:
    return read_world(CONFIG / "emulators.toml")


@pytest.fixture
async def emulators(world: World) -> AsyncIterator[Emulators]:
    async with start(world) as running:
        yield running
