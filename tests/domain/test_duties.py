"""What falls due when (process, 3 and 5): the timers are pure functions of the incident and the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from incident.duties import customer_liaison, deputy, internal_liaison, scribe
from incident.duties.base import Duty, Remark, Summarise, Whisper, WriteDraft
from incident.model import Status
from incident.outlets import Outlet
from incident.policy import Stalk
from incident.texts import here
from tests.domain.conftest import NOW, Told

Story = Callable[..., Told]
MINUTE = timedelta(minutes=1)
LOOKING = {Outlet.STATUS_PAGE: "We are looking."}


def run(
    role: Any, story: Told, minutes: float, *, step: float = 1, done: dict[str, datetime] | None = None
) -> list[tuple[float, Duty]]:
    """Everything the role does in that time, with the minute it does it, looking every `step` minutes."""
    done = {} if done is None else done
    did: list[tuple[float, Duty]] = []
    now = story.now
    while now <= story.now + minutes * MINUTE:
        for duty in role.duties(role.view(story.incident, over=False), done, now):
            if duty.due_at <= now and duty.key not in done:
                done.update(dict.fromkeys((duty.key, *duty.settles), now))
                did.append(((now - NOW) / MINUTE, duty))
        now += step * MINUTE
    return did


def summaries(did: list[tuple[float, Duty]]) -> list[tuple[float, str]]:
    return [(at, duty.deed.text) for at, duty in did if isinstance(duty.deed, Summarise)]


def test_minute_marks_come_every_ten_minutes_then_every_thirty_after_two_hours(told: Story) -> None:
    did = run(deputy, told(), 4 * 60)
    marks = [(at, d.deed.text) for at, d in did if isinstance(d.deed, Remark)]
    expected = [*range(10, 121, 10), 150, 180, 210, 240]
    assert [at for at, _ in marks] == expected
    assert marks[0][1] == "IC, be advised: the incident is now at the 10 minute mark"


def test_several_missed_marks_become_one_that_says_it_is_late(told: Story) -> None:
    story = told()
    story.now += 44 * MINUTE
    did = [d for _, d in run(deputy, story, 1) if isinstance(d.deed, Remark)]
    assert [d.deed.text for d in did if isinstance(d.deed, Remark)] == [
        "IC, be advised: the incident is now at the 40 minute mark (late by 6 min)"
    ]


def test_executives_hear_after_five_minutes_then_every_thirty_from_the_first(told: Story) -> None:
    assert [at for at, _ in summaries(run(internal_liaison, told(), 3 * 60))] == [5, 35, 65, 95, 125, 155]


def test_the_grid_counts_from_a_first_one_sent_earlier(told: Story) -> None:
    story = told()
    story.say("bob", "summary send", after=1)
    assert [at for at, _ in summaries(run(internal_liaison, story, 70))] == [3, 33, 63]


def test_a_change_of_severity_brings_its_own_and_replaces_a_regular_one_within_ten_minutes(told: Story) -> None:
    story = told()
    done: dict[str, datetime] = {}
    first = run(internal_liaison, story, 25, done=done)
    story.now = NOW + 28 * MINUTE
    story.say("bob", "sev 2 only one region")
    later = run(internal_liaison, story, 45, done=done)
    assert [at for at, _ in summaries(first + later)] == [5, 28, 65]


def test_two_changes_within_five_minutes_join(told: Story) -> None:
    story = told()
    done: dict[str, datetime] = {}
    run(internal_liaison, story, 8, done=done)
    story.now = NOW + 12 * MINUTE
    story.say("bob", "sev 2")
    run(internal_liaison, story, 0, done=done)
    story.say("bob", "sev 3", after=1)
    story.say("bob", "sev 2", after=1)
    did = summaries(run(internal_liaison, story, 10, done=done))
    assert [at for at, _ in did] == [17]


def test_after_an_outage_one_summary_marked_late_with_present_facts(told: Story) -> None:
    story = told()
    story.now = NOW + 50 * MINUTE
    story.say("bob", "impact nobody can pay")
    did = summaries(run(internal_liaison, story, 1))
    assert len(did) == 1
    assert "late by" in did[0][1] and "nobody can pay" in did[0][1]


def test_a_summary_leaves_unknown_things_out_and_stays_within_600_characters(told: Story) -> None:
    story = told()
    bare = summaries(run(internal_liaison, story, 6))[0][1]
    assert "impact" not in bare.lower() and "Cause" not in bare
    story.say("bob", "impact " + "word " * 400)
    story.say("bob", "cause " + "other " * 400)
    story.now = NOW + 40 * MINUTE
    assert len(summaries(run(internal_liaison, story, 1))[0][1].replace(here(), "<!here>")) <= 600


def test_own_words_go_out_instead(told: Story) -> None:
    story = told()
    story.say("bob", "update The shop is slow but works.")
    assert "The shop is slow but works." in summaries(run(internal_liaison, story, 6))[0][1]


def test_one_summary_at_the_end(told: Story) -> None:
    story = told()
    done: dict[str, datetime] = {}
    run(internal_liaison, story, 6, done=done)
    story.say("bob", "resolve --insist", after=10)
    did = summaries(run(internal_liaison, story, 60, done=done))
    assert len(did) == 1 and "resolved after" in did[0][1]


def test_a_task_that_is_not_understood_in_a_minute_is_said_to_person_and_deputy(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 6m look at the queries")
    did = [d.deed for _, d in run(deputy, story, 0.5, step=0.5)]
    assert not any(isinstance(deed, Whisper) and "understood" in deed.text for deed in did)
    did = [d.deed for _, d in run(deputy, story, 1)]
    assert [deed.people for deed in did if isinstance(deed, Whisper) and "understood" in deed.text] == [("sam", "dee")]


def test_the_ic_hears_when_the_time_of_a_task_is_up_and_more_time_moves_it(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 6m look at the queries")
    story.say("sam", "ack 1")
    story.say("sam", "more 5m 1", after=4)
    up = [(at, d) for at, d in run(deputy, story, 10) if "timer for Sam" in getattr(d.deed, "text", "")]
    assert [at for at, _ in up] == [13]
    assert isinstance(up[0][1].deed, Whisper) and up[0][1].deed.people[0] == "bob"


def test_at_most_one_still_looking_and_not_before_half_time(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 10m look at the queries")
    story.say("sam", "ack 1")
    asked = [at for at, d in run(deputy, story, 30) if "still looking" in getattr(d.deed, "text", "")]
    assert asked == [7]


def test_the_ic_is_reminded_of_a_proposal_after_two_and_five_minutes_then_the_deputy(told: Story) -> None:
    story = told()
    story.say("anne", "propose clear the cache")
    did = [
        (at, d.deed.people)
        for at, d in run(deputy, story, 20)
        if isinstance(d.deed, Whisper) and "Waiting" in d.deed.text
    ]
    assert did == [(4, ("bob",)), (7, ("bob",)), (10, ("dee",))]


def test_every_fifteen_minutes_without_one_the_ic_alone_is_offered_an_update(told: Story) -> None:
    did = run(deputy, told(), 31)
    offers = [(at, d.deed.people) for at, d in did if isinstance(d.deed, Whisper) and "ready to send" in d.deed.text]
    assert offers == [(15, ("bob",)), (30, ("bob",))]
    assert any("Any additional actions or proposals?" in getattr(d.deed, "text", "") for _, d in did)


def test_after_three_hours_in_command_one_private_suggestion(told: Story) -> None:
    did = run(deputy, told(), 5 * 60)
    tired = [(at, d.deed.people) for at, d in did if isinstance(d.deed, Whisper) and "Hand over?" in d.deed.text]
    assert tired == [(181, ("bob",))]


def test_announce_publicly_is_asked_with_the_first_message_attached_and_never_after_a_yes(told: Story) -> None:
    story = told()
    for _, duty in run(customer_liaison, story, 0):
        if isinstance(duty.deed, WriteDraft):
            story.incident.drafts.clear()
            from incident import publishing

            publishing.offer(story.incident, "investigating", LOOKING, "customer-liaison", story.now, duty.due_at)
    asked = [d.deed for _, d in run(deputy, story, 0) if "announce publicly" in getattr(d.deed, "text", "")]
    assert len(asked) == 1 and "We are looking." in getattr(asked[0], "text", "")
    number = max(story.incident.drafts)
    story.say("bob", f"announce unsure {number}")
    assert story.incident.announcement == "yes"
    later = [d for _, d in run(deputy, story, 60) if "announce publicly" in getattr(d.deed, "text", "")]
    assert later == []


def test_the_first_message_is_due_five_minutes_after_declaring_the_scope_five_later_then_every_twenty(
    told: Story,
) -> None:
    from incident import publishing, reports
    from incident.reports import MessagePublished, Report

    story = told()
    done: dict[str, datetime] = {}
    due: list[float] = []
    while story.now < NOW + 60 * MINUTE:
        for _, duty in run(customer_liaison, story, 0, done=done):
            match duty.deed:
                case WriteDraft(stage=stage, due_at=at):
                    due.append((at - NOW) / MINUTE)
                    draft = publishing.offer(story.incident, stage, LOOKING, "customer-liaison", story.now, at)
                    story.say("bob", f"announce yes {draft.number}")
                    out = MessagePublished(draft.number, "u", at)
                    reports.take(story.incident, Report("customer-liaison", f"out/{draft.number}", out), at)
        story.now += MINUTE
    assert due[:4] == [5, 10, 30, 50]


def test_flapping_is_said_once_when_it_changed_more_than_three_times_in_five_minutes() -> None:
    rules, before, flapping = Stalk(), None, False
    changes: list[datetime] = []
    heard = []
    for n in range(7):
        status = Status("ok" if n % 2 else "down", f"shop {n}", NOW + n * MINUTE / 2)
        changes = [*changes, status.at] if before else changes
        text, flapping = scribe.news(rules, before, status, changes, flapping)
        heard.append(text)
        before = status
    assert sum("flapping" in text for text in heard) == 1
    assert heard[-1] == ""


def test_that_the_status_cannot_be_read_is_itself_a_sign() -> None:
    text, _ = scribe.news(
        Stalk(), Status("ok", "shop ok", NOW), Status("unreadable", "shop unreadable", NOW), [NOW], False
    )
    assert "itself a sign" in text
