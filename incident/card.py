"""The incident's card: where we are, at a glance. Pinned in the room, and shown in the Web UI and the shell."""

from __future__ import annotations

from dataclasses import dataclass

from incident import after, publishing, wording
from incident.model import Announcement, Draft, DraftState, Incident, RepairState
from incident.texts import moment, one_line, plain, since

LONGEST_ITEM = 240
MOST_ITEMS = 8


@dataclass(frozen=True)
class Section:
    """A heading and its lines; without lines it is left out."""

    title: str
    lines: tuple[str, ...]


def markdown(incident: Incident) -> str:
    """For the Web UI. Times of day, so that it changes only when the incident does."""
    return plain(_whole(incident, "## ", "### ", "**"))


def unmarked(incident: Incident) -> str:
    """For the shell, and for whoever asks: the same without markup."""
    return _whole(incident)


def _whole(incident: Incident, title: str = "", heading: str = "", bold: str = "") -> str:
    lines = [
        f"{title}{incident.severity} {incident.label}",
        f"{bold}{wording.state_in_words(incident)}{bold} since {moment(wording.state_since(incident))}"
        f" · declared {incident.declared_at:%Y-%m-%d} {moment(incident.declared_at)}",
        wording.roles(incident),
    ]
    if incident.room is not None:
        lines.append(f"Room #{incident.room.name} · incident {incident.id}")
    lines += [f"- {line}" for line in known(incident)]
    for section in sections(incident):
        lines += [f"{heading}{section.title}", *(f"- {line}" for line in section.lines)] if section.lines else []
    return "\n".join(lines)


def mrkdwn(incident: Incident) -> str:
    """For Slack: a paragraph a section. How long ago it was declared goes on counting in the reader's app."""
    practice = "PRACTICE · nobody is woken, nothing is public\n" if incident.practice else ""
    state = wording.state_in_words(incident)
    head = (
        f"{practice}*{incident.severity} · {incident.title}*\n*{state}* · declared"
        f" {since(incident.declared_at)}, {moment(incident.declared_at)}"
    )
    if incident.ended_at is not None:
        lasted = wording.minutes(incident.ended_at - incident.declared_at)
        head = f"{practice}*{incident.severity} · {incident.title}*\n*{state}* after {lasted}"
    paragraphs = [f"{head}\n{wording.roles(incident)}", "\n".join(known(incident))]
    paragraphs += [
        f"*{section.title}*\n" + "\n".join(f"• {wording.shorten(line, LONGEST_ITEM)}" for line in _last(section.lines))
        for section in sections(incident)
        if section.lines
    ]
    if incident.room is not None:
        paragraphs.append(wording.contact_card(incident, incident.room))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def known(incident: Incident) -> list[str]:
    facts = incident.facts
    lines = [
        ("Symptoms", "; ".join(facts.symptoms)),
        ("Impact", facts.impact),
        ("Cause", facts.cause),
        ("Expected", facts.eta),
        ("Status", wording.status(incident.status) if incident.status else ""),
        ("Wanted here", ", ".join(incident.needs)),
        ("Postmortem", after.in_words(incident)),
    ]
    return [f"{what}: {wording.shorten(text, LONGEST_ITEM)}" for what, text in lines if text]


def sections(incident: Incident) -> tuple[Section, ...]:
    return (
        Section("Pages", tuple(pages(incident))),
        Section("Changed lately", tuple(changed(incident))),
        Section("Tasks", tuple(tasks(incident))),
        Section("Sub-teams", tuple(wording.team_line(incident, team) for team in incident.teams.values() if team.open)),
        Section("Repair actions", tuple(repairs(incident))),
        Section("Public messages", tuple(messages(incident))),
        Section("Executives", tuple(executives(incident))),
    )


def pages(incident: Incident) -> list[str]:
    """Who heard it. When somebody commands, only who has not."""
    lines = []
    for page in incident.pages.values():
        heard = [f"{incident.name(p)} acknowledged at {moment(at)}" for p, at in page.acknowledged_by.items()]
        lines.append("; ".join([*wording.page_lines(page), *heard]))
    return lines


def changed(incident: Incident) -> list[str]:
    """Deployments, traffic, switches before it was declared, and since (process, 3)."""
    if incident.changed is None:
        return []
    return wording.changed_lately(incident.changed, incident.declared_at - incident.policy.changes.within)


def tasks(incident: Incident) -> list[str]:
    lines = []
    for task in incident.tasks.values():
        state = "done" if task.done_at else f"until {moment(task.due_at)}"
        result = f": {task.result}" if task.result else ""
        lines.append(f"{wording.task_line(incident, task)} ({state}{result})")
    return lines


def repairs(incident: Incident) -> list[str]:
    lines = []
    for repair in incident.repairs.values():
        owner = f", {incident.name(repair.owner)}" if repair.owner and repair.state is RepairState.RUNNING else ""
        why = f" ({repair.why})" if repair.why else ""
        lines.append(f"{wording.repair_line(repair)}: {repair.state}{owner}{why}")
    return lines


def messages(incident: Incident) -> list[str]:
    """What went out last, what waits, and when the next is promised."""
    out = [d for d in incident.drafts.values() if d.out_at is not None]
    lines = [_message(d) for d in out[-1:]]
    lines += [_message(d) for d in incident.drafts.values() if d.out_at is None and d.open]
    if (due := publishing.owed(incident)) is not None:
        lines.append(f"next due {moment(due)}")
    if incident.announcement is Announcement.NO:
        retracted = any(v.state is DraftState.RETRACTED for d in incident.drafts.values() for v in d.versions.values())
        taken_down = "what stood there was taken down; `announce yes` begins again"
        lines.append(taken_down if retracted else "the IC decided: no announcement for now")
    return lines


def _message(draft: Draft) -> str:
    """How it stands, outlet by outlet where there are several."""
    on = {
        outlet: f"{version.state}{', tried on' if version.delayed else ''}"
        for outlet, version in draft.versions.items()
    }
    state = ", ".join(f"{outlet.label}: {state}" for outlet, state in on.items()) if draft.also else on[draft.outlet]
    return f"{draft.number} ({draft.stage}, {state}): {one_line(draft.text)}"


def executives(incident: Incident) -> list[str]:
    lines = [f"told {moment(s.sent_at)}" for s in incident.summaries[-1:]]
    if incident.open and not incident.silent:
        lines.append(f"next summary {moment(wording.next_summary(incident))}")
    return ["; ".join(lines)] if lines else []


def _last(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The newest; a card is read on a phone."""
    if len(lines) <= MOST_ITEMS:
        return lines
    return (f"… and {len(lines) - MOST_ITEMS} before", *lines[-MOST_ITEMS:])
