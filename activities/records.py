"""The record of an incident, where it outlives the workflow's retention.

The table has few columns and they stay as they are: whatever else is wanted of an incident stands in its document, so
a new version reads what an old one wrote.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import JSON, DateTime, String, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column
from temporalio import activity

from activities import errors
from activities.database import Database, Table
from activities.on_call_book import now
from incident.model import Incident
from incident.policy import Person, Policy


class Record(Table):
    """One incident as it ended. `document` is the whole of it as JSON, with the names people had then."""

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
_NOT_RECORDED = {"policy", "effects", "outbox", "heard", "reported", "shown", "times_said"}


def document(incident: Incident) -> dict[str, Any]:
    """The incident as JSON, without what only its workflow needs. Of the rules it followed, the names are kept."""
    whole: dict[str, Any] = _WHOLE.dump_python(incident, mode="json", exclude=_NOT_RECORDED)
    zones = {person.id: person.time_zone for person in incident.policy.people}
    return {**whole, "names": {person.id: person.name for person in incident.policy.people}, "zones": zones}


def incident_of(document: dict[str, Any], policy: Policy) -> Incident:
    """The incident that a record's document tells of, under `policy`, with the names people had then."""
    whole = dict(document)
    names, zones = whole.pop("names", {}), whole.pop("zones", {})
    then = tuple(Person(id=id, name=name, time_zone=zones.get(id, "UTC")) for id, name in names.items())
    since = tuple(person for person in policy.people if person.id not in names)
    people = (*then, *since)
    return _WHOLE.validate_python({**whole, "policy": policy.model_copy(update={"people": people})})


class Records:
    """`url` is SQLAlchemy's: SQLite or PostgreSQL. The table is made when it is first needed."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    @activity.defn
    def keep(self, incident: Incident) -> None:
        """Insert it, or replace an older state of it. Keeping twice is keeping once, whichever comes last."""
        record = Record(
            incident=incident.id,
            title=incident.title[:500],
            severity=incident.severity.value,
            phase=incident.phase.value,
            practice=incident.practice,
            declared_at=incident.declared_at,
            ended_at=incident.ended_at,
            kept_at=now(),
            document=document(incident),
        )
        try:
            with self._database.session() as session:
                before = session.get(Record, incident.id, with_for_update=True)
                # The timeline only grows: who has the longer one is newer, even when an older attempt arrives late.
                if before is None or len(before.document["timeline"]) <= len(incident.timeline):
                    session.merge(record)
                    session.commit()
        except SQLAlchemyError as error:
            raise errors.unavailable("The record's database", type(error).__name__) from None

    def kept(self, policy: Policy) -> list[Incident]:
        """All records, the newest first."""
        with self._database.session() as session:
            found = session.scalars(select(Record).order_by(Record.declared_at.desc(), Record.incident))
            return [incident_of(record.document, policy) for record in found]

    def find(self, incident: str, policy: Policy) -> Incident | None:
        with self._database.session() as session:
            record = session.get(Record, incident)
            return None if record is None else incident_of(record.document, policy)
