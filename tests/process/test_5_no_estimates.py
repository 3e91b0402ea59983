"""No public message estimates when service recovers (process, 5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident import notices
from incident.customers import Stage
from incident.outlets import Outlet
from incident.policy import BadPolicy
from incident.publishing import compose
from tests import configured
from tests.domain.conftest import Told
from tests.process.customers import Customers

Story = Callable[..., Told]
STAGES: tuple[Stage, ...] = ("investigating", "identified", "monitoring", "resolved", "long")


def test_no_shipped_template_estimates_recovery_though_the_ic_expects_it(told: Story) -> None:
    story = told()
    story.say("bob", "eta within 20 minutes")
    story.say("bob", "announce yes")
    customers = Customers(story)
    with customers.approving():
        customers.waits(1)
        story.say("bob", "cause a full disk")
        story.say("bob", "impact nobody can pay")
        customers.waits(60)
    assert len(customers.out) > 6
    for post in customers.out:
        assert "20 minutes" not in post.text and "expect" not in post.text
    for stage in STAGES:
        assert all("20 minutes" not in text for text in compose(story.incident, stage, None).values())


def test_a_template_that_names_the_expected_time_is_refused_with_the_file() -> None:
    text = configured.example().replace("What you may notice: $impact.", "We expect recovery $eta.", 1)
    with pytest.raises(BadPolicy, match=r"investigating.*\$eta.*no public message estimates"):
        configured.organisation(text)


@pytest.mark.parametrize(
    "text",
    [
        "We expect to be back in 20 minutes.",
        "Payments will be restored by 15:30.",
        "This should be fixed within the hour.",
        "A fix is an hour away.",
        "Recovery takes half an hour.",
        "We will resolve this tonight.",
        "Expected at 3 pm.",
        "Service returns and is restored tomorrow morning.",
        "Back shortly.",
    ],
)
def test_a_time_or_duration_beside_recovery_is_warned_of_and_one_press_overrules(told: Story, text: str) -> None:
    customers, n = drafted(told, f"{text} We will tell you more by 14:30 UTC.")
    notice = notices.compose(customers.story.incident, f"draft/{n}")
    assert "it estimates when service recovers" in notice.text
    (anyway,) = [choice for choice in notice.choices if choice.label == "Approve anyway"]
    customers.story.say("bob", anyway.words)
    customers.looks()
    assert text in customers.on(Outlet.STATUS_PAGE)[-1].text


@pytest.mark.parametrize(
    "text",
    [
        "We are working on a fix.",
        "Since 14:05 some customers cannot pay. Go back to the start page if it happens to you.",
        "We have restored the service and are watching it.",
    ],
)
def test_what_estimates_nothing_is_not_warned_of(told: Story, text: str) -> None:
    customers, n = drafted(told, f"{text} We will tell you more by 14:30 UTC.")
    notice = notices.compose(customers.story.incident, f"draft/{n}")
    assert "Mind:" not in notice.text
    assert next(choice.label for choice in notice.choices) == "Approve"


def test_the_warning_comes_with_each_prompt_to_approve(told: Story) -> None:
    customers, n = drafted(told, "We expect to be back in 20 minutes. We will tell you more by 14:30 UTC.")
    customers.waits(10)
    said = [text for _, people, text in customers.heard if people == ("bob",) and f"message {n} is due" in text]
    assert said and all("it estimates when service recovers ('20 minutes')" in text for text in said)


def test_outage_is_warned_of_unless_all_is_down(told: Story) -> None:
    customers, n = drafted(told, "We have an outage. We will tell you more by 14:30 UTC.")
    assert "'outage'" in notices.compose(customers.story.incident, f"draft/{n}").text
    for component in ("api", "web", "checkout"):
        assert "'outage'" in notices.compose(customers.story.incident, f"draft/{n}").text
        customers.story.say("bob", f"component {component} major_outage")
    assert "'outage'" not in notices.compose(customers.story.incident, f"draft/{n}").text


def drafted(told: Story, text: str) -> tuple[Customers, int]:
    story = told()
    story.say("bob", "customer-liaison @carla")
    story.say("bob", "announce yes")
    number = story.say("carla", f"draft investigating {text}").number
    assert number is not None
    return Customers(story), number
