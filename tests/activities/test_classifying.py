"""Whatever an activity raises: an error of the one table, and an end in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import requests
from slack_sdk.errors import SlackObjectFormationError
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import errors
from activities.chat import Edit, Post, Tell
from activities.classifying import Classifying
from incident.choices import Choice
from tests.activities.conftest import Outside
from tests.stories import temporal

ROOM = "C0GENERAL"
QUICKLY = RetryPolicy(initial_interval=timedelta(milliseconds=1), backoff_coefficient=1.0)
"""Without an end, as most of ours are."""
calls: list[int] = []


@activity.defn
async def raises(kind: str) -> None:
    calls.append(activity.info().attempt)
    raise FAULTS[kind]()


FAULTS: dict[str, Callable[[], Exception]] = {
    "key": lambda: KeyError("channel"),
    "value": lambda: ValueError("https://hooks.example.com/secret-token"),
    "slack_sdk": lambda: SlackObjectFormationError("text must be at most 3000 characters"),
    "assertion": AssertionError,
}
AWAY: list[Exception] = [
    TimeoutError(),
    ConnectionResetError(),
    aiohttp.ClientPayloadError(),
    requests.ConnectionError(),
    RPCError("", RPCStatusCode.UNAVAILABLE, b""),
]


@workflow.defn
class Calls:
    @workflow.run
    async def run(self, kind: str) -> None:
        try:
            await workflow.execute_activity(
                raises, kind, start_to_close_timeout=timedelta(seconds=10), retry_policy=QUICKLY
            )
        except ActivityError as failure:
            assert isinstance(failure.cause, ApplicationError)
            raise ApplicationError(failure.cause.message, type=failure.cause.type) from None


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with temporal.namespace(tmp_path) as client:
        yield client


async def run(client: Client, kind: str, tries: int | None) -> ApplicationError:
    calls.clear()
    async with Worker(
        client,
        task_queue="q",
        workflows=[Calls],
        activities=[raises],
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[Classifying(tries)],
    ):
        with pytest.raises(WorkflowFailureError) as failed:
            await client.execute_workflow(Calls.run, kind, id=f"calls-{kind}-{tries}", task_queue="q")
        cause = failed.value.cause
        assert isinstance(cause, ApplicationError)
        return cause


@pytest.mark.parametrize("kind", FAULTS)
async def test_what_nobody_foresaw_is_given_up_after_a_few_tries(client: Client, kind: str) -> None:
    error = await asyncio.wait_for(run(client, kind, errors.TRIES), 20)
    assert error.type == errors.UNFORESEEN and calls == [1, 2, 3, 4, 5]
    assert "secret-token" not in error.message, "the text of somebody else's error stands in no history"


@pytest.mark.parametrize("fault", AWAY, ids=lambda fault: type(fault).__name__)
def test_a_service_that_is_away_is_waited_for(fault: Exception) -> None:
    error = errors.classified(fault, 99, errors.TRIES)
    assert error.type == errors.UNAVAILABLE and not error.non_retryable


def test_what_only_looks_goes_on_with_growing_pauses() -> None:
    pauses = [errors.classified(KeyError(), attempt, None).next_retry_delay for attempt in (1, 2, 3, 99)]
    assert pauses == [timedelta(seconds=s) for s in (2, 4, 8, 30)]


def test_an_error_of_the_table_stays_as_it_is() -> None:
    for error in (errors.rejected("Slack", "no_text"), errors.unavailable("Slack", "503"), errors.stopping()):
        assert errors.classified(error, 99, errors.TRIES) is error


# -- what Slack cannot take ------------------------------------------------------------------------------


async def refuse(outside: Outside, code: str, about: str, call: str = "chat.postMessage", times: int = 1) -> None:
    body = f'{{"ok": false, "error": "{code}"}}'
    await outside.fault("slack", call, fault="odd", body=body, about=about, times=times)


@pytest.mark.parametrize(
    "code", ["msg_too_long", "invalid_arguments", "cannot_reply_to_message", "metadata_must_be_sent_from_app"]
)
async def test_what_slack_can_never_accept_is_said_plainly(outside: Outside, code: str) -> None:
    await refuse(outside, code, "*loud*")
    await outside.run(outside.chat.post, Post(ROOM, "*loud* words\x07", "k/1", thread="1.1"))
    (message,) = await outside.messages(ROOM)
    assert message["text"] == "*loud* words"
    sent = await outside.control("GET", "received?service=slack&call=chat.postMessage")
    assert len(sent) == 2 and "thread_ts" not in sent[1]["arguments"]
    assert ("metadata" in sent[1]["arguments"]) is not code.startswith("metadata")


async def test_plainly_is_tried_once_then_it_is_given_up(outside: Outside) -> None:
    await refuse(outside, "restricted_action", "words", times=-1)
    with pytest.raises(ApplicationError) as error:
        await outside.run(outside.chat.post, Post(ROOM, "words", "k/1"))
    assert error.value.non_retryable
    assert len(await outside.control("GET", "received?service=slack&call=chat.postMessage")) == 2


async def test_a_service_that_is_away_gets_no_plain_text(outside: Outside) -> None:
    await outside.fault("slack", "chat.postMessage", code=503, times=-1)
    with pytest.raises(ApplicationError):
        await outside.run(outside.chat.post, Post(ROOM, "words", "k/1"))
    assert len(await outside.control("GET", "received?service=slack&call=chat.postMessage")) == 1


UNDRAWABLE = Choice("", "ack " + "9" * 3000)
"""slack_sdk's own models refuse such a button."""


async def test_words_are_not_lost_for_a_button_that_cannot_be_drawn(outside: Outside) -> None:
    await outside.run(outside.chat.post, Post(ROOM, "task 2", "k/1", incident="i", choices=(UNDRAWABLE,)))
    (message,) = await outside.messages(ROOM)
    assert message["text"] == "task 2" and not message.get("blocks")
    await outside.run(outside.chat.edit, Edit(ROOM, message["ts"], "task 2: done", "i", (UNDRAWABLE,)))
    assert [m["text"] for m in await outside.messages(ROOM)] == ["task 2: done"]
    await outside.run(outside.chat.tell, Tell("bob", "yours", "k/2", "i", (UNDRAWABLE,)))


async def test_a_notice_that_cannot_be_drawn_by_slack_is_edited_as_text(outside: Outside) -> None:
    posted = await outside.run(outside.chat.post, Post(ROOM, "card", "k/1"))
    await refuse(outside, "invalid_blocks", "card, newer", "chat.update")
    await outside.run(outside.chat.edit, Edit(ROOM, posted.ts, "card, newer", "i", (Choice("Go", "ack 1"),)))
    (message,) = await outside.messages(ROOM)
    assert message["text"] == "card, newer" and not message.get("blocks")


@pytest.mark.parametrize("body", ["<html>", "[]", '"ok"', "null"])
async def test_an_answer_that_is_none_of_slacks_is_waited_out(outside: Outside, body: str) -> None:
    await outside.fault("slack", "chat.postMessage", fault="odd", body=body)
    with pytest.raises((ApplicationError, AttributeError)) as odd:  # the latter from within slack_sdk
        await outside.run(outside.chat.post, Post(ROOM, "words", "k/1"))
    error = errors.classified(odd.value, 1, errors.TRIES)
    assert error.type in (errors.UNAVAILABLE, errors.UNFORESEEN) and not error.non_retryable


@pytest.mark.parametrize("body", ["<html>", "[]", "7"])
async def test_an_answer_that_is_none_of_pagerdutys_is_waited_out(outside: Outside, body: str) -> None:
    await outside.fault("pagerduty", "GET /oncalls", fault="odd", body=body)
    with pytest.raises(ApplicationError) as odd:
        await asyncio.to_thread(outside.paging.refresh_book)
    assert odd.value.type == errors.UNAVAILABLE
