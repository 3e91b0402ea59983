"""Somebody notices (process, 1): what is paged, said and opened at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from incident import declaring, settling
from incident.card import mrkdwn
from incident.commands import Refusal
from incident.commands.triggering import Further
from incident.declaring import Declaration
from incident.duties import command
from incident.effects import AddBookmarks, OpenRoom, PinCard, SendPage
from incident.model import Room
from incident.paging import Paged
from incident.policy import Policy
from incident.severity import Severity
from tests.configured import example
from tests.domain.conftest import NOW, Told, shown
from tests.stories.copy import running
from tests.stories.hands import hands

Story = Callable[..., Told]
GENERAL = "C0GENERAL"


def fresh(policy: Policy, title: str = "") -> Told:
    return Told(declaring.declare(Declaration("lusab-babad", title, "U0GUEST", "Gil Guestson", NOW, policy), NOW), NOW)


def test_never_more_than_a_sentence_is_asked_for(policy: Policy) -> None:
    assert fresh(policy).incident.title == "Something is badly broken"


def test_primary_and_backup_are_paged_at_once_and_trainees_too_before_anything_else(policy: Policy) -> None:
    effects = list(fresh(policy).incident.effects.values())
    assert [type(e) for e in effects[:3]] == [SendPage] * 3
    assert [p.target for p in fresh(policy).incident.pages.values()] == ["primary", "backup", "shadow"]
    assert {OpenRoom, PinCard, AddBookmarks} <= {type(e) for e in effects[3:]}


def test_trainees_are_paged_once(policy: Policy) -> None:
    story = fresh(policy)
    command.let_fall_due(story.incident, story.now + policy.paging.round_every)
    assert [p.round for p in story.incident.pages.values() if p.target == "shadow"] == [1]


def test_the_contact_card_has_bridge_phone_and_pin_this_room_the_executives_and_how_to_page(policy: Policy) -> None:
    story = fresh(policy)
    story.incident.room = Room("C1", "inc-lusab-babad")
    card = shown(mrkdwn(story.incident))
    for part in ("{bridge.url}", "{bridge.phone}", "{bridge.pin}", "<#C1>", "<#C0EXEC>", "`!ic page`"):
        assert part in card


def test_the_answer_is_a_line_per_person_then_the_links(policy: Policy) -> None:
    story = fresh(policy, "checkout is down")
    incident = story.incident
    primary, backup, shadow = incident.pages.values()
    settling.paged(incident, primary, Paged("k1", "Q1", "https://pd/Q1", ("bob",), ("Bob Boberson",)), NOW)
    settling.not_paged(incident, backup, ("dee",), ("Deputy Deputyson",), "3 min old", NOW)
    settling.paged(incident, shadow, Paged("k3", "Q3", "https://pd/Q3", ("tara",), ("Tara Traineeson",)), NOW)
    lines = shown(declaring.announcement(incident)).splitlines()
    assert lines[1:5] == [
        "paged Bob Boberson",
        "could not page Deputy Deputyson, call {phone:dee}",
        "paged Tara Traineeson",
        "(on-call book: 3 min old; paging goes on being tried)",
    ]
    assert lines[-1] == "https://pd/Q1"


def test_acknowledging_is_not_commanding(told: Story) -> None:
    story = told(commanded=False)
    page = next(iter(story.incident.pages.values()))
    settling.acknowledged(story.incident, page, "bob", "Bob Boberson", story.now, story.now)
    assert story.incident.commander is None
    assert story.said[-1] == "Bob Boberson acknowledged the page. Nobody commands yet: say `!ic command`."


def asked_for(story: Told) -> list[tuple[str, int]]:
    """Who was paged because a person asked, and on which level."""
    return sorted((p.target, p.round) for p in story.incident.pages.values() if "asked" in p.key)


def test_a_page_while_nobody_is_in_command_reaches_primary_and_backup(told: Story) -> None:
    story = told(commanded=False)
    answer = story.say("anne", "page it is worse", after=1)
    assert asked_for(story) == [] and answer.text.startswith("Paged 1 min ago:\npaged Bob Boberson")
    story.say("anne", "page --again it is worse")
    assert asked_for(story) == [("backup", 1), ("primary", 1)]
    story.say("anne", "page", after=6)
    assert asked_for(story) == [("backup", 1), ("backup", 1), ("primary", 1), ("primary", 1)]
    assert story.incident.rounds == 1, "the clock's rounds go on by themselves"


def test_a_page_while_somebody_is_in_command_tells_them_and_a_second_one_goes_past_them(told: Story) -> None:
    story = told()
    answer = story.say("anne", "page he does not answer")
    assert asked_for(story) == [] and answer.text.startswith("Bob Boberson is the IC since")
    assert any("Anne Apison wants to reach" in e.text for e in story.incident.effects.values() if e.kind == "tell")
    story.say("anne", "page he does not answer", after=1)
    paged = [(page.target, page.round) for key, page in story.incident.pages.items() if "takeover" in key]
    assert paged == [("backup", 1), ("next level", 2)], "the primary is the IC"
    assert story.incident.challenge is not None


def test_a_page_from_elsewhere_that_nobody_answers_becomes_an_incident_of_its_own(told: Story) -> None:
    story = told()
    first = story.hear("carla", Further("search is slow", paged=True))
    assert "becomes a separate one" in first.text
    asked = {e.person for e in story.incident.effects.values() if e.kind == "tell" and "Is it the same" in e.text}
    assert asked == {"bob", "dee"}
    again = story.hear("mac", Further("search is slow, too", paged=True))
    assert again.number == first.number and len(story.incident.triggers) == 1, "nobody is paged twice for it"
    due = story.incident.triggers[first.number or 0].separate_at
    assert due is not None
    command.let_fall_due(story.incident, due - timedelta(seconds=1))
    assert not [e for e in story.incident.effects.values() if e.kind == "separate"]
    command.let_fall_due(story.incident, due)
    assert [e.number for e in story.incident.effects.values() if e.kind == "separate"] == [first.number]


def test_the_caller_too_may_say_that_it_is_the_same(told: Story) -> None:
    story = told()
    number = story.hear("carla", Further("search is slow", paged=True)).number
    with pytest.raises(Refusal, match="IC and deputy decide"):
        story.say("sam", f"same {number}")
    story.say("carla", f"same {number}")
    command.let_fall_due(story.incident, story.now + timedelta(minutes=2))
    assert not [e for e in story.incident.effects.values() if e.kind == "separate"]


def test_page_with_exactly_one_known_name_pages_it_and_responders_asks_once(told: Story) -> None:
    story = told()
    story.say("anne", "page database")
    assert [p.label for p in story.incident.pages.values()][-1] == "Database"
    with pytest.raises(Refusal, match=r"pages everyone on call\. `!ic page responders confirm`"):
        story.say("anne", "page responders")
    story.say("anne", "page responders confirm")
    assert {"API", "Database", "Support", "Security"} <= {p.label for p in story.incident.pages.values()}


def test_a_further_trigger_pages_no_ic_again_once_somebody_commands(told: Story) -> None:
    story = told()
    before = len(story.incident.pages)
    answer = story.say("anne", "further the search is slow, too")
    assert len(story.incident.pages) == before and "Bob Boberson commands" in answer.text
    story.say("bob", f"same {answer.number}")
    assert "the search is slow, too" in story.incident.facts.symptoms


def test_everybody_who_joins_is_told_privately_in_five_lines(told: Story) -> None:
    story = told()
    story.say("sam", "join as database expert")
    tells = [e for e in story.incident.effects.values() if e.kind == "tell" and e.person == "sam"]
    assert len(tells[-1].text.splitlines()) == 5


def test_with_pagerdutys_own_escalation_ours_keeps_still(policy: Policy) -> None:
    paging = policy.paging.model_copy(update={"escalation": "pagerduty"})
    story = fresh(policy.model_copy(update={"paging": paging}))
    command.let_fall_due(story.incident, story.now + 4 * policy.paging.round_every)
    assert story.incident.rounds == 1 and story.incident.severity is Severity.SEV2


@pytest.mark.story
async def test_with_pagerduty_down_names_and_phones_are_said_in_the_room_and_where_it_was_typed(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await copy.fault("pagerduty", "*", code=503, times=-1)
        begun = time.monotonic()
        for words, answer in (
            ("!ic", "primary IC: Bob Boberson, +1 555 0100"),
            ("!ic responders", "Database, level 1: Sam Storeson"),
            ("!ic who bob", "Bob Boberson (@bob), +1 555 0100"),
        ):
            await use.types("gil", words, GENERAL)
            await use.hears("gil", answer)
            assert any("(on-call book: " in one for one in await use.told("gil"))
        assert time.monotonic() - begun < 3, "three questions, each well under a second"
        await use.types("gil", "!ic page nobody can pay", GENERAL)

        async def found() -> str:
            return next((one.id for one in await copy.gateway.list()), "")

        copy.incident = await copy.until(found, "an incident")
        await copy.heard_in_room("could not page Bob Boberson, call +1 555 0100")

        async def answered() -> bool:
            lines = await copy.lines("general")
            return "could not page Deputy Deputyson, call +1 555 0101" in lines and any(
                "on-call book: " in x for x in lines
            )

        await copy.until(answered, "the answer where it was typed")
        await copy.control("DELETE", "faults")
        await copy.heard_in_room("paged Bob Boberson after all")
