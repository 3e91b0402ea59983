""" "Announce publicly?": what is asked with it, who is told, and what happens while there is no IC (process, 5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident import declaring
from incident.commands import Refusal
from incident.declaring import Declaration
from incident.duties import deputy
from incident.policy import Policy
from incident.severity import Severity
from tests.domain.conftest import NOW, Told
from tests.process.customers import Customers
from tests.process.keeper import Keeper, whispers

Story = Callable[..., Told]
WAITING = "Customers are waiting"


def told_to(story: Told, person: str) -> list[str]:
    return [e.text for e in story.incident.effects.values() if e.kind == "tell" and e.person == person]


def test_the_question_comes_with_pagerdutys_questions(told: Story) -> None:
    asked = [one for one in Keeper(deputy, told()).run(5) if "announce publicly?" in one.text]
    assert asked
    for question in (
        "Which products",
        "How badly",
        "How many customers",
        "How noticeable",
        "Can customers do anything",
    ):
        assert question in asked[0].text


@pytest.mark.parametrize(
    ("words", "heard"),
    [("announce yes", "announce"), ("announce unsure", "announce"), ("announce no", "no public announcement")],
)
def test_the_customer_liaison_is_told_what_was_decided(told: Story, words: str, heard: str) -> None:
    story = told()
    story.say("bob", "customer-liaison @carla")
    story.say("bob", words)
    (text,) = [text for text in told_to(story, "carla") if "Bob Boberson decided" in text]
    assert heard in text


def test_the_usual_liaison_is_told_while_nobody_was_named(told: Story) -> None:
    story = told()
    story.say("bob", "announce unsure")
    assert any("Bob Boberson decided" in text for text in told_to(story, "carla"))


def test_approving_a_message_before_the_question_was_answered_tells_the_liaison_too(told: Story) -> None:
    story = told()
    story.say("bob", "customer-liaison @carla")
    number = story.say("carla", "draft investigating").number
    story.say("bob", f"message approve {number}")
    assert any("Bob Boberson decided" in text for text in told_to(story, "carla"))


def test_while_there_is_no_ic_the_usual_liaison_sees_the_draft(told: Story) -> None:
    customers = Customers(told(commanded=False))
    customers.waits(4)
    assert customers.told("carla", "We are investigating a problem with our service.") == [2]
    assert customers.told("carla", "no IC yet") == [2]


def test_at_five_minutes_the_channel_says_once_that_customers_are_waiting(told: Story) -> None:
    customers = Customers(told(commanded=False))
    customers.waits(4.5, step=0.5)
    assert not [line for line in customers.story.said if WAITING in line]
    customers.waits(60, step=0.5)
    (line,) = [line for line in customers.story.said if WAITING in line]
    assert "Public message 1" in line and "`!ic command`" in line and customers.story.now >= NOW
    assert not customers.out, "nothing is published without a person's yes"


def test_neither_once_somebody_commands(told: Story) -> None:
    customers = Customers(told())
    customers.waits(60)
    assert not [line for line in customers.story.said if WAITING in line]
    assert not customers.told("carla", "no IC yet")


def test_meanwhile_the_usual_liaison_may_put_other_words_and_the_ic_finds_them(told: Story) -> None:
    customers = Customers(told(commanded=False))
    customers.waits(3)
    customers.story.say("carla", "message edit 1 status-page Payments fail. We will tell you more by 14:30 UTC.")
    with pytest.raises(Refusal):
        customers.story.say("sam", "message edit 1 status-page Nothing is wrong.")
    customers.story.say("bob", "command")
    asked = Keeper(deputy, customers.story).run(1)
    assert whispers(asked, "Payments fail.")
    with pytest.raises(Refusal, match="customer liaison"):
        customers.story.say("carla", "message edit 1 status-page Something else.")


def test_of_a_security_incident_no_liaison_hears(policy: Policy) -> None:
    declaration = Declaration("lusab-babad", "Quiet Otter", "anne", "Anne", NOW, policy, Severity.SEV1, security=True)
    story = Told(declaring.declare(declaration, NOW), NOW)
    story.paged()
    customers = Customers(story)
    customers.waits(20)
    assert not customers.heard and not [line for line in story.said if WAITING in line]
