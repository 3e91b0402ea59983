"""The end (process, 6): resolving, insisting, the hour's watch, reopening, a false alarm; releasing people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident.commands import Refusal
from incident.duties import command, deputy, internal_liaison
from incident.duties.base import Summarise
from incident.effects import ResolvePages, Uninvite
from incident.model import Phase, Status
from incident.reports import Report, StatusSeen, take
from tests.domain.conftest import Told

Story = Callable[..., Told]


def test_resolve_closes_the_call_with_thanks_and_says_where_discussion_goes_on(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 5m look at the slow queries")
    story.say("bob", "resolve recovered", after=20)
    line = next(line for line in story.said if line.startswith("The incident is resolved after"))
    assert "final severity SEV-1" in line and "Thank you" in line and "Discussion goes on in this room" in line
    assert any(isinstance(e, ResolvePages) for e in story.incident.effects.values())
    assert not deputy.duties(deputy.view(story.incident, over=False), {}, story.now + timedelta(hours=1))
    assert story.incident.tasks[1].result == "the incident was resolved"


def test_it_is_refused_with_the_list_and_insisting_overrules(told: Story) -> None:
    story = told()
    n = story.say("anne", "propose clear the cache risk: low").number
    story.say("bob", f"approve {n} @sam")
    with pytest.raises(Refusal, match=rf"repair {n}: clear the cache is approved\. `!ic resolve --insist` overrules"):
        story.say("bob", "resolve recovered")
    story.say("bob", "resolve --insist recovered")
    assert story.incident.phase is Phase.RESOLVED


def test_a_message_that_the_ic_decided_not_to_send_holds_nobody_up(told: Story) -> None:
    story = told()
    story.say("bob", "draft investigating We look into it.")
    story.say("bob", "announce no")
    story.say("bob", "resolve recovered")
    assert story.incident.phase is Phase.RESOLVED


def test_a_final_executive_summary_goes_out(told: Story) -> None:
    story = told()
    story.say("bob", "resolve recovered", after=10)
    due = internal_liaison.duties(internal_liaison.view(story.incident, over=False), {}, story.now)
    assert [d.key.rpartition("/")[0] for d in due] == ["summary/end"]


def test_executives_hear_that_it_is_resolved_though_it_is_closed_by_then(told: Story) -> None:
    story = told()
    story.say("bob", "resolve recovered", after=10)
    command.let_fall_due(story.incident, story.now + timedelta(hours=1))
    due = internal_liaison.duties(internal_liaison.view(story.incident, over=True), {}, story.now + timedelta(hours=1))
    assert isinstance(due[0].deed, Summarise) and "checkout is down: resolved after" in due[0].deed.text


def test_for_an_hour_the_status_is_watched_and_worse_offers_to_reopen_with_one_press(told: Story) -> None:
    story = told()
    story.say("bob", "resolve recovered")
    worse = StatusSeen(Status("down", "shop down", story.now), "The status changed from ok to down: shop down.")
    take(story.incident, Report("scribe", "1", worse), story.now + timedelta(minutes=30))
    offer = [e for e in story.incident.effects.values() if e.kind == "tell" and e.person == "bob"][-1]
    assert [c.words for c in offer.choices] == ["reopen"]
    assert command.next_deadline(story.incident) == story.now + timedelta(hours=1)


def test_reopen_goes_on_in_the_same_incident_its_clocks_too(told: Story) -> None:
    story = told()
    story.say("bob", "resolve recovered")
    story.say("bob", "reopen it came back", after=10)
    assert story.incident.open and story.incident.commander == "bob"
    assert deputy.duties(deputy.view(story.incident, over=False), {}, story.now)


def test_after_the_hour_it_is_closed_and_nothing_more_can_be_said(told: Story) -> None:
    story = told()
    story.say("bob", "resolve recovered")
    command.let_fall_due(story.incident, story.now + timedelta(hours=1))
    assert story.incident.phase is Phase.CLOSED
    with pytest.raises(Refusal, match="This incident is closed"):
        story.say("bob", "reopen")


def test_cancel_ends_a_false_alarm(told: Story) -> None:
    story = told()
    story.say("bob", "cancel it was the test system")
    assert story.incident.phase is Phase.CANCELLED
    assert "Bob Boberson ends this as a false alarm: it was the test system." in story.said[-1]


def test_the_others_may_go_and_command_staff_and_liaisons_always_stay(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac")
    story.say("bob", "customer-liaison @carla")
    for person in ("mac", "carla", "anne", "sam", "lee"):
        story.say(person, "join")
    story.say("bob", "keep @anne @sam")
    here = {r.person for r in story.incident.responders.values() if r.here}
    assert here == {"bob", "dee", "mac", "carla", "anne", "sam"}
    assert "We keep Anne Apison and Sam Storeson. Thanks, the others may go: Lee Leaderson." in story.said


def test_removing_somebody_takes_them_out_of_the_room_and_frees_their_role(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac")
    story.say("bob", "remove @mac shouting")
    assert [e.person for e in story.incident.effects.values() if isinstance(e, Uninvite)] == ["mac"]
    assert story.said[-1] == "IC: Bob Boberson, Deputy: Deputy Deputyson, Scribe: nobody yet"
    with pytest.raises(Refusal, match="cannot remove yourself"):
        story.say("bob", "remove @bob")
