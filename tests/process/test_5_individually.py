"""Customers who are told individually: put before the liaison, and who was told (process, 5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident.commands import Refusal
from incident.policy import BadPolicy, Organisation, Policy
from tests import configured
from tests.domain.conftest import Told
from tests.process.customers import Customers

Story = Callable[..., Told]
ASKED = "told individually"
TABLES = """
[[customers.individually]]
name = "Big Corp"
how = "their account manager calls"

[[customers.individually]]
name = "City Hospital"
how = "by e-mail within 30 minutes"

[status_page] #"""


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    return configured.organisation(configured.example().replace("[status_page] #", TABLES.strip(), 1))


@pytest.fixture(scope="module")
def policy(organisation: Organisation) -> Policy:
    return organisation.policy()


def test_they_are_put_before_the_liaison_at_scope_at_each_change_of_impact_and_at_the_end(told: Story) -> None:
    customers = Customers(told())
    story = customers.story
    story.say("bob", "customer-liaison @carla")
    customers.waits(18)
    assert customers.told("carla", ASKED) == [10]
    text = next(text for _, _, text in customers.heard if ASKED in text)
    assert "Big Corp (their account manager calls)" in text and "City Hospital" in text
    story.say("bob", "impact nobody can pay", after=5)
    customers.waits(10)
    assert customers.told("carla", ASKED) == [10, 25] and "nobody can pay" in customers.heard[-1][2]
    story.say("bob", "resolve recovered", after=5)
    customers.waits(5)
    assert customers.told("carla", ASKED) == [10, 25, 40]


def test_without_a_liaison_the_deputy_sees_them_else_the_ic(told: Story) -> None:
    customers = Customers(told())
    customers.waits(12)
    assert customers.told("dee", ASKED) == [10]
    story = told()
    story.say("dee", "leave")
    customers = Customers(story)
    customers.waits(12)
    assert customers.told("bob", ASKED) == [10]


def test_who_was_told_is_kept_and_not_put_before_them_again_until_the_impact_changes(told: Story) -> None:
    customers = Customers(told())
    story = customers.story
    story.say("bob", "customer-liaison @carla")
    story.say("carla", "customers told big corp by phone")
    assert any(e.kind == "customers" and "Big Corp" in e.text and e.who == "carla" for e in story.incident.timeline)
    customers.waits(12)
    text = next(text for _, _, text in customers.heard if ASKED in text)
    assert "City Hospital" in text and "Big Corp" not in text
    story.say("bob", "impact nobody can pay")
    customers.waits(1)
    assert "Big Corp" in customers.heard[-1][2]
    with pytest.raises(Refusal, match="Big Corp, City Hospital"):
        story.say("carla", "customers told Small Corp")


def test_of_a_security_incident_and_where_none_is_configured_nobody_is_asked(told: Story) -> None:
    story = told()
    story.say("bob", "secure")
    customers = Customers(story)
    customers.waits(30)
    assert not customers.told("dee", ASKED)


def test_a_phone_number_there_is_refused_since_it_would_stand_in_a_history() -> None:
    text = configured.example().replace(
        "[status_page] #",
        '[[customers.individually]]\nname = "Big Corp"\nhow = "call +1 555 0199 200"\n\n[status_page] #',
        1,
    )
    with pytest.raises(BadPolicy, match="phone number"):
        configured.organisation(text)
