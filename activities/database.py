"""The database of records and snapshots: SQLite on one machine, PostgreSQL where several share it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import NullPool


class Table(DeclarativeBase):
    """Every table is one of its subclasses."""


class Database:
    """`url` is SQLAlchemy's. The tables are made when the first session is opened."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: Engine | None = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction, for the caller to commit. Raises SQLAlchemyError."""
        if self._made is None:
            engine = create_engine(self._url, poolclass=NullPool)
            _make_tables(engine)
            self._made = engine
        with Session(self._made) as session:
            yield session


def _make_tables(engine: Engine) -> None:
    """Several processes may do it at the same moment: whoever is second at a table finds it made.

    One table at a time, since the other process may have made only the first of them so far.
    """
    for table in Table.metadata.sorted_tables:
        try:
            table.create(engine, checkfirst=True)
        except DBAPIError:
            if not inspect(engine).has_table(table.name):
                raise
