"""What the world answered to an effect."""

from __future__ import annotations

from datetime import datetime

from incident import declaring, leadership, wording
from incident.effects import FollowPage
from incident.model import ChangedLately, Incident, Page, Room, SubTeam


def paged(
    incident: Incident,
    page: Page,
    pagerduty_id: str,
    url: str,
    people: tuple[str, ...],
    names: tuple[str, ...],
    now: datetime,
) -> None:
    """PagerDuty has accepted a page."""
    was_failing, page.failing = page.failing, False
    page.pagerduty_id, page.url, page.paged_at = pagerduty_id, url, now
    page.people, page.paged = list(people), list(names)
    named = ", ".join(names) or page.label
    incident.say(f"paged {named}{' after all' if was_failing else ''}", now)
    incident.log("page", f"paged {named}", now, source="pagerduty")
    incident.want(FollowPage(f"follow/{page.key}", page.key))
    incident.invite(*people)
    leadership.seat_deputy(incident, now)
    declaring.tell_origin(incident, now)


def not_paged(
    incident: Incident, page: Page, people: tuple[str, ...], names: tuple[str, ...], age: str, now: datetime
) -> None:
    """PagerDuty cannot be reached: names and phones, loudly, while paging goes on being tried.

    `age` says how old the on-call book is that the names come from.
    """
    if page.failing:
        return
    page.failing = True
    page.people, page.paged, page.book_age = list(people), list(names), age
    incident.say("\n".join(wording.page_lines(page)), now)
    incident.log("page", f"could not page {', '.join(names) or page.label}", now, source="pagerduty")
    declaring.tell_origin(incident, now)


def acknowledged(incident: Incident, page: Page, person: str, name: str, at: datetime, now: datetime) -> None:
    """Somebody has heard the page. Acknowledging is not commanding."""
    if person in page.acknowledged_by:
        return
    at = min(at, now)  # a clock that is ahead would put off the next round
    page.acknowledged_by[person] = at
    then = ""
    if page.for_commander and incident.commander is None and incident.open:
        then = " Nobody commands yet: say `command`."
    incident.say(f"{name} acknowledged the page.{then}", now)
    incident.log("acknowledged", f"{name} acknowledged the page", at, who=person, source="pagerduty")


def room_opened(incident: Incident, room: Room, now: datetime) -> None:
    incident.room = room
    incident.log("room", f"room #{room.name}", now, source="slack")
    declaring.tell_origin(incident, now)


def changes_read(incident: Incident, found: ChangedLately, now: datetime) -> None:
    """What changed lately stands in the card. An older reading that arrives late is left out."""
    if incident.changed is not None and incident.changed.at > found.at:
        return
    before = incident.changed or ChangedLately(found.at)
    known = {(change.at, change.text) for change in before.changes}
    incident.changed = found
    for change in reversed(found.changes):
        if (change.at, change.text) not in known:
            incident.log("changed", wording.changed(change), now, source=change.source)
            if change.at >= incident.declared_at and incident.open:
                incident.say(f"Changed during the incident ({change.source}): {wording.changed(change)}", now)
    for source in [source for source in found.unreadable if source not in before.unreadable]:
        incident.log("changed", f"{source} could not be read", now, source="monitoring")


def room_lost(incident: Incident, why: str, now: datetime) -> None:
    incident.log("room", f"no room: {why}", now, source="slack")


def letter_taken(incident: Incident, team: SubTeam, now: datetime, *, by_us: bool = True) -> None:
    """Another incident uses it, or a workflow that is none of ours stands there: nothing was formed."""
    team.denied, team.closed_at, team.result = True, now, "the letter was taken"
    whom = "by another incident" if by_us else f"by a workflow that is not ours (`sub-team-{team.letter}`)"
    text = f"{team.letter.capitalize()} is in use {whom}. Say it again with another letter: {team.text}."
    incident.say(text, now)
    incident.tell(incident.commander, text)
    incident.log("team", f"{team.title} not formed: the letter is in use {whom}", now, source="workflow")


def team_gone(incident: Incident, team: SubTeam, now: datetime) -> None:
    """Its workflow was ended from outside while the team works: said once."""
    team.started = False
    if team.open:
        text = f"{team.title}'s timers are gone: its workflow was ended from outside."
        incident.say(text, now)
        incident.log("team", text, now, source="workflow")


def after_gone(incident: Incident, now: datetime) -> None:
    """The workflow of the weeks after was ended from outside: said once."""
    text = "Nobody is reminded of the postmortem: its workflow was ended from outside."
    if not any(entry.kind == "postmortem" and entry.text == text for entry in incident.timeline):
        incident.say(text, now)
        incident.log("postmortem", text, now, source="workflow")


def workflow_reset(incident: Incident, whose: str, to: datetime, now: datetime) -> None:
    """A workflow of the incident had stopped, and was reset."""
    text = (
        f"{wording.sentence(whose)}'s workflow had stopped. It was reset to {wording.clock(to)} and is running again:"
        " nothing is lost, and what fell due meanwhile happens now."
    )
    incident.say(text, now)
    incident.log("reset", text, now, source="workflow")
    incident.tell(incident.commander, text)
