"""Status sources and what changed lately, against the emulators' monitored system and PagerDuty."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from activities.monitoring import Monitoring, ReadChanges, Watch
from activities.on_call_book import now
from incident.model import Reading, Status
from incident.sources import Changes, ChangeSource, StatusSource
from tests.activities.conftest import Outside

OFTEN = timedelta(milliseconds=20)


def errors(outside: Outside, **more: Any) -> StatusSource:
    thresholds = {"degraded_above": 0.05, "down_above": 0.25} | more
    return StatusSource.model_validate(
        {"id": "errors", "kind": "prometheus", "url": f"{outside.url}/prometheus", "query": "error_rate", **thresholds}
    )


def business(outside: Outside) -> tuple[Monitoring, StatusSource]:
    source = StatusSource(id="shop", kind="pagerduty-business-service", business_service="PBIZ001", impacted="down")
    return Monitoring(outside.http, outside.paging.impacted), source


@pytest.mark.parametrize(("value", "state"), [(0.004, "ok"), (0.05, "ok"), (0.08, "degraded"), (0.4, "down")])
async def test_a_prometheus_query_is_held_against_its_thresholds(outside: Outside, value: float, state: str) -> None:
    await outside.control("POST", "metric/error_rate", {"value": value})
    status = await outside.monitoring.read((errors(outside),))
    assert status.readings == [Reading("errors", state, f"{value:g}")]


async def test_a_threshold_may_be_a_lower_limit(outside: Outside) -> None:
    source = errors(outside, degraded_above=None, down_above=None, degraded_below=0.99, down_below=0.9)
    await outside.control("POST", "metric/error_rate", {"value": 0.95})
    assert (await outside.monitoring.read((source,))).state == "degraded"


async def test_a_query_without_a_result_cannot_be_read(outside: Outside) -> None:
    await outside.control("POST", "metric/error_rate", {"value": None})
    status = await outside.monitoring.read((errors(outside),))
    assert status.readings == [Reading("errors", "unreadable", "the query has no result")]


async def test_a_business_service_of_pagerduty_is_well_until_it_is_impacted(outside: Outside) -> None:
    monitoring, source = business(outside)
    assert (await monitoring.read((source,))).state == "ok"
    await outside.control("POST", "pagerduty/impact", {"business_service": "PBIZ001", "impacted": True})
    assert (await monitoring.read((source,))).evidence == "shop down (impacted)"


async def test_a_business_service_that_pagerduty_does_not_know_cannot_be_read(outside: Outside) -> None:
    monitoring, source = business(outside)
    status = await monitoring.read((source.model_copy(update={"business_service": "PNONE01"}),))
    assert status.state == "unreadable" and "there is no business service PNONE01" in status.readings[0].value


async def test_the_worst_readable_source_is_the_status_and_each_is_named(outside: Outside) -> None:
    await outside.control("POST", "metric/error_rate", {"value": None})
    await outside.control("POST", "status/shop", {"status": "degraded"})
    shop = StatusSource(id="web", url=f"{outside.url}/status/shop")
    status = await outside.monitoring.read((shop, errors(outside)))
    assert (status.state, status.detail) == ("degraded", "web degraded, errors unreadable")


async def test_secrets_come_from_the_environment_and_are_never_in_what_is_told(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE", f"{outside.url}/nowhere/s3cret")
    monkeypatch.setenv("WHO", "s3cret")
    source = StatusSource(id="web", url="${WHERE}/status", headers={"Authorization": "Bearer ${WHO}"})
    status = await outside.monitoring.read((source,))
    assert status.readings == [Reading("web", "unreadable", "it answered 404")]
    monkeypatch.delenv("WHO")
    assert "WHO is not set" in (await outside.monitoring.read((source,))).readings[0].value
    assert "s3cret" not in repr(status) + source.model_dump_json()


async def test_the_stalk_brings_a_worse_status_at_once_and_again_when_it_was_read_twice(outside: Outside) -> None:
    await outside.control("POST", "metric/error_rate", {"value": 0.4})
    seen = Status("ok", "errors ok", now(), [Reading("errors", "ok")])
    first = await outside.run(outside.monitoring.watch, Watch((errors(outside),), OFTEN, seen))
    assert (first.state, first.times) == ("down", 1)
    second = await outside.run(outside.monitoring.watch, Watch((errors(outside),), OFTEN, first))
    assert (second.state, second.times) == ("down", 2) and second.at - first.at >= OFTEN
    stalking = asyncio.create_task(outside.run(outside.monitoring.watch, Watch((errors(outside),), OFTEN, second)))
    await asyncio.sleep(0.1)
    assert not stalking.done()
    await outside.control("POST", "metric/error_rate", {"value": 0.3})
    await outside.control("POST", "metric/error_rate", {"value": 0.004})
    assert (await stalking).state == "ok"


async def test_a_source_that_fails_once_leaves_the_others_news_alone(outside: Outside) -> None:
    shop = StatusSource(id="web", url=f"{outside.url}/status/shop")
    sources = (shop, errors(outside))
    seen = await outside.monitoring.read(sources)
    await outside.fault("prometheus", "*", code=500, times=1)
    await outside.control("POST", "status/shop", {"status": "down"})
    status = await outside.run(outside.monitoring.watch, Watch(sources, OFTEN, seen))
    assert status.detail == "web down, errors ok"


def deployments(outside: Outside, **more: Any) -> ChangeSource:
    fields = {"items": "deployments", "time": "at", "text": "what", "link": "url"} | more
    return ChangeSource.model_validate({"id": "deployments", "url": f"{outside.url}/changes", **fields})


async def test_what_changed_lately_newest_first_within_the_window(outside: Outside) -> None:
    await outside.control("POST", "change", {"text": "checkout <b> {phone:bob} deployed", "url": "https://x.example"})
    order = ReadChanges(Changes(sources=(deployments(outside),)), now() - timedelta(hours=4))
    found = await outside.run(outside.monitoring.read_changes, order)
    assert [change.text for change in found.changes] == [
        "checkout ‹b› (phone:bob) deployed",
        "shop-api 2026.11-3 deployed to eu-west",
        "traffic of eu-south moved to eu-west",
    ]
    assert found.changes[0].link == "https://x.example" and not found.unreadable


async def test_at_most_so_many_and_a_source_that_does_not_answer_is_named(outside: Outside) -> None:
    broken = deployments(outside, id="switches", url=f"{outside.url}/nowhere")
    rules = Changes(sources=(deployments(outside), broken), at_most=1)
    found = await outside.run(outside.monitoring.read_changes, ReadChanges(rules, now() - timedelta(days=2)))
    assert len(found.changes) == 1 and found.unreadable == ["switches"]


async def test_a_list_that_is_not_where_it_is_said_to_be_cannot_be_read(outside: Outside) -> None:
    rules = Changes(sources=(deployments(outside, items="releases"),))
    found = await outside.run(outside.monitoring.read_changes, ReadChanges(rules, now() - timedelta(days=2)))
    assert found.unreadable == ["deployments"]
