"""The incident's card: where we are, at a glance. Markdown for the Web UI; plain enough for a terminal."""

from __future__ import annotations

from datetime import datetime

from incident import wording
from incident.model import DraftState, Incident


def markdown(incident: Incident, now: datetime) -> str:
    """Times in it are times of day, so that it changes only when the incident does."""
    facts = incident.facts
    lines = [
        f"## {incident.severity} {incident.label}",
        f"**{wording.state_in_words(incident)}** since {wording.clock(incident.ended_at or incident.declared_at)}"
        f" · declared {incident.declared_at:%Y-%m-%d} {wording.clock(incident.declared_at)}",
        wording.roles(incident),
    ]
    if incident.room is not None:
        lines.append(f"Room #{incident.room.name} · incident {incident.id}")
    known = [
        ("Symptoms", "; ".join(facts.symptoms)),
        ("Impact", facts.impact),
        ("Cause", facts.cause),
        ("Expected", facts.eta),
        ("Status", incident.status.detail if incident.status else ""),
    ]
    lines += [f"- {what}: {text}" for what, text in known if text]
    lines += section("Pages", pages(incident))
    lines += section("Tasks", tasks(incident))
    lines += section("Repair actions", repairs(incident))
    lines += section("Public messages", messages(incident))
    return "\n".join(lines)


def section(title: str, items: list[str]) -> list[str]:
    return [f"### {title}", *(f"- {item}" for item in items)] if items else []


def pages(incident: Incident) -> list[str]:
    lines = []
    for page in incident.pages.values():
        heard = [f"{incident.name(p)} acknowledged at {wording.clock(at)}" for p, at in page.acknowledged_by.items()]
        lines.append("; ".join([wording.page_line(incident, page).replace("{phone:", "{"), *heard]))
    return lines


def tasks(incident: Incident) -> list[str]:
    lines = []
    for task in incident.tasks.values():
        state = "done" if task.done_at else f"until {wording.clock(task.due_at)}"
        result = f": {task.result}" if task.result else ""
        lines.append(f"{wording.task_line(incident, task)} ({state}{result})")
    return lines


def repairs(incident: Incident) -> list[str]:
    return [
        f"{wording.repair_line(repair)}: {repair.state}" + (f" ({repair.why})" if repair.why else "")
        for repair in incident.repairs.values()
    ]


def messages(incident: Incident) -> list[str]:
    shown = [d for d in incident.drafts.values() if d.state is not DraftState.SUPERSEDED]
    return [f"{draft.number} ({draft.stage}, {draft.state}): {draft.text}" for draft in shown]
