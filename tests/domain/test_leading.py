"""Taking, passing and sharing command (process, 2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident.commands import Refusal
from incident.duties import command
from incident.severity import Role
from tests.domain.conftest import Told

Story = Callable[..., Told]


def test_a_trained_person_commands_at_once_and_the_roles_are_read_word_for_word(told: Story) -> None:
    story = told(commanded=False)
    story.say("bob", "command")
    assert "This is Bob Boberson, I am the Incident Commander" in story.said
    story.say("dee", "join")
    story.say("bob", "scribe @mac")
    assert story.said[-1] == "IC: Bob Boberson, Deputy: Deputy Deputyson, Scribe: Writer McWriterson"


def test_an_untrained_person_waits_five_minutes_and_is_acting(told: Story) -> None:
    story = told(commanded=False)
    with pytest.raises(Refusal, match="nobody has in 4 min"):
        story.say("anne", "command", after=1)
    story.say("anne", "command", after=4)
    assert "This is Anne Apison, I am the acting Incident Commander" in story.said


def test_the_room_is_told_every_two_minutes_that_nobody_commands(told: Story) -> None:
    story = told(commanded=False)
    heard = 0
    for minute in range(1, 5):
        command.let_fall_due(story.incident, story.now + timedelta(minutes=minute))
        heard = sum("There is no incident commander yet" in line for line in story.said)
        assert heard == minute // 2


def test_paging_goes_on_every_five_minutes_one_level_higher_until_somebody_commands(told: Story) -> None:
    story = told(commanded=False)
    command.let_fall_due(story.incident, story.now + timedelta(minutes=5))
    second = [p for p in story.incident.pages.values() if p.round == 2]
    assert [p.target for p in second] == ["primary", "backup"]
    story.say("kim", "command", after=6)
    command.let_fall_due(story.incident, story.now + timedelta(hours=1))
    assert story.incident.rounds == 2


def test_who_acknowledged_has_five_minutes_before_the_next_round(told: Story) -> None:
    story = told(commanded=False)
    page = next(p for p in story.incident.pages.values() if p.target == "primary")
    page.acknowledged_by["bob"] = story.now + timedelta(minutes=4)
    command.let_fall_due(story.incident, story.now + timedelta(minutes=5))
    assert story.incident.rounds == 1
    command.let_fall_due(story.incident, story.now + timedelta(minutes=9))
    assert story.incident.rounds == 2


def test_the_backup_becomes_deputy_on_check_in(told: Story) -> None:
    assert told().incident.deputy == "dee"


def test_if_the_backup_commands_the_primary_becomes_deputy(told: Story) -> None:
    story = told(commanded=False)
    story.say("dee", "command")
    story.say("bob", "join")
    assert story.incident.deputy == "bob"


def test_the_deputy_must_be_trained(told: Story) -> None:
    with pytest.raises(Refusal, match="must be IC-trained"):
        told().say("bob", "deputy @anne")


def test_handover_passes_only_when_accepted(told: Story) -> None:
    story = told()
    story.say("bob", "handover @kim")
    assert story.incident.commander == "bob"
    story.say("kim", "accept", after=1)
    assert story.incident.commander == "kim"
    assert "Everyone, be advised: command passes to Kim Kommandson" in story.said


def test_an_offer_that_nobody_accepts_lapses(told: Story) -> None:
    story = told()
    story.say("bob", "handover @kim")
    command.let_fall_due(story.incident, story.now + timedelta(minutes=2))
    assert "lapsed" in story.said[-1]
    with pytest.raises(Refusal, match="Nobody offers you command"):
        story.say("kim", "accept", after=3)


def test_somebody_untrained_is_offered_command_only_with_confirm(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="confirm"):
        story.say("bob", "handover @anne")
    story.say("bob", "handover @anne confirm")
    assert story.incident.handover is not None


def test_the_ic_cannot_leave(told: Story) -> None:
    with pytest.raises(Refusal, match="handover"):
        told().say("bob", "leave")


def test_the_deputy_may_take_over_with_a_reason(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="Say why"):
        story.say("dee", "command")
    story.say("dee", "command Bob dropped off the call")
    assert story.incident.commander == "dee"


def test_another_trained_person_only_after_three_minutes_of_silence(told: Story) -> None:
    story = told()
    story.say("kim", "command")
    assert story.incident.commander == "bob"
    with pytest.raises(Refusal, match="still have"):
        story.say("kim", "command", after=1)
    story.say("kim", "command", after=2)
    assert story.incident.commander == "kim"


def test_any_word_of_ic_or_deputy_answers_the_challenge(told: Story) -> None:
    story = told()
    story.say("kim", "command nobody hears him")
    story.say("bob", "note I am here", after=1)
    assert story.incident.challenge is None
    story.say("kim", "command", after=3)  # asks anew
    assert story.incident.commander == "bob"


def test_a_change_of_command_voids_approvals_and_the_new_ic_gets_one_list(told: Story) -> None:
    story = told()
    story.say("anne", "propose clear the cache risk: low")
    story.say("bob", "approve 1 @anne")
    story.say("bob", "handover @kim")
    story.say("kim", "accept")
    assert story.incident.repairs[1].state == "void"
    told_kim = [e for e in story.incident.effects.values() if e.kind == "tell" and e.person == "kim"]
    assert sum("approve 1" in e.text for e in told_kim) == 1


def test_the_ic_holds_no_other_role(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="holds no other role"):
        story.say("bob", "scribe @bob")
    story.say("bob", "handover @dee")
    story.say("dee", "accept")
    assert story.incident.holder(Role.DEPUTY) != "dee"
