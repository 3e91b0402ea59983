"""What the end leaves open, and what follows a false alarm (process, 6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from activities.pages import order_for
from incident import after, ending, notices, reports
from incident.choices import Notice
from incident.commands import Refusal
from incident.duties import after as duties_after
from incident.duties import command
from incident.duties.base import Whisper
from incident.model import Phase, Stage, Status
from incident.outlets import Outlet
from incident.reports import Report, StatusSeen
from tests.domain.conftest import NOW, Told
from tests.process.customers import Customers

Story = Callable[..., Told]
OWED = "Customers are still owed"
DAY = timedelta(days=1)


def tells(story: Told, person: str) -> list[Any]:
    return [e for e in story.incident.effects.values() if e.kind == "tell" and e.person == person]


# -- a waiting draft, and --insist -------------------------------------------------------------------------


def test_a_waiting_draft_does_not_refuse_resolve_and_is_mentioned(told: Story) -> None:
    story = told()
    number = story.say("bob", "draft investigating We look into it.").number
    answer = story.say("bob", "resolve recovered")
    assert story.incident.phase is Phase.RESOLVED
    assert f"public message {number} (investigating) was waiting for approval" in answer.text


def test_insisting_names_what_it_overrules(told: Story) -> None:
    story = told()
    n = story.say("anne", "propose clear the cache risk: low").number
    story.say("bob", f"approve {n} @sam")
    story.say("sam", f"ack {n}")
    with pytest.raises(Refusal, match=rf"repair {n}.* is running.*`!ic resolve --insist`"):
        story.say("bob", "resolve recovered")
    story.say("bob", "resolve --insist recovered")
    (line,) = [line for line in story.said if line.startswith("Resolved although")]
    assert f"repair {n}" in line and "is running" in line


# -- what is still owed to customers -----------------------------------------------------------------------


def announced(told: Story) -> Customers:
    customers = Customers(told())
    customers.story.say("bob", "customer-liaison @carla")
    customers.waits(2)
    customers.story.say("bob", f"announce yes {customers.newest}")
    customers.looks()
    return customers


def owed_notice(customers: Customers) -> Notice:
    (about,) = [line.about for line in customers.story.incident.outbox if line.about.startswith("owed/")]
    return notices.compose(customers.story.incident, about)


def test_what_is_owed_stands_in_the_channel_until_it_is_out(told: Story) -> None:
    customers = announced(told)
    customers.story.say("bob", "resolve recovered", after=10)
    customers.waits(1)
    notice = owed_notice(customers)
    assert OWED in notice.text and f"public message {customers.newest} (resolved)" in notice.text
    customers.story.say("bob", f"message approve {customers.newest}")
    customers.waits(1)
    assert customers.on(Outlet.STATUS_PAGE)[-1].number == customers.newest
    assert OWED not in owed_notice(customers).text and "have been told" in owed_notice(customers).text


def test_it_reaches_liaison_deputy_and_ic_in_turn_until_it_is_out(told: Story) -> None:
    customers = announced(told)
    customers.story.say("bob", "resolve recovered", after=10)
    ended = customers.minute
    customers.waits(240)
    heard = [(minute - ended, people) for minute, people, text in customers.heard if OWED in text]
    assert [people for _, people in heard[:6]] == [("carla",), ("dee",), ("bob",)] * 2
    assert [minute for minute, _ in heard[:4]] == [5, 25, 45, 105]
    customers.story.say("bob", f"message approve {customers.newest}")
    customers.heard.clear()
    customers.waits(300)
    assert not [text for _, _, text in customers.heard if OWED in text]


def test_without_the_ics_word_of_recovery_that_is_what_is_owed(told: Story) -> None:
    customers = announced(told)
    customers.story.say("bob", "resolve", after=10)
    with customers.approving():
        customers.waits(30)
    assert "`!ic recovered`" in owed_notice(customers).text
    assert customers.told("carla", OWED)


def test_it_is_dropped_by_somebodys_word_with_who_and_why(told: Story) -> None:
    customers = announced(told)
    story = customers.story
    story.say("bob", "resolve recovered", after=10)
    customers.waits(1)
    with pytest.raises(Refusal):
        story.say("sam", "customers drop nobody noticed")
    story.say("carla", "customers drop nobody noticed")
    customers.heard.clear()
    customers.waits(300)
    assert not customers.heard and len(customers.on(Outlet.STATUS_PAGE)) == 1
    assert "Carla Clientson" in owed_notice(customers).text and "nobody noticed" in owed_notice(customers).text
    assert any(entry.kind == "decision" and "nobody noticed" in entry.text for entry in story.incident.timeline)
    assert not after.awaits_public_message(story.incident)
    command.let_fall_due(story.incident, story.now)
    assert story.incident.phase is Phase.CLOSED


def test_nothing_is_owed_where_nothing_was_announced_and_nothing_can_be_dropped(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="still open"):
        story.say("bob", "customers drop it is over")
    story.say("bob", "resolve recovered", after=10)
    assert not [line for line in story.incident.outbox if line.about.startswith("owed/")]
    with pytest.raises(Refusal, match="Nothing is owed"):
        story.say("bob", "customers drop it is over")


# -- a false alarm -----------------------------------------------------------------------------------------


def test_everybody_who_was_paged_is_told_of_a_false_alarm(told: Story) -> None:
    story = told(commanded=False)
    story.say("bob", "command", after=1)
    story.say("bob", "cancel it was the test system")
    for person in ("dee", "tara"):
        (tell,) = [tell for tell in tells(story, person) if "false alarm" in tell.text]
        assert "it was the test system" in tell.text and "checkout is down" in tell.text
    assert not [tell for tell in tells(story, "bob") if "false alarm" in tell.text], "who cancels knows it"


def test_a_short_review_is_due_in_five_business_days_if_anybody_joined(told: Story) -> None:
    story = told()
    story.say("bob", "cancel it was the test system")
    state = story.incident.after
    assert state is not None and state.review
    assert story.incident.postmortem_owner == "bob"
    assert state.due_at == NOW.replace(day=9, hour=14)  # declared on a Monday
    owed = after.owed_by(story.incident, "bob")
    assert [one.text for one in owed] == ["what triggered it?", "why did it look real?", "what do we change?"]


def test_the_ic_passes_the_review_to_somebody_else(told: Story) -> None:
    story = told()
    story.say("bob", "cancel it was the test system")
    story.say("bob", "postmortem @anne")
    assert any("review of the false alarm" in tell.text for tell in tells(story, "anne"))
    assert not after.owed_by(story.incident, "bob") and len(after.owed_by(story.incident, "anne")) == 3


def test_a_review_becomes_a_postmortem_when_it_was_no_false_alarm(told: Story) -> None:
    story = told()
    story.say("bob", "cancel it was the test system")
    story.say("bob", "reopen it was not")
    story.say("bob", "resolve recovered", after=30)
    state = story.incident.after
    assert state is not None and not state.review and state.meeting_at is not None
    assert "what triggered it?" not in [one.text for one in state.followups]
    assert [one.number for one in state.followups] == list(range(1, len(state.followups) + 1))


def test_its_owner_is_the_declarer_when_nobody_commanded(told: Story) -> None:
    story = told(commanded=False)
    page = next(iter(story.incident.pages.values()))
    page.acknowledged_by["bob"] = story.now
    ending.end(story.incident, Phase.CANCELLED, "anne", story.now)
    assert story.incident.postmortem_owner == "anne" and story.incident.after is not None


def test_no_review_when_nobody_acknowledged_or_joined(told: Story) -> None:
    story = told(commanded=False)
    ending.end(story.incident, Phase.CANCELLED, "anne", story.now)
    assert story.incident.after is None and story.incident.postmortem_owner is None


def test_the_review_is_reminded_of_until_its_answers_are_there_and_they_are_kept(told: Story) -> None:
    story = told()
    story.say("bob", "cancel it was the test system")
    said = weeks(story, 12)
    mornings = [at for at, text in said if "false alarm" in text and at.hour == 10]
    assert mornings and (mornings[-1] - mornings[0]).days >= 7
    assert any("due on 2026-03-09" in text for _, text in said)
    for n, answer in ((1, "a test of the alarm"), (2, "it came from production's key"), (3, "another key")):
        story.say("bob", f"followup {n} done {answer}")
    assert story.incident.after is not None and story.incident.after.stage is Stage.CLOSED
    assert [one.answer for one in story.incident.after.followups][1] == "it came from production's key"
    assert not weeks(story, 12)


def weeks(story: Told, days: int) -> list[tuple[Any, str]]:
    """What the weeks after say, for so many days."""
    done: dict[str, Any] = {}
    said: list[tuple[Any, str]] = []
    ends = story.now + days * DAY
    while True:
        due = [d for d in duties_after.duties(story.incident, done, story.now) if d.due_at <= ends]
        if not due:
            return said
        duty = min(due, key=lambda one: one.due_at)
        story.now = max(story.now, duty.due_at)
        done[duty.key] = story.now
        if isinstance(duty.deed, Whisper):
            said.append((story.now, duty.deed.text))


# -- reopening ---------------------------------------------------------------------------------------------


def worse(story: Told, minutes: float = 10) -> None:
    story.now += timedelta(minutes=minutes)
    seen = StatusSeen(Status("down", "shop down", story.now), "The status changed from ok to down: shop down.")
    reports.take(story.incident, Report("scribe", f"s/{story.now}", seen), story.now)


def resolved(told: Story) -> Told:
    story = told()
    story.say("sam", "join as database")
    story.say("bob", "resolve recovered", after=20)
    return story


def test_a_reopen_button_is_posted_for_everybody_who_responded(told: Story) -> None:
    story = resolved(told)
    worse(story)
    (about,) = [line.about for line in story.incident.outbox if line.about.startswith("worse/")]
    notice = notices.compose(story.incident, about)
    assert "shop down" in notice.text and [c.words for c in notice.choices] == ["reopen"]
    for person in ("bob", "dee", "sam"):
        (offer,) = [tell for tell in tells(story, person) if "reopen" in tell.text]
        assert [c.words for c in offer.choices] == ["reopen"]
    with pytest.raises(Refusal, match="responded"):
        story.say("vic", "reopen it is down again")
    story.say("sam", "reopen it is down again")
    assert story.incident.open
    assert not notices.compose(story.incident, about).choices


def test_a_status_that_goes_back_and_forth_after_the_end_asks_the_others_once(told: Story) -> None:
    story = resolved(told)
    for _ in range(3):
        worse(story, 5)
    assert len([tell for tell in tells(story, "sam") if "reopen" in tell.text]) == 1


def test_the_former_ic_who_is_there_is_in_command_at_once(told: Story) -> None:
    story = resolved(told)
    pages = set(story.incident.pages)
    story.say("sam", "reopen it is down again", after=10)
    assert story.incident.commander == "bob" and story.incident.commanded_since == story.now
    new = [page for key, page in story.incident.pages.items() if key not in pages]
    assert [(page.person, page.quiet) for page in new] == [("bob", True)], "PagerDuty has one, and nobody is woken"
    assert any("reopened" in tell.text and "you're in command" in tell.text for tell in tells(story, "bob"))


def test_without_the_former_ic_primary_and_backup_are_paged_as_at_the_start(told: Story) -> None:
    story = resolved(told)
    story.incident.responders["bob"].left_at = story.now
    pages = set(story.incident.pages)
    story.say("sam", "reopen it is down again", after=10)
    assert story.incident.commander is None
    new = [page for key, page in story.incident.pages.items() if key not in pages]
    assert {(page.target, page.round) for page in new} == {("primary", 1), ("backup", 1), ("shadow", 1)}
    said = len(story.said)
    command.let_fall_due(story.incident, story.now + timedelta(minutes=1))
    assert len(story.said) == said
    command.let_fall_due(story.incident, story.now + timedelta(minutes=5))
    rounds = [page.round for key, page in story.incident.pages.items() if key not in pages]
    assert rounds == [1, 1, 1, 2, 2], "and they go on, one level higher"


@pytest.mark.parametrize("there", [True, False])
def test_the_new_pagerduty_incident_links_the_old_one(told: Story, there: bool) -> None:
    story = resolved(told)
    if not there:
        story.incident.responders["bob"].left_at = story.now
    pages = set(story.incident.pages)
    story.say("sam", "reopen it is down again", after=10)
    new = [page for key, page in story.incident.pages.items() if key not in pages]
    assert new and all("http://pd" in order_for(story.incident, page).details for page in new)


def test_customers_who_read_resolved_are_owed_a_new_draft_when_it_reopens(told: Story) -> None:
    customers = announced(told)
    story = customers.story
    story.say("bob", "resolve recovered", after=10)
    with customers.approving():
        customers.waits(2)
    assert customers.on(Outlet.STATUS_PAGE)[-1].text.startswith("PRACTICE The problem is resolved")
    before = customers.newest
    story.say("bob", "reopen it is down again", after=5)
    customers.looks()
    assert customers.newest == before + 1
    draft = story.incident.drafts[customers.newest]
    assert draft.stage == "investigating" and draft.due_at == story.now
