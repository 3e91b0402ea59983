"""What Slack refuses takes nothing else with it: people, the card, long messages, answers that were lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities import errors
from activities.chat import Edit, Invitation, Part, Post, RoomOrder, Tell
from incident.choices import Choice
from tests.activities.conftest import Outside

ROOM = "C0INCIDENTS"
GO = (Choice("Go", "ack 1"),)


async def channel(outside: Outside, name: str) -> dict[str, Any]:
    (found,) = await outside.control("GET", f"slack/rooms?name={name}")
    return dict(found)


async def calls(outside: Outside, method: str) -> list[dict[str, Any]]:
    found = await outside.control("GET", f"received?service=slack&call={method}")
    return [call["arguments"] for call in found]


# -- people ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("private", [False, True])
async def test_one_who_may_not_be_invited_keeps_nobody_out(outside: Outside, private: bool) -> None:
    """Zoe is of another workspace. Everybody else comes, in one call."""
    room = await outside.run(outside.chat.open_room, RoomOrder("inc-a", private))
    people = ("bob", "U0ZOE", "sam", "nobody-known", "kim")
    invited = await outside.run(outside.chat.invite, Invitation(room.channel, people))
    assert [(one.person, one.why) for one in invited.left_out] == [("U0ZOE", "no_external_invite_permission")]
    members = (await channel(outside, "inc-a"))["members"]
    assert {"U0BOB", "U0SAM", "U0KIM"} <= set(members)
    assert len(await calls(outside, "conversations.invite")) == 1


async def test_when_none_of_them_may_come_each_is_named(outside: Outside) -> None:
    room = await outside.run(outside.chat.open_room, RoomOrder("inc-a"))
    invited = await outside.run(outside.chat.invite, Invitation(room.channel, ("U0ZOE", "U0NOBODY")))
    assert {one.person: one.why for one in invited.left_out} == {
        "U0ZOE": "no_external_invite_permission",
        "U0NOBODY": "user_not_found",
    }


async def test_one_whose_address_cannot_be_looked_up_keeps_nobody_out(outside: Outside) -> None:
    room = await outside.run(outside.chat.open_room, RoomOrder("inc-a"))
    await outside.fault("slack", "users.lookupByEmail", fault="refused", error="missing_scope", times=-1)
    invited = await outside.run(outside.chat.invite, Invitation(room.channel, ("pat", "bob")))
    assert [one.person for one in invited.left_out] == ["pat"]
    assert "U0BOB" in (await channel(outside, "inc-a"))["members"]


async def test_direct_messages_are_opened_once(outside: Outside) -> None:
    for n in range(3):
        await outside.run(outside.chat.tell, Tell("bob", f"number {n}", f"k/{n}"))
    assert len(await calls(outside, "conversations.open")) == 1


# -- the card -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["restricted_action", "too_many_pins", "not_pinnable"])
async def test_a_card_that_cannot_be_pinned_is_posted(outside: Outside, error: str) -> None:
    await outside.fault("slack", "pins.add", fault="refused", error=error, times=-1)
    posted = await outside.run(outside.chat.pin, Post(ROOM, "card", "k/1"))
    assert error in posted.not_pinned
    await outside.run(outside.chat.edit, Edit(ROOM, posted.ts, "card, newer", "i"))
    assert [m["text"] for m in await outside.messages(ROOM)] == ["card, newer"]


async def test_a_long_notice_goes_on_being_edited(outside: Outside) -> None:
    """Past 4,000 characters of text, past what blocks may have together, and with something that costs more escaped."""
    posted = await outside.run(outside.chat.post, Post(ROOM, "card", "k/1", incident="i", choices=GO))
    for text in ("a line of it & more\n" * 300, "a line of it & more\n\n" * 60, "word & <more> " * 3_000):
        await outside.run(outside.chat.edit, Edit(ROOM, posted.ts, f"First line.\n\n{text}", "i", GO))
        (message,) = await outside.messages(ROOM)
        assert message["text"].startswith("First line.\n\n") and len(message["text"]) > 1_400
        assert [e["value"] for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]] == [
            "i|say|ack 1"
        ]


async def test_beside_blocks_a_text_is_one_line(outside: Outside) -> None:
    long = "SEV-1: " + "checkout is down " * 40 + "\n\nMore."
    posted = await outside.run(outside.chat.post, Post(ROOM, long, "k/1", incident="i", choices=GO))
    (message,) = await outside.messages(ROOM)
    assert len(message["notified"]) <= 150 and "\n" not in message["notified"] and "More." in message["text"]
    await outside.run(outside.chat.edit, Edit(ROOM, posted.ts, "Over.\n\nAll of it.", "i"))
    (message,) = await outside.messages(ROOM)
    assert (message["notified"], message["text"]) == ("Over.", "Over.\n\nAll of it.")


@pytest.mark.parametrize(
    ("error", "type"),
    [
        ("message_not_found", errors.MESSAGE_GONE),
        ("cant_update_message", errors.MESSAGE_GONE),
        ("edit_window_closed", errors.MESSAGE_GONE),
        ("is_inactive", errors.CHANNEL_GONE),
        ("channel_not_found", errors.CHANNEL_GONE),
    ],
)
async def test_refusals_of_an_edit_are_told_apart(outside: Outside, error: str, type: str) -> None:
    posted = await outside.run(outside.chat.post, Post(ROOM, "card", "k/1"))
    await outside.fault("slack", "chat.update", fault="refused", error=error, times=-1)
    with pytest.raises(ApplicationError) as refused:
        await outside.run(outside.chat.edit, Edit(ROOM, posted.ts, "newer", "i"))
    assert refused.value.type == type and refused.value.non_retryable
    assert len(await calls(outside, "chat.update")) == 1, "it is not tried as a plain text"


async def test_a_text_that_is_too_long_all_the_same_is_shortened(outside: Outside) -> None:
    await outside.fault("slack", "chat.postMessage", fault="refused", error="msg_too_long", about="x" * 3_000, times=-1)
    await outside.run(outside.chat.post, Post(ROOM, "beginning " + "x" * 9_000, "k/1"))
    (message,) = await outside.messages(ROOM)
    assert message["text"].startswith("beginning") and message["text"].endswith("…")


# -- what passes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["rate_limited", "message_limit_exceeded", "update_failed", "something_new"])
async def test_whatever_is_no_known_refusal_is_tried_again(outside: Outside, error: str) -> None:
    await outside.fault("slack", "chat.postMessage", fault="refused", error=error)
    with pytest.raises(ApplicationError) as passing:
        await outside.run(outside.chat.post, Post(ROOM, "words", "k/1"))
    assert not passing.value.non_retryable
    await outside.run(outside.chat.post, Post(ROOM, "words", "k/1"), attempt=2)
    assert [m["text"] for m in await outside.messages(ROOM)] == ["words"]


async def test_what_no_page_explains_does_not_hold_a_channel_for_ever(outside: Outside) -> None:
    await outside.fault("slack", "chat.postMessage", fault="refused", error="something_new", times=-1)
    with pytest.raises(ApplicationError) as refused:
        await outside.run(outside.chat.post, Post(ROOM, "words", "k/1"), begun_ago=timedelta(minutes=11))
    assert refused.value.non_retryable
    await outside.fault("slack", "chat.update", fault="refused", error="update_failed", times=-1)
    with pytest.raises(ApplicationError) as passing:
        await outside.run(outside.chat.edit, Edit(ROOM, "1.1", "words", "i"), begun_ago=timedelta(hours=2))
    assert not passing.value.non_retryable, "this is known to pass"


# -- answers that were lost -----------------------------------------------------------------------------


async def test_an_answer_in_a_thread_stands_there_once(outside: Outside) -> None:
    parent = await outside.run(outside.chat.post, Post(ROOM, "question", "k/1"))
    await outside.fault("slack", "chat.postMessage", fault="drop_after")
    answer = Post(ROOM, "answer", "k/2", thread=parent.ts)
    with pytest.raises(ApplicationError):
        await outside.run(outside.chat.post, answer)
    await outside.run(outside.chat.post, answer, attempt=2)
    assert [m["text"] for m in await outside.messages(ROOM)] == ["question", "answer"]


async def test_where_a_thread_is_gone_it_is_said_in_the_channel(outside: Outside) -> None:
    parent = await outside.run(outside.chat.post, Post(ROOM, "question", "k/1"))
    await outside.control("POST", "slack/delete", {"channel": ROOM, "ts": parent.ts})
    await outside.run(outside.chat.post, Post(ROOM, "answer", "k/2", thread=parent.ts))
    (message,) = await outside.messages(ROOM)
    assert message["text"] == "answer" and "thread_ts" not in message


@pytest.mark.parametrize("error", ["not_in_channel", "missing_scope"])
async def test_where_nobody_may_look_it_is_said_again(outside: Outside, error: str) -> None:
    """An announcement in a public channel that the app is not in, whose first answer was lost: posted, if need be twice."""
    await outside.control("POST", "slack/channel", {"channel": ROOM, "remove": ["U0PANIC"]})
    await outside.fault("slack", "conversations.history", fault="refused", error=error, times=-1)
    await outside.fault("slack", "chat.postMessage", fault="drop_before")
    with pytest.raises(ApplicationError):
        await outside.run(outside.chat.post, Post(ROOM, "SEV-1", "k/1"))
    await outside.run(outside.chat.post, Post(ROOM, "SEV-1", "k/1"), attempt=2)
    assert [m["text"] for m in await outside.messages(ROOM)] == ["SEV-1"]


# -- channels -------------------------------------------------------------------------------------------


async def test_a_channel_of_that_name_that_somebody_else_made_is_not_ours(outside: Outside) -> None:
    """Whoever makes `inc-…` beforehand would get the incident's words."""
    for name in ("inc-a", "inc-b-private"):
        await outside.control("POST", "slack/channel/create", {"name": name, "user": "U0GIL", "add": ["U0PANIC"]})
    opened = await outside.run(outside.chat.open_room, RoomOrder("inc-a"))
    assert opened.name == "inc-a-2" and opened.channel != (await channel(outside, "inc-a"))["id"]
    private = await outside.run(outside.chat.open_room, RoomOrder("inc-b-private", private=True))
    made = await channel(outside, private.name)
    assert private.name == "inc-b-private-2" and made["is_private"] and made["members"] == ["U0PANIC"]


async def test_a_public_channel_of_ours_is_not_taken_for_a_private_one(outside: Outside) -> None:
    public = await outside.run(outside.chat.open_room, RoomOrder("inc-a"))
    private = await outside.run(outside.chat.open_room, RoomOrder("inc-a", private=True))
    assert public.channel != private.channel and (await channel(outside, private.name))["is_private"]


async def test_a_message_with_much_in_it_keeps_its_words(outside: Outside) -> None:
    more = tuple(Part("Number " + "x" * 2_000, f"k/{n}", GO) for n in range(1, 9))
    await outside.run(outside.chat.tell, Tell("bob", "First.", "k/0", "i", more=more))
    rooms = await outside.control("GET", "slack/rooms?user=U0BOB")
    (message,) = rooms[0]["messages"]
    assert message["text"].count("Number") == 8
