"""Sub-teams: who is in which, and what their own workflow and room have to hear (process, 5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from incident.choices import Choice
from incident.effects import StartTeam, TellTeam
from incident.model import Incident, SubTeam, TeamReport


def form(incident: Incident, letter: str, leader: str, task: str, minutes: int, now: datetime) -> SubTeam:
    """A letter that was used before gets another turn; its room and bridge are the organisation's."""
    place = next(s for s in incident.policy.sub_teams if s.id == letter)
    turn = sum(1 for t in incident.teams.values() if t.letter == letter) + 1
    key = letter if turn == 1 else f"{letter}-{turn}"
    due = now + timedelta(minutes=minutes)
    team = SubTeam(key, letter, leader, task, now, due, place.room, place.bridge)
    incident.teams[key] = team
    incident.want(StartTeam(f"team/{key}/start", key))
    return team


def named(incident: Incident, letter: str) -> SubTeam | None:
    """The team that works under this letter now."""
    return next((t for t in incident.teams.values() if t.letter == letter and t.open), None)


def of(incident: Incident, person: str) -> SubTeam | None:
    """The team somebody leads or is a member of."""
    return next((t for t in incident.teams.values() if person in t.everybody), None)


def led_by(incident: Incident, person: str) -> SubTeam | None:
    return next((t for t in incident.teams.values() if t.open and t.leader == person), None)


def changed(incident: Incident, team: SubTeam) -> None:
    """Its workflow has to see it."""
    team.version += 1
    incident.want(TellTeam(f"team/{team.key}/{team.version}", team.key))


def report(incident: Incident, team: SubTeam, name: str, text: str, now: datetime) -> None:
    """Members report to their leader, in their own room; the incident's room hears the leader alone."""
    team.reports.append(TeamReport(now, name, text))
    incident.tell(team.leader, f"{name} reports to you, {team.title}: {text}")
    changed(incident, team)


def close(incident: Incident, team: SubTeam, result: str, now: datetime) -> None:
    team.closed_at, team.result = now, result
    changed(incident, team)


def close_all(incident: Incident, result: str, now: datetime) -> None:
    """They are cancelled with the incident."""
    for team in incident.teams.values():
        if team.open:
            close(incident, team, result, now)


def answers(team: SubTeam) -> tuple[Choice, ...]:
    """What its leader may say about it."""
    return (
        Choice("Close it …", f"team close {team.letter}", "primary", form=True),
        Choice("10 minutes more", f"team more 10m {team.letter}"),
    )
