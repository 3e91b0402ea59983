"""Process, 3: who reports, through whom, and what is known is corrected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from chat import forms, listener
from incident import card, grammar, notices, publishing, settling, wording
from incident.commands import Command, Refusal, Said, hear, judge
from incident.duties import command, deputy
from incident.effects import ReadChanges, SetTopic, Tell, UpdatePages
from incident.grammar import Entered
from incident.model import Change, ChangedLately, Incident
from incident.policy import Policy
from tests.domain.conftest import NOW, Told, shown
from tests.process.keeper import MINUTE, Keeper, whispers

Story = Callable[..., Told]


def tells(story: Told, person: str) -> list[Tell]:
    return [e for e in story.incident.effects.values() if isinstance(e, Tell) and e.person == person]


def clock(story: Told, minutes: float) -> None:
    """The incident's own clock, that much later."""
    ends = story.now + minutes * MINUTE
    while (due := command.next_deadline(story.incident)) is not None and due <= ends:
        story.now = max(due, story.now)
        command.let_fall_due(story.incident, story.now)
    story.now = ends


def notice(incident: Incident, about: str) -> str:
    """The newest notice of that kind, as it stands now."""
    line = [line for line in incident.outbox if line.about.startswith(about)][-1]
    return shown(notices.compose(incident, line.about).text)


# -- roll call -----------------------------------------------------------------------------------------------


def test_roll_call_asks_each_primary_sme_for_a_can_report_and_shows_who_is_missing(told: Story) -> None:
    story = told()
    story.say("bob", "roll-call")
    assert "{person:anne}" in story.said[-1] and "{person:sam}" in story.said[-1] and "2 min" in story.said[-1]
    for person in ("anne", "sam"):
        (choice,) = tells(story, person)[-1].choices
        assert (choice.words, choice.form) == ("can", True)
    story.say("sam", "can replica lags / draining it / nothing", after=1)
    assert "✓ Sam Storeson (Orders database)" in notice(story.incident, "roll-call/")
    assert "… Anne Apison (Shop API)" in notice(story.incident, "roll-call/")
    clock(story, 1)
    assert story.said[-1] == "Roll call: 1 of 2 answered. Missing: Anne Apison (Shop API)."
    choices = tells(story, "bob")[-1].choices
    assert [c.words for c in choices] == ["page anne"]
    assert "missing: Anne Apison (Shop API)" in notice(story.incident, "roll-call/")


def test_roll_call_of_some_services_ends_as_soon_as_all_have_answered(told: Story) -> None:
    story = told()
    story.say("bob", "roll-call orders-db")
    story.say("sam", "can replica lags / draining it / nothing", after=1)
    assert story.said[-1] == "Roll call: all have answered."
    said = len(story.said)
    clock(story, 2)
    assert len(story.said) == said
    with pytest.raises(Refusal, match="Known are shop-api, orders-db"):
        story.say("bob", "roll-call payments")
    with pytest.raises(Refusal, match="Only the IC"):
        story.say("sam", "roll-call")


def test_what_was_said_on_the_bridge_answers_a_roll_call(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac")
    story.say("bob", "roll-call orders-db")
    meant = grammar.read("for @sam finding the replica lags", story.incident.policy)
    assert isinstance(meant, Entered)
    said = Said(meant.command, "mac", on_behalf="sam")
    judge(story.incident, said, story.now)
    hear(story.incident, said, story.now)
    assert "Roll call: all have answered. (Sam Storeson, entered by Writer McWriterson)" in story.said


# -- through the primary SME ---------------------------------------------------------------------------------


def test_a_finding_of_somebody_else_points_to_the_services_primary_sme(told: Story) -> None:
    story = told()
    answer = story.say("vic", "finding the orders database is slow")
    assert story.said[-1].endswith("Orders database's primary SME: {person:sam}")
    assert "Sam Storeson is the primary SME for Orders database" in answer.text
    story.say("bob", "service shop-api")
    story.say("vic", "finding something is odd")
    assert story.said[-1].endswith("Shop API's primary SME: {person:anne}")


def test_an_smes_own_finding_points_to_nobody(told: Story) -> None:
    story = told()
    story.say("sam", "finding the orders database is slow")
    assert story.said[-1] == "Sam Storeson found: the orders database is slow"
    story.say("vic", "finding it rains")
    assert story.said[-1] == "Vic Presidentson found: it rains"


def test_a_proposal_of_somebody_else_points_to_the_services_primary_sme(told: Story) -> None:
    story = told()
    answer = story.say("vic", "propose restart the orders database risk: low")
    assert "Orders database's primary SME: {person:sam}" in notice(story.incident, f"repair/{answer.number}")
    assert "Sam Storeson is the primary SME for Orders database" in answer.text
    own = story.say("sam", "propose restart the orders database twice risk: low")
    assert "primary SME" not in notice(story.incident, f"repair/{own.number}") + own.text


# -- what is known, set and corrected ------------------------------------------------------------------------


def test_the_title_is_corrected_at_any_time_everywhere(told: Story) -> None:
    story = told()
    story.incident.effects.clear()
    story.say("bob", "title payments fail in eu-west", after=30)
    story.say("bob", "title payments fail in all regions", after=1)
    incident = story.incident
    assert incident.title == "payments fail in all regions"
    topics = [e.topic for e in incident.effects.values() if isinstance(e, SetTopic)]
    assert "payments fail in all regions" in topics[-1]
    assert any(isinstance(e, UpdatePages) for e in incident.effects.values())
    assert "payments fail in all regions" in card.mrkdwn(incident)
    assert any('"checkout is down"' in e.text for e in incident.timeline if e.kind == "title")
    with pytest.raises(Refusal, match="Only the IC"):
        story.say("sam", "title x")


def test_a_security_incident_keeps_its_codename(told: Story) -> None:
    story = told()
    story.say("bob", "secure")
    with pytest.raises(Refusal, match="codename"):
        story.say("bob", "title customer data was stolen")


def test_the_service_is_set_and_corrected(told: Story) -> None:
    story = told()
    story.say("bob", "service orders-db")
    assert story.incident.service == "orders-db" and story.said[-1] == "Service: Orders database."
    assert "Service: Orders database" in card.mrkdwn(story.incident)
    story.say("bob", "service shop-api")
    assert story.incident.service == "shop-api"
    with pytest.raises(Refusal, match="Known are shop-api, orders-db"):
        story.say("bob", "service payments")


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("started 13:40", datetime(2026, 3, 2, 13, 40, tzinfo=UTC)),
        ("started 13:40 UTC", datetime(2026, 3, 2, 13, 40, tzinfo=UTC)),
        ("started 23:10", datetime(2026, 3, 1, 23, 10, tzinfo=UTC)),  # that is yesterday
        ("started 20m ago", NOW + timedelta(minutes=2 - 20)),
        ("started 2h ago", NOW + timedelta(minutes=2 - 120)),
        ("started 2026-02-28 09:15", datetime(2026, 2, 28, 9, 15, tzinfo=UTC)),
    ],
)
def test_when_it_really_began_is_set_and_corrected(told: Story, words: str, at: datetime) -> None:
    story = told()
    story.say("bob", "started 13:00")
    story.say("bob", words)
    assert story.incident.facts.started_at == at
    assert f"Began: {wording.dated(at, story.now)}" in card.mrkdwn(story.incident)


def test_a_time_to_come_or_none_at_all_is_refused_with_the_line_that_works(told: Story) -> None:
    story = told()
    for words in ("started tomorrow", "started 25:00", "started 2026-03-05 14:00", "started 400d ago"):
        with pytest.raises(Refusal, match=r"`!ic started 13:40`.*`!ic started 20m ago`"):
            story.say("bob", words)


def test_a_workaround_is_known_and_every_summary_has_it(told: Story) -> None:
    story = told()
    story.say("bob", "workaround pay by invoice")
    story.say("bob", "workaround pay by bank transfer")
    assert "Workaround: pay by bank transfer" in card.mrkdwn(story.incident)
    picture = wording.picture(story.incident)
    assert "Workaround: pay by bank transfer." in wording.executive_summary(picture, story.now)
    assert "pay by bank transfer" in wording.where_we_are(story.incident, story.now)
    assert "What you can do meanwhile: pay by bank transfer." in next(
        iter(publishing.compose(story.incident, "investigating", None).values())
    )
    template = "We have a problem.\nUntil it is solved: $workaround."
    assert "Until it is solved: pay by bank transfer." in wording.public_message(story.incident, template, None)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        (
            "can",
            {"conditions": "500/s, eu / us", "actions": "draining", "needs": "nothing"},
            "can 500/s, eu/us / draining / nothing",
        ),
        ("service", {"service": "orders-db"}, "service orders-db"),
        ("title", {"text": "payments fail"}, "title payments fail"),
        ("started", {"text": "13:40"}, "started 13:40"),
        ("workaround", {"text": "pay by invoice"}, "workaround pay by invoice"),
        ("challenge", {"person": "vic"}, "challenge @vic"),
    ],
)
def test_each_has_a_form_that_says_the_same(
    told: Story, policy: Policy, name: str, given: dict[str, str], words: str
) -> None:
    about = forms.About(name, "lusab-babad", name)
    assert name in listener.ALONE_THEY_ASK  # typed alone, it opens
    assert forms.view(about, policy, given)["blocks"]
    (meant,) = forms.FORMS[name].meant(about, policy, given)
    assert isinstance(meant, Command) and meant.words() == words
    told().say("bob", words)


# -- what changes meanwhile ----------------------------------------------------------------------------------


def test_a_change_made_during_the_incident_is_reported_when_it_appears(told: Story) -> None:
    story = told()
    before = Change(NOW - 17 * MINUTE, "shop-api 3 deployed", "deployments")
    during = Change(NOW + 5 * MINUTE, "shop-api 4 deployed", "deployments", "https://deploy.example.com/4")
    settling.changes_read(story.incident, ChangedLately(NOW, [before]), NOW)
    said = len(story.said)
    settling.changes_read(story.incident, ChangedLately(NOW + 6 * MINUTE, [during, before]), NOW + 6 * MINUTE)
    assert story.said[said:] == [
        "Changed during the incident (deployments): 14:05 UTC shop-api 4 deployed https://deploy.example.com/4"
    ]
    settling.changes_read(story.incident, ChangedLately(NOW + 8 * MINUTE, [during, before]), NOW + 8 * MINUTE)
    assert len(story.said) == said + 1


def test_the_sources_of_changes_are_read_again_and_again_while_it_is_open(told: Story, policy: Policy) -> None:
    story = told()
    clock(story, 0)
    read = 0
    for _ in range(20):
        story.incident.effects.clear()
        clock(story, 1)
        read += sum(isinstance(e, ReadChanges) for e in story.incident.effects.values())
    assert read == 20 * MINUTE / policy.changes.every
    story.say("bob", "resolve --insist")
    story.incident.effects.clear()
    clock(story, 20)
    assert not any(isinstance(e, ReadChanges) for e in story.incident.effects.values())


# -- tasks ---------------------------------------------------------------------------------------------------


def test_standby_keeps_a_task_quiet_until_its_time_is_up(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 30m look at the queries")
    story.say("sam", "standby")
    assert story.said[-1] == "Sam Storeson: standby on task 1 (look at the queries) until 14:32 UTC."
    did = Keeper(deputy, story).run(29)
    assert whispers(did, "is understood") == [] and whispers(did, "still looking?") == []
    assert whispers(Keeper(deputy, story).run(2), "the timer for Sam Storeson's investigation is up")


def test_standby_names_the_task_that_is_meant(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="no open task"):
        story.say("sam", "standby")
    story.say("bob", "task @sam 30m look at the queries")
    story.say("bob", "task @sam 30m look at the disk")
    story.say("sam", "standby 1")
    did = Keeper(deputy, story).run(20)
    assert whispers(did, "task 1 ") == [] and whispers(did, "task 2 ")
    about = notices.compose(story.incident, "task/2")
    assert "standby 2" in [choice.words for choice in about.choices]


def test_the_offered_status_update_names_the_fallback_of_what_runs_now(told: Story) -> None:
    story = told()
    story.say("anne", "propose restart the workers risk: low fallback: move traffic to the west")
    story.say("bob", "approve 1 @sam")
    story.say("sam", "ack 1")
    (update,) = [d.text for d in Keeper(deputy, story).run(14) if "A status update" in d.text]
    assert "If repair 1 (restart the workers) fails: move traffic to the west." in update
    assert update.endswith("Any additional actions or proposals?")


def test_a_source_of_changes_that_stays_away_is_noted_once(told: Story) -> None:
    story = told()
    for minute in (0, 2, 4):
        at = NOW + minute * MINUTE
        settling.changes_read(story.incident, ChangedLately(at, [], ["deployments"]), at)
    noted = [e.text for e in story.incident.timeline if e.kind == "changed"]
    assert noted == ["deployments could not be read"]


def test_a_roll_call_ends_with_the_call(told: Story) -> None:
    story = told()
    story.say("bob", "roll-call")
    story.say("bob", "resolve --insist")
    story.say("bob", "reopen it came back", after=10)
    clock(story, 5)
    assert not any(line.startswith("Roll call: 0 of") for line in story.said)
