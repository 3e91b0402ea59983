"""Each activity that changes something outside is killed right after it has: it is done once all the same.

The workers are killed between the effect and its completion, which is what a retry cannot tell from an attempt that never
began.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity

from activities.records import Records
from incident.model import RepairState
from incident.proof import SLACK
from incident.reports import ChannelLost, Report
from tests.configured import example
from tests.stories import held
from tests.stories.copy import Copy, running
from tests.stories.once import nothing_twice
from tests.stories.repairing import Site, site
from worker import furnish, workers

READING = {
    "await_acknowledgement",
    "check",
    "describe_execution",
    "read_changes",
    "verify",
    "watch",
    "who_would_be_paged",
}
EFFECTS = {
    "acknowledge",
    "bookmark",
    "delete_on_x",
    "edit",
    "invite",
    "join_room",
    "keep",
    "merge_pages",
    "note",
    "open_room",
    "page",
    "pin",
    "post",
    "post_on_x",
    "post_status_update",
    "publish",
    "resolve",
    "run",
    "save_snapshot",
    "set_topic",
    "subscribe",
    "take_down",
    "tell",
    "uninvite",
    "update_pages",
}
TEXT = "We are investigating a problem with our service."


async def test_every_activity_is_known_to_have_an_effect_or_to_have_none(tmp_path: Path) -> None:
    """A new one is named above, and the story below has to come by it."""
    async with running(tmp_path, example(), worker="none") as copy, furnish(copy.settings, copy.client) as house:
        served = workers(copy.client, house, ["all"], "local")
        registered = {_name(one) for worker in served for one in worker.config().get("activities", ())}
    assert not READING & EFFECTS
    assert registered == READING | EFFECTS


def _name(registered: Any) -> str:  # a function that Temporal has marked
    definition = activity._Definition.must_from_callable(registered)
    return str(definition.name)


@pytest.mark.long
async def test_killed_between_the_effect_and_its_completion(tmp_path: Path) -> None:
    quick = {"ending": {"watched_for": '"2s"'}}
    async with site(tmp_path, sections=quick, worker="none") as here, holding(here.copy, tmp_path / "held") as held:
        copy = here.copy
        await copy.control("POST", "pagerduty/acknowledgement", {"user": "PDEE001", "after_seconds": "never"})
        await here.commanded("declare 1 checkout answers with 500 service: shop-api")
        await held.killed_after("page", "open_room", "save_snapshot")
        await copy.say("dee", "join")
        await copy.say("bob", "sev 2 only one region")
        await held.killed_after("note", "acknowledge", "merge_pages", "update_pages")
        await copy.say("bob", "summary send")
        await copy.say("bob", "customer-liaison @carla")
        await copy.say("sam", "join")
        await copy.say("dee", "join as deputy")
        number = await here.proposed("propose rollback")
        await held.killed_after(
            "post", "pin", "bookmark", "set_topic", "invite", "subscribe", "tell", "post_status_update"
        )
        await copy.say("carla", f"draft investigating {TEXT}")
        draft = max((await copy.look()).drafts)
        await copy.say("bob", f"announce yes {draft}")
        await copy.say("bob", "summary send")
        await held.killed_after("edit", "publish", "post_on_x", "note", "post_status_update", "merge_pages")
        await copy.heard_in_room(f"Public message {draft} is out on X")
        await copy.heard_in_room(f"Public message {draft} is out on the status page")
        room = (await copy.look()).room
        assert room is not None
        await copy.control("POST", "slack/channel", {"channel": room.channel, "remove": ["U0PANIC"]})
        lost = Report(f"door/{SLACK}", "removed", ChannelLost(room.channel, "not_in_channel"))
        await copy.gateway.report(copy.incident, lost)  # as the listener does, which this story has not
        await copy.say("anne", "note our app was removed from the channel")
        await held.killed_after("join_room")
        await copy.heard_in_room("our app was removed from the channel")
        await copy.say("bob", f"approve {number}")
        await copy.say("bob", f"message retract {draft}")
        await copy.say("bob", "remove @sam --yes not needed here, thanks")
        await held.killed_after("run", "take_down", "delete_on_x", "uninvite")
        await here.came_to(number, RepairState.UNKNOWN)
        await copy.heard_in_room("Nothing public stands any more.")
        await nothing_twice(copy)
        await copy.say("bob", f"verified {number}")
        await copy.say("bob", "secure")
        await held.killed_after("update_pages")
        await copy.say("bob", "resolve --insist")
        await held.killed_after("resolve", "keep")
        await copy.everything_ended()
        assert held.kinds == EFFECTS
        await _outside_once(here)


@dataclass
class Held:
    """Workers that hold back the first completion of each kind of activity."""

    copy: Copy
    folder: Path

    @property
    def kinds(self) -> set[str]:
        return {file.name for file in self.folder.iterdir()}

    async def killed_after(self, *kinds: str) -> None:
        """Kill them once an activity of each of `kinds` has done its work; start others."""

        async def all_done() -> bool:
            return set(kinds) <= self.kinds

        await self.copy.until(all_done, f"{', '.join(kinds)} are held")
        await self.copy.kill_worker()
        await self.copy.start_worker(module=held.__name__)


@asynccontextmanager
async def holding(copy: Copy, folder: Path) -> AsyncIterator[Held]:
    await asyncio.to_thread(folder.mkdir)
    copy.environment |= {"HELD": ",".join(sorted(EFFECTS)), "HELD_IN": str(folder)}
    await copy.start_worker(module=held.__name__)
    try:
        yield Held(copy, folder)
    finally:
        await copy.stop_worker()


async def _outside_once(here: Site) -> None:
    copy = here.copy
    assert here.did("rollback") == ["rollback previous"]
    incidents = await copy.control("GET", "pagerduty/incidents")
    assert incidents and all(one["status"] == "resolved" for one in incidents)
    # PagerDuty changes nothing of what is merged: the IC is told to redact it there.
    assert all("checkout" not in one["title"] for one in incidents if not one.get("resolve_reason"))
    pages = Counter(one["incident_key"] for one in incidents)
    assert max(pages.values()) == 1, pages
    notes = Counter((one["id"], note["content"]) for one in incidents for note in one["notes"])
    assert max(notes.values()) == 1, notes
    subscribed = [one["subscribers"] for one in incidents if one["subscribers"]]
    teams = [one["subscriber_id"] for each in subscribed for one in each]
    assert sorted(teams) == ["PTEAMS1", "PTEAMS2"], subscribed  # the severity changed in between
    rooms = [room for room in await copy.control("GET", "slack/rooms") if room["name"].startswith("inc-")]
    assert len(rooms) == 2, [room["name"] for room in rooms]  # `secure` opens another
    for room in rooms:
        said = Counter(m["metadata"]["event_payload"]["key"] for m in room["messages"] if "metadata" in m)
        assert said and max(said.values()) == 1, said.most_common(3)
        links = Counter(bookmark["link"] for bookmark in room["bookmarks"])
        assert len(room["pins"]) == 1 and links and max(links.values()) == 1, room
    assert "U0SAM" not in rooms[0]["members"]
    (entry,) = await copy.control("GET", "statuspage")
    assert entry["deleted"] and [update["body"] for update in entry["incident_updates"]] == [f"PRACTICE {TEXT}"]
    (post,) = await copy.control("GET", "x")
    assert post["deleted"] and post["text"] == f"PRACTICE {TEXT}"
    (record,) = await asyncio.to_thread(Records(copy.settings.records_url).kept, copy.organisation.policy())
    assert record.id == copy.incident
