"""Executive summaries: whom they call, whose words they have, and when there is none (process, 5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident import declaring
from incident.commands import Refusal
from incident.declaring import Declaration
from incident.duties import internal_liaison
from incident.model import Room
from incident.policy import Policy
from incident.severity import Severity
from incident.texts import here
from tests.domain.conftest import NOW, Told
from tests.process.keeper import Keeper, summaries, whispers

Story = Callable[..., Told]
LINK = "https://example.slack.com/archives/C1"


def real(told: Story, severity: Severity = Severity.SEV1) -> Keeper:
    story = told(severity)
    story.incident.practice = False
    story.incident.room = Room("C1", "inc-lusab-babad", LINK)
    return Keeper(internal_liaison, story)


def texts(keeper: Keeper) -> list[str]:
    return [one.text for one in summaries(keeper.did)]


@pytest.mark.parametrize(("severity", "calls"), [("1", True), ("2", True), ("3", False), ("4", False)])
def test_a_summary_calls_the_channel_for_sev_1_and_sev_2_alone(told: Story, severity: str, calls: bool) -> None:
    keeper = real(told, Severity.SEV2 if severity == "1" else Severity.SEV1)
    keeper.story.say("bob", f"sev {severity}")
    keeper.run(40)
    assert len(texts(keeper)) >= 2
    assert [text.startswith(f"{here()} ") for text in texts(keeper)] == [calls] * len(texts(keeper))
    assert not any(here() in text[1:] for text in texts(keeper))


def test_never_in_practice(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(100)
    assert len(texts(keeper)) == 4 and not any(here() in text for text in texts(keeper))


def test_each_summary_has_severity_impact_and_the_link_to_the_channel(told: Story) -> None:
    keeper = real(told)
    keeper.story.say("bob", "impact nobody can pay")
    keeper.run(10)
    keeper.story.say("bob", "resolve recovered")
    keeper.run(10)
    assert len(texts(keeper)) == 2
    for text in texts(keeper):
        assert text.startswith(f"{here()} SEV-1 checkout is down ({LINK}): ") and "nobody can pay" in text


def test_own_words_stand_behind_severity_impact_and_link(told: Story) -> None:
    keeper = real(told)
    keeper.story.say("bob", "impact nobody can pay")
    keeper.story.say("bob", "update Half of the shops work by hand. We call the partners.")
    keeper.run(5)
    assert texts(keeper) == [
        f"{here()} SEV-1 checkout is down ({LINK}). Customer impact: nobody can pay."
        " Half of the shops work by hand. We call the partners."
    ]
    keeper.story.say("bob", "impact " + "word " * 300)
    keeper.story.say("bob", "update " + "own " * 72 + "end.")
    keeper.run(30)
    assert len(texts(keeper)[-1].replace(here(), "<!here>")) <= 600
    assert (
        LINK in texts(keeper)[-1] and "own end." in texts(keeper)[-1] and "Customer impact: word" in texts(keeper)[-1]
    )
    with pytest.raises(Refusal, match="has room for 300"):
        keeper.story.say("bob", "update " + "own " * 80)


def test_own_words_are_for_the_next_regular_one_only(told: Story) -> None:
    keeper = real(told)
    keeper.run(10)
    keeper.story.say("bob", "update We call the partners.")
    keeper.story.say("bob", "sev 2 fewer customers")
    keeper.run(1)
    assert "We call the partners" not in texts(keeper)[-1] and "SEV-2" in texts(keeper)[-1]
    keeper.run(30)
    assert "We call the partners" in texts(keeper)[-1]
    keeper.run(30)
    assert "We call the partners" not in texts(keeper)[-1]
    keeper.story.say("bob", "update We call them again.")
    keeper.story.say("bob", "resolve recovered")
    keeper.run(1)
    assert "resolved after" in texts(keeper)[-1] and "We call them" not in texts(keeper)[-1]


def test_a_preview_shows_own_words_as_they_will_stand(told: Story) -> None:
    keeper = real(told)
    keeper.story.say("bob", "update We call the partners.")
    keeper.run(1)
    assert whispers(keeper.did, f"> SEV-1 checkout is down ({LINK}). We call the partners.")


@pytest.mark.parametrize("ends", ["resolve --insist recovered", "cancel it was a test"])
def test_what_ended_before_the_first_brings_no_summary_at_all(told: Story, ends: str) -> None:
    keeper = real(told)
    keeper.run(2)
    keeper.story.say("bob", ends)
    assert summaries(keeper.run(300)) == []


def test_the_one_at_the_end_goes_to_those_who_heard_the_beginning(told: Story) -> None:
    keeper = real(told)
    keeper.story.say("bob", "summary send")
    keeper.run(1)
    keeper.story.say("bob", "cancel it was a test")
    keeper.run(1)
    assert len(texts(keeper)) == 2 and "cancelled after" in texts(keeper)[-1]


def test_one_that_an_outage_held_up_is_not_skipped_though_it_ended_meanwhile(told: Story) -> None:
    keeper = real(told)
    keeper.story.say("bob", "resolve recovered", after=6)
    assert len(summaries(keeper.outage(1))) == 1


def test_after_reopening_before_the_first_they_hear_from_then_on(told: Story) -> None:
    keeper = real(told)
    keeper.run(1)
    keeper.story.say("bob", "resolve recovered")
    keeper.run(1)
    keeper.story.say("bob", "reopen it came back", after=10)
    assert summaries(keeper.run(1))


def test_an_incident_of_practice_says_so(policy: Policy) -> None:
    declaration = Declaration("lusab-babad", "it is slow", "anne", "Anne", NOW, policy, Severity.SEV1)
    keeper = Keeper(internal_liaison, Told(declaring.declare(declaration, NOW), NOW))
    keeper.story.paged()
    keeper.story.say("bob", "command")
    keeper.story.say("bob", "update In my own words.")
    keeper.run(6)
    assert texts(keeper)[0].startswith("SEV-1 PRACTICE it is slow.")
