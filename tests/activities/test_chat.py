"""Slack: said once, in order, with what must not stand in a history filled in as it leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.chat import Bookmarks, Edit, Invitation, Part, Post, RoomOrder, Tell, Topic
from incident.choices import Choice
from incident.texts import bridge, here, person, phone
from tests.activities.conftest import Outside

ROOM = "C0INCIDENTS"


async def test_a_room_is_opened_once_and_an_old_one_adopted(outside: Outside) -> None:
    first = await outside.run(outside.chat.open_room, RoomOrder("inc-lusab-babad"))
    second = await outside.run(outside.chat.open_room, RoomOrder("inc-lusab-babad"))
    assert first == second


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
async def test_a_post_whose_answer_was_lost_stands_once(outside: Outside, fault: str) -> None:
    await outside.fault("slack", "chat.postMessage", fault=fault)
    with pytest.raises(ApplicationError) as lost:
        await outside.run(outside.chat.post, Post(ROOM, "hello", "k/1"))
    assert lost.value.type == "Unavailable"
    await outside.run(outside.chat.post, Post(ROOM, "hello", "k/1"), attempt=2)
    assert [m["text"] for m in await outside.messages(ROOM)] == ["hello"]


async def test_a_post_that_another_covers_is_not_said_again(outside: Outside) -> None:
    await outside.run(outside.chat.post, Post(ROOM, "summary", "k/0"))
    await outside.run(outside.chat.post, Post(ROOM, "late summary", "k/1", also=("k/0",)))
    assert len(await outside.messages(ROOM)) == 1


async def test_what_must_not_stand_in_a_history_is_filled_in(outside: Outside) -> None:
    await outside.run(
        outside.chat.post,
        Post(ROOM, f"call {phone('bob')}, PIN {bridge('pin')}, {person('dee', 'Dee')} {here()}", "k/2"),
    )
    (message,) = await outside.messages(ROOM)
    assert message["text"] == "call +1 555 0100, PIN 4711, <@U0DEE> "


async def test_here_only_where_it_is_meant(outside: Outside) -> None:
    await outside.run(outside.chat.post, Post(ROOM, f"{here()} <!here> & more", "k/3", here=True))
    (message,) = await outside.messages(ROOM)
    assert message["text"] == "<!here> &lt;!here&gt; &amp; more"


async def test_retry_after_becomes_the_next_attempts_time(outside: Outside) -> None:
    await outside.fault("slack", "chat.postMessage", code=429, retry_after=4)
    with pytest.raises(ApplicationError) as limited:
        await outside.run(outside.chat.post, Post(ROOM, "hello", "k/4"))
    assert limited.value.next_retry_delay == timedelta(seconds=4)


async def test_what_slack_can_never_accept_is_given_up(outside: Outside) -> None:
    with pytest.raises(ApplicationError, match="channel_not_found") as rejected:
        await outside.run(outside.chat.post, Post("C0NOWHERE", "hello", "k/5"))
    assert rejected.value.non_retryable


async def test_inviting_somebody_who_is_there_and_somebody_who_is_not_in_slack(outside: Outside) -> None:
    await outside.run(outside.chat.invite, Invitation(ROOM, ("bob", "nobody-known")))


async def test_a_direct_message_and_somebody_who_cannot_get_one(outside: Outside) -> None:
    await outside.run(outside.chat.tell, Tell("bob", "only for you", "k/6"))
    assert [m["text"] for m in await outside.messages("DU0BOB")] == ["only for you"]
    with pytest.raises(ApplicationError, match="nobody is not known there"):
        await outside.run(outside.chat.tell, Tell("nobody", "hello", "k/7"))


async def test_a_topic_is_cut_to_what_slack_takes(outside: Outside) -> None:
    await outside.run(outside.chat.set_topic, Topic(ROOM, "word " * 200))
    rooms = await outside.control("GET", "slack/rooms")
    topic = next(room["topic"]["value"] for room in rooms if room["id"] == ROOM)
    assert len(topic) <= 250 and topic.endswith("…")


async def test_pinning_twice_is_pinning_once(outside: Outside) -> None:
    for attempt in (1, 2):
        await outside.run(outside.chat.pin, Post(ROOM, "card", "k/8"), attempt=attempt)
    rooms = await outside.control("GET", "slack/rooms")
    assert len(next(room["pins"] for room in rooms if room["id"] == ROOM)) == 1


async def test_a_notice_is_edited_where_it_stands(outside: Outside) -> None:
    approve = Choice("Approve", "approve 3", "primary")
    posted = await outside.run(outside.chat.post, Post(ROOM, "repair 3", "k/10", incident="i", choices=(approve,)))
    await outside.run(outside.chat.edit, Edit(ROOM, posted.ts, f"repair 3: approved by {person('bob', 'Bob')}", "i"))
    (message,) = await outside.messages(ROOM)
    assert message["text"] == "repair 3: approved by <@U0BOB>"
    assert [block["type"] for block in message["blocks"]] == ["section"], "what is settled has no button left"


async def test_bookmarks_are_there_once(outside: Outside) -> None:
    for attempt in (1, 2):
        await outside.run(outside.chat.bookmark, Bookmarks(ROOM, "incident-lusab-babad"), attempt=attempt)
    rooms = await outside.control("GET", "slack/rooms")
    marks = next(room["bookmarks"] for room in rooms if room["id"] == ROOM)
    assert [mark["title"] for mark in marks] == ["Bridge", "History in Temporal"]
    assert marks[1]["link"] == "https://temporal.example.com/namespaces/incidents.acct/workflows/incident-lusab-babad"


async def test_a_short_wait_is_waited_out_and_the_call_made_once(outside: Outside) -> None:
    await outside.fault("slack", "pins.add", code=429, retry_after=0.1)
    await outside.run(outside.chat.pin, Post(ROOM, "card", "k/11"))
    assert len(await outside.messages(ROOM)) == 1
    assert len(await outside.control("GET", "received?service=slack&call=chat.postMessage")) == 1


async def test_no_token_stands_in_an_error(outside: Outside) -> None:
    await outside.fault("slack", "*", code=500)
    with pytest.raises(ApplicationError) as error:
        await outside.run(outside.chat.post, Post(ROOM, "hello", "k/9"))
    assert "xoxb" not in repr(error.value)


async def test_what_falls_due_at_once_is_one_message_with_all_its_buttons(outside: Outside) -> None:
    more = (Part("Repair 2 waits. (late by 9 min)", "k/2", (Choice("Approve", "approve 2"),)), Part("Third.", "k/3"))
    tell = Tell("bob", "Task 1 is up.", "k/1", "lusab-babad", (Choice("Done …", "done 1", form=True),), more)
    await outside.run(outside.chat.tell, tell)
    (message,) = await private(outside, "U0BOB")
    assert message["text"].split("\n\n") == ["Task 1 is up.", "Repair 2 waits. (late by 9 min)", "Third."]
    kinds = [block["type"] for block in message["blocks"]]
    assert kinds == ["section", "actions", "section", "actions", "section"]
    values = [e["value"] for block in message["blocks"] if block["type"] == "actions" for e in block["elements"]]
    assert values == ["lusab-babad|form|done 1", "lusab-babad|say|approve 2"]


async def test_joined_with_others_a_second_time_only_what_was_not_said_is_said(outside: Outside) -> None:
    """A process that died after the post knows of none of them; what it joins next time may be another set."""
    await outside.fault("slack", "chat.postMessage", fault="drop_after")
    joined = Tell("bob", "One.", "k/1", more=(Part("Two.", "k/2"),))
    with pytest.raises(ApplicationError):
        await outside.run(outside.chat.tell, joined)
    await outside.run(outside.chat.tell, joined, attempt=2)
    await outside.run(outside.chat.tell, Tell("bob", "Two.", "k/2", more=(Part("Three.", "k/3"),)))
    await outside.run(outside.chat.tell, Tell("bob", "Two.", "k/2"), attempt=2)
    assert [message["text"] for message in await private(outside, "U0BOB")] == ["One.\n\nTwo.", "Three."]


async def test_more_than_slack_takes_is_said_without_buttons(outside: Outside) -> None:
    more = tuple(Part(f"Number {n}.", f"k/{n}", (Choice("Go", f"ack {n}"),)) for n in range(1, 40))
    await outside.run(outside.chat.tell, Tell("bob", "Number 0.", "k/0", "lusab-babad", more=more))
    (message,) = await private(outside, "U0BOB")
    assert message["text"].count("Number") == 40 and not message.get("blocks")


async def private(outside: Outside, slack_id: str) -> list[dict[str, Any]]:
    rooms = await outside.control("GET", "slack/rooms")
    return [message for room in rooms if room.get("user") == slack_id for message in room["messages"]]


async def test_a_summary_that_ran_out_of_time_and_stands_there_is_not_posted_again(outside: Outside) -> None:
    """Composed anew it is a first attempt, with other words; the role asks for a look under its own key."""
    await outside.fault("slack", "chat.postMessage", fault="drop_after")
    with pytest.raises(ApplicationError):
        await outside.run(outside.chat.post, Post(ROOM, "SEV-1, 5 min in.", "summary/0"))
    await outside.run(outside.chat.post, Post(ROOM, "SEV-1, 7 min in.", "summary/0", also=("summary/0",)))
    assert [m["text"] for m in await outside.messages(ROOM)] == ["SEV-1, 5 min in."]
