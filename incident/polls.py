"""Asking for strong objections before a public message, when the IC wants (process, 4).

A repair action's window is kept by its own workflow; a message's by the incident. Neither approves anything.
"""

from __future__ import annotations

from datetime import datetime

from incident import wording
from incident.model import Draft, Incident


def begin(incident: Incident, draft: Draft, now: datetime) -> None:
    """Open the window. A message that is due is not held up by it."""
    window = incident.policy.repair.poll_window
    draft.polled_until, draft.polled_digest, draft.poll_closed = now + window, draft.digest, False
    incident.say(wording.poll_of_message(draft, window), now)


def is_open(draft: Draft, now: datetime) -> bool:
    return draft.polled_until is not None and not draft.poll_closed and now < draft.polled_until


def close(incident: Incident, draft: Draft, now: datetime) -> None:
    """Its time is up, which approves nothing."""
    draft.poll_closed = True
    if not draft.waits:
        return
    heard = f"Objections: {wording.objections(draft.objections)}." if draft.objections else "Nobody objected."
    incident.say(
        f"The window for {wording.message_line(draft)} is over. {heard} That approves nothing."
        f" IC: `!ic message approve {draft.number}` or `!ic message hold {draft.number}`.",
        now,
    )


def decided(incident: Incident, draft: Draft, person: str, now: datetime) -> None:
    """It was approved: that ends the window, and the channel reads what was objected, once."""
    polled = draft.polled_digest == draft.digest
    if polled or (draft.objections and not draft.decision_said):
        who = "The IC" if person == incident.commander else incident.name(person)
        incident.say(wording.proceeding(wording.message_line(draft), draft.objections, polled=polled, who=who), now)
        draft.decision_said = True
    draft.polled_digest, draft.poll_closed = "", True
