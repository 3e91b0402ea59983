"""The socket to Slack: a connection that is gone is seen by the doctor, and made again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient

import supervision
from chat import app
from tests.configured import example
from tests.stories.copy import running
from tests.stories.hands import hands


async def test_a_connection_that_is_gone_is_seen_and_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the SDK's own watching, which may die like any task: what we watch is enough."""
    monkeypatch.setattr(app, "CONNECTED_EVERY", timedelta(milliseconds=100))
    monkeypatch.setattr(SocketModeClient, "monitor_current_session", _watches_nothing)
    async with running(tmp_path, example(), worker="none") as copy, hands(copy):

        def failing() -> bool:
            jobs = [job for job in supervision.jobs(tmp_path) if job.name == "connection to Slack"]
            return bool(jobs) and jobs[0].failures > 0

        async def seen() -> bool:
            return failing()

        async def well_again() -> bool:
            return not failing()

        await copy.control("POST", "slack/socket", {"refuse_for": 2})
        await copy.until(seen, "the doctor sees that it is gone")
        await copy.until(well_again, "it is there again")
        answer = await copy.control("POST", "slack/command", {"user": "U0ANNE", "channel": "C0GENERAL", "text": ""})
        assert answer["acknowledged"]


async def _watches_nothing(_: object) -> None: ...
