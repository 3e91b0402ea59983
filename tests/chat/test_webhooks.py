"""PagerDuty's webhooks: signed, once, and one storm in one room."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.hands import Hands, hands

pytestmark = pytest.mark.story

SECRET = "practice-webhook"
QUIET = {"poll_every": '"1h"'}
"""Polling would find an acknowledgement too; here only a webhook can bring it."""


def free_place() -> str:
    """Host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@asynccontextmanager
async def subscribed(state: Path, **paging: str) -> AsyncIterator[tuple[Copy, Hands, str]]:
    place = free_place()
    async with (
        running(state, example(paging={**QUIET, **paging})) as copy,
        hands(copy, DONT_PANIC_LISTEN=place) as use,
    ):
        url = f"http://{place}/pagerduty/webhook"
        await copy.control("POST", "pagerduty/webhook", {"url": url, "secret": SECRET})
        yield copy, use, url


def event(kind: str, data: dict[str, Any], at: datetime | None = None) -> bytes:
    occurred = (at or datetime.now(UTC)).isoformat()
    return json.dumps({"event": {"id": "E1", "event_type": kind, "occurred_at": occurred, "data": data}}).encode()


async def post(copy: Copy, url: str, body: bytes, secret: str = SECRET, **headers: str) -> int:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    async with copy.http.post(
        url, data=body, headers={"X-PagerDuty-Signature": f"v1={signature}", **headers}
    ) as answer:
        return answer.status


async def test_acknowledgements_and_replies_reach_their_incident(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (copy, _, _url):
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.heard_in_room("Bob Boberson acknowledged the page.")
        await copy.control("POST", "pagerduty/webhook/again")
        paged = (await copy.control("GET", "pagerduty/incidents"))[0]
        for state in ("accepted", "declined"):
            reply = {"incident": paged["id"], "user": "PANNE01", "state": state, "message": f"I {state} it"}
            await copy.control("POST", "pagerduty/reply", reply)
        await copy.heard_in_room("Anne Apison joins: I accepted it")
        await copy.heard_in_room("Anne Apison cannot join: I declined it")
        assert sum("Bob Boberson acknowledged" in line and "•" not in line for line in await copy.lines()) == 1


async def test_a_priority_declares_once_and_a_storm_is_one_room(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (copy, use, _):
        await copy.control("POST", "pagerduty/trigger", {"title": "a small thing", "priority": "PPRIO04"})
        titles = ["checkout answers with 500", *(f"service {n} is down" for n in range(8))]
        await asyncio.gather(
            *(copy.control("POST", "pagerduty/trigger", {"title": t, "priority": "PPRIO01"}) for t in titles)
        )

        async def found() -> str:
            running = await copy.gateway.list()
            return running[0].id if running else ""

        copy.incident = await copy.until(found, "an incident")

        async def all_heard() -> bool:
            return len((await copy.look()).triggers) == len(titles) - 1

        await copy.until(all_heard, "the storm is in the room")
        await copy.control("POST", "pagerduty/webhook/again")
        assert len(await copy.gateway.list(everything=True)) == 1
        incident = await copy.look()
        assert incident.severity == "SEV-1" and len(incident.pages) == 3  # no IC is paged again by the storm
        assert sorted([incident.title, *(t.text for t in incident.triggers.values())]) == sorted(titles)
        await use.presses("bob", "command")
        first, second = list(incident.triggers)[:2]
        await use.presses("anne", f"separate {first}")
        await use.hears("anne", "IC and deputy decide that")
        await use.presses("bob", f"same {second}")
        await use.presses("bob", f"separate {first}")

        async def parted() -> bool:
            return len(await copy.gateway.list(everything=True)) == 2

        await copy.until(parted, "its own incident")
        other = (await copy.look()).triggers[first].became
        assert (await copy.gateway.look(other)).title == incident.triggers[first].text


async def test_what_is_not_pagerdutys_is_refused(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (copy, _, url):
        data = {"id": "Q7", "title": "forged", "priority": {"id": "PPRIO01"}, "status": "triggered"}
        good = event("incident.triggered", data)
        assert await post(copy, url, good, secret="another") == 401
        async with aiohttp.ClientSession() as http, http.post(url, data=good) as answer:
            assert answer.status == 401
        old = event("incident.triggered", data, datetime.now(UTC) - timedelta(days=3))
        assert await post(copy, url, old) == 400
        for rubbish in (b"{}", b"[]", b"not json", event("incident.triggered", {"id": 4})):
            assert await post(copy, url, rubbish) == 202
        assert (
            await post(
                copy, url, event("incident.triggered", {**data, "incident_key": "incident-lusab-babad/page/1/x"})
            )
            == 202
        )
        assert not await copy.gateway.list(everything=True)
        for _ in range(2):
            assert await post(copy, url, good, **{"X-Webhook-Id": "one"}) == 202
        assert await post(copy, url, good, **{"X-Webhook-Id": "two"}) == 202  # the same trigger, sent anew
        assert len(await copy.gateway.list(everything=True)) == 1
