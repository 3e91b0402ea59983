"""Something else that went wrong while an incident is open: parted from it, or one question with it (process, 1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from incident import identity
from incident.choices import Choice
from incident.effects import DeclareSeparately
from incident.model import Incident, Trigger

SEPARATE_AFTER = timedelta(minutes=1)
"""A person's page waits no longer for somebody to say whether it is the same."""


def part(incident: Incident, trigger: Trigger, who: str, now: datetime) -> None:
    """It becomes an incident of its own; `who` says who decided that."""
    trigger.decided_at = now
    trigger.became = identity.incident_id(f"{incident.id}/trigger/{trigger.number}", 3)
    incident.want(DeclareSeparately(f"separate/{trigger.number}", trigger.number))
    incident.say(f"{who}: incident {trigger.became}, #{identity.room_name(trigger.became)}.", now)
    incident.log(
        "trigger", f"{trigger.number} is separate: incident {trigger.became}", now, who=trigger.decided_by or ""
    )


def asked_by_people(incident: Incident) -> list[Trigger]:
    """The pages of people that wait for a word whether they are the same incident."""
    return [t for t in incident.triggers.values() if t.separate_at is not None and t.decided_at is None]


def ask(incident: Incident, trigger: Trigger, now: datetime) -> None:
    """IC, deputy and caller are asked; the first answer counts, and none parts it."""
    trigger.separate_at = now + SEPARATE_AFTER
    n = trigger.number
    text = (
        f"{trigger.source} pages an incident commander: {trigger.text}. Is it the same incident as {incident.label}?"
        f" `!ic same {n}` or `!ic separate {n}`. Unanswered for 1 min, it becomes a separate one."
    )
    for person in dict.fromkeys((incident.commander, incident.deputy)):
        if person != trigger.by:
            incident.tell(person, text, *choices(n))


def choices(number: int) -> tuple[Choice, Choice]:
    return (
        Choice("The same incident", f"same {number}", "primary"),
        Choice("A separate incident", f"separate {number}", "danger"),
    )
