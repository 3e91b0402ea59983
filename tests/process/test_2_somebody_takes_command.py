"""Somebody takes command (process, 2); most of it is in tests/domain/test_leading.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident.commands import Refusal
from incident.grammar import Entered, read
from incident.model import Incident
from incident.severity import Role
from tests.domain.conftest import Told

Story = Callable[..., Told]


def told_to(incident: Incident, person: str) -> list[str]:
    return [e.text for e in incident.effects.values() if e.kind == "tell" and e.person == person]


def enter(story: Told, by: str, line: str) -> None:
    """`for @somebody …`, as a door says it."""
    from incident.commands import Said, hear, judge

    meant = read(line, story.incident.policy)
    assert isinstance(meant, Entered)
    said = Said(meant.command, by, on_behalf=meant.person)
    judge(story.incident, said, story.now)
    hear(story.incident, said, story.now)


def test_one_person_may_hold_several_roles_and_empty_ones_read_nobody_yet(told: Story) -> None:
    story = told()
    assert "IC: Bob Boberson, Deputy: Deputy Deputyson, Scribe: nobody yet" in story.said
    for role in ("scribe", "customer-liaison", "internal-liaison"):
        story.say("bob", f"{role} @mac")
    held = {role for role, person in story.incident.roles.items() if person == "mac"}
    assert held == {Role.SCRIBE, Role.CUSTOMER_LIAISON, Role.INTERNAL_LIAISON}


def test_the_roles_are_read_at_each_change_and_stand_in_the_topic(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac")
    line = "IC: Bob Boberson, Deputy: Deputy Deputyson, Scribe: Writer McWriterson"
    assert story.said[-1] == line and line in story.incident.topic


def test_the_arrival_of_somebody_more_senior_changes_nothing(told: Story) -> None:
    story = told()
    story.say("vic", "join as vice president")
    with pytest.raises(Refusal, match="Bob Boberson commands"):
        story.say("vic", "command")
    assert story.incident.commander == "bob"


def test_the_former_ic_is_told_and_may_be_handed_command_back(told: Story) -> None:
    story = told()
    story.say("dee", "command Bob dropped off the call")
    assert "They may hand it back to you." in told_to(story.incident, "bob")[-1]
    story.say("dee", "handover @bob")
    story.say("bob", "accept")
    assert story.incident.commander == "bob"


def test_what_was_said_on_the_bridge_can_be_entered_by_command_staff(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac")
    story.say("bob", "task @sam 5m look at the slow queries")
    enter(story, "mac", "for @sam ack")
    enter(story, "dee", "for @sam more 5m")
    enter(story, "bob", "for @sam finding the index is gone")
    enter(story, "mac", "for @sam done found it")
    task = next(iter(story.incident.tasks.values()))
    assert (task.result, task.extensions) == ("found it", 1) and task.understood_at is not None
    entry = next(e for e in story.incident.timeline if e.kind == "finding")
    assert (entry.who, entry.source) == ("sam", "entered by Bob Boberson")
    with pytest.raises(Refusal, match="IC, deputy and scribe enter"):
        enter(story, "anne", "for @sam finding something else")
    with pytest.raises(Refusal, match="Only `!ic ack`, `!ic done`, `!ic more` and `!ic finding`"):
        enter(story, "mac", "for @bob impact nobody can pay")


def test_a_voice_enters_the_ics_decisions_until_it_is_revoked_or_command_passes(told: Story) -> None:
    story = told()
    story.say("bob", "voice @mac")
    story.say("mac", "impact nobody can pay")
    assert "Customer impact: nobody can pay (IC, entered by Writer McWriterson)" in story.said
    entry = next(e for e in story.incident.timeline if e.kind == "impact")
    assert (entry.who, entry.source) == ("bob", "entered by Writer McWriterson")
    with pytest.raises(Refusal, match="Only the IC in person"):
        story.say("mac", "handover @kim")
    story.say("bob", "voice nobody")
    with pytest.raises(Refusal, match="Only the IC decides"):
        story.say("mac", "impact everything")
    story.say("bob", "voice @mac")
    story.say("bob", "handover @kim")
    story.say("kim", "accept")
    with pytest.raises(Refusal, match="Only the IC decides"):
        story.say("mac", "impact everything")
