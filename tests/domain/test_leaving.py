"""Who is gone, was never there, or was overruled has no power left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident import security
from incident.commands import Refusal
from incident.duties import deputy, sub_team
from incident.model import DraftState, RepairState, Room
from incident.outlets import Outlet
from incident.severity import Severity
from tests.domain.conftest import Told
from tests.process.customers import Customers

Story = Callable[..., Told]


def secured(told: Story) -> Told:
    story = told(title="tokens were stolen")
    story.incident.room = Room("C1", "inc-lusab-babad")
    story.say("bob", "secure")
    return story


def test_nobody_from_outside_takes_command_of_a_security_incident(told: Story) -> None:
    story = secured(told)
    for words in ("command", "command the IC is gone", "join", "note hello"):
        with pytest.raises(Refusal, match="not in that incident"):
            story.say("lee", words, after=10)


def test_whoever_gets_a_role_in_a_security_incident_is_let_into_its_room(told: Story) -> None:
    story = secured(told)
    assert "mac" not in story.incident.invited
    story.say("bob", "scribe @mac")
    assert "mac" in story.incident.invited


def test_who_was_removed_from_a_security_incident_reads_no_more_until_they_are_invited_again(told: Story) -> None:
    story = secured(told)
    story.say("bob", "scribe @mac")
    story.say("bob", "remove @mac")
    assert not security.may_read(story.incident, "mac")
    story.say("bob", "scribe @mac")
    assert security.may_read(story.incident, "mac")


def test_a_sub_teams_room_which_is_everybodys_says_nothing_of_a_secret(told: Story) -> None:
    story = secured(told)
    story.say("bob", "team alpha @anne 20m find how the tokens were stolen")
    story.say("anne", "finding through the build server")
    view = sub_team.view(story.incident, next(iter(story.incident.teams)))
    said = " ".join(str(duty.deed) for duty in sub_team.duties(view, {}, story.now))
    assert story.incident.title in said
    assert not [word for word in ("tokens", "stolen", "build server", "SEV-1") if word in said]


def test_an_approval_that_lapsed_is_waited_for_from_then_on(told: Story) -> None:
    story = told()
    n = story.say("anne", "propose restart it by hand").number
    story.say("bob", f"approve {n} @sam", after=60)
    story.say("bob", "remove @sam", after=1)
    (waits,) = deputy.view(story.incident, over=False).proposals
    assert waits.waits_since == story.now


def test_command_that_was_offered_to_somebody_removed_since_is_not_theirs(told: Story) -> None:
    story = told()
    story.say("bob", "handover @kim")
    story.say("bob", "remove @kim")
    with pytest.raises(Refusal, match="Nobody offers you command"):
        story.say("kim", "accept")


def test_who_was_thanked_enters_nothing_for_the_ic_any_more(told: Story) -> None:
    story = told()
    story.say("kim", "join")
    story.say("anne", "join")
    story.say("bob", "voice @kim")
    story.say("bob", "keep @anne")
    assert story.incident.voice is None


def test_an_action_approved_for_somebody_who_left_is_void(told: Story) -> None:
    story = told()
    story.say("sam", "join")
    n = story.say("anne", "propose restart it by hand").number
    story.say("bob", f"approve {n} @sam")
    story.say("bob", "remove @sam")
    repair = story.incident.repairs[n or 0]
    assert repair.state is RepairState.VOID and "Sam Storeson" in repair.why
    with pytest.raises(Refusal):
        story.say("sam", f"ack {n}")


def test_the_deputy_lets_nothing_go_that_the_ic_holds(told: Story) -> None:
    customers = Customers(told())
    story = customers.story
    story.say("bob", "customer-liaison @carla")
    customers.waits(2)
    n = customers.newest
    story.say("bob", "announce yes")
    story.say("bob", f"message hold {n}")
    story.say("carla", f"message edit {n} x Other words. More by 15:00 UTC.")
    with pytest.raises(Refusal, match="only the IC lets it go"):
        story.say("dee", f"message approve {n}", after=30)
    story.say("bob", f"message edit {n} x Other words. More by 15:00 UTC.")
    story.say("dee", f"message approve {n}", after=30)
    states = {outlet: version.state for outlet, version in story.incident.drafts[n].versions.items()}
    assert states == {Outlet.STATUS_PAGE: DraftState.HELD, Outlet.X: DraftState.APPROVED}


def test_what_was_approved_before_it_was_made_a_secret_does_not_go_out_and_what_is_out_can_be_taken_down(
    told: Story,
) -> None:
    customers = Customers(told())
    story = customers.story
    story.say("bob", "customer-liaison @carla")
    customers.waits(2)
    customers.down.add(Outlet.X)
    n = customers.newest
    story.say("bob", f"announce yes {n}")
    customers.looks()
    assert [post.outlet for post in customers.out] == [Outlet.STATUS_PAGE]
    story.say("bob", "secure")
    customers.down.clear()
    customers.waits(30)
    assert [post.outlet for post in customers.out] == [Outlet.STATUS_PAGE]
    story.say("bob", f"message retract {n}")
    customers.looks()
    assert Outlet.STATUS_PAGE in [outlet for outlet, _ in customers.gone]


def test_who_was_paged_for_a_light_incident_keeps_it_until_an_ic_commands(told: Story) -> None:
    story = told(Severity.SEV4, commanded=False)
    story.incident.rounds = 0  # as with a service, whose team is paged instead
    for page in story.incident.pages.values():
        page.people = ["sam"]
    story.say("sam", "scribe @mac")
    story.say("sam", "task @anne 5m look at the index")
    with pytest.raises(Refusal, match="No IC commands this light incident"):
        story.say("kim", "task @anne 5m look at the index")
    with pytest.raises(Refusal, match="the rest is the IC's"):
        story.say("sam", "announce yes")
    story.say("sam", "resolve --insist recovered")
    assert not story.incident.open
