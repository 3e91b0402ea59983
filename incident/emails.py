"""The two internal e-mails about an incident, as drafts: that it happened, and what we learned (process, 6)."""

from __future__ import annotations

from dataclasses import dataclass

from incident import after, wording
from incident.model import Incident
from incident.postmortem_sections import BY_ID, texts


@dataclass(frozen=True)
class Email:
    subject: str
    body: str

    def __str__(self) -> str:
        return f"Subject: {self.subject}\n\n{self.body}"


def it_happened(incident: Incident) -> Email:
    """To stakeholders, right after the call."""
    ended = incident.ended_at or incident.declared_at
    lasted = wording.minutes(ended - incident.declared_at)
    parts = [
        f"At {wording.clock(incident.declared_at)} on {incident.declared_at:%Y-%m-%d} we declared a"
        f" {incident.worst} incident: {incident.label}. It was {incident.ended_as or incident.phase} after {lasted}.",
        f"Customer impact: {incident.facts.impact}" if incident.facts.impact else "",
        f"Cause: {incident.facts.cause}" if incident.facts.cause else "We are still looking for the cause.",
        f"Lost: {incident.lost}" if incident.lost else "",
        _next(incident),
    ]
    return Email(f"{incident.worst}: {incident.label}", "\n\n".join(part for part in parts if part))


def what_we_learned(incident: Incident) -> Email:
    """To everybody, when the postmortem has been reviewed."""
    blocks = []
    for id in ("what", "factor", "resolution", "lesson"):
        if lines := texts(incident, BY_ID[id]):
            blocks.append("\n".join([f"{BY_ID[id].heading}:", *(f"- {line}" for line in lines)]))
    items = [one for one in (incident.after.followups if incident.after else []) if not one.role]
    if items:
        blocks.append("\n".join(["What we do about it:", *(f"- {one.text}" for one in items)]))
    link = incident.after.link if incident.after else ""
    blocks += [f"The whole postmortem: {link}"] if link else []
    return Email(f"What we learned from {incident.worst}: {incident.label}", "\n\n".join(blocks))


def _next(incident: Incident) -> str:
    """What comes next, as far as it is known."""
    state = incident.after
    owner = incident.name(incident.postmortem_owner) if incident.postmortem_owner else ""
    parts = [f"{owner} writes the postmortem." if owner else "The postmortem follows."]
    if state is not None and state.meeting_at is not None:
        parts.append(f"We discuss it on {after.when(state.meeting_at)}.")
    return " ".join(parts)
