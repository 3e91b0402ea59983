"""What each severity brings; a light incident, and how it becomes a full one (process, 1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident import declaring
from incident.declaring import Declaration
from incident.duties import customer_liaison, deputy, internal_liaison
from incident.policy import Policy
from incident.severity import Severity
from tests.domain.conftest import NOW, Told

Story = Callable[..., Told]


def light(policy: Policy) -> Told:
    declaration = Declaration(
        "lusab-babad", "search is slow", "anne", "Anne Apison", NOW, policy, Severity.SEV3, service="shop-api"
    )
    return Told(declaring.declare(declaration, NOW), NOW)


def test_no_severity_given_means_sev_2(policy: Policy) -> None:
    assert (
        declaring.draw_up(
            "it is broken", by="anne", by_name="Anne", policy=policy, practice=True, key="k", at=NOW
        ).severity
        is Severity.SEV2
    )


def test_the_service_team_is_paged_for_a_light_incident(policy: Policy) -> None:
    story = light(policy)
    assert [p.target for p in story.incident.pages.values()] == ["api"]
    assert not story.incident.full


def test_a_light_incident_keeps_tasks_alone(policy: Policy) -> None:
    story = light(policy)
    story.say("bob", "command", after=1)
    story.say("bob", "task @sam 5m look at the index")
    later = story.now + timedelta(hours=1)
    assert {d.key for d in deputy.duties(deputy.view(story.incident, over=False), {}, later)} == {
        "task/1/understood",
        "task/1/up/0",
    }
    assert not internal_liaison.duties(internal_liaison.view(story.incident, over=False), {}, later)
    assert not customer_liaison.duties(customer_liaison.view(story.incident, over=False), {}, later)


@pytest.mark.parametrize(("who", "words"), [("anne", "page"), ("bob", "sev 2 it spreads")])
def test_the_ic_or_anyone_by_paging_an_ic_makes_it_a_full_one(policy: Policy, who: str, words: str) -> None:
    story = light(policy)
    if who == "bob":
        story.say("bob", "command", after=1)
    story.say(who, words, after=1)
    assert story.incident.full
    assert {p.target for p in story.incident.pages.values()} == {"api", "primary", "backup", "shadow"}
    assert internal_liaison.duties(internal_liaison.view(story.incident, over=False), {}, story.now)


def test_anyone_raises_while_there_is_no_ic_then_others_suggest_and_only_the_ic_lowers(told: Story) -> None:
    story = told(Severity.SEV2, commanded=False)
    story.say("anne", "sev 1 everything is down")
    story.say("bob", "command", after=1)
    assert "suggested to the IC" in story.say("anne", "sev 2 only half of it").text
    story.say("bob", "sev 3 only half of it")
    assert [change.severity.value for change in story.incident.severities] == ["SEV-2", "SEV-1", "SEV-3"]
