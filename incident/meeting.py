"""The meeting about a postmortem: who is invited, what is discussed, and an iCalendar file of both (RFC 5545)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from incident import after
from incident.model import Incident

LASTS = timedelta(hours=1)
AGENDA = (
    "5 min: what happened, along the timeline",
    "15 min: contributing factors, and what ended it",
    "10 min: what went well",
    "10 min: what did not go so well",
    "15 min: action items, each with an owner and a date",
    "5 min: what customers and colleagues are told",
)
_LONGEST_LINE = 75


def invitees(incident: Incident) -> list[str]:
    """The postmortem's owner, who held a role, who responded, and who speaks for the service; each once."""
    service = incident.policy.service(incident.service)
    wanted = [
        incident.postmortem_owner,
        *(held.person for held in incident.held),
        *incident.responders,
        service.primary if service else None,
    ]
    return [person for person in dict.fromkeys(wanted) if person]


def icalendar(incident: Incident, address: Callable[[str], str]) -> str:
    """The file, or nothing while there is no meeting. `address` gives somebody's e-mail address, if there is one."""
    state = incident.after
    if state is None or state.meeting_at is None:
        return ""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Don't Panic//incident response//EN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:{incident.id}-postmortem@dont-panic",
        f"DTSTAMP:{_moment(state.begun_at)}",
        f"DTSTART:{_moment(state.meeting_at)}",
        f"DTEND:{_moment(state.meeting_at + LASTS)}",
        f"SUMMARY:{_text(f'Postmortem: {incident.worst} {incident.label}')}",
        f"DESCRIPTION:{_text(description(incident))}",
        *_people(incident, address),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def description(incident: Incident) -> str:
    """Agenda and document."""
    link = incident.after.link if incident.after else ""
    document = [f"The postmortem: {link}"] if link else []
    return "\n".join([*document, "Agenda:", *AGENDA])


def _people(incident: Incident, address: Callable[[str], str]) -> Iterator[str]:
    leader = after.leads(incident)
    for person in invitees(incident):
        mail = address(person)
        if not mail:
            continue
        name = incident.name(person).replace('"', "'")
        if person == leader:
            yield f'ORGANIZER;CN="{name}":mailto:{mail}'
        yield f'ATTENDEE;CN="{name}";ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:{mail}'


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "")


def _folded(line: str) -> str:
    """No line has more than 75 octets; what is longer goes on behind a space."""
    parts: list[str] = []
    current = ""
    for character in line:
        limit = _LONGEST_LINE - (1 if parts else 0)
        if len((current + character).encode()) > limit:
            parts.append(current)
            current = ""
        current += character
    return "\r\n ".join([*parts, current])
