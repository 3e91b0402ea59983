"""Slack over signed HTTP instead of Socket Mode: a configuration choice. What is not signed, or old, is not heard."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from settings import Misconfigured
from tests.chat.test_webhooks import free_place
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.hands import hands

pytestmark = pytest.mark.story

SECRET = "practice-signing"


async def post(
    copy: Copy, place: str, body: str, kind: str, *, secret: str = SECRET, at: float = 0, retry: int = 0
) -> tuple[int, str]:
    stamp = str(int(at or time.time()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or ""
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature, "Content-Type": kind}
    if retry:
        headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
    async with copy.http.post(f"http://{place}/slack/events", data=body.encode(), headers=headers) as answer:
        return answer.status, await answer.text()


async def test_signed_http(tmp_path: Path) -> None:
    place = free_place()
    async with (
        running(tmp_path, example()) as copy,
        hands(copy, SLACK_SIGNING_SECRET=SECRET, DONT_PANIC_LISTEN=place, SLACK_APP_TOKEN=""),
    ):
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.heard_in_room("SEV-1")
        room = (await copy.room())["id"]

        form = "application/x-www-form-urlencoded"
        fields = {"command": "/ic", "text": "command", "user_id": "U0BOB", "channel_id": room, "trigger_id": "1.2.3"}
        slash = urlencode(
            fields | {"team_id": "T0EXAMPLE", "channel_name": "inc", "response_url": "", "api_app_id": "A1"}
        )
        for wrong in ({"secret": "somebody-else"}, {"at": time.time() - 600}):
            assert (await post(copy, place, slash, form, **wrong))[0] == 401
        assert (await copy.look()).commander is None
        status, answer = await post(copy, place, slash, form)
        assert status == 200 and "Bob Boberson" in answer
        assert (await copy.look()).commander == "bob"

        event = {"type": "message", "user": "U0SAM", "channel": room, "text": "NOTE by HTTP", "ts": "17.1"}
        envelope = {"type": "event_callback", "event_id": "Ev1", "team_id": "T0EXAMPLE", "event": event}
        for retry in (0, 1, 2):
            assert (await post(copy, place, json.dumps(envelope), "application/json", retry=retry))[0] == 200

        async def noted() -> bool:
            return bool((await copy.look()).notes)

        await copy.until(noted, "the note")
        assert [note.text for note in (await copy.look()).notes] == ["by HTTP"]


async def test_a_listener_that_could_hear_nothing_does_not_start(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        with pytest.raises(Misconfigured, match="DONT_PANIC_LISTEN"):
            async with hands(copy, SLACK_SIGNING_SECRET=SECRET):
                pass
        with pytest.raises(Misconfigured, match="SLACK_APP_TOKEN"):
            async with hands(copy, SLACK_APP_TOKEN=""):
                pass
