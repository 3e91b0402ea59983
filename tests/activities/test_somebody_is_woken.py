"""What PagerDuty refuses of a page is dropped and said; somebody is woken all the same (process, 1)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from incident.paging import Paged
from tests.activities.conftest import Outside
from tests.activities.test_paging import order


async def notified(outside: Outside) -> list[str]:
    """Whose phones ring."""
    found = await outside.control("GET", "pagerduty/notified")
    return sorted(found)


async def paged(outside: Outside, **changes: Any) -> Paged:
    found: Paged = await outside.run(outside.paging.page, order(**changes))
    return found


async def test_a_priority_that_is_off_is_dropped_and_said(outside: Outside) -> None:
    await outside.control("POST", "pagerduty/priorities", {"on": False})
    found = await paged(outside, people=("bob",), priority="PPRIO01")
    assert await notified(outside) == ["PBOB001"]
    assert found.dropped == ("the priority (Invalid Priority)",)


async def test_one_deleted_assignee_is_named_and_the_others_are_paged(outside: Outside) -> None:
    await outside.control("POST", "pagerduty/user", {"user": "PBOB001", "deleted": True})
    found = await paged(outside, people=("bob", "kim", "lee"))
    assert await notified(outside) == ["PKIM001", "PLEE001"]
    assert found.unpaged == ("bob",) and found.people == ("kim", "lee")


async def test_if_nobody_of_a_page_exists_its_escalation_policy_is_paged(outside: Outside) -> None:
    await outside.control("POST", "pagerduty/user", {"user": "PBOB001", "deleted": True})
    found = await paged(outside, people=("bob",), escalation_policy="PEPIC2")
    assert await notified(outside) == ["PDEE001"] and found.unpaged == ("bob",)


@pytest.mark.parametrize("policy", ["PNONE01", "PEPIC3"])
async def test_if_that_has_nobody_either_the_services_own_is(outside: Outside, policy: str) -> None:
    await outside.control("POST", "pagerduty/oncall", {"escalation_policy": "PEPIC3", "levels": [""]})
    await outside.control("POST", "pagerduty/user", {"user": "PSAM001", "deleted": True})
    found = await paged(outside, people=("sam",), escalation_policy=policy)
    assert await notified(outside) == ["PBOB001"] and found.unpaged == ("sam",)
    assert any(part.startswith("the escalation policy") for part in found.dropped)


async def test_somebody_without_a_pagerduty_id_is_named(outside: Outside) -> None:
    found = await paged(outside, people=("pat", "kim"))
    assert found.unpaged == ("pat",) and found.people == ("kim",)


async def test_everything_at_once(outside: Outside) -> None:
    await outside.control("POST", "pagerduty/priorities", {"on": False})
    for user in ("PBOB001", "PLEE001"):
        await outside.control("POST", "pagerduty/user", {"user": user, "deleted": True})
    found = await paged(outside, people=("bob", "lee"), priority="PPRIO01", escalation_policy="PNONE01")
    assert found.unpaged == ("bob", "lee") and found.people == ("kim",) and len(found.dropped) == 2
    assert len(await outside.pages()) == 1


async def test_pages_from_a_user_who_is_gone_come_from_another(outside: Outside) -> None:
    await outside.control("POST", "pagerduty/user", {"user": "PDONT01", "deleted": True})
    found = await paged(outside, people=("bob",))
    assert await notified(outside) == ["PBOB001"]
    assert any("PAGERDUTY_FROM" in part for part in found.dropped)


async def test_whoever_the_pages_come_from_is_notified_too(outside: Outside) -> None:
    """PagerDuty acknowledges at once what somebody assigns to themselves, and does not notify them."""
    bob = outside.coming_from("bob@example.com")
    found = await outside.run(bob.page, order(people=("bob",)))
    (incident,) = await outside.pages()
    assert incident["status"] == "triggered" and await notified(outside) == ["PBOB001"] and found.people == ("bob",)


async def test_each_page_has_the_bridge_and_its_urgency(outside: Outside) -> None:
    await paged(outside, people=("bob",), urgency="low")
    (incident,) = await outside.pages()
    assert incident["conference_bridge"] == {
        "conference_number": "+1 555 0199,,,,4711#",
        "conference_url": "https://meet.example.com/incident",
    }
    assert incident["urgency"] == "low"


async def test_a_secret_page_names_no_bridge(outside: Outside) -> None:
    """Everybody knows it."""
    await paged(outside, people=("bob",), secret=True)
    (incident,) = await outside.pages()
    assert "conference_bridge" not in incident


async def test_an_override_counts_at_once(outside: Outside) -> None:
    await asyncio.to_thread(outside.paging.refresh_book)
    await outside.control("POST", "pagerduty/oncall", {"escalation_policy": "PEPIC1", "levels": ["PLEE001", "PKIM001"]})
    assert (await paged(outside)).people == ("lee",)


async def test_with_the_schedules_away_the_cache_says_who_is_on_call(outside: Outside) -> None:
    await asyncio.to_thread(outside.paging.refresh_book)
    await outside.control("POST", "pagerduty/oncall", {"escalation_policy": "PEPIC1", "levels": ["PLEE001", "PKIM001"]})
    await outside.fault("pagerduty", "GET /oncalls", code=503, times=-1)
    assert (await paged(outside)).people == ("bob",)


async def test_slow_schedules_do_not_hold_a_page(outside: Outside) -> None:
    await asyncio.to_thread(outside.paging.refresh_book)
    await outside.fault("pagerduty", "GET /oncalls", fault="slow", seconds=6, times=-1)
    async with asyncio.timeout(4):
        assert (await paged(outside)).people == ("bob",)


async def test_a_gap_goes_to_the_next_level_that_has_somebody(outside: Outside) -> None:
    await outside.control("POST", "pagerduty/oncall", {"escalation_policy": "PEPIC1", "levels": ["", "PKIM001"]})
    assert (await paged(outside)).people == ("kim",)


async def test_rounds_start_over_after_the_top_and_ring_again_whoever_has_not_answered(outside: Outside) -> None:
    rounds = [await paged(outside, key=f"k{n}", level=n) for n in (1, 2, 3)]
    assert [one.people for one in rounds] == [("bob",), ("kim",), ("bob",)]
    again = await paged(outside, key="k4", level=2, again=("bob", "kim"))
    assert sorted(again.people) == ["bob", "kim"]
    pages = {page["incident_key"]: page["id"] for page in await outside.pages()}
    log = [e for e in await outside.control("GET", "pagerduty/log") if e["incident"] == pages["k4"]]
    assert sorted(e["user"] for e in log if e["type"] == "notify_log_entry") == ["PBOB001", "PKIM001"], "each once"


async def test_one_users_unreadable_contacts_do_not_stop_the_on_call_cache(outside: Outside) -> None:
    await asyncio.to_thread(outside.paging.refresh_book)
    phone = outside.book.known_phone("PLEE001")
    await outside.control("POST", "pagerduty/user", {"user": "PKIM001", "contacts": False})
    await outside.fault("pagerduty", "GET /users/PLEE001/contact_methods", code=503, times=-1)
    before = outside.book._read_at
    await asyncio.to_thread(outside.paging.refresh_book)
    assert outside.book.known_phone("PLEE001") == phone != "", "could not be read is not: has none"
    assert outside.book._read_at != before and outside.book.known_phone("PKIM001") == ""


async def test_a_wait_is_as_long_as_the_reset_says(outside: Outside) -> None:
    await outside.control("POST", "pagerduty/rate", {"limit": 0})
    with pytest.raises(ApplicationError) as limited:
        await paged(outside, people=("bob",))
    wait = limited.value.next_retry_delay
    assert limited.value.type == "RateLimited" and wait is not None and 1 < wait.total_seconds() <= 60
