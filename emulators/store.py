"""What the emulators remember: tables of JSON documents, in memory, kept in a SQLite file when there is one.

A changed document is marked and written a moment later, all marked ones in one transaction of a thread, so that an
answer never waits for the disk.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

Document = dict[str, Any]
WRITTEN_WITHIN = 0.2


class Table(dict[str, Document]):
    """Documents by id. Call `changed` after altering one."""

    def __init__(self, name: str, store: Store) -> None:
        super().__init__()
        self.name = name
        self._store = store

    def put(self, key: str, document: Document) -> Document:
        self[key] = document
        self.changed(key)
        return document

    def changed(self, key: str) -> None:
        self._store.mark(self.name, key)


class Store:
    """`file` None: memory only."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._tables: dict[str, Table] = {}
        self._marked: set[tuple[str, str]] = set()
        self._writing: asyncio.Task[None] | None = None

    def table(self, name: str) -> Table:
        """The table of that name, with what the file holds of it."""
        table = self._tables[name] = Table(name, self)
        if self._file is not None:
            with self._open() as connection:
                rows = connection.execute("SELECT id, document FROM documents WHERE kind = ? ORDER BY rowid", (name,))
                table.update({key: json.loads(document) for key, document in rows})
        return table

    def mark(self, table: str, key: str) -> None:
        if self._file is None:
            return
        self._marked.add((table, key))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    def clear(self) -> None:
        for table in self._tables.values():
            table.clear()
        self._marked.clear()
        if self._file is not None:
            with self._open() as connection:
                connection.execute("DELETE FROM documents")

    def write(self) -> None:
        """All that is marked, now."""
        rows = self._rows()
        if rows:
            self._write(rows)

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITTEN_WITHIN)
        while rows := self._rows():
            await asyncio.to_thread(self._write, rows)

    def _rows(self) -> list[tuple[str, str, str]]:
        marked, self._marked = self._marked, set()
        return [(t, k, json.dumps(self._tables[t][k])) for t, k in sorted(marked) if k in self._tables[t]]

    def _write(self, rows: list[tuple[str, str, str]]) -> None:
        with self._open() as connection:
            connection.executemany(
                "INSERT INTO documents (kind, id, document) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document",
                rows,
            )

    def _open(self) -> sqlite3.Connection:
        assert self._file is not None
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS documents (kind TEXT, id TEXT, document TEXT, PRIMARY KEY (kind, id))"
        )
        return connection
