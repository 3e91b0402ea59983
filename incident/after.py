"""What comes after the call: the postmortem, its meeting, and what each role still owes (process, 6).

It begins when a major incident is resolved, or another one whose postmortem somebody owns; never for a false alarm.
Reopening pauses it, resolving again goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from incident import calendar, wording
from incident.effects import BeginAfter, KeepRecord, TellAfter
from incident.model import After, Announcement, FollowUp, Incident, Phase, Stage
from incident.severity import Role

USUAL_RULE = "5 business days"
REVIEW = ("what triggered it?", "why did it look real?", "what do we change?")
"""What the review of a false alarm answers."""
RETROSPECTIVE = "review the process itself, shortly: what helped, what hindered (`!ic retro TEXT`)"
EXTERNAL = "see that the external message is posted"


def begin(incident: Incident, now: datetime) -> None:
    """The call ended as resolved, or an owner was named for one that had."""
    if incident.after is None:
        if not (incident.worst.major or incident.postmortem_owner):
            return
        incident.after = After(begun_at=now)
        incident.after.followups = _todos(incident) + _owed(incident)
        incident.want(BeginAfter())
    else:
        if incident.after.stage is Stage.CLOSED:
            incident.after.stage = Stage.DRAFT
        if incident.after.review:  # it was no false alarm after all
            _become_postmortem(incident, incident.after)
        tell(incident)
    propose_meeting(incident)


def begin_review(incident: Incident, came: list[str], now: datetime) -> None:
    """A false alarm that somebody came for: a short review, owned by the IC, else the declarer."""
    if incident.after is not None or not (came and incident.full):
        tell(incident)
        return
    incident.postmortem_owner = owner = incident.commander or incident.declared_by
    zone, rules = zone_of(incident, owner), incident.policy.ending
    day = calendar.meeting_day(rules.review_days, calendar.local_day(now, zone), rules.holidays)
    questions = [FollowUp(n, text, "review", [owner]) for n, text in enumerate(REVIEW, len(incident.todos) + 1)]
    incident.after = After(now, review=True, due_at=calendar.moment(day, rules.meeting_at, zone))
    incident.after.followups = _todos(incident) + questions
    incident.want(BeginAfter())


def pass_review(incident: Incident, person: str | None) -> None:
    """Who owns the review now answers what is still open in it."""
    if person is not None and incident.after is not None and incident.after.review:
        for one in incident.after.followups:
            if one.role == "review" and one.done_at is None:
                one.people = [person]


def answered(incident: Incident) -> None:
    """With its last answer a review is over."""
    state = incident.after
    if state is not None and state.review and all(one.done_at for one in state.followups if one.role == "review"):
        state.stage = Stage.CLOSED


def looked_back(incident: Incident, person: str, now: datetime) -> None:
    """Who answered the retrospective is asked no more; the last answer completes it."""
    for one in incident.after.followups if incident.after else ():
        if one.text == RETROSPECTIVE and one.done_at is None and person in one.people:
            one.people.remove(person)
            if not one.people:
                one.done_at, one.done_by = now, person


def tell(incident: Incident) -> None:
    """The workflow of it sees the incident as it stands now. Once the incident is closed, it is that workflow itself."""
    if incident.after is not None and incident.phase is not Phase.CLOSED:
        incident.want(TellAfter(f"after/{len(incident.timeline)}"))


def changed(incident: Incident) -> None:
    """The record outlives everything, so it follows each change after the call."""
    if not incident.open:
        tell(incident)
        incident.want(KeepRecord(f"record/{len(incident.timeline)}"))


def noted(incident: Incident) -> None:
    """Of notes there are many; those of the watch after the call are kept at its close."""
    if incident.phase is Phase.CLOSED:
        changed(incident)


def over(incident: Incident) -> bool:
    """Nothing more comes: the postmortem is closed, or it was a false alarm after all."""
    if incident.phase is not Phase.CLOSED or incident.after is None:
        return False
    return incident.after.stage is Stage.CLOSED or (incident.ended_as is Phase.CANCELLED and not incident.after.review)


def propose_meeting(incident: Incident) -> None:
    """By the rule of the worst severity it had, unless a person has chosen."""
    after, rules = incident.after, incident.policy.ending
    if after is None or after.review or after.chosen or incident.ended_at is None:
        return
    zone = zone_of(incident, leads(incident))
    rule = rules.meeting_days.get(incident.worst, USUAL_RULE)
    day = calendar.meeting_day(rule, calendar.local_day(incident.ended_at, zone), rules.holidays)
    after.meeting_at = calendar.moment(day, rules.meeting_at, zone)


def leads(incident: Incident) -> str | None:
    """Who sees to the postmortem: its owner, else the IC."""
    return incident.postmortem_owner or incident.commander


def zone_of(incident: Incident, person: str | None) -> str:
    known = incident.policy.person(person) if person else None
    return known.time_zone if known else "UTC"


def not_theirs(incident: Incident, person: str) -> str | None:
    """The postmortem moves on by the word of its owner or the IC."""
    if person in (incident.postmortem_owner, incident.commander):
        return None
    owner, commander = incident.name(incident.postmortem_owner), incident.name(incident.commander)
    return f"That is for the postmortem's owner ({owner}) or the IC ({commander})."


def not_begun(incident: Incident) -> str | None:
    if incident.open:
        return "The incident is open: the postmortem begins when it is resolved."
    if incident.after is None:
        return "Nobody owns a postmortem of this incident. The IC says `!ic postmortem @owner`."
    return None


def awaits_public_message(incident: Incident) -> bool:
    """Something was announced, and customers have not heard the end of it (process, 6)."""
    if incident.announcement is not Announcement.YES or incident.ended_at is None or incident.owed_dropped:
        return False
    told = any(at >= incident.ended_at for draft in incident.drafts.values() for at in draft.went_out)
    seen_to = incident.after is not None and any(
        one.done_at is not None for one in incident.after.followups if one.text == EXTERNAL
    )
    return not told and not seen_to


def followup(incident: Incident, number: int) -> FollowUp | None:
    followups = incident.after.followups if incident.after else []
    return next((one for one in followups if one.number == number), None)


def keep_todo(incident: Incident, text: str) -> int:
    """The number of a follow-up that somebody has just kept as a TODO."""
    if incident.after is None:
        return len(incident.todos)
    number = len(incident.after.followups) + 1
    incident.after.followups.append(FollowUp(number, text))
    return number


def owed_by(incident: Incident, person: str) -> list[FollowUp]:
    """What is still open and was told to them."""
    followups = incident.after.followups if incident.after else []
    return [one for one in followups if person in one.people and one.done_at is None]


def everybody(incident: Incident) -> list[str]:
    """All to whom something was given to do, each once, in the order of the list."""
    followups = incident.after.followups if incident.after else []
    return list(dict.fromkeys(person for one in followups for person in one.people))


def in_words(incident: Incident) -> str:
    """Where the postmortem stands, in one line; empty when there is none."""
    if incident.after is None:
        return incident.name(incident.postmortem_owner) if incident.postmortem_owner else ""
    after = incident.after
    parts = [f"{after.stage}, owned by {incident.name(incident.postmortem_owner)}"]
    if after.meeting_at is not None and after.stage is not Stage.CLOSED:
        parts.append(f"meeting {when(after.meeting_at)}{'' if after.chosen else ' (proposed)'}")
    open_ones = sum(1 for one in after.followups if one.done_at is None)
    parts += [f"{open_ones} follow-ups open"] if open_ones else []
    parts += ["waits for the external message"] if awaits_public_message(incident) else []
    parts += ["paused"] if incident.open else []
    return ", ".join(parts)


def when(at: datetime, zone: str = "UTC") -> str:
    """A day and a time, for a meeting."""
    return f"{calendar.local_day(at, zone):%Y-%m-%d} {wording.clock(at, zone)}"


def _become_postmortem(incident: Incident, state: After) -> None:
    state.review, state.due_at = False, None
    kept = [one for one in state.followups if one.role != "review" or one.done_at]
    owed = _owed(incident)
    state.followups = [*kept, *owed]
    for number, one in enumerate(state.followups, 1):
        one.number = number


def _todos(incident: Incident) -> list[FollowUp]:
    return [FollowUp(number, todo.text) for number, todo in enumerate(incident.todos, 1)]


def _owed(incident: Incident) -> list[FollowUp]:
    begin_at = len(incident.todos) + 1
    return [
        FollowUp(number, text, role, list(dict.fromkeys(people)))
        for number, (role, people, text) in enumerate(_by_role(incident), begin_at)
        if people
    ]


def _by_role(incident: Incident) -> Iterator[tuple[str, list[str], str]]:
    """Role, who holds it, what it owes. What a role without a holder owes is the IC's."""
    commander = [incident.commander] if incident.commander else []

    def of(role: Role) -> list[str]:
        holder = incident.holder(role)
        return [holder] if holder else commander

    yield Role.COMMANDER.label, commander, "group related incidents in PagerDuty"
    if not incident.silent:
        yield Role.COMMANDER.label, commander, "send the stakeholders an e-mail: what happened, what comes next"
    yield (
        Role.DEPUTY.label,
        of(Role.DEPUTY),
        "see that nobody still waits: people who were paged, needs, open approvals",
    )
    if not incident.silent:
        liaison, label = of(Role.INTERNAL_LIAISON), Role.INTERNAL_LIAISON.label
        yield label, liaison, "answer the stakeholders who wrote back, and tell executives what comes next"
    yield Role.SCRIBE.label, of(Role.SCRIBE), "collect the TODOs (`!ic todo …` keeps one that is missing)"
    held = set(incident.roles.values())
    experts = [r.person for r in incident.responders.values() if r.person not in held]
    if experts:
        yield "SME", experts, "add your notes, what you saw and did (`!ic note …`)"
    for repair in incident.repairs.values():
        if repair.started_at is not None:
            doer = repair.owner or repair.proposed_by
            text = f"clean up after repair {repair.number}, {repair.title}: take it back, or make it lasting"
            yield "SME", [doer], text
    if incident.announcement is Announcement.YES and not incident.silent:
        liaison = of(Role.CUSTOMER_LIAISON)
        label = Role.CUSTOMER_LIAISON.label
        yield label, liaison, "answer the customers who wrote to us"
        yield label, liaison, "send individual notice where contracts ask for it"
        yield label, liaison, EXTERNAL
    yield "everybody", list(incident.responders), RETROSPECTIVE
