"""Reads the snapshots of incidents: no worker is asked, nor the server."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from activities.on_call_book import now
from incident import snapshots
from incident.snapshots import Snapshot, Version

_ONE = "SELECT incident, run, event, saved_at, document FROM snapshots WHERE incident = :incident"
_OPEN = "SELECT incident, run, event, saved_at, document FROM snapshots WHERE closed = :closed ORDER BY saved_at DESC"
_VERSIONS = "SELECT at, patch FROM versions WHERE incident = :incident ORDER BY number"
_PACKED = "SELECT versions FROM packed_versions WHERE incident = :incident"
SQLITE = "sqlite:///"
WITHIN = 5.0


class CannotRead(Exception):
    """The database is not there or does not answer. The text says which and what to do."""


class SnapshotReader:
    """`url` is SQLAlchemy's. An SQLite file is read with the standard library alone, which makes `ic` quick."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._expected: dict[str, tuple[str, datetime]] = {}

    def expect(self, incident: str, version: str) -> None:
        """Somebody in this process was answered at `version`, and is to find that when they read on."""
        self._expected[incident] = (version, now())

    def as_expected(self, incident: str, found: Snapshot) -> bool:
        version, answered_at = self._expected.get(incident, ("", found.saved_at))
        run = version.partition("/")[0]
        return found.version.knows_of(version, run) or (found.version.run != run and found.saved_at >= answered_at)

    async def find(self, incident: str) -> Snapshot | None:
        """The newest snapshot; None where none was saved yet. Raises CannotRead."""
        found = await asyncio.to_thread(self._rows, _ONE, {"incident": incident})
        return _snapshot(found[0]) if found else None

    async def open(self) -> list[Snapshot]:
        """Those of all incidents that are not closed. Raises CannotRead."""
        rows = await asyncio.to_thread(self._rows, _OPEN, {"closed": False})
        return [_snapshot(row) for row in rows]

    async def at(self, incident: str, moment: datetime) -> Snapshot | None:
        """As it stood at `moment`; None where nothing was saved before that. Raises CannotRead."""
        packed = await asyncio.to_thread(self._rows, _PACKED, {"incident": incident}, "packed_versions")
        open_ones = await asyncio.to_thread(self._rows, _VERSIONS, {"incident": incident}, "versions")
        saved = [
            (datetime.fromisoformat(at), patch) for row in packed for at, patch in json.loads(zlib.decompress(row[0]))
        ]
        saved += [(datetime.fromisoformat(at), json.loads(patch)) for at, patch in open_ones]
        until = [(at, patch) for at, patch in saved if at <= moment]
        if not until:
            return None
        try:
            document = snapshots.replayed(patch for _, patch in until)
        except ValueError as fault:
            raise CannotRead(f"The versions of {incident} do not fit together ({fault}).") from None
        return _snapshot((incident, "", 0, until[-1][0].isoformat(), json.dumps(document)))

    def _rows(self, question: str, values: dict[str, Any], table: str = "snapshots") -> Sequence[Sequence[Any]]:
        if self._url.startswith(SQLITE):
            return self._from_sqlite(question, values)
        return self._ask(question, values, table)

    def _from_sqlite(self, question: str, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
        file = self._url.removeprefix(SQLITE)
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=WITHIN)) as connection:
                return connection.execute(question, values).fetchall()
        except sqlite3.OperationalError as error:
            if "unable to open" in str(error) or "no such table" in str(error):
                return []  # no incident was ever saved here
            raise CannotRead(f"The incidents' snapshots in {file} cannot be read ({error}).") from None
        except sqlite3.DatabaseError as error:
            raise CannotRead(f"The incidents' snapshots in {file} cannot be read ({error}).") from None

    def _ask(self, question: str, values: dict[str, Any], table: str) -> Sequence[Sequence[Any]]:
        from sqlalchemy import create_engine, inspect, text
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool

        try:
            engine = create_engine(self._url, poolclass=NullPool)
            with engine.connect() as connection:
                if not inspect(connection).has_table(table):
                    return []
                return connection.execute(text(question), values).fetchall()
        except SQLAlchemyError as error:
            raise CannotRead(
                f"The incidents' snapshots cannot be read ({type(error).__name__}). DATABASE_URL names their database."
            ) from None


def _snapshot(row: Sequence[Any]) -> Snapshot:
    incident, run, event, saved_at, document = row
    try:
        return snapshots.read(json.loads(document), Version(run, event), datetime.fromisoformat(saved_at))
    except (ValueError, LookupError, TypeError) as fault:
        raise CannotRead(
            f"The snapshot of {incident} was written by another version ({type(fault).__name__})."
        ) from None
