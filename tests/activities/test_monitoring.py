"""Status sources and what changed lately, against the emulators' monitored system and PagerDuty."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.monitoring import ReadChanges, Watch
from activities.on_call_book import now
from incident.model import ChangedLately, Reading, Status
from incident.sources import Changes, ChangeSource, StatusSource
from tests.activities.conftest import Outside

OFTEN = timedelta(milliseconds=20)


def errors(outside: Outside, **more: Any) -> StatusSource:
    thresholds = {"degraded_above": 0.05, "down_above": 0.25} | more
    return StatusSource.model_validate(
        {"id": "errors", "kind": "prometheus", "url": f"{outside.url}/prometheus", "query": "error_rate", **thresholds}
    )


def business(**more: Any) -> StatusSource:
    fields = {"id": "shop", "kind": "pagerduty-business-service", "business_service": "PBIZ001", "impacted": "down"}
    return StatusSource.model_validate(fields | more)


async def read(outside: Outside, *sources: StatusSource) -> Status:
    outside.configure(status_sources=sources)
    return await outside.monitoring.read()


async def watch(outside: Outside, sources: tuple[StatusSource, ...], seen: Status) -> Status:
    outside.configure(status_sources=sources)
    found: Status = await outside.run(outside.monitoring.watch, Watch(sources, OFTEN, seen))
    return found


async def read_changes(outside: Outside, rules: Changes, since: datetime) -> ChangedLately:
    outside.configure(changes=rules)
    found: ChangedLately = await outside.run(outside.monitoring.read_changes, ReadChanges(rules, since))
    return found


@pytest.mark.parametrize(("value", "state"), [(0.004, "ok"), (0.05, "ok"), (0.08, "degraded"), (0.4, "down")])
async def test_a_prometheus_query_is_held_against_its_thresholds(outside: Outside, value: float, state: str) -> None:
    await outside.control("POST", "metric/error_rate", {"value": value})
    status = await read(outside, errors(outside))
    assert status.readings == [Reading("errors", state, f"{value:g}")]


async def test_a_threshold_may_be_a_lower_limit(outside: Outside) -> None:
    source = errors(outside, degraded_above=None, down_above=None, degraded_below=0.99, down_below=0.9)
    await outside.control("POST", "metric/error_rate", {"value": 0.95})
    assert (await read(outside, source)).state == "degraded"


async def test_a_query_without_a_result_cannot_be_read(outside: Outside) -> None:
    await outside.control("POST", "metric/error_rate", {"value": None})
    status = await read(outside, errors(outside))
    assert status.readings == [Reading("errors", "unreadable", "the query has no result")]


async def test_a_business_service_of_pagerduty_is_well_until_it_is_impacted(outside: Outside) -> None:
    source = business()
    assert (await read(outside, source)).state == "ok"
    await outside.control("POST", "pagerduty/impact", {"business_service": "PBIZ001", "impacted": True})
    assert (await read(outside, source)).evidence == "shop down (impacted)"


async def test_a_business_service_that_pagerduty_does_not_know_cannot_be_read(outside: Outside) -> None:
    status = await read(outside, business(business_service="PNONE01"))
    assert status.state == "unreadable" and "there is no business service PNONE01" in status.readings[0].value


async def test_the_worst_readable_source_is_the_status_and_each_is_named(outside: Outside) -> None:
    await outside.control("POST", "metric/error_rate", {"value": None})
    await outside.control("POST", "status/shop", {"status": "degraded"})
    shop = StatusSource(id="web", url=f"{outside.url}/status/shop")
    status = await read(outside, shop, errors(outside))
    assert (status.state, status.detail) == ("degraded", "web degraded, errors unreadable")


async def test_secrets_come_from_the_environment_and_are_never_in_what_is_told(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE", f"{outside.url}/nowhere/s3cret")
    monkeypatch.setenv("WHO", "s3cret")
    source = StatusSource(id="web", url="${WHERE}/status", headers={"Authorization": "Bearer ${WHO}"})
    status = await read(outside, source)
    assert status.readings == [Reading("web", "unreadable", "it answered 404")]
    monkeypatch.delenv("WHO")
    assert "WHO is not set" in (await read(outside, source)).readings[0].value
    assert "s3cret" not in repr(status) + source.model_dump_json()


async def test_the_stalk_brings_a_worse_status_at_once_and_again_when_it_was_read_twice(outside: Outside) -> None:
    await outside.control("POST", "metric/error_rate", {"value": 0.4})
    seen = Status("ok", "errors ok", now(), [Reading("errors", "ok")])
    first = await watch(outside, (errors(outside),), seen)
    assert (first.state, first.times) == ("down", 1)
    second = await watch(outside, (errors(outside),), first)
    assert (second.state, second.times) == ("down", 2) and second.at - first.at >= OFTEN
    stalking = asyncio.create_task(watch(outside, (errors(outside),), second))
    await asyncio.sleep(0.1)
    assert not stalking.done()
    await outside.control("POST", "metric/error_rate", {"value": 0.3})
    await outside.control("POST", "metric/error_rate", {"value": 0.004})
    assert (await stalking).state == "ok"


async def test_a_source_that_fails_once_leaves_the_others_news_alone(outside: Outside) -> None:
    shop = StatusSource(id="web", url=f"{outside.url}/status/shop")
    sources = (shop, errors(outside))
    seen = await read(outside, *sources)
    await outside.fault("prometheus", "*", code=500, times=1)
    await outside.control("POST", "status/shop", {"status": "down"})
    status = await watch(outside, sources, seen)
    assert status.detail == "web down, errors ok"


def deployments(outside: Outside, **more: Any) -> ChangeSource:
    fields = {"items": "deployments", "time": "at", "text": "what", "link": "url"} | more
    return ChangeSource.model_validate({"id": "deployments", "url": f"{outside.url}/changes", **fields})


async def test_what_changed_lately_newest_first_within_the_window(outside: Outside) -> None:
    await outside.control("POST", "change", {"text": "checkout <b> {phone:bob} deployed", "url": "https://x.example"})
    found = await read_changes(outside, Changes(sources=(deployments(outside),)), now() - timedelta(hours=4))
    assert [change.text for change in found.changes] == [
        "checkout <b> {phone:bob} deployed",
        "shop-api 2026.11-3 deployed to eu-west",
        "traffic of eu-south moved to eu-west",
    ]
    assert found.changes[0].link == "https://x.example" and not found.unreadable


async def test_at_most_so_many_and_a_source_that_does_not_answer_is_named(outside: Outside) -> None:
    broken = deployments(outside, id="switches", url=f"{outside.url}/nowhere")
    rules = Changes(sources=(deployments(outside), broken), at_most=1)
    found = await read_changes(outside, rules, now() - timedelta(days=2))
    assert len(found.changes) == 1 and found.unreadable == ["switches"]


async def test_a_list_that_is_not_where_it_is_said_to_be_cannot_be_read(outside: Outside) -> None:
    rules = Changes(sources=(deployments(outside, items="releases"),))
    found = await read_changes(outside, rules, now() - timedelta(days=2))
    assert found.unreadable == ["deployments"]


async def test_what_is_read_is_what_this_machine_has_configured(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may start an activity names a source, and neither its address nor what is sent there."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-s3cret")
    outside.configure(status_sources=(errors(outside),), changes=Changes(sources=(deployments(outside),)))
    theirs = f"{outside.url}/stolen/${{SLACK_BOT_TOKEN}}"
    forged = (StatusSource(id="errors", url=theirs), StatusSource(id="inside", url=theirs))
    seen = Status("ok", "", now(), [Reading("errors", "down"), Reading("inside", "unreadable")])
    status = await outside.run(outside.monitoring.watch, Watch(forged, OFTEN, seen))
    assert [reading.state for reading in status.readings] == ["ok", "unreadable"]
    assert "not in this worker's configuration" in status.readings[1].value
    rules = Changes(sources=(deployments(outside, url=theirs), deployments(outside, id="inside", url=theirs)))
    found = await outside.run(outside.monitoring.read_changes, ReadChanges(rules, now() - timedelta(hours=4)))
    assert found.changes and found.unreadable == ["inside"]
    assert "stolen" not in str(await outside.control("GET", "received"))
