"""A security incident: nothing that an outsider can read holds what it is about (process, 1 and 6)."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from incident import identity
from tests.configured import example
from tests.stories.copy import running
from tests.stories.hands import hands

GENERAL = "C0GENERAL"
SECRETS = ("stolen", "tokens", "shop-api", "Anne", "Sam Storeson")


async def test_nothing_readable_outside_says_what_it_is_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path, example(ending={"watched_for": '"1s"'})) as copy, hands(copy) as use:
        await use.slashes("anne", "declare 1 --security stolen tokens service: shop-api", GENERAL)

        async def opened() -> str:
            rooms = await copy.control("GET", "slack/rooms")
            return next((r["name"] for r in rooms if r["name"].startswith("inc-")), "")

        copy.incident = (await copy.until(opened, "the room")).removeprefix("inc-")
        await copy.is_in_it("bob")
        await copy.say("bob", "command")
        await copy.say("bob", "page sam")
        await copy.heard_in_room("paged Sam Storeson")
        await copy.say("sam", "finding stolen tokens in the log of shop-api")
        await copy.heard_in_room("stolen tokens in the log")
        await copy.say("bob", "resolve --insist recovered")
        await copy.ended()

        rooms = {room["id"]: room for room in await copy.control("GET", "slack/rooms")}
        ours = next(room for room in rooms.values() if room["name"] == f"inc-{copy.incident}")
        assert ours["is_private"]
        assert rooms["C0EXEC"]["messages"] == []
        assert await copy.received("statuspage", "*") == []
        elsewhere = [room for room in rooms.values() if room["id"] != ours["id"] and not room["is_im"]]
        readable = {
            "other rooms": [[r["name"], r["topic"], r["messages"]] for r in elsewhere],
            "its room's name": ours["name"],
            "PagerDuty": await copy.control("GET", "pagerduty/incidents"),
            "logs": [record.getMessage() for record in caplog.records],
        }
        async for run in copy.client.list_workflows(""):
            told = {key: str(value) for key, value in (await run.memo()).items()}
            described = await copy.client.get_workflow_handle(run.id).describe()
            seen = (run.id, told, run.typed_search_attributes, await described.static_summary())
            readable[run.id] = repr(seen)
        for where, what in readable.items():
            text = json.dumps(what, default=repr)
            assert not [secret for secret in SECRETS if secret in text], f"{where}: {text}"
        assert identity.workflow_id(copy.incident) in readable
