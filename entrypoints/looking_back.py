"""`ic at`: an incident exactly as it stood at a moment, for whoever learns from it afterwards."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from entrypoints.archive import Shows, readable
from entrypoints.problems import NoSuchIncident, Unreachable
from entrypoints.snapshots import CannotRead, SnapshotReader
from incident import card, texts, wording
from incident.model import Incident
from incident.words import Unreadable

LAST_ENTRIES = 10
FORMS = "14:05, 14:05:30, +35m, +1h20m or 2026-11-28T14:05 (UTC)"
_AFTER = re.compile(r"\+(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,5})s)?", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")


async def incident_at(
    snapshots: SnapshotReader, incident: str, text: str, person: str, shows: Shows, now: datetime
) -> tuple[Incident, datetime]:
    """The incident at the moment that `text` names, for somebody who may read it now, and that moment.

    Raises Unreadable, NoSuchIncident, Unreachable, Refused, CannotSign.
    """
    try:
        latest = await snapshots.at(incident, now)
        if latest is None:
            raise NoSuchIncident(f"Nothing is saved of an incident {incident!r}. `ic list --all` shows them.")
        # Whoever was let in later may look back; whoever was removed may not.
        await readable(latest.incident, person, shows)
        when = moment(text, latest.incident.declared_at, now)
        found = await snapshots.at(incident, when)
    except CannotRead as problem:
        raise Unreachable(str(problem)) from None
    if found is None:
        begun = latest.incident.declared_at
        raise Unreadable(f"At that time there was nothing yet: it was declared at {begun:%Y-%m-%d %H:%M:%S} UTC.")
    return found.incident, when


def moment(text: str, declared_at: datetime, now: datetime) -> datetime:
    """A time of day is the first such one after the declaration. Raises Unreadable."""
    said = text.strip().upper().removesuffix("UTC").removesuffix("Z").strip()
    if (after := _AFTER.fullmatch(said)) and any(after.groups()):
        hours, minutes, seconds = (int(part or 0) for part in after.groups())
        found = declared_at + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    elif clock := _CLOCK.fullmatch(said):
        found = _next(declared_at, *(int(part or 0) for part in clock.groups()))
    else:
        try:
            read = datetime.fromisoformat(said)
        except ValueError:
            raise Unreadable(f"{text!r} is not a time. Write {FORMS}.") from None
        found = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    if found > now:
        raise Unreadable(f"{found:%Y-%m-%d %H:%M:%S} UTC is still to come. `ic show` shows how it stands now.")
    return found


def _next(declared_at: datetime, hour: int, minute: int, second: int) -> datetime:
    """The whole minute counts as after a declaration within it."""
    try:
        found = declared_at.replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError:
        raise Unreadable(f"{hour}:{minute:02} is not a time of day. Write {FORMS}.") from None
    begun = declared_at.replace(second=0, microsecond=0) if second == 0 else declared_at.replace(microsecond=0)
    return found if found >= begun else found + timedelta(days=1)


def card_then(incident: Incident, when: datetime) -> str:
    """The card as it was, and what had happened last."""
    since = wording.minutes(max(when - incident.declared_at, timedelta(0)))
    lines = [
        f"As it was on {when:%Y-%m-%d} at {when:%H:%M:%S} UTC, {since} after it was declared:",
        texts.plain(card.unmarked(incident)),
    ]
    if last := incident.timeline[-LAST_ENTRIES:]:
        lines += ["Last in the timeline", *(f"- {entry.at:%H:%M:%S} UTC  {entry.text}" for entry in last)]
    return "\n".join(lines)
