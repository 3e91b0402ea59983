"""A sub-team's own room: who is in it, what members report, how long it has (process, 5). Its clock is the deputy's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from incident import texts
from incident.duties.base import Done, Duty, Remark, SayIn
from incident.model import Incident, TeamReport


@dataclass(frozen=True)
class SubTeamView:
    over: bool
    practice: bool
    name: str
    key: str
    title: str
    leader: str
    leader_name: str
    members: tuple[tuple[str, str], ...]
    text: str
    formed_at: datetime
    due_at: datetime
    extensions: int
    room: str
    bridge: str
    reports: tuple[TeamReport, ...]
    closed_at: datetime | None
    result: str


def view(incident: Incident, key: str) -> SubTeamView:
    team = incident.teams[key]
    practice = "PRACTICE " if incident.practice else ""
    silent = incident.silent  # the room that waits for a sub-team is everybody's
    return SubTeamView(
        over=not team.open,
        practice=incident.practice,
        name=f"{practice}{incident.title}"
        if silent
        else f"{practice}{incident.severity} #{incident.room.name}"
        if incident.room
        else f"{practice}{incident.severity}",
        key=f"{incident.id}/{key}",
        title=team.title,
        leader=team.leader,
        leader_name=incident.name(team.leader),
        members=tuple((person, incident.name(person)) for person in team.members),
        text="a task that its leader tells" if silent else team.text,
        formed_at=team.formed_at,
        due_at=team.due_at,
        extensions=team.extensions,
        room=team.room,
        bridge=team.bridge,
        reports=() if silent else tuple(replace(report) for report in team.reports),
        closed_at=team.closed_at,
        result="" if silent else team.result,
    )


def duties(view: SubTeamView, done: Done, now: datetime) -> list[Duty]:
    """What the room has to hear. Keys name the incident: the room is used again by others."""
    return [duty for duty in _duties(view) if duty.key not in done]


def _duties(view: SubTeamView) -> Iterator[Duty]:
    bridge = f" Bridge: {view.bridge}." if view.bridge else ""
    opened = (
        f"*{view.title}* of {view.name}: {view.text}, until {texts.moment(view.due_at)}. {view.leader_name} leads;"
        f" report to them here, with `!ic finding …`. Repair nothing before the IC says so.{bridge}"
    )
    # The first words name the time that was given; more time is another line.
    yield Duty(f"{view.key}/opened", view.formed_at, SayIn(view.room, opened, (view.leader,)))
    for person, name in view.members:
        joined = SayIn(view.room, f"{name} is in {view.title}.", (person,))
        yield Duty(f"{view.key}/joined/{person}", view.formed_at, joined)
    for n, report in enumerate(view.reports):
        yield Duty(f"{view.key}/report/{n}", report.at, SayIn(view.room, f"{report.name}: {texts.quoted(report.text)}"))
    if view.extensions:
        more = f"More time: until {texts.moment(view.due_at)}."
        yield Duty(f"{view.key}/more/{view.extensions}", view.formed_at, SayIn(view.room, more))
    if view.closed_at is not None:
        result = f": {view.result}" if view.result else "."
        ended = f"{view.title} is closed{result} Thank you; you report to the IC again."
        yield Duty(f"{view.key}/closed", view.closed_at, SayIn(view.room, ended))
    else:
        up = Remark(f"The time of {view.title} is up ({view.leader_name}: {view.text}).")
        yield Duty(f"{view.key}/up/{view.extensions}", view.due_at, up)
