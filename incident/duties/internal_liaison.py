"""The internal liaison: executive summaries and stakeholders (process, 5).

The grid: the first summary 5 minutes after declaring, or when the IC sends it earlier; the rest every 30 minutes
from the first. A change of severity brings one of its own, which replaces a regular one due within 10 minutes;
a second change within 5 minutes of such a summary waits until those are over and joins. One at the end, to those who
heard the beginning. Somebody's own words go into the next regular one, or one they ask for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from incident import pagerduty, texts, wording
from incident.choices import Choice
from incident.duties.base import Done, Duty, Subscribe, Summarise, Whisper, people
from incident.model import Incident
from incident.policy import ExecutiveSummaries
from incident.severity import Role, Severity


@dataclass(frozen=True)
class InternalLiaisonView:
    open: bool
    over: bool
    practice: bool
    secret: bool
    declared_at: datetime
    ended_at: datetime | None
    asked_at: datetime | None
    severity: Severity
    changed_at: tuple[datetime, ...]
    told: tuple[str, ...]
    own_words: str
    picture: wording.Picture
    channel: str
    stakeholders: tuple[str, ...]
    pagerduty_id: str
    rules: ExecutiveSummaries
    others: tuple[str, ...] = ()
    ended_as: str = ""


def view(incident: Incident, *, over: bool) -> InternalLiaisonView:
    main = pagerduty.main_page(incident)
    return InternalLiaisonView(
        open=incident.open,
        over=over,
        practice=incident.practice,
        secret=incident.silent or not incident.full,
        declared_at=incident.declared_at,
        ended_at=incident.ended_at,
        asked_at=incident.summary_asked_at,
        severity=incident.severity,
        changed_at=tuple(change.at for change in incident.severities[1:]),
        told=people(incident.holder(Role.INTERNAL_LIAISON) or incident.commander),
        own_words=incident.own_words,
        picture=wording.picture(incident),
        channel=incident.policy.rooms.executive,
        stakeholders=incident.policy.paging.stakeholders.get(incident.severity, ()),
        pagerduty_id=main.pagerduty_id if main else "",
        rules=incident.policy.executives,
        others=tuple(incident.stakeholders),
        ended_as=(incident.ended_as or incident.phase).value,
    )


def duties(view: InternalLiaisonView, done: Done, now: datetime) -> list[Duty]:
    found: list[Duty] = []
    if view.secret:
        return found
    if not view.open:
        key = f"summary/end/{view.ended_at:%m%dT%H%M%S}" if view.ended_at else "summary/end"
        if view.ended_at is not None and key not in done and _heard_the_beginning(view, view.ended_at, done):
            # It tells every change of severity, too: should it be reopened, none of them is news any more.
            told = tuple(f"summary/severity/{n}" for n in range(1, len(view.changed_at) + 1))
            found.append(Duty(key, view.ended_at, _summary(view, key, view.ended_at, now), told))
        return found
    subscribe = _subscribe(view, done)
    found += [subscribe] if subscribe else []
    summaries = [_regular(view, done, now)]
    change = _after_change(view, done, now)
    if change is not None:
        summaries = _in_its_place(view, done, change, summaries[0], now)
    for summary in summaries:
        preview = _preview(view, summary, done, now)
        found += [summary, preview] if preview else [summary]
    return found


def _in_its_place(view: InternalLiaisonView, done: Done, change: Duty, regular: Duty, now: datetime) -> list[Duty]:
    """A change takes the place of a regular one due within ten minutes; two that are due at once, as after an outage,
    are one."""
    if change.due_at <= now and regular.due_at <= now:
        return [replace(change, settles=(*change.settles, regular.key, *regular.settles))]
    changed_at = view.changed_at[_untold(view, done)[0] - 1]
    asked_for = regular.due_at == view.asked_at
    if not asked_for and changed_at <= regular.due_at <= change.due_at + view.rules.replaces_within:
        return [change]
    return [change, regular]


def _heard_the_beginning(view: InternalLiaisonView, ended_at: datetime, done: Done) -> bool:
    """One went out, or was due before the end and is late."""
    return bool(_sent(done)) or ended_at >= grid(view, done)


def _subscribe(view: InternalLiaisonView, done: Done) -> Duty | None:
    """Each team once: those of the severity, again at each escalation, and those that were asked for."""
    wanted = dict.fromkeys((*view.stakeholders, *view.others))
    teams = tuple(team for team in wanted if f"subscribe/{team}" not in done)
    if not teams or not view.pagerduty_id:
        return None
    keys = tuple(f"subscribe/{team}" for team in teams)
    return Duty(keys[0], view.declared_at, Subscribe(teams), keys[1:])


def grid(view: InternalLiaisonView, done: Done) -> datetime:
    """The moment of the first summary, from which the others are counted."""
    planned = view.declared_at + view.rules.first_after
    if view.asked_at is not None and view.asked_at < planned and "summary/0" not in done:
        return view.asked_at
    sent = done.get("summary/0")
    return min(sent, planned) if sent is not None else planned


def _regular(view: InternalLiaisonView, done: Done, now: datetime) -> Duty:
    start, every = grid(view, done), view.rules.every
    n = 0
    skipped = []
    while True:
        due = start + every * n
        key = f"summary/{n}"
        if key not in done:
            if not _replaced(view, done, due) and due + every > now:
                break
            skipped.append(key)
        n += 1
    if view.asked_at is not None and n > 0 and view.asked_at > max(_sent(done), default=view.declared_at):
        # Asked for between two regular ones: one of its own; the grid stays as it is, unless one is due anyway.
        covered = (*skipped, key) if due <= now else ()
        asked = f"summary/asked/{view.asked_at:%m%dT%H%M%S}"
        return Duty(asked, view.asked_at, _summary(view, asked, view.asked_at, now), covered)
    # Those that an outage swallowed, and those that a change of severity took the place of, are settled by this one.
    return Duty(key, due, _summary(view, key, due, now), tuple(skipped))


def _untold(view: InternalLiaisonView, done: Done) -> list[int]:
    """Changes of severity, counted from 1, that no summary of their own has told."""
    return [n for n in range(1, len(view.changed_at) + 1) if f"summary/severity/{n}" not in done]


def _after_change(view: InternalLiaisonView, done: Done, now: datetime) -> Duty | None:
    """One summary for all changes that no summary has told yet."""
    untold = _untold(view, done)
    if not untold:
        return None
    told = [at for key, at in done.items() if key.startswith("summary/severity/")]
    due = view.changed_at[untold[0] - 1]
    if told:
        due = max(due, max(told) + view.rules.joins_within)
    joined = [n for n in untold if view.changed_at[n - 1] <= max(due, now)]
    covered = tuple(f"summary/severity/{n}" for n in joined[:-1])
    key = f"summary/severity/{joined[-1]}"
    return Duty(key, due, _summary(view, key, due, now), covered)


def _replaced(view: InternalLiaisonView, done: Done, due: datetime) -> bool:
    """From the moment of the change until ten minutes after its summary."""
    for n, changed_at in enumerate(view.changed_at, 1):
        sent = done.get(f"summary/severity/{n}")
        if sent is not None and changed_at <= due <= sent + view.rules.replaces_within:
            return True
    return False


def _sent(done: Done) -> list[datetime]:
    return [at for key, at in done.items() if key.startswith("summary/")]


def _preview(view: InternalLiaisonView, summary: Duty, done: Done, now: datetime) -> Duty | None:
    """Five minutes before, the liaison (else the IC) sees what would be sent and may put their own words."""
    key = summary.key.replace("summary/", "preview/")
    if key in done or not view.told or summary.due_at <= now:
        return None
    text = (
        f"The executive summary due at {texts.moment(summary.due_at)} would say:\n"
        f"> {_text(view, summary.due_at, own=takes_own_words(summary.key))}\nYour own words: `!ic update …`; unanswered, it goes out like this."
    )
    answers = (Choice("In my words …", "update", form=True), Choice("Send it now", "summary send"))
    return Duty(key, summary.due_at - view.rules.shown_before, Whisper(view.told, text, answers))


def takes_own_words(key: str) -> bool:
    """A change of severity and the end are told as they are: words that were written before may not fit them."""
    return not key.startswith(("summary/severity/", "summary/end"))


def _summary(view: InternalLiaisonView, key: str, due: datetime, now: datetime) -> Summarise:
    late = wording.late(due, now)
    here = f"{texts.here()} " if view.severity.major and not view.practice else ""
    at, own = max(due, now), takes_own_words(key)
    text = f"{here}{_text(view, at, len(late), own=own)}{late}"
    return Summarise(text, due, f"{_plain(view, at, len(late), own=own)}{late}")


def _plain(view: InternalLiaisonView, at: datetime, spare: int, *, own: bool) -> str:
    """Without the expected time, which PagerDuty's subscribers are not told (process, 5)."""
    return _text(replace(view, picture=replace(view.picture, eta="")), at, spare, own=own)


def _text(view: InternalLiaisonView, at: datetime, spare: int = 0, *, own: bool) -> str:
    at_most = view.rules.at_most - len("<!here> ") - spare
    if own and view.own_words:
        return wording.summary_in_own_words(view.picture, view.own_words, at_most)
    # Closing is only the end of the watch: executives hear how it ended, however late.
    seen = view.picture if view.open or not view.ended_as else replace(view.picture, state=view.ended_as)
    return wording.shorten(wording.executive_summary(seen, at), at_most)
