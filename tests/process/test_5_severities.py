"""What each severity means: the organisation's own words, wherever one is chosen (process, terms)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chat import forms
from incident import confirming, grammar
from incident.choices import Notice
from incident.commands import Speaker
from incident.duties import deputy
from incident.duties.base import Whisper
from incident.exactly import Inexact
from incident.model import Worsening
from incident.policy import BadPolicy, Organisation, Policy
from incident.severity import Severity
from incident.words import Unreadable
from tests import configured
from tests.domain.conftest import Told

Story = Callable[..., Told]
OURS = "Nobody can pay: over 40 % of orders fail for 2 minutes."


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    return configured.organisation(configured.example(severities={"SEV-1": f'"{OURS}"'}))


@pytest.fixture(scope="module")
def policy(organisation: Organisation) -> Policy:
    return organisation.policy()


def test_each_severity_has_a_definition_in_the_configuration_and_a_usual_one_without(policy: Policy) -> None:
    assert policy.means(Severity.SEV1) == OURS
    assert len({policy.means(severity) for severity in Severity}) == 5
    for severity in (Severity.SEV1, Severity.SEV2, Severity.SEV3):
        assert any(character.isdecimal() for character in policy.means(severity)), "nothing in it can be measured"
    with pytest.raises(BadPolicy, match="severities"):
        configured.organisation(configured.example(severities={"SEV-1": '""'}))


def test_the_definitions_are_in_help_sev_and_in_the_answer_to_sev_without_a_number(
    policy: Policy, told: Callable[..., Told]
) -> None:
    meant = grammar.read("sev", policy)
    assert isinstance(meant, Inexact)
    story = told(severity=Severity.SEV2)
    asked = confirming.ask(story.incident, meant, Speaker("bob", "Bob Boberson"), story.now)
    assert isinstance(asked, Notice) and f"SEV-1: {OURS}" in asked.text
    for text in (grammar.help_text("sev", policy), _refused("sev 7", policy)):
        assert text.count("\n") >= 5 and f"SEV-1: {OURS}" in text and "If unsure, pick the more severe." in text
    assert OURS not in grammar.help_text("summary", policy)


def _refused(words: str, policy: Policy) -> str:
    with pytest.raises(Unreadable) as refused:
        grammar.read(words, policy)
    return str(refused.value)


@pytest.mark.parametrize("form", ["declare", "sev"])
def test_the_definitions_are_in_each_form_that_asks_for_a_severity(policy: Policy, form: str) -> None:
    shown = str(forms.view(forms.About(form, words=form), policy))
    assert f"SEV-1: {OURS}" in shown and "SEV-5: " in shown


def test_the_form_of_a_severity_says_it(policy: Policy) -> None:
    (said,) = forms.FORMS["sev"].meant(forms.About("sev", words="sev"), policy, {"severity": "SEV-1", "why": "all"})
    assert said == grammar.read("sev 1 all", policy)


def test_a_suggestion_to_the_ic_says_what_that_severity_means(told: Story) -> None:
    story = told(Severity.SEV2)
    story.say("anne", "sev 1 nobody can pay")
    offer = [e for e in story.incident.effects.values() if e.kind == "tell" and e.person == "bob"][-1]
    assert offer.choices and OURS in offer.text


def test_what_a_worse_status_would_mean_is_said_with_its_definition(told: Story) -> None:
    story = told(Severity.SEV2)
    story.incident.worse = Worsening("down", "shop down", story.now)
    due = deputy.duties(deputy.view(story.incident, over=False), {}, story.now + timedelta(minutes=1))
    (advice,) = [d.deed for d in due if d.key.startswith("worse/")]
    assert isinstance(advice, Whisper) and advice.choices and OURS in advice.text
