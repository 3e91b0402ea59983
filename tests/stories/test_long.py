"""An incident with more to say than one history holds, and one whose workflows are replayed at every step."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import workflows.incident
from incident import identity
from tests.configured import example
from tests.stories import major
from tests.stories.copy import running


async def test_a_new_history_loses_nothing_and_says_nothing_twice(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        handle = copy.client.get_workflow_handle(identity.workflow_id(copy.incident))
        first = (await handle.describe()).run_id
        said = 0

        async def begun_anew() -> bool:
            nonlocal said
            await asyncio.gather(*(copy.say("anne", f"finding number {n}") for n in range(said, said + 8)))
            said += 8
            return (await handle.describe()).run_id != first

        await copy.until(begun_anew, "a new history")
        await copy.say("anne", "propose clear the cache risk: low")
        await copy.heard_in_room("proposes repair")
        lines = await copy.lines()
        found = [line for line in lines if line.startswith("Anne Apison found: number ")]
        assert sorted(found) == sorted(f"Anne Apison found: number {n}" for n in range(said))
        incident = await copy.look()
        assert incident.commander == "bob"
        assert len(incident.facts.findings) == said
        await copy.say("bob", "task @anne 1m look")
        await copy.heard_in_room("task")


async def test_a_page_does_not_wait_for_slack_though_a_new_history_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in flight to Slack ends when Slack is back; until then nothing can be begun anew."""
    monkeypatch.setattr(workflows.incident, "HISTORY_LIMIT", 200)
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        await copy.heard_in_room("I am the Incident Commander")
        await copy.fault("slack", "*", fault="drop_before", times=-1)
        handle = copy.client.get_workflow_handle(identity.workflow_id(copy.incident))
        said = 0

        async def a_new_one_is_due() -> bool:
            nonlocal said
            await asyncio.gather(*(copy.say("anne", f"finding number {n}") for n in range(said, said + 8)))
            said += 8
            return (await handle.describe()).history_length > workflows.incident.HISTORY_LIMIT + 50

        await copy.until(a_new_one_is_due, "a new history is due")
        await copy.say("bob", "page kim")
        number = await copy.say("anne", "propose rollback service=shop-api")

        async def paged() -> bool:
            return any(page.person == "kim" and page.paged_at for page in (await copy.look()).pages.values())

        await copy.until(paged, "Kim is paged")
        assert number and any(repair.run_id for repair in (await copy.look()).repairs.values())


async def test_without_a_workflow_cache_the_story_is_the_same(tmp_path: Path) -> None:
    """Each step replays the whole history: whatever is not deterministic fails here."""
    async with running(tmp_path, major.config(), max_cached_workflows=0) as copy:
        await major.play(copy)
        await major.check(copy)
