"""The record of an incident, where it outlives the workflow's retention."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import JSON, DateTime, Engine, String, create_engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from temporalio import activity

from activities import errors
from activities.on_call_book import now
from incident.model import Incident


class _Table(DeclarativeBase):
    pass


class Record(_Table):
    """One incident as it ended. `document` is the whole of it as JSON."""

    __tablename__ = "records"

    incident: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(500))
    severity: Mapped[str] = mapped_column(String(8))
    phase: Mapped[str] = mapped_column(String(16))
    practice: Mapped[bool]
    declared_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    kept_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


_WHOLE = TypeAdapter(Incident)
_NOT_RECORDED = {"policy", "effects", "outbox", "heard", "reported"}


class Records:
    def __init__(self, url: str) -> None:
        self._url = url
        self._made: Engine | None = None

    @activity.defn
    def keep(self, incident: Incident) -> None:
        """Insert it, or replace an older state of it. Keeping twice is keeping once."""
        record = Record(
            incident=incident.id,
            title=incident.title[:500],
            severity=incident.severity.value,
            phase=incident.phase.value,
            practice=incident.practice,
            declared_at=incident.declared_at,
            ended_at=incident.ended_at,
            kept_at=now(),
            document=_WHOLE.dump_python(incident, mode="json", exclude=_NOT_RECORDED),
        )
        try:
            with Session(self._engine()) as session:
                session.merge(record)
                session.commit()
        except SQLAlchemyError as error:
            raise errors.unavailable("The record's database", type(error).__name__) from None

    def kept(self) -> list[Record]:
        """All records, the newest first."""
        with Session(self._engine()) as session:
            return list(session.scalars(select(Record).order_by(Record.declared_at.desc())))

    def find(self, incident: str) -> Record | None:
        with Session(self._engine()) as session:
            return session.get(Record, incident)

    def _engine(self) -> Engine:
        if self._made is None:
            self._made = create_engine(self._url, pool_pre_ping=True)
            _Table.metadata.create_all(self._made)
        return self._made
