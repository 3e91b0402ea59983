"""Signs of trouble, and what time does while nobody keeps it: on a real server, with the emulators."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest

from activities.on_call_book import now
from tests.configured import example
from tests.stories.copy import Copy, running, serving
from tests.stories.hands import hands
from worker import furnish, workers
from workflows import role


async def test_a_worse_status_reaches_the_room_at_once_and_the_ic_with_a_button_when_read_twice(tmp_path: Path) -> None:
    config = example(stalk={"every": '"400ms"'})
    async with running(tmp_path, config) as copy, hands(copy) as people:
        await copy.say("anne", "declare 2 checkout is slow")
        await copy.say("bob", "command")
        await copy.heard_in_room("Status: shop ok, error-rate ok, shop-in-pagerduty ok (error-rate: 0.004).")
        await copy.control("POST", "metric/error_rate", {"value": 0.4})
        await copy.heard_in_room("The status changed from ok to down: error-rate down (0.4).")
        await people.hears("bob", "the status is worse, read twice: error-rate down (0.4). That would mean SEV-1")
        await people.presses("bob", "sev 1")
        await copy.heard_in_room("This is now a SEV-1")
        await copy.control("POST", "metric/error_rate", {"value": None})
        await copy.heard_in_room("error-rate: the query has no result")
        await copy.control("POST", "metric/error_rate", {"value": 0.004})
        await copy.heard_in_room("The status can be read again: ")
        assert sum("That would mean" in text for text in await people.told("bob")) == 1
        assert "error-rate ok" in await copy.say("anne", "status")


async def test_what_changed_lately_stands_in_the_card_and_is_brought_up_to_date_by_who_asks(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 2 checkout is slow")

        async def card() -> str:
            room = await copy.room()
            return next((m["text"] for m in room["messages"] if m["ts"] in room["pins"]), "")

        async def shows(text: str) -> bool:
            return text in await card()

        await copy.until(lambda: shows("shop-api 2026.11-3 deployed to eu-west"), "the deployment in the card")
        assert "orders-db 14.2" not in await card()
        await copy.control("POST", "change", {"text": "shop-api rolled back by hand"})
        asked = (await copy.say("anne", "changes")).splitlines()
        assert asked[0] == "Changed lately:" and "shop-api rolled back by hand" in asked[1]
        await copy.until(lambda: shows("shop-api rolled back by hand"), "the card is up to date")


async def test_what_fell_due_in_an_outage_is_one_message_that_says_it_is_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody understood two tasks, and the workers were away when that was to be said."""
    monkeypatch.setattr(role, "LATE_FROM", timedelta(seconds=2))
    config = example(deputy={"understood_within": '"4s"'})
    async with (
        running(tmp_path, config, worker="none") as copy,
        furnish(copy.settings, copy.client) as house,
    ):
        await asyncio.to_thread(house.paging.refresh_book)
        async with serving(workers(copy.client, house, ["all"], "local")):
            await copy.say("anne", "declare 1 checkout is down")
            await copy.say("bob", "command")
            await copy.say("dee", "join")
            await copy.heard_in_room("Public message 1 (investigating) waits for the IC")
            first = int((await copy.say("bob", "task @sam 9m look at the queries")).split(",")[0].split()[1])
            await copy.say("bob", "task @anne 9m look at the API")
            await copy.heard_in_room("look at the API")
            tasks = (await copy.look()).tasks.values()
            late = max(task.assigned_at for task in tasks) + timedelta(seconds=8)
        await asyncio.sleep((late - now()).total_seconds())  # the outage itself: until it is late enough
        async with serving(workers(copy.client, house, ["all"], "local")):
            await copy.until(lambda: _told(copy, "U0DEE", "U0SAM"), "deputy and person hear of the tasks")
            (both,) = [text for text in await copy.told("U0DEE") if "has not said" in text]
            assert re.findall(r"(\w+ \w+) has not said that task (\d+)", both) == [
                ("Sam Storeson", str(first)),
                ("Anne Apison", str(first + 1)),
            ]
            assert len(re.findall(r"\(late by \d+ s\)", both)) == 2, both
            alone = [text for text in await copy.told("U0SAM") if "has not said" in text]
            assert len(alone) == 1 and "Anne" not in alone[0] and "(late by" in alone[0]


async def _told(copy: Copy, *people: str) -> bool:
    return all([any("has not said" in text for text in await copy.told(person)) for person in people])
