"""What Slack sent and is not answered yet, on disk: what is acknowledged must outlive this process.

Each thing has a file of its own, named after its id, so that what Slack sends twice is kept once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import durable
from supervision import in_thread

KEPT_WITHIN = 0.7
"""Slack waits for three seconds, of which two are over by then."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Received:
    """Something that came in from Slack and counts once. `what` is what carrying out its `kind` takes, as JSON."""

    kind: str
    id: str
    at: datetime
    what: dict[str, Any]

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.kind}/{self.id}".encode()).hexdigest()[:32]


class NotKept(Exception):
    """It could not be saved; the text says why."""


class Inbox:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def keep(self, received: Received) -> None:
        """On disk when it returns. Raises NotKept."""
        file = self._file(received)
        document = {**asdict(received), "at": received.at.isoformat()}
        write = partial(durable.write, file, json.dumps(document).encode())
        try:
            if not await asyncio.to_thread(file.exists):
                await asyncio.wait_for(in_thread("saving", write), KEPT_WITHIN)
        except asyncio.TimeoutError:
            raise NotKept("the disk does not answer") from None
        except OSError as fault:
            raise NotKept(fault.strerror or str(fault)) from None

    async def drop(self, received: Received) -> None:
        """It is answered. One that cannot be removed is delivered once more, and counts once."""
        file = self._file(received)
        try:
            if await asyncio.to_thread(file.exists):
                await asyncio.to_thread(durable.remove, file)
        except OSError as fault:
            _log.error("%s cannot be removed: %s", file, fault)

    async def waiting(self) -> list[Received]:
        """Everything that is kept, in the order in which it came in. Raises OSError."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> list[Received]:
        found = []
        for file in self._directory.glob("*.json"):
            try:
                document = json.loads(file.read_bytes())
                found.append(Received(**{**document, "at": datetime.fromisoformat(document["at"])}))
            except FileNotFoundError:
                continue  # answered meanwhile
            except (ValueError, TypeError, KeyError) as fault:
                _log.error("%s cannot be read and is put aside: %s", file, fault)
                file.replace(file.with_suffix(".put-aside"))
        return sorted(found, key=lambda received: received.at)

    def _file(self, received: Received) -> Path:
        return self._directory / f"{received.key}.json"
