"""Nothing runs before the IC says so (process, 4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident import repairs, reports
from incident.commands import Refusal
from incident.model import RepairState
from incident.repairs import Claim
from incident.reports import ApprovalLapsed, PollOver, Report, RunEnded
from tests.domain.conftest import Told

Story = Callable[..., Told]


def proposed(told: Story, words: str = "propose rollback service=shop-api") -> Told:
    story = told()
    story.say("anne", words)
    story.incident.repairs[1].run_id = "run-1"
    return story


def claim(story: Told, *, token: str = "t1", digest: str = "", run: str = "run-1", after: float = 0) -> repairs.Verdict:
    digest = digest or story.incident.repairs[1].digest
    asked = Claim(1, digest, "incident-lusab-babad/repair-1", run, token)
    return repairs.claim(story.incident, asked, story.now + timedelta(minutes=after))


@pytest.mark.parametrize("who", ["anne", "dee", "vic", "U0GIL"])
def test_only_the_ic_approves(told: Story, who: str) -> None:
    story = proposed(told)
    with pytest.raises(Refusal, match=r"Only the IC decides that\. The IC is Bob Boberson"):
        story.say(who, "approve 1")
    assert not claim(story).go


def test_nothing_is_claimed_before_the_approval(told: Story) -> None:
    assert claim(proposed(told)).why == "it is proposed, not approved"


def test_go_is_said_once_for_an_approval(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "approve 1")
    assert claim(story, token="t1").go
    assert not claim(story, token="t2").go


def test_the_same_question_hears_the_same_answer(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "approve 1")
    assert claim(story, token="t1").go
    assert claim(story, token="t1").go


def test_go_only_for_what_was_approved_and_only_to_our_own_run(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "approve 1")
    assert "not what was approved" in claim(story, digest="other").why
    assert "not the one" in claim(story, run="another").why


def test_an_approval_is_void_after_ten_minutes(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "approve 1")
    assert "lapsed" in claim(story, after=10.1).why
    reports.take(story.incident, Report("repair-1", "lapsed/1", ApprovalLapsed(1, 1)), story.now)
    assert story.incident.repairs[1].state is RepairState.VOID
    story.say("bob", "approve 1")
    assert claim(story, token="t3").go


def test_the_end_of_the_window_approves_nothing(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "poll 1")
    assert "Are there any strong objections?" in story.said[-1]
    reports.take(story.incident, Report("repair-1", "poll/1", PollOver(1)), story.now)
    assert "approves nothing" in story.said[-1]
    assert story.incident.repairs[1].state is RepairState.PROPOSED


def test_approving_says_what_was_heard(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "poll 1")
    story.say("bob", "approve 1")
    assert any(line.startswith("Hearing no objections, we are proceeding") for line in story.said)
    other = proposed(told)
    other.say("bob", "poll 1")
    other.say("sam", "object 1 the schema changed")
    other.say("bob", "approve 1")
    assert any("Objections were heard (Sam Storeson: the schema changed)" in line for line in other.said)


def test_changed_parameters_are_another_digest(told: Story) -> None:
    entry = told().incident.policy.entry("rollback")
    a = repairs.digest(entry, {"service": "shop-api"}, "")
    assert a != repairs.digest(entry, {"service": "orders-db"}, "")


def test_wrong_parameters_are_refused_with_what_may_stand_there(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="orders-db, shop-api"):
        story.say("anne", "propose rollback service=nothing")
    with pytest.raises(Refusal, match="from 1 to 90"):
        story.say("anne", "propose throttle percent=200")


def test_a_manual_action_needs_an_owner_who_is_not_the_ic(told: Story) -> None:
    story = told()
    story.say("bob", "propose restart it by hand")
    with pytest.raises(Refusal, match="needs an owner"):
        story.say("bob", "approve 1")
    with pytest.raises(Refusal, match="never repairs"):
        story.say("bob", "approve 1 @bob")
    story.say("bob", "approve 1 @sam")
    story.say("sam", "ack 1")
    story.say("sam", "done 1 restarted")
    assert story.incident.repairs[1].state == "succeeded"
    story.say("bob", "verified 1")
    assert story.incident.repairs[1].state == "verified"


def test_unknown_is_never_run_again_by_itself(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "approve 1")
    assert claim(story).go
    reports.take(story.incident, Report("repair-1", "ended/1", RunEnded(1, RepairState.UNKNOWN, "lost")), story.now)
    assert not claim(story, token="t9").go
    with pytest.raises(Refusal, match="unknown"):
        story.say("bob", "approve 1")


def test_stop_reaches_ic_and_owner_at_once(told: Story) -> None:
    story = proposed(told, "propose restart it by hand")
    story.say("bob", "approve 1 @sam")
    story.incident.effects.clear()
    story.say("U0GIL", "stop 1 that is production")
    assert {e.person for e in story.incident.effects.values() if e.kind == "tell"} >= {"bob", "sam"}


def test_a_report_counts_once(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "approve 1")
    claim(story)
    report = Report("repair-1", "ended/1", RunEnded(1, RepairState.SUCCEEDED, "exit code 0"))
    reports.take(story.incident, report, story.now)
    before = len(story.said)
    reports.take(story.incident, report, story.now)
    assert len(story.said) == before


def test_the_end_of_what_ran_before_the_approval_does_not_count_for_it(told: Story) -> None:
    """Somebody had it run by hand; the runner refused, and its report is late."""
    story = proposed(told)
    before = story.now
    story.say("bob", "approve 1", after=1)
    refused = RunEnded(1, RepairState.FAILED, "it is proposed, not approved", refused=True)
    reports.take(story.incident, Report("repair-1", "ended/1", refused, before), story.now)
    assert story.incident.repairs[1].state == "approved"
    assert claim(story).go


def test_a_command_heard_twice_counts_once_and_gets_the_same_answer(told: Story) -> None:
    story = told()
    first = story.say("anne", "propose clear the cache", id="e1")
    again = story.say("anne", "propose clear the cache", id="e1")
    assert first == again
    assert len(story.incident.repairs) == 1


def test_resolve_is_refused_with_the_list_while_something_runs(told: Story) -> None:
    story = proposed(told)
    story.say("bob", "approve 1")
    with pytest.raises(Refusal, match=r"repair 1.*approved.*--insist"):
        story.say("bob", "resolve")
    story.say("bob", "resolve --insist")
    assert story.incident.repairs[1].state is RepairState.VOID
