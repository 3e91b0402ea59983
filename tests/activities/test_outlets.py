"""The status page, X, the stalk and the records."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities import errors
from activities.monitoring import Watch
from activities.on_call_book import now
from activities.outlet import Publication, Removal
from activities.social import Social, client
from incident.model import Status
from incident.sources import StatusSource
from tests.activities.conftest import TOKENS, Outside
from tests.configured import organisation
from tests.domain.conftest import NOW

TEXT = "PRACTICE We are looking into a problem."


def publication(key: str, text: str = TEXT, *, practice: bool = True, **more: Any) -> Publication:
    return Publication("lusab-babad", key, "investigating", text, practice, now(), **more)


async def bodies(outside: Outside) -> list[list[str]]:
    """What stands in each entry of the status page, in order."""
    entries = await outside.control("GET", "statuspage")
    return [[update["body"] for update in reversed(entry["incident_updates"])] for entry in entries]


async def posts(outside: Outside) -> list[str]:
    return [post["text"] for post in await outside.control("GET", "x") if not post["deleted"]]


async def calls(outside: Outside, service: str) -> list[str]:
    return [received["call"] for received in await outside.control("GET", f"received?service={service}")]


async def test_exactly_the_approved_text_once_whatever_is_lost(outside: Outside) -> None:
    await outside.fault("statuspage", "POST /pages/pgexample/incidents", fault="drop_after")
    with pytest.raises(ApplicationError):
        await outside.run(outside.status_page.publish, publication("k/1"))
    out = await outside.run(outside.status_page.publish, publication("k/1"), attempt=2)
    await outside.run(outside.status_page.publish, publication("k/2", "PRACTICE more", entry=out.id, begun=True))
    assert await bodies(outside) == [[TEXT, "PRACTICE more"]]


async def test_a_message_costs_one_request_where_nothing_was_lost(outside: Outside) -> None:
    out = await outside.run(outside.status_page.publish, publication("k/1"))
    await outside.run(outside.status_page.publish, publication("k/2", "PRACTICE more", entry=out.id, begun=True))
    assert [call.split()[0] for call in await calls(outside, "statuspage")] == ["POST", "PATCH"]


async def test_the_entry_is_found_behind_many_of_others(outside: Outside) -> None:
    await outside.run(outside.status_page.publish, publication("k/1"))
    url, headers = (
        f"{outside.url}/statuspage/v1/pages/pgexample/incidents",
        {"Authorization": "OAuth practice-statuspage"},
    )
    for number in range(120):
        body = {"incident": {"name": f"other {number}", "status": "resolved", "body": "x"}}
        async with outside.http.post(url, json=body, headers=headers) as answer:
            assert answer.status == 201
    (ours,) = [e for e in await outside.control("GET", "statuspage") if e["metadata"]]
    async with outside.http.patch(f"{url}/{ours['id']}", json={"incident": {"status": "resolved"}}, headers=headers):
        pass
    await outside.run(outside.status_page.publish, publication("k/2", "PRACTICE more", begun=True))
    assert (await bodies(outside))[0] == [TEXT, "PRACTICE more"]


async def test_it_waits_out_one_request_a_second(outside: Outside) -> None:
    await outside.fault("statuspage", "*", code=420, retry_after=0.2, every=2, times=2)
    out = await outside.run(outside.status_page.publish, publication("k/1"))
    await outside.run(outside.status_page.publish, publication("k/2", "PRACTICE more", entry=out.id, again=True))
    assert await bodies(outside) == [[TEXT, "PRACTICE more"]]


async def test_an_unknown_component_is_named_in_the_refusal(outside: Outside) -> None:
    with pytest.raises(ApplicationError, match="cmpgone") as refused:
        await outside.run(outside.status_page.publish, publication("k/1", components={"cmpgone": "major_outage"}))
    assert refused.value.non_retryable and await bodies(outside) == []


async def test_component_states_go_with_the_message(outside: Outside) -> None:
    down = {"cmpcheckout": "major_outage"}
    out = await outside.run(outside.status_page.publish, publication("k/1", components=down))
    states = {c["id"]: c["status"] for c in await outside.control("GET", "statuspage/components")}
    assert states["cmpcheckout"] == "major_outage" and states["cmpapi"] == "operational"
    up = {"cmpcheckout": "operational"}
    await outside.run(outside.status_page.publish, publication("k/2", components=up, entry=out.id, begun=True))
    states = {c["id"]: c["status"] for c in await outside.control("GET", "statuspage/components")}
    assert states["cmpcheckout"] == "operational"


async def test_an_entry_is_taken_down_once_and_for_all(outside: Outside) -> None:
    out = await outside.run(outside.status_page.publish, publication("k/1"))
    removal = Removal("lusab-babad", out.id, True)
    await outside.run(outside.status_page.take_down, removal)
    await outside.run(outside.status_page.take_down, removal, attempt=2)
    (entry,) = await outside.control("GET", "statuspage")
    assert entry["deleted"]
    await outside.run(outside.status_page.publish, publication("k/2", "PRACTICE again", entry=out.id, begun=True))
    assert await bodies(outside) == [[TEXT], ["PRACTICE again"]]


async def test_a_post_whose_answer_was_lost_is_posted_once(outside: Outside) -> None:
    text = "PRACTICE We look into it & tell you more at https://status.example.com/x <soon>."
    await outside.fault("x", "POST /2/tweets", fault="drop_after")
    with pytest.raises(ApplicationError) as lost:
        await outside.run(outside.social.post, publication("k/1", text))
    assert lost.value.type == errors.UNAVAILABLE and not lost.value.non_retryable
    out = await outside.run(outside.social.post, publication("k/1", text), attempt=2)
    (post,) = await outside.control("GET", "x")
    assert post["text"] == text and out.url.endswith(f"/examplestatus/status/{post['id']}")


async def test_a_post_that_the_look_did_not_see_yet_is_still_posted_once(outside: Outside) -> None:
    """X may show a new post late; then it refuses the second one, which tells that the first one is there."""
    await outside.run(outside.social.post, publication("k/1"))
    await outside.fault("x", "GET /2/users/1700000000000000001/tweets", code=200)
    out = await outside.run(outside.social.post, publication("k/1", again=True))
    assert len(await posts(outside)) == 1 and out.id


async def test_the_same_text_twice_is_refused_with_what_to_do(outside: Outside) -> None:
    await outside.run(outside.social.post, publication("k/1"))
    with pytest.raises(ApplicationError, match="change a word") as refused:
        await outside.run(outside.social.post, publication("k/2"))
    assert refused.value.non_retryable and len(await posts(outside)) == 1


async def test_too_long_a_post_is_refused_never_cut(outside: Outside) -> None:
    with pytest.raises(ApplicationError, match="too long") as refused:
        await outside.run(outside.social.post, publication("k/1", "PRACTICE " + "x" * 280))
    assert refused.value.non_retryable and await posts(outside) == []


async def test_x_says_when_it_may_be_asked_again(outside: Outside) -> None:
    reset = int(time.time()) + 300
    await outside.fault("x", "POST /2/tweets", code=429, headers={"x-rate-limit-reset": str(reset)})
    with pytest.raises(ApplicationError) as wait:
        await outside.run(outside.social.post, publication("k/1"))
    delay = wait.value.next_retry_delay
    assert wait.value.type == errors.RATE_LIMITED and delay is not None and 290 < delay.total_seconds() <= 300


@pytest.mark.parametrize(
    ("code", "type"), [(401, errors.NOT_CONFIGURED), (403, errors.REJECTED), (503, errors.UNAVAILABLE)]
)
async def test_what_x_answers_is_told_apart(outside: Outside, code: int, type: str) -> None:
    await outside.fault("x", "POST /2/tweets", code=code)
    with pytest.raises(ApplicationError) as fault:
        await outside.run(outside.social.post, publication("k/1"))
    assert fault.value.type == type and "practice-x" not in str(fault.value)


async def test_a_post_is_taken_down_and_gone_is_fine(outside: Outside) -> None:
    out = await outside.run(outside.social.post, publication("k/1"))
    for attempt in (1, 2):
        await outside.run(outside.social.take_down, Removal("lusab-babad", out.id, True), attempt=attempt)
    assert await posts(outside) == []


async def test_another_accounts_tokens_and_wrong_ones_post_nothing(outside: Outside) -> None:
    for x, said in (
        (
            Social(
                partial(client, f"{outside.url}/x", *TOKENS),
                "examplecorp",
                practice=True,
                rules=lambda: organisation(),
            ),
            "are of @examplestatus",
        ),
        (
            Social(
                partial(client, f"{outside.url}/x", *TOKENS[:3], "wrong"),
                "examplestatus",
                practice=True,
                rules=lambda: organisation(),
            ),
            "the key is refused",
        ),
        (Social(None, "examplestatus", practice=True, rules=lambda: organisation()), "no tokens"),
    ):
        with pytest.raises(ApplicationError, match=said):
            await outside.run(x.post, publication("k/1"))
    assert await posts(outside) == []


async def test_practice_never_reaches_a_real_account_nor_the_reverse(outside: Outside) -> None:
    for outlet in (outside.social.post, outside.status_page.publish):
        with pytest.raises(ApplicationError, match="nothing was sent"):
            await outside.run(outlet, publication("k/1", practice=False))
    assert await posts(outside) == [] and await bodies(outside) == []


async def test_a_practice_text_that_does_not_say_so_never_goes_out(outside: Outside) -> None:
    with pytest.raises(ApplicationError, match="begins with PRACTICE"):
        await outside.run(outside.status_page.publish, publication("k/3", "We are down"))
    assert await outside.control("GET", "statuspage") == []


async def test_the_stalk_returns_on_a_change_only(outside: Outside) -> None:
    source = StatusSource(id="shop", url=f"{outside.url}/status/shop")
    outside.configure(status_sources=(source,))
    watch = Watch((source,), timedelta(milliseconds=20), Status("ok", "shop ok", NOW))
    stalking = asyncio.create_task(outside.run(outside.monitoring.watch, watch))
    await asyncio.sleep(0.1)
    assert not stalking.done()
    await outside.control("POST", "status/shop", {"status": "degraded"})
    assert (await stalking).state == "degraded"


async def test_that_it_cannot_be_read_is_news_at_the_second_time(outside: Outside) -> None:
    source = StatusSource(id="shop", url=f"{outside.url}/status/shop")
    outside.configure(status_sources=(source,))
    watch = Watch((source,), timedelta(milliseconds=20), Status("ok", "shop ok", NOW))
    await outside.fault("status", "*", code=500, times=1)
    await outside.fault("status", "*", code=500, times=-1)
    assert (await outside.run(outside.monitoring.watch, watch)).state == "unreadable"
