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
from tests.stories import temporal

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config"
# Where a machine keeps Python from writing bytecode, each process that a test starts compiles the whole product anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# The example's catalogue repairs the shop with `python3`: this one, as under `ic up`.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


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
async def _one_temporal() -> AsyncIterator[None]:
    """The stories of this process share a server; the first that needs it starts it."""
    async with temporal.shared():
        yield


@pytest.fixture(scope="session")
def world() -> World:
    return read_world(CONFIG / "emulators.toml")


@pytest.fixture
async def emulators(world: World) -> AsyncIterator[Emulators]:
    async with start(world) as running:
        yield running
