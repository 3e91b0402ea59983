"""Process, 6, "After": a test or more a sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from incident import after, card, figures, postmortem, publishing
from incident.commands import Refusal
from incident.duties.after import duties
from incident.duties.base import Duty, Remark, Whisper
from incident.duties.command import let_fall_due
from incident.effects import BeginAfter, KeepRecord, Tell, TellAfter
from incident.model import Announcement, DraftState, Incident, Stage
from incident.outlets import Outlet
from incident.policy import Policy
from incident.security import may_read
from incident.severity import Role, Severity
from tests.documents.story import two_hours
from tests.domain.conftest import Told
from tests.process.customers import MINUTE, Customers

Story = Callable[..., Told]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def resolved(told: Story, severity: Severity = Severity.SEV1, *, owner: str = "anne") -> Told:
    """Declared on Monday, 2026-03-02, 14:00 UTC."""
    story = told(severity)
    story.say("sam", "join as database expert", after=1)
    story.say("bob", "resolve --insist recovered", after=30)
    if owner:
        story.say("bob", f"postmortem @{owner}")
    return story


def closed(story: Told) -> Told:
    """The hour of watching is over."""
    story.now += HOUR
    let_fall_due(story.incident, story.now)
    assert story.incident.phase == "closed"
    return story


def lives(incident: Incident, begin: datetime, days: float) -> list[tuple[datetime, Duty]]:
    """Everything that is said in so many days, by a clock that ticks each quarter of an hour."""
    done: dict[str, datetime] = {}
    said = []
    now = begin
    while now < begin + DAY * days:
        for duty in duties(incident, done, now):
            if duty.due_at <= now:
                said.append((now, duty))
                done[duty.key] = now
        now += HOUR / 4
    return said


def of(said: list[tuple[datetime, Duty]], key: str) -> list[datetime]:
    return [at for at, duty in said if duty.key == key]


def text(duty: Duty) -> str:
    assert isinstance(duty.deed, Whisper | Remark)
    return duty.deed.text


def changed(policy: Policy, **ending: object) -> Policy:
    return policy.model_copy(update={"ending": policy.ending.model_copy(update=ending)})


# "After: the IC names the postmortem's owner;"


def test_the_ic_names_the_owner_who_is_told(told: Story) -> None:
    story = resolved(told)
    assert story.incident.postmortem_owner == "anne"
    tells = [e for e in story.incident.effects.values() if isinstance(e, Tell) and e.person == "anne"]
    assert any("names you owner of the postmortem" in tell.text for tell in tells)


def test_nobody_else_names_the_owner(told: Story) -> None:
    story = resolved(told, owner="")
    with pytest.raises(Refusal, match="Only the IC decides that"):
        story.say("sam", "postmortem @sam")


def test_while_nobody_is_named_the_ic_is_reminded_privately(told: Story) -> None:
    story = resolved(told, owner="")
    said = lives(story.incident, story.now, 3)
    people = {d.deed.people for _, d in said if isinstance(d.deed, Whisper) and "Nobody owns" in d.deed.text}
    assert people == {("bob",)}
    assert len(of(said, "no-owner")) == 1 and of(said, "no-owner")[0] == story.now
    assert [at.hour for at in of(said, "daily")] == [10, 10, 10]


@pytest.mark.parametrize("severity", [Severity.SEV1, Severity.SEV2])
def test_it_begins_for_major_incidents_by_itself(told: Story, severity: Severity) -> None:
    story = resolved(told, severity, owner="")
    assert isinstance(story.incident.effects["begin-after"], BeginAfter)


def test_for_others_it_begins_when_an_owner_is_named(told: Story) -> None:
    story = told(Severity.SEV3, commanded=False)
    story.say("bob", "command")
    story.say("bob", "resolve --insist", after=10)
    assert story.incident.after is None and "begin-after" not in story.incident.effects
    story.say("bob", "postmortem @sam")
    assert story.incident.after is not None and "begin-after" in story.incident.effects


def test_never_for_a_false_alarm(told: Story) -> None:
    story = told()
    story.say("bob", "cancel it was a test", after=3)
    state = story.incident.after
    assert state is not None and state.review and state.meeting_at is None
    with pytest.raises(Refusal, match="false alarm"):
        story.say("bob", "postmortem review")


# "the document is filled in with all that is known: times in each severity, responders and roles, timeline, decisions,
# TODOs as follow-ups, clean-up, messages sent, recording, time to acknowledge, to command, to first public message,
# to resolve."


def test_the_document_has_the_times_in_each_severity(told: Story) -> None:
    spans = postmortem.compose(two_hours(told)).severities
    assert [(span.text, span.lasted) for span in spans] == [
        ("SEV-1", timedelta(minutes=66, seconds=22)),
        ("SEV-2", timedelta(minutes=27, seconds=50)),
    ]


def test_the_document_has_responders_and_who_held_which_role_when(told: Story) -> None:
    document = postmortem.compose(two_hours(told))
    commanders = [(s.name, s.since, s.until) for s in document.seats if s.role == "IC"]
    assert [name for name, _, _ in commanders] == ["Bob Boberson", "Kim Kommandson"]
    assert commanders[0][2] == commanders[1][1] and commanders[1][2] == document.until
    assert ("Sam Storeson", "database expert") in [(p.name, p.expert_in) for p in document.present]


def test_the_document_has_the_timeline_with_the_source_of_each_line(told: Story) -> None:
    lines = postmortem.compose(two_hours(told)).timeline
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert all(line.source for line in lines)
    assert ("acknowledged", "Bob Boberson, pagerduty") in [(line.kind, line.source) for line in lines]
    assert ("repair", "runner") in [(line.kind, line.source) for line in lines]


def test_the_document_has_the_decisions_with_who_and_when(told: Story) -> None:
    incident = two_hours(told)
    decided = {one.text: one for one in postmortem.compose(incident).decisions}
    approved = decided["approved repair 3: Roll back the last deployment"]
    assert (approved.who, approved.at) == ("Bob Boberson", incident.repairs[3].approved_at)
    rejected = next(one for text, one in decided.items() if text.startswith("rejected: repair 5"))
    assert "we would lose the orders in flight" in rejected.text
    assert {"announce publicly", "severity SEV-2", "Kim Kommandson commands"} <= set(decided)


def test_the_document_has_repair_actions_from_proposal_to_verification(told: Story) -> None:
    action = next(a for a in postmortem.compose(two_hours(told)).actions if a.number == 3)
    assert [step.what for step in action.steps] == [
        "proposed",
        "objected",
        "approved",
        "began",
        "ended",
        "not verified",
    ]
    assert action.parameters == (("service", "shop-api"),) and "rolled back shop-api" in action.output


def test_the_document_has_tasks_and_sub_teams_with_how_long_they_took(told: Story) -> None:
    document = postmortem.compose(two_hours(told))
    work = {one.what: (one.name, one.span.lasted, one.late) for one in (*document.teams, *document.tasks)}
    assert work["Alpha"] == ("Lee Leaderson", timedelta(minutes=15), False)
    assert work["Task 2"] == ("Sam Storeson", timedelta(minutes=18, seconds=12), True)


def test_the_document_has_todos_as_follow_ups_and_the_recording(told: Story) -> None:
    document = postmortem.compose(two_hours(told))
    assert [(item.number, item.text) for item in document.items[:2]] == [
        (1, "alert on the pool of connections"),
        (2, "write a runbook for the pool"),
    ]
    assert document.recordings == ("https://meet.example.com/recording/1",)


def test_the_document_has_the_messages_sent_and_whether_they_were_in_time(told: Story) -> None:
    messages = postmortem.compose(two_hours(told)).messages
    late = {(m.audience, m.stage): m.late for m in messages if m.late}
    assert late == {
        ("customers", "investigating"): timedelta(minutes=3, seconds=50),
        ("executives", ""): timedelta(minutes=4),
    }
    assert [m.stage for m in messages if m.audience == "customers"] == ["investigating", "identified", "monitoring"]


def test_the_document_has_a_message_on_each_outlet_where_it_went_out_and_whether_it_was_taken_down(told: Story) -> None:
    customers = Customers(told())
    customers.story.say("bob", "customer-liaison @carla")
    customers.waits(2)
    customers.down.add(Outlet.STATUS_PAGE)
    customers.story.say("bob", f"announce yes {customers.newest}")
    customers.looks()
    document = postmortem.compose(customers.story.incident)
    assert document.open
    assert [(m.outlet, m.stage, m.taken_down) for m in document.messages] == [("X", "investigating", False)]
    assert dict(document.measures)["time to first public message"] == 4 * MINUTE
    customers.story.say("bob", f"message retract {customers.newest}")
    customers.looks()
    assert [m.taken_down for m in postmortem.compose(customers.story.incident).messages] == [True]


def test_the_document_has_the_four_times(told: Story) -> None:
    assert dict(postmortem.compose(two_hours(told)).measures) == {
        "time to acknowledge": timedelta(minutes=1),
        "time to command": timedelta(minutes=2),
        "time to first public message": timedelta(minutes=8, seconds=50),
        "time to resolve": timedelta(hours=1, minutes=34, seconds=12),
    }
    assert set(figures.MEASURES) == {"acknowledge", "command", "public", "resolve"}


# "Meeting within 3 calendar days (SEV-1), 5 business days (SEV-2);"


@pytest.mark.parametrize(("severity", "meeting"), [(Severity.SEV1, "2026-03-05"), (Severity.SEV2, "2026-03-09")])
def test_the_meeting_is_proposed_by_the_rule(told: Story, severity: Severity, meeting: str) -> None:
    story = resolved(told, severity)
    assert story.incident.after is not None
    assert story.incident.after.meeting_at == datetime.fromisoformat(f"{meeting}T14:00:00+00:00")
    assert "(proposed)" in card.markdown(story.incident)


def test_holidays_are_left_out(told: Story) -> None:
    story = told()
    story.incident.policy = changed(story.incident.policy, holidays=(date(2026, 3, 5), date(2026, 3, 4)))
    story.say("bob", "resolve --insist", after=30)
    assert story.incident.after is not None and story.incident.after.meeting_at is not None
    assert story.incident.after.meeting_at.date() == date(2026, 3, 3)


def test_a_worse_severity_on_the_way_counts(told: Story) -> None:
    story = told()
    story.say("bob", "sev 3 it gets better", after=5)
    story.say("bob", "resolve --insist", after=5)
    assert story.incident.after is not None and story.incident.after.meeting_at is not None
    assert story.incident.after.meeting_at.date() == date(2026, 3, 5)


def test_owner_or_ic_set_another_meeting_in_their_own_time(told: Story, policy: Policy) -> None:
    story = resolved(told)
    zoned = tuple(
        p.model_copy(update={"time_zone": "America/New_York"}) if p.id == "anne" else p for p in policy.people
    )
    story.incident.policy = policy.model_copy(update={"people": zoned})
    answer = story.say("anne", "postmortem meeting 2026-03-10 09:30")
    assert answer.text == "The postmortem is discussed on 2026-03-10 09:30 EDT (13:30 UTC)."
    with pytest.raises(Refusal, match="owner"):
        story.say("sam", "postmortem meeting 2026-03-10 09:30")
    with pytest.raises(Refusal, match="has been already"):
        story.say("anne", "postmortem meeting 2026-03-01 09:30")


# "link shared 24 hours before;"


def test_the_link_is_shared_24_hours_before_once(told: Story) -> None:
    story = resolved(told)
    story.say("anne", "postmortem link https://wiki.example.com/42")
    shared = [(at, text(d)) for at, d in lives(story.incident, story.now, 5) if d.key == "link"]
    assert len(shared) == 1 and "https://wiki.example.com/42" in shared[0][1]
    assert timedelta(0) <= shared[0][0] - datetime(2026, 3, 4, 14, tzinfo=UTC) < HOUR / 4


def test_without_a_link_it_says_how_to_write_the_document(told: Story) -> None:
    story = resolved(told)
    assert "`ic report lusab-babad`" in next(text(d) for _, d in lives(story.incident, story.now, 5) if d.key == "link")


# "draft → in review → reviewed → closed (closed waits for the external message, if there is one);"


def test_draft_in_review_reviewed_closed_and_in_no_other_order(told: Story) -> None:
    story = resolved(told)
    assert story.incident.after is not None
    for wrong in ("reviewed", "close"):
        with pytest.raises(Refusal, match="`!ic postmortem review` comes next"):
            story.say("anne", f"postmortem {wrong}")
    for word, stage in (("review", Stage.IN_REVIEW), ("reviewed", Stage.REVIEWED), ("close --insist", Stage.CLOSED)):
        story.say("anne", f"postmortem {word}")
        assert story.incident.after.stage is stage
    with pytest.raises(Refusal, match="nothing comes after that"):
        story.say("anne", "postmortem close")


def test_the_same_words_are_heard_after_the_incident_is_closed(told: Story) -> None:
    story = closed(resolved(told))
    story.say("bob", "postmortem review")
    story.say("sam", "note we looked at the pool")
    story.say("sam", "todo alert on the pool")
    with pytest.raises(Refusal, match="This incident is closed"):
        story.say("bob", "impact nobody")
    assert "Postmortem: in review, owned by Anne Apison" in card.markdown(story.incident)


def announced(told: Story) -> Told:
    story = told()
    story.say("bob", "announce yes", after=1)
    assert story.incident.announcement is Announcement.YES
    story.say("bob", "resolve --insist recovered", after=20)
    story.say("bob", "postmortem @anne")
    for word in ("review", "reviewed"):
        story.say("anne", f"postmortem {word}")
    return story


def test_closed_waits_for_the_external_message(told: Story) -> None:
    story = announced(told)
    with pytest.raises(Refusal, match="customers have not heard the end of it"):
        story.say("anne", "postmortem close")
    publishing.offer(story.incident, "resolved", {Outlet.STATUS_PAGE: "It works again."}, "carla", story.now, None)
    draft = story.incident.drafts[max(story.incident.drafts)]
    draft.state, draft.published_at = DraftState.PUBLISHED, story.now
    story.say("anne", "postmortem close --insist")


def test_an_external_message_that_was_posted_by_hand_is_ticked_off(told: Story) -> None:
    story = announced(told)
    assert story.incident.after is not None
    number = next(one.number for one in story.incident.after.followups if one.text == after.EXTERNAL)
    story.say("bob", f"followup {number} done")
    story.say("anne", "postmortem close --insist")


# "owner reminded once each working day at 10:00 their time, after 10 working days the IC too, weekly;"


def test_the_owner_is_reminded_once_each_working_day_at_ten_their_time(told: Story, policy: Policy) -> None:
    zoned = tuple(
        p.model_copy(update={"time_zone": "America/New_York"}) if p.id == "anne" else p for p in policy.people
    )
    story = resolved(told)
    story.incident.policy = changed(policy.model_copy(update={"people": zoned}), holidays=(date(2026, 3, 12),))
    reminded = of(lives(story.incident, story.now, 14), "daily")
    # Ten in New York is 15:00 UTC, and 14:00 from 8 March on, when summer time begins there.
    hours = {date(2026, 3, d): 15 for d in (3, 4, 5, 6)} | {date(2026, 3, d): 14 for d in (9, 10, 11, 13, 16)}
    # The incident ended at 14:33 UTC on Monday, before ten: that is a working day, too.
    hours[date(2026, 3, 2)] = 15
    assert {at.date(): at.hour for at in reminded} == hours and len(reminded) == len(hours)


def test_after_ten_working_days_the_ic_too_weekly(told: Story) -> None:
    story = resolved(told)
    weekly = of(lives(story.incident, story.now, 33), "weekly")
    assert [at.date() for at in weekly] == [date(2026, 3, 16), date(2026, 3, 23), date(2026, 3, 30)]
    assert {at.hour for at in weekly} == {10}


def test_what_was_missed_in_an_outage_is_said_once_and_says_that_it_is_late(told: Story) -> None:
    story = resolved(told)
    after_outage = story.now + DAY * 4
    due = [d for d in duties(story.incident, {"owed/anne": story.now}, after_outage) if d.key == "daily"]
    assert len(due) == 1 and "late by" in text(due[0])


# "reopening pauses it."


def test_reopening_pauses_it_and_resolving_again_goes_on(told: Story) -> None:
    story = resolved(told)
    story.say("anne", "postmortem review")
    story.incident.effects.clear()
    story.say("bob", "reopen it came back", after=10)
    assert any(isinstance(effect, TellAfter) for effect in story.incident.effects.values())
    assert duties(story.incident, {}, story.now + DAY * 5) == []
    assert "paused" in card.markdown(story.incident)
    story.now += DAY * 2
    story.say("bob", "resolve --insist")
    assert story.incident.after is not None and story.incident.after.stage is Stage.IN_REVIEW
    assert "begin-after" not in story.incident.effects
    assert story.incident.after.meeting_at == datetime(2026, 3, 6, 14, tzinfo=UTC)
    reminded = of(lives(story.incident, story.now, 2), "daily")
    assert [at.date() for at in reminded] == [date(2026, 3, 5), date(2026, 3, 6)]


# "Per role: IC: related incidents grouped, e-mail to stakeholders; scribe: TODOs collected; SMEs: notes; customer liaison:
# customers answered, individual notice where contracts ask for it, external message posted; a short review of the
# process itself."


def test_each_role_is_told_privately_once_what_it_owes(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac")
    story.say("bob", "customer-liaison @carla")
    story.say("sam", "join as database expert", after=1)
    story.say("bob", "announce yes")
    story.say("bob", "resolve --insist recovered", after=30)
    owed: dict[str, str] = {}
    for _, duty in lives(story.incident, story.now, 20):
        if duty.key.startswith("owed/"):
            assert isinstance(duty.deed, Whisper)
            (person,) = duty.deed.people
            assert person not in owed, "told twice"
            owed[person] = duty.deed.text
    assert "group related incidents" in owed["bob"] and "e-mail" in owed["bob"]
    assert "collect the TODOs" in owed["mac"]
    assert "add your notes" in owed["sam"] and "add your notes" not in owed["bob"]
    for what in ("answer the customers", "individual notice where contracts ask", "external message is posted"):
        assert what in owed["carla"]
    assert all("review the process itself" in owed[person] for person in ("bob", "sam", "dee"))


def test_whoever_changed_the_system_is_asked_to_clean_up(told: Story) -> None:
    incident = two_hours(told)
    assert incident.after is not None
    clean_up = {one.text: one.people for one in incident.after.followups if "clean up" in one.text}
    assert clean_up == {
        "clean up after repair 3, Roll back the last deployment: take it back, or make it lasting": ["anne"],
        "clean up after repair 7, Throttle incoming events by hand: take it back, or make it lasting": ["anne"],
    }


def test_what_a_role_without_a_holder_owes_is_the_ics(told: Story) -> None:
    story = resolved(told)
    assert story.incident.holder(Role.SCRIBE) is None
    assert any("TODOs" in one.text for one in after.owed_by(story.incident, "bob"))


def test_they_can_be_ticked_off_by_whom_they_concern(told: Story) -> None:
    story = resolved(told)
    assert story.incident.after is not None
    notes = next(one for one in story.incident.after.followups if one.role == "SME")
    with pytest.raises(Refusal, match="owner"):
        story.say("carla", f"followup {notes.number} done")
    story.say("sam", f"followup {notes.number} done")
    assert (notes.done_by, notes.done_at) == ("sam", story.now)
    with pytest.raises(Refusal, match="done already"):
        story.say("bob", f"followup {notes.number} done")
    with pytest.raises(Refusal, match=r"no follow-up 99\. Open are:"):
        story.say("bob", "followup 99 done")


def test_a_security_incident_asks_nobody_to_tell_anybody(told: Story) -> None:
    story = told()
    story.incident.security = True
    story.say("bob", "resolve --insist recovered", after=30)
    assert story.incident.after is not None
    assert not [one for one in story.incident.after.followups if "e-mail" in one.text or "customers" in one.text]


# "The record outlives the workflow's retention."


@pytest.mark.parametrize(
    "words", ["postmortem review", "followup 1 done", "postmortem link https://wiki.example.com/1"]
)
def test_the_record_follows_each_change_after_the_call(told: Story, words: str) -> None:
    story = closed(resolved(told))
    story.incident.effects.clear()
    story.say("bob", words)
    kept = [effect for effect in story.incident.effects.values() if isinstance(effect, KeepRecord)]
    assert len(kept) == 1
    before = dataclasses.replace(kept[0])
    story.say("bob", "note once more")
    assert before.key in story.incident.effects and len(story.incident.effects) > 1, "each change is kept by itself"


def test_a_silent_incident_is_read_by_who_was_called_to_it(told: Story) -> None:
    story = told()
    story.incident.security = True
    assert [who for who in ("anne", "bob", "dee", "sasha", "carla", "vic") if may_read(story.incident, who)] == [
        "anne",  # declared it
        "bob",  # commands it
        "dee",  # was paged
        "sasha",  # is of the security team
    ]
    story.incident.lifted_at = story.now
    assert may_read(story.incident, "vic")
