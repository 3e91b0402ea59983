"""PagerDuty's incidents are kept as the incident is (process, 5), whatever PagerDuty refuses."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.pagerduty_sync import (
    AcknowledgeOrder,
    MergeOrder,
    NotDone,
    NoteOrder,
    ResolveOrder,
    StatusUpdateOrder,
    SubscribeOrder,
    UpdateOrder,
)
from tests.activities.conftest import Outside
from tests.activities.test_paging import order


async def opened(outside: Outside, key: str, person: str) -> str:
    found = await outside.run(outside.paging.page, order(key=key, people=(person,)))
    return str(found.pagerduty_id)


async def page(outside: Outside, id: str) -> dict[str, Any]:
    return next(page for page in await outside.pages() if page["id"] == id)


async def test_priority_and_title_follow_and_a_priority_that_is_off_is_said(outside: Outside) -> None:
    id = await opened(outside, "k1", "bob")
    update = UpdateOrder({id: "PRACTICE Take command: SEV-1, down", "QGONE": "gone"}, "PPRIO01")
    assert await outside.run(outside.sync.update_pages, update) == NotDone()
    assert (await page(outside, id))["priority"]["id"] == "PPRIO01"
    await outside.control("POST", "pagerduty/priorities", {"on": False})
    refused = await outside.run(outside.sync.update_pages, UpdateOrder({id: "PRACTICE worse"}, "PPRIO02"))
    assert refused.what == ("the priority (Invalid Priority)",)
    assert (await page(outside, id))["title"] == "PRACTICE worse"


async def test_a_note_whose_answer_was_lost_is_there_once(outside: Outside) -> None:
    id = await opened(outside, "k1", "bob")
    await outside.fault("pagerduty", f"POST /incidents/{id}/notes", fault="drop_after")
    order = NoteOrder(id, ("Bob approved repair 1", "It worked"))
    with pytest.raises(ApplicationError):
        await outside.run(outside.sync.note, order)
    await outside.run(outside.sync.note, order, attempt=2)
    assert [note["content"] for note in (await page(outside, id))["notes"]] == list(order.texts)


async def test_a_status_update_reaches_the_subscribed_teams(outside: Outside) -> None:
    id = await opened(outside, "k1", "bob")
    teams = ("SEV-1 stakeholders", "PTEAMS2", "PNONE01", "No such team")
    answer = await outside.run(outside.sync.subscribe, SubscribeOrder(id, teams, True))
    assert answer.what == ("No such team (PagerDuty has no team of that name)", "PNONE01 (unauthorized)")
    await outside.run(outside.sync.post_status_update, StatusUpdateOrder(id, "PRACTICE all well", True))
    (update,) = (await page(outside, id))["status_updates"]
    assert update["message"] == "PRACTICE all well" and sorted(update["told"]) == ["PTEAMS1", "PTEAMS2"]


async def test_practice_and_real_never_mix(outside: Outside) -> None:
    id = await opened(outside, "k1", "bob")
    for activity, wrong in (
        (outside.sync.subscribe, SubscribeOrder(id, ("PTEAMS1",), False)),
        (outside.sync.post_status_update, StatusUpdateOrder(id, "x", False)),
    ):
        with pytest.raises(ApplicationError) as mixed:
            await outside.run(activity, wrong)
        assert mixed.value.type == "PracticeMix"


async def test_acknowledging_for_somebody_is_in_their_name_and_opens_nothing_again(outside: Outside) -> None:
    id = await opened(outside, "k1", "bob")
    for _ in range(2):
        await outside.run(outside.sync.acknowledge, AcknowledgeOrder(id, "bob"))
    assert [a["acknowledger"]["id"] for a in (await page(outside, id))["acknowledgements"]] == ["PBOB001"]
    await outside.control("POST", "pagerduty/resolve", {"incident": id, "user": "PKIM001"})
    await outside.run(outside.sync.acknowledge, AcknowledgeOrder(id, "kim"))
    assert (await page(outside, id))["status"] == "resolved"


async def test_somebody_without_a_pagerduty_user_cannot_be_acknowledged_for(outside: Outside) -> None:
    id = await opened(outside, "k1", "bob")
    with pytest.raises(ApplicationError, match="pat has no PagerDuty user"):
        await outside.run(outside.sync.acknowledge, AcknowledgeOrder(id, "pat"))


async def test_pages_are_merged_and_twice_is_once(outside: Outside) -> None:
    into, source = await opened(outside, "k1", "bob"), await opened(outside, "k2", "dee")
    for _ in range(2):
        assert await outside.run(outside.sync.merge_pages, MergeOrder(into, (source,))) == NotDone()
    merged = await page(outside, source)
    assert merged["status"] == "resolved" and merged["resolve_reason"]["incident"]["id"] == into


async def test_what_cannot_be_merged_is_resolved_with_a_note_and_said(outside: Outside) -> None:
    await outside.control("POST", "pagerduty/mergeable", {"on": False})
    into, source = await opened(outside, "k1", "bob"), await opened(outside, "k2", "dee")
    answer = await outside.run(outside.sync.merge_pages, MergeOrder(into, (source,)))
    assert len(answer.what) == 1 and "resolved instead" in answer.what[0]
    left = await page(outside, source)
    assert left["status"] == "resolved" and into in left["notes"][0]["content"]


async def test_at_the_end_priority_note_and_status_update_come_before_resolving(outside: Outside) -> None:
    first, second = await opened(outside, "k1", "bob"), await opened(outside, "k2", "dee")
    await outside.control("DELETE", "received")
    end = ResolveOrder((first, second), ("k3",), "PPRIO02", "resolved after 20 min", "PRACTICE it is over")
    assert await outside.run(outside.sync.resolve, end) == NotDone()
    made = [
        received["call"].removeprefix("PUT ").removeprefix("POST ")
        for received in await outside.control("GET", "received?service=pagerduty")
        if not received["call"].startswith("GET")
    ]
    there = f"/incidents/{first}"
    assert made == [there, f"{there}/notes", f"{there}/status_updates", there, f"/incidents/{second}"]
    assert {one["status"] for one in await outside.pages()} == {"resolved"}
    assert await outside.run(outside.sync.resolve, end) == NotDone(), "twice is once"


async def test_a_refusal_at_the_end_is_not_taken_for_resolved(outside: Outside) -> None:
    """Any 400 was."""
    first, second = await opened(outside, "k1", "bob"), await opened(outside, "k2", "dee")
    await outside.fault("pagerduty", f"PUT /incidents/{first}", code=400, times=-1)
    answer = await outside.run(outside.sync.resolve, ResolveOrder((first, second)))
    assert len(answer.what) == 1 and first in answer.what[0]
    assert (await page(outside, second))["status"] == "resolved", "one refusal does not take the rest with it"


async def test_it_is_resolved_in_somebodys_name_when_the_pages_user_is_gone(outside: Outside) -> None:
    id = await opened(outside, "k1", "bob")
    await outside.control("POST", "pagerduty/user", {"user": "PDONT01", "deleted": True})
    assert await outside.run(outside.sync.resolve, ResolveOrder((id,))) == NotDone()
    assert (await page(outside, id))["status"] == "resolved"
