"""Process, 3: size up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident import card, declaring, reports, settling, wording
from incident.commands import Refusal
from incident.declaring import Declaration
from incident.duties import deputy
from incident.model import Change, ChangedLately
from incident.policy import BadPolicy, Policy, read_organisation
from incident.reports import ChangesRead, Report
from incident.severity import Severity
from incident.texts import plain
from tests.configured import example
from tests.domain.conftest import NOW, Told
from tests.process.keeper import MINUTE, Keeper, whispers

Story = Callable[..., Told]
DEPLOYED = Change(NOW - 17 * MINUTE, "shop-api 3 deployed", "deployments", "https://deploy.example.com/3")
MOVED = Change(NOW - 95 * MINUTE, "traffic moved to eu-west", "traffic")


# -- who is here ---------------------------------------------------------------------------------------------


def test_one_checks_in_with_name_and_what_one_is_expert_in(told: Story) -> None:
    story = told()
    story.say("sam", "join as databases")
    assert story.said[-1] == "Sam Storeson joined as databases."


def test_who_cannot_be_in_both_call_and_chat_names_a_proxy(told: Story) -> None:
    story = told()
    story.say("sam", "proxy @anne")
    assert story.said[-1] == "Anne Apison speaks for Sam Storeson."


def test_need_asks_for_a_representative_of_a_team(told: Story) -> None:
    story = told()
    story.say("bob", "need database")
    assert story.said[-1] == "Bob Boberson needs somebody from Database. `page database` pages them."
    story.say("sam", "join")
    assert not story.incident.needs and "represented already" in story.say("bob", "need database").text


# -- what changed lately -------------------------------------------------------------------------------------


def test_what_changed_lately_is_read_at_declaring(told: Story) -> None:
    assert "changes" in told().incident.effects


def test_an_organisation_without_sources_reads_nothing(policy: Policy) -> None:
    without = policy.model_copy(update={"changes": type(policy.changes)()})
    declaration = Declaration("lusab-babad", "checkout is down", "anne", "Anne", NOW, without)
    assert "changes" not in declaring.declare(declaration, NOW).effects


def test_it_stands_in_the_card_newest_first_with_times(told: Story) -> None:
    story = told()
    settling.changes_read(story.incident, ChangedLately(NOW, [DEPLOYED, MOVED]), NOW)
    for shown in (card.markdown(story.incident), plain(card.mrkdwn(story.incident))):
        assert "Changed lately" in shown
        assert shown.index("13:43 UTC shop-api 3 deployed https://deploy.example.com/3") < shown.index(
            "12:25 UTC traffic"
        )


def test_a_source_that_cannot_be_read_is_said_so(told: Story) -> None:
    story = told()
    settling.changes_read(story.incident, ChangedLately(NOW, [], ["deployments"]), NOW)
    assert "deployments could not be read" in card.markdown(story.incident)


def test_that_nothing_changed_is_said_with_the_time_that_was_looked_at(told: Story) -> None:
    story = told()
    settling.changes_read(story.incident, ChangedLately(NOW), NOW)
    assert "nothing since 10:00 UTC" in card.markdown(story.incident)


def test_who_asks_later_brings_the_card_up_to_date_and_an_older_reading_does_not(told: Story) -> None:
    story = told()
    settling.changes_read(story.incident, ChangedLately(NOW, [MOVED]), NOW)
    newer = ChangesRead(ChangedLately(NOW + MINUTE, [DEPLOYED, MOVED]))
    reports.take(story.incident, Report("door/cli", "changes/1", newer), NOW + MINUTE)
    older = ChangesRead(ChangedLately(NOW - MINUTE, []))
    reports.take(story.incident, Report("door/cli", "changes/0", older), NOW + 2 * MINUTE)
    assert "shop-api 3 deployed" in card.markdown(story.incident)
    assert [entry.text for entry in story.incident.timeline if entry.kind == "changed"] == [
        plain(wording.changed(MOVED)),
        plain(wording.changed(DEPLOYED)),
    ]


def test_of_a_security_incident_it_stays_in_the_room(policy: Policy) -> None:
    declaration = Declaration("lusab-babad", "Quiet Otter", "anne", "Anne", NOW, policy, Severity.SEV1, security=True)
    incident = declaring.declare(declaration, NOW)
    settling.changes_read(incident, ChangedLately(NOW, [DEPLOYED]), NOW)
    assert "shop-api" in card.mrkdwn(incident)
    assert not any("shop-api" in line.text for line in incident.outbox)
    details = wording.page_details(incident, next(iter(incident.pages.values())))
    assert "shop-api" not in declaring.announcement(incident) + incident.topic + details


# -- facts ---------------------------------------------------------------------------------------------------


def test_known_facts_are_kept_and_every_summary_is_composed_from_them(told: Story) -> None:
    story = told()
    for words in ("symptom pages are slow", "impact nobody can pay", "cause the deployment", "eta half an hour"):
        story.say("bob", words)
    facts = story.incident.facts
    assert (facts.symptoms, facts.impact, facts.cause, facts.eta) == (
        ["pages are slow"],
        "nobody can pay",
        "the deployment",
        "half an hour",
    )
    summary = wording.executive_summary(wording.picture(story.incident), story.now)
    assert all(fact in summary for fact in ("nobody can pay", "the deployment", "half an hour"))


# -- tasks ---------------------------------------------------------------------------------------------------


def test_a_task_goes_to_one_named_person_with_a_number_of_minutes(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="one named person"):
        story.say("bob", "task @nobody 5m look")
    story.say("bob", "task @sam 5m look at the queries")
    assert "{person:sam}" in story.said[-1] and "5 min" in story.said[-1] and "ack 1" in story.said[-1]


def test_more_time_may_be_asked_for_with_an_estimate(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 5m look at the queries")
    story.say("sam", "more 10m", after=3)
    assert story.incident.tasks[1].due_at == NOW + timedelta(minutes=17)
    assert story.said[-1] == "Sam Storeson needs 10 min more for task 1."


def test_at_most_one_still_looking_a_task_and_not_before_half_its_time(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 10m look at the queries")
    story.say("sam", "ack")
    assert whispers(Keeper(deputy, story).run(40), "still looking?") == [(7, ("sam", "dee"))]


def test_who_spoke_is_not_asked_whether_they_are_still_looking(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 10m look at the queries")
    story.say("sam", "ack")
    story.say("sam", "finding the index is gone", after=2)
    assert whispers(Keeper(deputy, story).run(40), "still looking?") == []


# -- the status update for the room --------------------------------------------------------------------------


def test_every_fifteen_minutes_without_one_the_ic_alone_is_offered_an_update_ready_to_send(told: Story) -> None:
    keeper = Keeper(deputy, told())
    offers = whispers(keeper.run(30), "ready to send with `brief`")
    assert offers == [(15, ("bob",)), (30, ("bob",))]
    text = next(one.text for one in keeper.did if "ready to send" in one.text)
    assert text.endswith("Any additional actions or proposals?")
    keeper.story.say("bob", "brief")
    assert keeper.story.said[-1].endswith("Any additional actions or proposals?")
    assert whispers(keeper.run(14), "ready to send") == [] and len(whispers(keeper.run(2), "ready to send")) == 1


# -- what the configuration may say --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ('kind = "prometheus"\nurl = "http://p"', "needs url, query, and at least one of"),
        ('kind = "pagerduty-business-service"', "needs business_service"),
        ('kind = "http-json"', "needs url"),
        ('url = "http://p"\nheaders = { Authorization = "Bearer abc" }', "holds a secret; write ${NAME}"),
        ('url = "http://bob:pass@p"', "holds a password; write ${NAME}"),
    ],
)
def test_a_source_that_cannot_be_read_so_is_refused_with_what_is_missing(written: str, fault: str) -> None:
    text = f'{example()}\n[[status_sources]]\nid = "broken"\n{written}\n'
    with pytest.raises(BadPolicy, match="status_sources") as refused:
        read_organisation(text, "example.toml")
    assert fault in str(refused.value)
