"""The status page, the stalk and the records."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities.monitoring import Watch
from activities.records import Records
from activities.status_page import Publication
from incident.declaring import Declaration, declare
from incident.model import Status
from incident.policy import StatusSource
from tests.activities.conftest import Outside
from tests.configured import organisation
from tests.domain.conftest import NOW

TEXT = "PRACTICE We are looking into a problem."


def publication(key: str, text: str = TEXT, *, practice: bool = True) -> Publication:
    return Publication("lusab-babad", key, "investigating", text, practice)


async def test_exactly_the_approved_text_once_whatever_is_lost(outside: Outside) -> None:
    await outside.fault("statuspage", "POST /pages/pgexample/incidents", fault="drop_after")
    with pytest.raises(ApplicationError):
        await outside.run(outside.status_page.publish, publication("k/1"))
    await outside.run(outside.status_page.publish, publication("k/1"), attempt=2)
    await outside.run(outside.status_page.publish, publication("k/2", "PRACTICE more"))
    (entry,) = await outside.control("GET", "statuspage")
    assert [update["body"] for update in reversed(entry["incident_updates"])] == [TEXT, "PRACTICE more"]


async def test_a_practice_text_that_does_not_say_so_never_goes_out(outside: Outside) -> None:
    with pytest.raises(ApplicationError, match="begins with PRACTICE"):
        await outside.run(outside.status_page.publish, publication("k/3", "We are down"))
    assert await outside.control("GET", "statuspage") == []


async def test_the_stalk_returns_on_a_change_only(outside: Outside) -> None:
    source = StatusSource(id="shop", url=f"{outside.url}/status/shop")
    watch = Watch((source,), timedelta(milliseconds=20), Status("ok", "shop ok", NOW))
    stalking = asyncio.create_task(outside.run(outside.monitoring.watch, watch))
    await asyncio.sleep(0.1)
    assert not stalking.done()
    await outside.control("POST", "status/shop", {"status": "degraded"})
    assert (await stalking).state == "degraded"


async def test_that_it_cannot_be_read_is_news_at_the_second_time(outside: Outside) -> None:
    source = StatusSource(id="shop", url=f"{outside.url}/status/shop")
    watch = Watch((source,), timedelta(milliseconds=20), Status("ok", "shop ok", NOW))
    await outside.fault("status", "*", code=500, times=1)
    await outside.fault("status", "*", code=500, times=-1)
    assert (await outside.run(outside.monitoring.watch, watch)).state == "unreadable"


async def test_a_record_is_kept_once_and_replaced(outside: Outside, tmp_path: Path) -> None:
    policy = organisation().policy()
    incident = declare(Declaration("lusab-babad", "down", "anne", "Anne Apison", NOW, policy), NOW)
    records = Records(f"sqlite:///{tmp_path / 'records.db'}")
    await outside.run(records.keep, incident)
    incident.title = "down again"
    await outside.run(records.keep, incident)
    (kept,) = records.kept()
    assert kept.title == "down again" and kept.document["timeline"] and "policy" not in kept.document
