"""Who is told what after the call, and when (process, 6). Pure functions of the incident, what was done, and the time.

What comes again and again is marked by its last time only, so that weeks of it stay small.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from incident import after, calendar, emails, meeting, wording
from incident.choices import Choice
from incident.duties.base import Done, Duty, Remark, Whisper, people
from incident.model import After, FollowUp, Incident, Stage

LATE_FROM = timedelta(hours=1)
MOST_TICKED = 5


def duties(incident: Incident, done: Done, now: datetime) -> list[Duty]:
    """What is to be said next, each with its time. Nothing while the incident is open again, nor after its close."""
    state = incident.after
    if state is None or incident.open or after.over(incident) or state.stage is Stage.CLOSED:
        return []
    return [
        *_owed(incident, state, done),
        *_no_owner(incident, state, done),
        *_daily(incident, state, done, now),
        *_weekly(incident, state, done, now),
        *_link(incident, state, done, now),
        *_meeting(incident, state, done, now),
        *_emails(incident, state, done),
    ]


def _owed(incident: Incident, state: After, done: Done) -> Iterator[Duty]:
    """Once, to each person, all that they still owe."""
    for person in after.everybody(incident):
        owed = after.owed_by(incident, person)
        if owed and f"owed/{person}" not in done:
            if state.review:
                yield Duty(
                    f"owed/{person}", state.begun_at, Whisper((person,), _where(incident, state), _answers(owed))
                )
                continue
            lines = [f"{one.number}. {one.text} (`!ic followup {one.number} done`)" for one in owed]
            text = f"Thank you for your part in {incident.label}. What is left for you:\n" + "\n".join(lines)
            ticks = tuple(Choice(f"{one.number} is done", f"followup {one.number} done") for one in owed[:MOST_TICKED])
            yield Duty(f"owed/{person}", state.begun_at, Whisper((person,), text, ticks))


def _answers(owed: list[FollowUp]) -> tuple[Choice, ...]:
    return tuple(Choice(f"Answer {one.number} …", f"followup {one.number} done", form=True) for one in owed)


def _no_owner(incident: Incident, state: After, done: Done) -> Iterator[Duty]:
    if incident.postmortem_owner is None and incident.commander and "no-owner" not in done:
        yield Duty("no-owner", state.begun_at, Whisper((incident.commander,), _nobody_owns(incident)))


def _daily(incident: Incident, state: After, done: Done, now: datetime) -> Iterator[Duty]:
    """Each working day, in the morning of who leads it."""
    rules, leader = incident.policy.ending, after.leads(incident)
    last = max(done.get("daily", state.begun_at), incident.ended_at or state.begun_at)
    due = calendar.next_morning(last, rules.reminded_at, after.zone_of(incident, leader), rules.holidays)
    text = _where(incident, state) if incident.postmortem_owner else _nobody_owns(incident)
    if leader is not None:
        yield Duty("daily", due, Whisper((leader,), text + wording.late(due, now, LATE_FROM)))


def _weekly(incident: Incident, state: After, done: Done, now: datetime) -> Iterator[Duty]:
    """When it takes long, the IC too."""
    commander, rules = incident.commander, incident.policy.ending
    if incident.postmortem_owner is None or commander in (None, incident.postmortem_owner):
        return
    zone = after.zone_of(incident, commander)
    if (last := done.get("weekly")) is None:
        begun = calendar.local_day(state.begun_at, zone)
        day = calendar.after_working_days(begun, rules.commander_reminded_after, rules.holidays)
    else:
        again = calendar.local_day(last, zone) + calendar.DAY * rules.commander_reminded_every
        day = calendar.first_working(again, rules.holidays)
    due = calendar.moment(day, rules.reminded_at, zone)
    text = f"The postmortem of {incident.label} is not closed yet: {after.in_words(incident)}."
    yield Duty("weekly", due, Whisper(people(commander), text + wording.late(due, now, LATE_FROM)))


def _link(incident: Incident, state: After, done: Done, now: datetime) -> Iterator[Duty]:
    """Where the document is, a day before the meeting. Once the meeting has been, nobody needs it any more."""
    if state.meeting_at is None or "link" in done or state.meeting_at <= now:
        return
    due = max(state.meeting_at - incident.policy.ending.link_before, state.begun_at)
    zone = after.zone_of(incident, after.leads(incident))
    yield Duty(
        "link",
        due,
        Remark(
            f"The postmortem of {incident.label} is discussed on {after.when(state.meeting_at, zone)}."
            f" Read it before: {state.link or f'`ic report {incident.id}`'}."
            f" It is owned by {incident.name(incident.postmortem_owner)}."
        ),
    )


def _meeting(incident: Incident, state: After, done: Done, now: datetime) -> Iterator[Duty]:
    """Whom to invite and what to discuss, once the owner is known; again only when somebody moves it."""
    owner = incident.postmortem_owner
    if owner is None or state.meeting_at is None or state.meeting_at <= now:
        return
    key = f"meeting/{state.meeting_at:%m%dT%H%M}"
    if key not in done:
        invited = ", ".join(incident.name(person) for person in meeting.invitees(incident))
        text = (
            f"The postmortem of {incident.label} is discussed on"
            f" {after.when(state.meeting_at, after.zone_of(incident, owner))}. Invite {invited}.\n"
            f"{meeting.description(incident)}\n`ic report {incident.id} --out FOLDER` writes the invitation (meeting.ics)."
        )
        yield Duty(key, state.begun_at, Whisper((owner,), text))


def _emails(incident: Incident, state: After, done: Done) -> Iterator[Duty]:
    """Both internal e-mails, drafted when each is to be sent; a person sends them."""
    if incident.silent or state.review:
        return
    drafts = [("happened", incident.commander, emails.it_happened(incident))]
    if state.stage is Stage.REVIEWED:
        drafts.append(("learned", after.leads(incident), emails.what_we_learned(incident)))
    for what, person, email in drafts:
        if person and f"email/{what}" not in done:
            text = f"A draft of the internal e-mail, to send from your own mailbox (`!ic postmortem emails` shows both):\n{email}"
            yield Duty(f"email/{what}", state.begun_at, Whisper((person,), text))


def _nobody_owns(incident: Incident) -> str:
    return f"Nobody owns the postmortem of {incident.label} yet. Name somebody: `!ic postmortem @owner`."


def _where(incident: Incident, state: After) -> str:
    if state.review and state.due_at is not None:
        owner = incident.postmortem_owner
        left = [one for one in state.followups if one.role == "review" and one.done_at is None]
        lines = "\n".join(f"{one.number}. {one.text} `!ic followup {one.number} done ANSWER`" for one in left)
        due = after.when(state.due_at, after.zone_of(incident, owner))
        return f"The short review of the false alarm {incident.label} is due on {due}:\n{lines}"
    then = {
        Stage.DRAFT: "`!ic postmortem review` when others may read it",
        Stage.IN_REVIEW: "`!ic postmortem reviewed` when they have",
        Stage.REVIEWED: "`!ic postmortem close` when nothing is left to say",
    }[state.stage]
    if state.stage is Stage.REVIEWED and after.awaits_public_message(incident):
        then = "it is closed once the external message is posted"
    return (
        f"The postmortem of {incident.label}: {after.in_words(incident)}."
        f" `ic report {incident.id}` writes it with all that is known; {then}."
    )
