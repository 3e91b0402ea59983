"""The local Slack with the unchanged SDKs: Web API by slack_sdk, Socket Mode by Bolt."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from emulators.server import Emulators

ROOM = "C0GENERAL"


@pytest.fixture
def slack(emulators: Emulators) -> AsyncWebClient:
    return AsyncWebClient(token="xoxb-practice", base_url=f"{emulators.url}/slack/api/", retry_handlers=[])


async def code(call: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        await call
    return str(error.value.response["error"])


async def test_arguments_from_query_form_and_json_alike(emulators: Emulators) -> None:
    url, head = f"{emulators.url}/slack/api/conversations.info", {"Authorization": "Bearer xoxb-practice"}
    async with aiohttp.ClientSession(headers=head) as http:
        for arguments in ({"params": {"channel": ROOM}}, {"data": {"channel": ROOM}}, {"json": {"channel": ROOM}}):
            async with http.post(url, **arguments) as answer:  # type: ignore[arg-type]  # each is one way to say it
                assert (await answer.json())["channel"]["name"] == "general"


async def test_errors_are_slacks(emulators: Emulators, slack: AsyncWebClient) -> None:
    stranger = AsyncWebClient(token="xoxb-other", base_url=f"{emulators.url}/slack/api/", retry_handlers=[])
    assert await code(stranger.auth_test()) == "invalid_auth"
    assert await code(slack.chat_postMessage(channel="C0NONE", text="x")) == "channel_not_found"
    assert await code(slack.api_call("chat.postMessage", json={"channel": ROOM})) == "no_text"
    assert await code(slack.chat_postMessage(channel=ROOM, text="x" * 40_001)) == "msg_too_long"
    assert await code(slack.conversations_create(name="general")) == "name_taken"
    assert await code(slack.conversations_create(name="No Good")) == "invalid_name_specials"
    assert await code(slack.conversations_invite(channel=ROOM, users=["U0BOB"])) == "already_in_channel"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "actions", "elements": []},
        {"type": "nonsense"},
    ],
)
async def test_blocks_are_checked(slack: AsyncWebClient, block: dict[str, Any]) -> None:
    assert await code(slack.chat_postMessage(channel=ROOM, text="x", blocks=[block])) == "invalid_blocks"


async def test_metadata_is_kept_and_comes_back(slack: AsyncWebClient) -> None:
    metadata = {"event_type": "e", "event_payload": {"key": "1"}}
    await slack.chat_postMessage(channel=ROOM, text="x", metadata=metadata)
    history = await slack.conversations_history(channel=ROOM, include_all_metadata=True)
    assert history["messages"][0]["metadata"] == metadata


async def test_rate_limits_can_be_switched_on(emulators: Emulators, slack: AsyncWebClient) -> None:
    async with aiohttp.ClientSession() as http:
        await http.post(f"{emulators.url}/control/slack/rate_limits", json={"on": True})
    await slack.chat_postMessage(channel=ROOM, text="1")
    with pytest.raises(SlackApiError) as error:
        await slack.chat_postMessage(channel=ROOM, text="2")
    assert error.value.response.status_code == 429 and error.value.response.headers["Retry-After"] == "1"


async def test_bolt_hears_messages_and_commands_and_what_nobody_acknowledges_comes_again(emulators: Emulators) -> None:
    client = AsyncWebClient(token="xoxb-practice", base_url=f"{emulators.url}/slack/api/", retry_handlers=[])
    app = AsyncApp(client=client, process_before_response=True)
    heard: list[tuple[str, Any]] = []

    @app.event("message")
    async def message(event: dict[str, Any], body: dict[str, Any]) -> None:
        heard.append((event["text"], body["event_id"]))
        if len(heard) == 1:
            raise RuntimeError("not acknowledged")

    @app.command("/ic")
    async def command(ack: Any, body: dict[str, Any]) -> None:
        await ack(text=f"you said {body['text']}")

    handler = AsyncSocketModeHandler(app, "xapp-practice", web_client=client)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt's own lack of types
    try:
        async with aiohttp.ClientSession(f"{emulators.url}") as http:
            say = {"user": "U0ANNE", "channel": ROOM, "text": "!ic page"}
            await http.post("/control/slack/message", json=say)
            ends = asyncio.get_running_loop().time() + 10
            while len(heard) < 2:
                assert asyncio.get_running_loop().time() < ends, heard
                await asyncio.sleep(0.05)
            assert heard[0] == heard[1]
            asked = {"user": "U0ANNE", "channel": ROOM, "command": "/ic", "text": "help"}
            async with http.post("/control/slack/command", json=asked) as answer:
                assert (await answer.json())["answer"]["text"] == "you said help"
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # as above
