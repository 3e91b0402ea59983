"""Saves the snapshots of incidents, from which everybody reads."""

from __future__ import annotations

import asyncio
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, Integer, LargeBinary, String, Text, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column
from temporalio import activity

from activities import asking, errors
from activities.database import Database, Table
from activities.on_call_book import now
from incident.model import Phase
from incident.severity import Role
from incident.snapshots import Document, Save, patched, replayed, whole

AT_MOST_EVERY = 0.25
"""Seconds. The next version is not asked for before this activity returns, which costs no timer in the history."""
KEPT_VERSIONS = 3_000
FOLDED = 500
AT_ONCE = 1.0
"""Seconds that a page waits to know who leads another incident."""
LEADING = (Role.COMMANDER, Role.DEPUTY)
_LOOKING = ThreadPoolExecutor(4, thread_name_prefix="leading")


class SavedSnapshot(Table):
    """The newest version of each incident. Times are ISO 8601 in UTC; `document` is JSON, as a text."""

    __tablename__ = "snapshots"

    incident: Mapped[str] = mapped_column(String(64), primary_key=True)
    run: Mapped[str] = mapped_column(String(64))
    event: Mapped[int] = mapped_column(Integer)
    scheduled_at: Mapped[str] = mapped_column(String(40))
    saved_at: Mapped[str] = mapped_column(String(40))
    closed: Mapped[bool] = mapped_column(Boolean)
    document: Mapped[str] = mapped_column(Text)


class SavedVersion(Table):
    """What each version changed, while the incident is open. `at`: when the change was made, by the server's clock."""

    __tablename__ = "versions"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    incident: Mapped[str] = mapped_column(String(64), index=True)
    run: Mapped[str] = mapped_column(String(64))
    event: Mapped[int] = mapped_column(Integer)
    at: Mapped[str] = mapped_column(String(40))
    patch: Mapped[str] = mapped_column(Text)


class PackedVersions(Table):
    """All versions of an incident that is closed: a JSON list of `[at, patch]`, compressed with zlib."""

    __tablename__ = "packed_versions"

    incident: Mapped[str] = mapped_column(String(64), primary_key=True)
    versions: Mapped[bytes] = mapped_column(LargeBinary)


class Outcome(StrEnum):
    """`OTHER_BASE`: the patch is against a version that is not the saved one; send the whole document."""

    SAVED = "saved"
    OTHER_BASE = "other base"


class Snapshots:
    """`url` is SQLAlchemy's, the records' database."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    @activity.defn(name="save_snapshot")
    async def save(self, save: Save) -> Outcome:
        """Save this version unless a later one is there; twice is once."""
        asking.only_of(save.incident)
        # The server's clock orders the versions of all runs: each is asked for after the one before it.
        scheduled_at = activity.info().scheduled_time.isoformat()
        try:
            outcome = await asyncio.to_thread(self._save, save, scheduled_at)
        except SQLAlchemyError as error:
            raise errors.unavailable("The snapshots' database", type(error).__name__) from None
        if not save.closed:
            await asyncio.sleep(AT_MOST_EVERY)
        return outcome

    def leading(self, but: str) -> frozenset[str]:
        """Who is IC or deputy of another open incident, as last saved. Nobody, when the database does not answer at once:
        a page waits for nothing."""
        looking = _LOOKING.submit(self._leading, but)
        try:
            return looking.result(timeout=AT_ONCE)
        except (SQLAlchemyError, FutureTimeout, ValueError, KeyError, TypeError, AttributeError):
            return frozenset()

    def _leading(self, but: str) -> frozenset[str]:
        open_ones = select(SavedSnapshot.document).where(SavedSnapshot.closed.is_(False), SavedSnapshot.incident != but)
        with self._database.session() as session:
            documents = [json.loads(text)["incident"] for text in session.scalars(open_ones)]
        roles = [one["roles"] for one in documents if one["phase"] == Phase.OPEN]
        return frozenset(person for held in roles for role, person in held.items() if role in LEADING)

    def _save(self, save: Save, scheduled_at: str) -> Outcome:
        with self._database.session() as session:
            before = session.get(SavedSnapshot, save.incident, with_for_update=True)
            if before is not None and before.scheduled_at > scheduled_at:
                return Outcome.SAVED
            if before is not None and (before.run, before.event) == (save.version.run, save.version.event):
                return Outcome.SAVED  # an earlier attempt got through
            if (document := _document(save, before)) is None:
                return Outcome.OTHER_BASE
            written: dict[str, Any] = {
                "incident": save.incident,
                "run": save.version.run,
                "event": save.version.event,
                "saved_at": now().isoformat(),
            }
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            session.merge(SavedSnapshot(**written, scheduled_at=scheduled_at, closed=save.closed, document=text))
            patch = json.dumps(save.patch or whole(document), ensure_ascii=False)
            of = {name: written[name] for name in ("incident", "run", "event")}
            session.add(SavedVersion(**of, at=scheduled_at, patch=patch))
            session.flush()
            if save.closed:
                _pack(session, save.incident)
            elif save.version.event % 100 == 0:
                _bound(session, save.incident)
            session.commit()
        return Outcome.SAVED


def _document(save: Save, before: SavedSnapshot | None) -> Document | None:
    if save.document is not None:
        return save.document
    if before is None or save.patch is None or save.base is None:
        return None
    if (before.run, before.event) != (save.base.run, save.base.event):
        return None
    try:
        return patched(json.loads(before.document), save.patch)
    except ValueError:
        return None


def _versions(session: Session, incident: str) -> list[SavedVersion]:
    mine = select(SavedVersion).where(SavedVersion.incident == incident).order_by(SavedVersion.number)
    return list(session.scalars(mine))


def _pack(session: Session, incident: str) -> None:
    """Nothing of a closed incident changes often: its versions are put together, and outlive its workflows."""
    packed = session.get(PackedVersions, incident)
    found = json.loads(zlib.decompress(packed.versions)) if packed is not None else []
    rows = _versions(session, incident)
    found += [[row.at, json.loads(row.patch)] for row in rows]
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    session.merge(PackedVersions(incident=incident, versions=zlib.compress(text.encode())))
    session.execute(delete(SavedVersion).where(SavedVersion.incident == incident))


def _bound(session: Session, incident: str) -> None:
    """Of an incident that goes on for very long the oldest versions become one."""
    rows = _versions(session, incident)
    if len(rows) <= KEPT_VERSIONS:
        return
    old = rows[: len(rows) - KEPT_VERSIONS + FOLDED]
    document = replayed(json.loads(row.patch) for row in old)
    old[-1].patch = json.dumps(whole(document), ensure_ascii=False)
    session.execute(delete(SavedVersion).where(SavedVersion.number.in_([row.number for row in old[:-1]])))
