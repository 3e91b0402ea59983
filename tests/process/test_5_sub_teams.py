"""Sub-teams (process, 5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from incident.commands import Refusal
from incident.duties import deputy
from incident.duties.base import Whisper
from incident.effects import StartTeam, TellTeam
from tests.configured import example
from tests.domain.conftest import Told
from tests.stories.copy import running
from tests.stories.hands import hands

Story = Callable[..., Told]


def test_it_has_a_leader_a_time_boxed_task_a_room_and_a_bridge(told: Story) -> None:
    story = told()
    story.say("bob", "team alpha @anne 20m find the latency")
    team = story.incident.teams["alpha"]
    assert (team.leader, team.text, team.due_at - team.formed_at) == ("anne", "find the latency", timedelta(minutes=20))
    assert (team.room, team.bridge) == ("C0ALPHA", "https://meet.example.com/alpha")
    assert [e.team for e in story.incident.effects.values() if isinstance(e, StartTeam)] == ["alpha"]


def test_only_the_ic_forms_one_and_a_letter_in_use_is_taken(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="Only the IC decides"):
        story.say("anne", "team alpha @anne 20m find the latency")
    story.say("bob", "team alpha @anne 20m find the latency")
    with pytest.raises(Refusal, match=r"Alpha works already.*Free: bravo, charlie, delta"):
        story.say("bob", "team alpha @sam 20m the same again")
    with pytest.raises(Refusal, match="no room for 'zulu'"):
        story.say("bob", "team zulu @sam 20m something")
    story.say("anne", "team close alpha it was the cache")
    story.say("bob", "team alpha @sam 10m look again")
    assert story.incident.teams["alpha-2"].open


def test_the_leader_picks_members_and_moving_is_asked_of_the_present_leader(told: Story) -> None:
    story = told()
    story.say("bob", "team alpha @anne 20m find the latency")
    story.say("bob", "team bravo @lee 20m restore the orders")
    with pytest.raises(Refusal, match="Anne Apison leads Sub-team Alpha"):
        story.say("sam", "team add alpha @sam")
    story.say("anne", "team add @sam")
    assert story.say("lee", "team add @sam").text == "asked Anne Apison for Sam Storeson"
    assert story.incident.teams["alpha"].members == ["sam"]
    story.say("anne", "team release @sam")
    assert (story.incident.teams["alpha"].members, story.incident.teams["bravo"].members) == ([], ["sam"])


def test_members_report_to_the_leader_and_the_leader_to_the_room(told: Story) -> None:
    story = told()
    story.say("bob", "team alpha @anne 20m find the latency")
    story.say("anne", "team add @sam")
    story.say("sam", "finding it is the cache")
    assert not any("it is the cache" in line for line in story.said)
    assert [r.text for r in story.incident.teams["alpha"].reports] == ["it is the cache"]
    story.say("anne", "finding the cache is cold")
    assert story.said[-1] == "Anne Apison found: the cache is cold"
    assert any(e.kind == "finding" and e.text == "it is the cache" for e in story.incident.timeline)


def test_members_do_not_count_in_the_ics_span_and_the_clock_is_the_deputys(told: Story) -> None:
    story = told()
    for person in ("anne", "sam", "kim", "lee"):
        story.say(person, "join")
    assert deputy.view(story.incident, over=False).reports_to_commander == 4
    story.say("bob", "team alpha @anne 20m find the latency")
    story.say("anne", "team add @sam @kim")
    view = deputy.view(story.incident, over=False)
    assert view.reports_to_commander == 2
    due = [d for d in deputy.duties(view, {}, story.now) if d.key == "team/alpha/up/0"]
    assert [d.due_at for d in due] == [story.incident.teams["alpha"].due_at]
    assert isinstance(due[0].deed, Whisper) and due[0].deed.people == ("bob", "anne", "dee")


def test_it_is_cancelled_with_the_incident(told: Story) -> None:
    story = told()
    story.say("bob", "team alpha @anne 20m find the latency")
    story.incident.effects.clear()
    story.say("bob", "resolve recovered")
    assert story.incident.teams["alpha"].result == "the incident was resolved"
    assert any(isinstance(e, TellTeam) for e in story.incident.effects.values())


@pytest.mark.story
async def test_its_room_hears_its_own_words_and_a_letter_is_taken_for_all_incidents(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending={"watched_for": '"1s"'})) as copy, hands(copy) as use:
        await copy.say("anne", "declare 1 checkout answers with 500")
        first = copy.incident
        await copy.say("bob", "command")
        await copy.say("bob", "team alpha @anne 20m find the latency")
        await copy.say("anne", "team add @sam")

        async def opened() -> bool:
            lines = await copy.lines("team-alpha")
            return any("Anne Apison leads" in line for line in lines) and any("Sam Storeson is in" in x for x in lines)

        await copy.until(opened, "the sub-team's room")
        await use.types("sam", "!ic finding it is the cache", "C0ALPHA")

        async def reported() -> bool:
            return "Sam Storeson: it is the cache" in await copy.lines("team-alpha")

        await copy.until(reported, "the report in the sub-team's room")
        assert not any("it is the cache" in line for line in await copy.lines())
        await copy.say("dee", "declare 1 search is down too")
        await copy.say("kim", "command")
        await copy.say("kim", "team alpha @lee 20m find out why")
        await copy.heard_in_room("Alpha is in use by another incident.")
        await copy.say("kim", "team bravo @lee 20m find out why")
        await copy.say("kim", "cancel")
        await copy.ended()
        copy.incident = first
        await copy.say("anne", "team close alpha it was the cache")

        async def closed() -> bool:
            return any("is closed: it was the cache" in line for line in await copy.lines("team-alpha"))

        await copy.until(closed, "the last words in the sub-team's room")
        await copy.say("bob", "team alpha @lee 10m look again")
        assert (await copy.look()).teams["alpha-2"].open
        await copy.say("bob", "resolve --insist recovered")
        await copy.ended()
        keys = [
            m["metadata"]["event_payload"]["key"]
            for m in (await copy.room("team-alpha"))["messages"]
            if "metadata" in m
        ]
        assert len(keys) == len(set(keys))
