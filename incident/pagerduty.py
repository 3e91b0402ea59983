"""PagerDuty is kept in sync with the incident (process, 5): priority, notes, who has answered, one incident out of several pages.

docs/decisions/0004-pages-are-merged-when-answered.md says why pages are merged when they are.
"""

from __future__ import annotations

from datetime import datetime

from incident import identity, paging, wording
from incident.effects import AcknowledgePages, MergePages, NotePages, ResolvePages, SendPage, UpdatePages
from incident.model import Incident, Page, Phase
from incident.severity import Severity

NOTES_KNOWN = 200


def open_pages(incident: Incident) -> list[Page]:
    """Those that are open in PagerDuty, as far as is known."""
    return [page for page in incident.pages.values() if page.pagerduty_id and not page.ended]


def main_page(incident: Incident) -> Page | None:
    """The one that stands for the incident: notes and status updates go there."""
    pages = open_pages(incident)
    mine = [page for page in pages if incident.commander in page.acknowledged_by]
    commanders = [page for page in pages if page.for_commander]
    return next(iter((*mine, *commanders, *pages)), None)


def severity_changed(incident: Incident) -> None:
    """PagerDuty's priority follows; the title names the severity, too. What woke nobody does when it has become worse."""
    if paging.urgency_of(incident.severity) == "high":
        for page in open_pages(incident):
            page.urgency = "high"
    incident.want(UpdatePages("update-pages", len(incident.timeline)))


def note(incident: Incident, text: str) -> None:
    """A decision, for who reads along in PagerDuty. Of a security incident nothing stands there."""
    if incident.security:
        return
    incident.pagerduty_notes.append(text)
    del incident.pagerduty_notes[:-NOTES_KNOWN]
    incident.unsent_notes.append(text)
    incident.want(NotePages("note-pages"))


def is_ours(incident: Incident, text: str) -> bool:
    """Whether a note that arrives is one that we wrote; PagerDuty may have cut it."""
    return any(mine == text or (len(text) > 100 and mine.startswith(text)) for mine in incident.pagerduty_notes)


def answered(incident: Incident, person: str, now: datetime) -> None:
    """They are here, or have acknowledged one of their pages: none of the others rings any longer."""
    for page in open_pages(incident):
        if person in page.unanswered:
            page.acknowledged_by[person] = now
            incident.log("acknowledged", f"{incident.name(person)} is here", now, who=person, source="pagerduty")
            incident.want(AcknowledgePages(f"acknowledge/{person}/{page.key}", page.key, person))


def merge_pages(incident: Incident, now: datetime) -> None:
    """Once somebody commands, the commanders' pages become one PagerDuty incident.

    One that nobody has answered rings on while its people are needed: the other of primary and backup, as deputy, and a
    trainee; and whoever is paged because the IC may be gone. The others are told that they are not.
    """
    into = main_page(incident)
    if incident.commander is None or into is None or not incident.open:
        return
    wanted = _still_wanted(incident)
    if into.rings and into not in wanted:
        _not_needed(incident, [into])
        into.acknowledged_by[incident.commander] = now
        incident.want(AcknowledgePages(f"acknowledge/{incident.commander}/{into.key}", into.key, incident.commander))
    merged = [page for page in open_pages(incident) if page.for_commander and page is not into and page not in wanted]
    _not_needed(incident, merged)
    for page in merged:
        page.ended, page.merged_into = True, into.pagerduty_id
    if merged:
        keys = tuple(page.key for page in merged)
        incident.want(MergePages(f"merge/{keys[0]}", into.key, keys))


def end(incident: Incident) -> None:
    """All of them are resolved; what PagerDuty tells of that is no news."""
    main = main_page(incident)
    pages = [page for page in incident.pages.values() if not page.ended]
    first = [main] if main is not None else []
    keys = [page.key for page in first + [page for page in pages if page is not main]]
    for page in pages:
        page.ended = True
    ends = sum(1 for entry in incident.timeline if entry.kind in (Phase.RESOLVED, Phase.CANCELLED))
    incident.want(ResolvePages(f"resolve-pages/{ends}", tuple(keys)))


def open_anew(incident: Incident, now: datetime) -> None:
    """The PagerDuty incident of a reopened one. It is the IC's own, so that it wakes nobody."""
    before = [page.url for page in incident.pages.values() if page.url]
    times = sum(1 for entry in incident.timeline if entry.kind == "reopened")
    key = identity.page_key(incident.id, f"reopened-{times}", "pagerduty")
    page = Page(
        key,
        0,
        "reopened",
        incident.name(incident.commander),
        now,
        person=incident.commander,
        quiet=True,
        goes_on=before[:1],
    )
    incident.pages[key] = page
    incident.want(SendPage(f"send/{key}", key))


def page_anew(incident: Incident, now: datetime, *, commanders: bool) -> None:
    """As at the start: primary and backup, or a minor one's team; each page links the PagerDuty incident of before."""
    before = [page.url for page in incident.pages.values() if page.url]
    service = incident.policy.service(incident.service)
    team = incident.policy.team(service.team) if service else None
    if commanders:
        pages = paging.page_commanders(incident, now)
    elif team is not None and incident.severity is not Severity.SEV5:
        pages = paging.page_team(incident, team, now, urgency=paging.urgency_of(incident.severity))
    else:
        return
    for page in pages:
        page.goes_on = before[:1]


def last_status_update(incident: Incident, now: datetime) -> str:
    """For those who were told how it went before; of a security incident nothing goes out."""
    if incident.security or not incident.summaries:
        return ""
    return wording.plain_summary(wording.picture(incident), now)


def _not_needed(incident: Incident, pages: list[Page]) -> None:
    """Each of them once, however many pages they have."""
    for person in dict.fromkeys(person for page in pages for person in page.unanswered):
        if person != incident.commander:
            incident.tell(person, wording.not_needed(incident))


def _still_wanted(incident: Incident) -> list[Page]:
    ringing = [page for page in open_pages(incident) if page.for_commander and page.rings]
    asked = incident.challenge.pages if incident.challenge is not None else []  # the IC may be gone
    trainees = [page for page in ringing if page.target == "shadow" or page.key in asked]
    if incident.deputy is not None:
        return trainees
    latest = [page for page in ringing if page.target in ("primary", "backup") and page.round == incident.rounds]
    answered = {
        page.target
        for page in incident.pages.values()
        if page.for_commander and incident.commander in page.acknowledged_by
    }
    return trainees + [page for page in latest if page.target not in answered]
