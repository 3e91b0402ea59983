"""Some wordings said to the local Slack, and what reached the local PagerDuty and Slack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.configured import example
from tests.process.wordings.desk import words_behind
from tests.stories.copy import Copy, running
from tests.stories.hands import Hands, hands

pytestmark = pytest.mark.story
GENERAL = "C0GENERAL"


async def offered(copy: Copy, use: Hands, who: str, words: str) -> dict[str, Any]:
    """The private button for `words`, once it is there."""

    async def there() -> dict[str, Any] | None:
        for room in await copy.control("GET", "slack/rooms"):
            for message in reversed(room["messages"]):
                if message.get("ephemeral_to") != use.id(who):
                    continue
                for block in message.get("blocks", ()):
                    for element in block.get("elements", ()) if block["type"] == "actions" else ():
                        if words_behind(element["value"]) == words:
                            place = {"channel": room["id"], "ts": message["ts"], "action_id": element["action_id"]}
                            return {**place, "value": element["value"], "type": "button"}
        return None

    found: dict[str, Any] = await copy.until(there, f"a private button for {words!r}")
    return found


async def test_wordings_reach_whom_they_name_and_end_nothing_by_chance(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy, hands(copy) as use:
        await use.types("carla", "!ic declare checkout answers with 500, SEV-1", GENERAL)

        async def found() -> str:
            return next((one.id for one in await copy.gateway.list()), "")

        copy.incident = await copy.until(found, "an incident")
        incident = await copy.look()
        assert (incident.severity, incident.title) == ("SEV-1", "checkout answers with 500")
        await use.types("bob", "command")
        button = await offered(copy, use, "bob", "command")
        await copy.control("POST", "slack/action", {"user": use.id("bob"), **button})
        await copy.heard_in_room("This is Bob Boberson, I am the Incident Commander")
        await use.types("bob", "!ic page Sam and Anne, please")
        await copy.heard_in_room("paged Sam Storeson")
        await copy.heard_in_room("paged Anne Apison")
        await use.types("sam", "!ic propose: clear the cache risk: low\n!ic note all is well")
        await use.types("bob", "!ic cancel repair 1")
        await use.hears("bob", "ends the whole incident")
        await use.types("bob", "!ic remove @anne from task 2")
        asked = await offered(copy, use, "bob", "remove @anne --yes from task 2")
        heard = await copy.control("POST", "slack/action", {"user": use.id("sam"), **asked})
        assert heard["acknowledged"]
        await use.hears("sam", "for whoever typed the line")
        incident = await copy.look()
        assert incident.open and not incident.removed and [note.text for note in incident.notes] == ["all is well"]
        people = {name for page in incident.pages.values() for name in page.paged if not page.for_commander}
        assert people == {"Sam Storeson", "Anne Apison"}
