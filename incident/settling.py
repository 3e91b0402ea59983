"""What the world answered to an effect."""

from __future__ import annotations

from datetime import datetime

from incident import declaring, leadership, pagerduty, texts, wording
from incident.effects import FollowPage, NotePages
from incident.model import ChangedLately, Incident, Page, Room, SubTeam
from incident.paging import Paged


def paged(incident: Incident, page: Page, answer: Paged, now: datetime) -> None:
    """PagerDuty has accepted a page, or most of it."""
    was_failing, page.failing = page.failing, False
    page.pagerduty_id, page.url, page.paged_at = answer.pagerduty_id, answer.url, now
    page.people, page.paged = list(answer.people), list(map(texts.one_line, answer.names))
    page.unpaged = dict(zip(answer.unpaged, answer.unpaged_names, strict=True))
    page.dropped = list(answer.dropped)
    if incident.unsent_notes:
        incident.want(NotePages("note-pages"))
    if page.quiet:
        page.acknowledged_by = dict.fromkeys(page.people, now)
        incident.log("page", f"a new PagerDuty incident: {page.url}", now, source="pagerduty")
        return
    named = ", ".join(page.paged) or page.label
    incident.say("\n".join((f"paged {named}{' after all' if was_failing else ''}", *wording.refused_lines(page))), now)
    incident.log("page", f"paged {named}", now, source="pagerduty")
    for what in (*(f"could not page {name}" for name in answer.unpaged_names), *answer.dropped):
        incident.log("page", f"PagerDuty did not accept: {what}", now, source="pagerduty")
    for person in answer.spared:
        incident.tell(person, wording.not_paged_because_busy(incident, named))
    incident.want(FollowPage(f"follow/{page.key}", page.key))
    incident.invite(*answer.people)
    for person in [p for p in answer.people if p in incident.responders and incident.responders[p].here]:
        pagerduty.answered(incident, person, now)
    leadership.seat_deputy(incident, now)
    pagerduty.merge_pages(incident, now)
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
    page.people, page.paged, page.book_age = list(people), list(map(texts.one_line, names)), age
    incident.say("\n".join(wording.page_lines(page)), now)
    incident.log("page", f"could not page {', '.join(names) or page.label}", now, source="pagerduty")
    declaring.tell_origin(incident, now)


def acknowledged(incident: Incident, page: Page, person: str, name: str, at: datetime, now: datetime) -> None:
    """Somebody has heard the page. Acknowledging is not commanding."""
    if person in page.acknowledged_by:
        return
    name = texts.one_line(name)
    at = min(at, now)  # a clock that is ahead would put off the next round
    page.acknowledged_by[person] = at
    pagerduty.answered(incident, person, now)
    pagerduty.merge_pages(incident, now)
    then = ""
    if page.for_commander and incident.commander is None and incident.open:
        then = " Nobody commands yet: say `command`."
    incident.say(f"{name} acknowledged the page.{then}", now)
    incident.log("acknowledged", f"{name} acknowledged the page", at, who=person, source="pagerduty")


def page_resolved(incident: Incident, page: Page, by: str, now: datetime) -> None:
    """Resolved in PagerDuty, by somebody there: it ends no incident, and acknowledges nothing."""
    if page.ended:
        return  # by us, or said already
    page.ended = True
    then = ""
    if incident.open and page.for_commander and incident.commander is None and not page.acknowledged_by:
        then = " That is no acknowledgement: the next round is paged as planned."
    text = f"{_author(by)} resolved the page to {', '.join(page.paged) or page.label} in PagerDuty."
    incident.say(f"{text} The incident goes on.{then}" if incident.open else text, now)
    incident.log("page", text, now, source="pagerduty")


def page_merged(incident: Incident, page: Page, into: str, by: str, now: datetime) -> None:
    """Merged in PagerDuty, by somebody there: the page it went into is followed in its place."""
    if page.ended:
        return
    ours = any(other.pagerduty_id == into for other in incident.pages.values())
    text = f"{_author(by)} merged the page to {', '.join(page.paged) or page.label} into another in PagerDuty."
    incident.say(text, now)
    incident.log("page", text, now, source="pagerduty")
    if ours:
        page.ended, page.merged_into = True, into
    else:
        page.pagerduty_id = into


def page_reassigned(
    incident: Incident, page: Page, people: tuple[str, ...], names: tuple[str, ...], by: str, now: datetime
) -> None:
    """Given to others in PagerDuty: they are who is waited for."""
    if page.ended or page.paged_at is None or set(people) <= set(page.people):
        return  # what we ask for comes back as this, too, one assignee after the other
    page.people, page.paged = list(people), list(map(texts.one_line, names))
    text = f"{_author(by)} reassigned the page to {', '.join(page.paged)} in PagerDuty."
    incident.say(text, now)
    incident.log("page", text, now, source="pagerduty")
    incident.invite(*people)


def _author(by: str) -> str:
    """Whoever did something in PagerDuty, by the name that stands there."""
    return texts.one_line(by) or "Somebody"


def noted_in_pagerduty(incident: Incident, text: str, by: str, now: datetime) -> None:
    """Somebody's note there, quoted: it is no command."""
    if pagerduty.is_ours(incident, text):
        return
    incident.say(f"{_author(by)} in PagerDuty:\n{texts.quoted(text)}", now)
    incident.log("note", f"{_author(by)} in PagerDuty: {text}", now, source="pagerduty")


def room_opened(incident: Incident, room: Room, now: datetime) -> None:
    incident.room = room
    incident.log("room", f"room #{room.name}", now, source="slack")
    if not incident.security:
        pagerduty.note(incident, wording.join_link(room))
    declaring.tell_origin(incident, now)


def changes_read(incident: Incident, found: ChangedLately, now: datetime) -> None:
    """What changed lately stands in the card. An older reading that arrives late is left out."""
    if incident.changed is not None and incident.changed.at > found.at:
        return
    known = {(change.at, change.text) for change in incident.changed.changes} if incident.changed else set()
    incident.changed = found
    for change in reversed(found.changes):
        if (change.at, change.text) not in known:
            incident.log("changed", wording.changed(change), now, source=change.source)
    for source in found.unreadable:
        incident.log("changed", f"{source} could not be read", now, source="monitoring")


def room_lost(incident: Incident, why: str, now: datetime) -> None:
    incident.log("room", f"no room: {texts.one_line(why)}", now, source="slack")


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
        f"{wording.sentence(whose)}'s workflow had stopped. It was reset to {texts.moment(to)} and is running again:"
        " nothing is lost, and what fell due meanwhile happens now."
    )
    incident.say(text, now)
    incident.log("reset", text, now, source="workflow")
    incident.tell(incident.commander, text)
