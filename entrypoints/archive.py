"""What a door reads of incidents that are over: the records, straight from their database.

The records outlive the workflows, and reading them needs no server of ours. SQLAlchemy and all that draws is imported
when it is asked for: `ic` is a short-lived program.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from entrypoints.problems import NoSuchIncident, Refused, Unreachable, reaching
from incident.model import Incident
from incident.policy import Policy
from incident.security import may_read
from incident.times import minutes
from incident.words import Unreadable

if TYPE_CHECKING:
    from entrypoints.gateway import Gateway, Listed
    from incident.figures import Figure
    from incident.policy import Organisation

T = TypeVar("T")
MEETING = "meeting.ics"
FORMATS = (".md", ".html", ".svg", ".png")


class Archive:
    """`url` is the database's, as SQLAlchemy has it; what is read is told under `policy`."""

    def __init__(self, url: str, policy: Policy) -> None:
        self._url = url
        self._policy = policy

    async def find(self, incident: str) -> Incident | None:
        """Its record. Raises Unreachable."""
        return await self._read(lambda records: records.find(incident, self._policy))

    async def all(self) -> list[Incident]:
        """Every record, the newest first. Raises Unreachable."""
        return await self._read(lambda records: records.kept(self._policy))

    async def listed(self) -> list[Listed]:
        """For the list: of a security incident its codename alone."""
        return [_listed(incident) for incident in await self.all()]

    def read(self, document: str) -> Incident:
        """The incident of a file that `ic export` wrote. Raises Unreadable."""
        from activities.records import incident_of

        try:
            return incident_of(json.loads(document), self._policy)
        except (ValueError, TypeError, AttributeError):
            raise Unreadable("That file is not the record of an incident, as `ic export ID` writes it.") from None

    async def _read(self, question: Callable[[Any], T]) -> T:
        from pydantic import ValidationError
        from sqlalchemy.exc import SQLAlchemyError

        from activities.records import Records

        try:
            return await asyncio.to_thread(question, Records(self._url))
        except SQLAlchemyError as error:
            raise Unreachable(
                f"The records' database cannot be read ({type(error).__name__}). DATABASE_URL names it."
            ) from None
        except ValidationError as error:
            raise Unreachable(f"A record was written by a newer version and cannot be read: {error.title}.") from None


class Shows(Protocol):
    """Whether whoever reads has shown who they are. `needed`: raises CannotSign when they have not."""

    async def __call__(self, *, needed: bool) -> bool: ...


@dataclass(frozen=True)
class Shown:
    """An incident, and when its snapshot was saved: after its last change. None where its record was read."""

    incident: Incident
    saved_at: datetime | None


async def look(gateway: Gateway, archive: Archive | None, incident: str, *, live: bool = False) -> Shown:
    """As last saved (`live`: with all that has happened); when its workflows are gone, as its record has it.

    Raises NoSuchIncident, Unreachable.
    """
    try:
        with reaching():
            found = await gateway.snapshot(incident, live=live)
            return Shown(found.incident, found.saved_at)
    except (NoSuchIncident, Unreachable) as problem:
        record = await archive.find(incident) if archive is not None else None
        if record is not None:
            return Shown(record, None)
        if isinstance(problem, Unreachable):
            raise
        raise NoSuchIncident(
            f"There is no incident {incident!r}, and no record of one. `!ic list --all` shows them."
        ) from None


async def readable(incident: Incident, person: str, shows: Shows) -> Incident:
    """The incident, for somebody who may read it, and shows that it is them. Raises Refused, CannotSign."""
    if not may_read(incident, person) or (incident.silent and not await shows(needed=True)):
        raise Refused("That is a security incident, and you are not in it. Its IC, or the security team, invites you.")
    return incident


# -- ic report ------------------------------------------------------------------------------------------


def report(incident: Incident, html: bool, out: Path | None, organisation: Organisation | None = None) -> str:
    """The postmortem: the text itself, or what was written where. Raises Unreadable."""
    from documents import render
    from incident import meeting, postmortem

    document = postmortem.compose(incident)
    if out is None:
        return render.as_html(document) if html else render.as_markdown(document)
    if not out.suffix or out.is_dir():
        files = {out / name: content for name, content in render.render(incident).items()}
        if invitation := meeting.icalendar(incident, _addresses(organisation)):
            files[out / MEETING] = invitation.encode()
    else:
        files = {out: render.one(document, out.suffix)} if out.suffix in FORMATS else {}
    if not files:
        raise Unreadable(f"{out}: name a directory, or a file that ends in {', '.join(FORMATS)}.")
    for file, content in files.items():
        _write(file, content)
    return "\n".join(f"written: {file}" for file in files)


def _addresses(organisation: Organisation | None) -> Callable[[str], str]:
    """Somebody's e-mail address as the organisation's file has it now; addresses are in no record."""

    def address(person: str) -> str:
        contact = organisation.contact(person) if organisation else None
        return contact.email if contact else ""

    return address


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise Unreadable(f"{file} cannot be written: {error.strerror}.") from None


# -- ic stats -------------------------------------------------------------------------------------------


def counted(incidents: list[Incident], practice: bool) -> tuple[list[Incident], str]:
    """Practice is left out unless asked for, or there is nothing else; then it is said."""
    real = [incident for incident in incidents if not incident.practice]
    if practice:
        return [incident for incident in incidents if incident.practice], "practice only"
    if not real and incidents:
        return incidents, "only practice has been recorded"
    return real, ""


def stats(incidents: list[Incident], said: str) -> str:
    """As a table: median and 90th percentile of each measure, and in how many incidents it was measured."""
    from incident import figures

    if not incidents:
        return "No incident has been recorded yet."
    heads = ["month", "severity", "incidents", "false alarms", *figures.MEASURES.values()]
    lines = [heads]
    for row in figures.table(incidents):
        cells = [row.month, row.severity, str(row.count), str(row.false_alarms)]
        lines.append([*cells, *(_cell(row.figures.get(name)) for name in figures.MEASURES)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    text = "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)
    return f"{text}\nmedian / 90th percentile (of how many){f'; {said}' if said else ''}"


def stats_as_data(incidents: list[Incident]) -> list[dict[str, Any]]:
    """The same for programs, in seconds."""
    from incident import figures

    return [
        {
            "month": row.month,
            "severity": row.severity,
            "incidents": row.count,
            "false_alarms": row.false_alarms,
            **{
                name: {"count": one.count, "median": _seconds(one.median), "p90": _seconds(one.p90)}
                for name, one in row.figures.items()
            },
        }
        for row in figures.table(incidents)
    ]


def picture_of_stats(incidents: list[Incident], said: str, file: Path) -> str:
    from documents import months
    from incident import figures

    if file.suffix not in (".svg", ".png"):
        raise Unreadable(f"{file}: a picture ends in .svg or .png.")
    title = f"Incidents by month{f' ({said})' if said else ''}"
    _write(file, months.draw(figures.table(incidents), file.suffix[1:], title))
    return f"written: {file}"


def _cell(one: Figure | None) -> str:
    return f"{minutes(one.median)} / {minutes(one.p90)} ({one.count})" if one else ""


def _seconds(value: timedelta) -> float:
    return value.total_seconds()


# -- ic export ------------------------------------------------------------------------------------------


def export(incident: Incident) -> dict[str, Any]:
    from activities.records import document

    return document(incident)


def _listed(incident: Incident) -> Listed:
    from entrypoints.gateway import Listed

    ended = incident.ended_as
    return Listed(
        id=incident.id,
        title=incident.label,
        severity=incident.severity,
        status=(ended or incident.phase).value,
        commander="" if incident.security else incident.commander or "",
        declared_at=incident.declared_at,
        ended_at=incident.ended_at,
        secret=incident.silent,
    )
