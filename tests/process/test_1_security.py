"""Security incidents (process, 1): silence, a private room, who may read it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoints.conversation import PROBLEMS, Conversation, Heard
from incident import identity, wording
from incident.commands import Refusal
from incident.duties import customer_liaison, internal_liaison
from incident.effects import LeaveRoom, OpenRoom, UpdatePages
from incident.model import Room
from incident.texts import plain
from tests.configured import example
from tests.domain.conftest import Told
from tests.stories.copy import Copy, running
from tests.stories.hands import hands

Story = Callable[..., Told]


def secured(told: Story) -> Told:
    story = told(title="tokens were stolen")
    story.incident.room = Room("C1", "inc-lusab-babad")
    story.say("bob", "secure")
    return story


def test_secure_gives_a_codename_and_moves_everything_to_a_new_private_room(told: Story) -> None:
    story = secured(told)
    incident = story.incident
    assert incident.title == identity.codename(incident.id) and incident.facts.symptoms == ["tokens were stolen"]
    assert incident.room is None and incident.moved
    wanted = {type(e) for e in incident.effects.values()}
    assert {LeaveRoom, OpenRoom, UpdatePages} <= wanted
    assert set(incident.invited) >= {"sasha", "bob", "dee"}


def test_the_topic_begins_with_attorney_work_project(told: Story) -> None:
    assert secured(told).incident.topic.startswith("Attorney Work Project")


def test_page_texts_say_the_codename_and_join_and_nothing_else(told: Story) -> None:
    incident = secured(told).incident
    page = next(iter(incident.pages.values()))
    assert wording.page_title(incident, page) == f"PRACTICE {incident.title}: join"
    assert wording.page_details(incident, page) == "join"


def test_nothing_goes_out_before_the_ic_lifts_the_silence(told: Story) -> None:
    story = secured(told)
    for who, words in (("bob", "announce yes"), ("bob", "draft investigating we look"), ("bob", "summary send")):
        with pytest.raises(Refusal, match="nothing goes out"):
            story.say(who, words)
    assert not internal_liaison.duties(internal_liaison.view(story.incident, over=False), {}, story.now)
    assert not customer_liaison.duties(customer_liaison.view(story.incident, over=False), {}, story.now)
    with pytest.raises(Refusal, match="Only the IC decides"):
        story.say("dee", "lift")
    story.say("bob", "lift")
    assert internal_liaison.duties(internal_liaison.view(story.incident, over=False), {}, story.now)
    story.say("bob", "announce yes")


def test_the_checklist_has_who_and_when(told: Story) -> None:
    story = secured(told)
    story.say("bob", "checklist 2 closed the port", after=3)
    listed = plain(story.say("bob", "checklist").text)
    assert "☐ 1. Stop the attack" in listed
    assert "☑ 2. Cut off the attack vector: closed the port (Bob Boberson, 14:05 UTC)" in listed
    with pytest.raises(Refusal, match="items 1 to 14"):
        story.say("bob", "checklist 15")


def test_who_was_not_invited_neither_reads_nor_joins(told: Story) -> None:
    story = secured(told)
    for words in ("join", "note I saw something", "finding it is me"):
        with pytest.raises(Refusal, match="You are not in that incident"):
            story.say("vic", words)
    story.say("sasha", "join as security")


def test_an_ordinary_incident_has_no_checklist_and_nothing_to_lift(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="Only a security incident has a checklist"):
        story.say("bob", "checklist 1")
    with pytest.raises(Refusal, match="no security incident"):
        story.say("bob", "lift")


@pytest.mark.story
async def test_an_incident_that_is_secured_later_is_emptied_where_others_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path, example(ending={"watched_for": '"1s"'})) as copy, hands(copy) as use:
        await use.types("anne", "!ic declare 1 tokens were stolen service: shop-api", "C0GENERAL")

        async def declared() -> str:
            return next((one.id for one in await copy.gateway.list()), "")

        copy.incident = await copy.until(declared, "an incident")
        await copy.heard_in_room("Status: shop ok")
        await copy.say("bob", "command")
        await copy.say("anne", "propose clear the cache risk: low")
        await copy.heard_in_room("clear the cache")
        await copy.say("bob", "secure")
        moved = f"inc-{copy.incident}-private"

        async def there() -> bool:
            return any("clear the cache" in line for line in await copy.lines(moved))

        async def all_in_it() -> bool:
            room = await copy.room(moved)
            named = room["topic"]["value"].startswith("Attorney Work Project")
            return named and set(room["members"]) >= {"U0BOB", "U0SASHA", "U0ANNE"}

        await copy.until(there, "the proposal in the new room")
        await copy.until(all_in_it, "its topic, and who belongs in it")
        room = await copy.room(moved)
        assert room["is_private"]

        async def emptied() -> bool:
            said = await readable(copy, {room["id"]})
            return not any(secret in said for secret in ("tokens were stolen", "shop-api"))

        await copy.until(emptied, "what others read says nothing any more")
        assert await listed(copy, "vic") == "No incident is open."
        assert copy.incident in await listed(copy, "bob")
        with pytest.raises(PROBLEMS):
            await conversation(copy).act(Heard(f"show {copy.incident}", "vic", "Vic"))
        await use.types("anne", "!ic page the search is down", "C0GENERAL")

        async def two() -> bool:
            return len(await copy.gateway.list()) == 2

        await copy.until(two, "another trouble gets an incident of its own")
        assert not (await copy.look()).triggers
        assert not [r.getMessage() for r in caplog.records if "tokens were stolen" in r.getMessage()]


def conversation(copy: Copy) -> Conversation:
    return Conversation(
        copy.gateway.at_hand, copy.gateway.snapshots, copy.organisation, copy.book, practice=True, door="cli"
    )


async def listed(copy: Copy, who: str) -> str:
    return (await conversation(copy).act(Heard("list", who, who))).text


async def readable(copy: Copy, inside: set[str]) -> str:
    """All that somebody who is not in it can read: rooms, PagerDuty's titles, Temporal's lists."""
    rooms = [
        [r["name"], r["topic"], [m for m in r["messages"] if m.get("bot_id") and not m.get("ephemeral_to")]]
        for r in await copy.control("GET", "slack/rooms")
        if r["id"] not in inside and not r["is_im"]
    ]
    pages = [[i["title"], i["summary"]] for i in await copy.control("GET", "pagerduty/incidents")]
    runs = [
        (run.id, {k: str(v) for k, v in (await run.memo()).items()}, repr(run.typed_search_attributes))
        async for run in copy.client.list_workflows("")
    ]
    return json.dumps([rooms, pages, runs])
