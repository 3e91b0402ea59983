"""Pages: one call when all is well, one page whatever happens, the phone list when nothing goes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.pagerduty_sync import ResolveOrder, SubscribeOrder
from activities.pages import FollowOrder, PageOrder
from tests.activities.conftest import Outside


def order(**changes: object) -> PageOrder:
    usual: dict[str, object] = {
        "incident": "lusab-babad",
        "key": "incident-lusab-babad/page/1/primary",
        "title": "PRACTICE checkout is down",
        "details": "come",
        "service": "PSVCMAJ",
        "practice": True,
        "escalation_policy": "PEPIC1",
        "level": 1,
    }
    return PageOrder(**{**usual, **changes})  # type: ignore[arg-type]  # by name, as the fields say


async def test_one_call_when_all_is_well(outside: Outside) -> None:
    paged = await outside.run(outside.paging.page, order(people=("bob",)))
    assert paged.people == ("bob",) and paged.names == ("Bob Boberson",)
    calls = await outside.control("GET", "received?service=pagerduty")
    assert [call["call"] for call in calls] == ["POST /incidents"]


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
async def test_a_lost_answer_is_one_page(outside: Outside, fault: str) -> None:
    await outside.fault("pagerduty", "POST /incidents", fault=fault)
    with pytest.raises(ApplicationError) as lost:
        await outside.run(outside.paging.page, order(people=("bob",)))
    assert lost.value.type == "Unavailable" and not lost.value.non_retryable
    again = await outside.run(outside.paging.page, order(people=("bob",)), attempt=2)
    assert again.adopted is (fault == "drop_after")
    assert len(await outside.pages()) == 1


async def test_a_page_that_a_door_opened_is_adopted(outside: Outside) -> None:
    first = await outside.run(outside.paging.page, order(people=("bob",)))
    second = await outside.run(outside.paging.page, order(people=("bob",)))
    assert second.adopted and second.pagerduty_id == first.pagerduty_id


async def test_too_many_calls_wait_as_long_as_pagerduty_says(outside: Outside) -> None:
    await outside.fault("pagerduty", "POST /incidents", code=429, retry_after=7)
    with pytest.raises(ApplicationError) as limited:
        await outside.run(outside.paging.page, order(people=("bob",)))
    assert limited.value.type == "RateLimited" and limited.value.next_retry_delay == timedelta(seconds=7)


async def test_what_pagerduty_can_never_accept_is_given_up_with_its_words(outside: Outside) -> None:
    with pytest.raises(ApplicationError, match="Service not found") as rejected:
        await outside.run(outside.paging.page, order(people=("bob",), service="PNONE"))
    assert rejected.value.non_retryable


async def test_practice_and_real_never_mix(outside: Outside) -> None:
    with pytest.raises(ApplicationError) as mixed:
        await outside.run(outside.paging.page, order(practice=False))
    assert mixed.value.type == "PracticeMix" and mixed.value.non_retryable
    assert await outside.pages() == []


async def test_whom_to_call_comes_from_the_book_with_its_age_and_pagerduty_down(outside: Outside) -> None:
    await asyncio.to_thread(outside.paging.refresh_book)
    await outside.fault("pagerduty", "*", fault="drop_before", times=-1)
    who = await outside.run(outside.paging.who_would_be_paged, order())
    assert who.names == ("Bob Boberson",) and who.age.endswith("old")
    assert outside.book.phone("bob") == "+1 555 0100"


async def test_the_book_is_readable_by_its_owner_alone(outside: Outside) -> None:
    await asyncio.to_thread(outside.paging.refresh_book)
    assert outside.book._path.stat().st_mode & 0o777 == 0o600


async def test_each_acknowledgement_is_heard_once(outside: Outside) -> None:
    paged = await outside.run(outside.paging.page, order(people=("kim",)))
    follow = FollowOrder(paged.pagerduty_id, (), timedelta(milliseconds=20), datetime.now(UTC) + timedelta(seconds=5))
    waiting = asyncio.create_task(outside.run(outside.paging.await_acknowledgement, follow))
    await outside.control("POST", "pagerduty/acknowledge", {"incident": paged.pagerduty_id, "user": "PKIM001"})
    assert (await waiting).person == "kim"
    soon = datetime.now(UTC) + timedelta(milliseconds=100)
    seen = FollowOrder(paged.pagerduty_id, ("kim",), timedelta(milliseconds=20), soon)
    assert (await outside.run(outside.paging.await_acknowledgement, seen)).person == ""


async def test_resolving_and_subscribing_twice_is_once(outside: Outside) -> None:
    paged = await outside.run(outside.paging.page, order(people=("bob",)))
    for _ in range(2):
        await outside.run(outside.sync.subscribe, SubscribeOrder(paged.pagerduty_id, ("PTEAMS1",), True))
        await outside.run(outside.sync.resolve, ResolveOrder((paged.pagerduty_id,), (order().key,)))
    (page,) = await outside.pages()
    assert page["status"] == "resolved" and len(page["subscribers"]) == 1


async def test_no_key_stands_in_an_error(outside: Outside) -> None:
    await outside.fault("pagerduty", "*", code=401, times=-1)
    with pytest.raises(ApplicationError) as refused:
        await outside.run(outside.paging.page, order(people=("bob",)))
    assert "practice-pagerduty" not in repr(refused.value) and refused.value.non_retryable
