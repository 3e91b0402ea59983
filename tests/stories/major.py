"""The story of one major incident, from the page to the end, told once and used by several tests.

A SEV-1: PagerDuty fails for the first page; two roles change; command is handed over; one repair action is rejected
and one approved, run and verified; executives hear three times; customers hear twice, in the approved words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.configured import example
from tests.stories.copy import Copy

Interrupt = Callable[[str], Awaitable[None]]

FIRST = "PRACTICE We are investigating a problem with our service. What you may notice: checkout fails for everybody."
ROLES = "IC: {}, Deputy: {}, Scribe: {}"


def config() -> str:
    """The example with a first summary that is soon due. The second is asked for: a cadence would add as many as the
    machine is slow."""
    cadence = {"first_after": '"3s"', "every": '"1h"', "shown_before": '"1s"', "replaces_within": '"1s"'}
    return example(executives=cadence, ending={"watched_for": '"2s"'})


async def nothing(moment: str) -> None:
    """No interruption."""


async def play(copy: Copy, interrupt: Interrupt = nothing) -> None:
    """Everything up to the end of all workflows. `interrupt` is called at each named moment."""
    primary = {"code": 503, "times": 3, "about": "/page/1/primary"}
    await copy.fault("pagerduty", "POST /incidents", **primary)
    await copy.say("anne", "declare 1 checkout answers with 500", id="story-declare")
    await interrupt("declared")
    await copy.heard_in_room("could not page Bob Boberson, call +1 555 0100")
    await copy.heard_in_room("paged Bob Boberson after all")
    await interrupt("paged")
    await copy.heard_in_room("Bob Boberson acknowledged the page.")
    await copy.say("bob", "command")
    await interrupt("commanded")
    await copy.heard_in_room("Public message 1 (investigating) waits for the IC")
    await copy.say("dee", "join as deputy")
    await copy.say("bob", "scribe @mac")
    await copy.say("bob", "customer-liaison @carla")
    await copy.say("bob", "impact checkout fails for everybody")
    await interrupt("roles given")
    await copy.say("bob", "handover @kim")
    await interrupt("command offered")
    await copy.say("kim", "accept")
    await copy.heard_in_room("Everyone, be advised: command passes to Kim Kommandson")
    await copy.say("anne", "propose rollback service=shop-api")
    await copy.say("sam", "propose restart every database risk: high fallback: fail over")
    await interrupt("proposed")
    await copy.heard_in_room("Check of repair 2")
    await copy.say("kim", "reject 3 we do not know that it helps")
    await copy.say("kim", "approve 2")
    await copy.heard_in_room("did it work?")
    await interrupt("repaired")
    await copy.say("kim", "verified 2")
    await copy.say("carla", f"draft investigating {FIRST.removeprefix('PRACTICE ')}")
    draft = max((await copy.look()).drafts)
    await copy.say("kim", f"announce yes {draft}")
    await interrupt("announced")
    await copy.heard_in_room(f"Public message {draft} is out")
    await executives_heard(copy, 1)
    await copy.say("kim", "summary send")
    await executives_heard(copy, 2)
    await interrupt("executives heard")
    await copy.say("kim", "resolve --insist recovered")
    await interrupt("resolved")
    last = await copy.until(lambda: _waiting(copy, "resolved"), "the last public message is drafted")
    await copy.say("kim", f"message approve {last}")
    await executives_heard(copy, 3)
    await interrupt("last words")
    await copy.ended()


async def executives_heard(copy: Copy, count: int) -> None:
    async def so_many() -> bool:
        return len((await copy.room("executive-summary"))["messages"]) >= count

    await copy.until(so_many, f"{count} executive summaries")


async def _waiting(copy: Copy, stage: str) -> int | None:
    drafts = (await copy.look()).drafts.values()
    return next((d.number for d in drafts if d.stage == stage and d.state == "waiting"), None)


async def check(copy: Copy) -> None:
    """What the outside received: all of it, in order, exactly once."""
    await _pages_were_sent_once(copy)
    await _the_room_read(copy)
    await _executives_read(copy)
    await _customers_read(copy)


async def _pages_were_sent_once(copy: Copy) -> None:
    prefix = f"incident-{copy.incident}/page/1"
    incidents = await copy.control("GET", "pagerduty/incidents")
    assert sorted(i["incident_key"] for i in incidents) == [
        f"{prefix}/{who}" for who in ("backup", "primary", "shadow")
    ]
    assert all(i["title"].startswith("PRACTICE ") and i["status"] == "resolved" for i in incidents)
    people = {i["incident_key"].rpartition("/")[2]: _notified(i) for i in incidents}
    assert people == {"primary": "PPRIO01", "backup": "PPRIO01", "shadow": "PPRIO01"}
    subscribed = [i["subscribers"] for i in incidents if i["subscribers"]]
    assert subscribed == [[{"subscriber_id": "PTEAMS1", "subscriber_type": "team"}]]


def _notified(incident: dict[str, Any]) -> str:
    return str(incident["priority"]["id"])


OPENED = ("SEV-1: checkout answers with 500", "This is Kim Kommandson, I am the Incident Commander (since")
DECIDED = (
    "Anne Apison proposes repair 2: Roll back the last deployment.",
    "*Verified* by Kim Kommandson at",
    "Sam Storeson proposes repair 3 (high risk): restart every database.",
    "*Rejected* by Kim Kommandson at",
    "Approved by Kim Kommandson at",
)


async def _the_room_read(copy: Copy) -> None:
    messages = (await copy.room())["messages"]
    lines = [line for m in messages if not m.get("blocks") for line in m["text"].splitlines()]
    in_order = [
        "could not page Bob Boberson, call +1 555 0100",
        "paged Bob Boberson after all",
        "Bob Boberson acknowledged the page.",
        "This is Bob Boberson, I am the Incident Commander",
        ROLES.format("Bob Boberson", "Deputy Deputyson", "nobody yet"),
        ROLES.format("Bob Boberson", "Deputy Deputyson", "Writer McWriterson"),
        "Customer liaison: Carla Clientson",
        "Customer impact: checkout fails for everybody",
        "Everyone, be advised: command passes to Kim Kommandson",
        ROLES.format("Kim Kommandson", "Deputy Deputyson", "Writer McWriterson"),
        "The IC rejects repair 3 (high risk): restart every database: we do not know that it helps.",
        "Approved: we are proceeding with repair 2: Roll back the last deployment.",
        "Repair 2: Roll back the last deployment runs now.",
        "Repair 2: Roll back the last deployment: succeeded: exit code 0",
        "rolled back shop-api",
        "Repair 2: Roll back the last deployment worked, says the IC.",
        "The IC decides: we announce it publicly.",
        "Public message 4 is out on the status page: http",
        "The incident is resolved after",
    ]
    places = [_only(lines, text) for text in in_order]
    assert places == sorted(places), "\n".join(lines)
    pinned = (await copy.room())["pins"]
    assert len(pinned) == 1
    notices = [m for m in messages if m.get("blocks")]
    card = next(m["text"] for m in notices if m["ts"] == pinned[0])
    assert "https://meet.example.com/incident" in card and "PIN 4711" in card
    assert "*closed* after" in card and "repair 2: Roll back the last deployment: verified" in card, card
    told = "\n".join(m["text"] for m in notices)
    missing = [text for text in (*OPENED, *DECIDED) if text not in told]
    assert not missing, f"{missing} in\n{told}"
    assert len({told.index(text) for text in (*OPENED, *DECIDED)}) == len(OPENED + DECIDED)
    assert not [b for m in notices if m["ts"] != pinned[0] for b in m["blocks"] if b["type"] == "actions"]
    keys = [m["metadata"]["event_payload"]["key"] for m in messages]
    assert len(keys) == len(set(keys))


def _only(lines: list[str], text: str) -> int:
    """The place of the one line that holds `text`; several roles lines may be equal, the last counts."""
    found = [n for n, line in enumerate(lines) if text in line]
    assert found, f"never said: {text}\n" + "\n".join(lines)
    if not text.startswith("IC:"):
        assert len(found) == 1, f"said {len(found)} times: {text}\n" + "\n".join(lines)
    return found[0]


async def _executives_read(copy: Copy) -> None:
    texts = [m["text"] for m in (await copy.room("executive-summary"))["messages"]]
    assert len(texts) == 3, texts
    assert all(t.startswith("SEV-1 PRACTICE checkout answers with 500") and len(t) <= 600 for t in texts)
    assert "resolved" in texts[-1], texts


async def _customers_read(copy: Copy) -> None:
    entries = await copy.control("GET", "statuspage")
    assert len(entries) == 1
    bodies = [update["body"] for update in reversed(entries[0]["incident_updates"])]
    assert bodies[0] == FIRST, bodies
    assert len(bodies) == 2 and bodies[1].startswith("PRACTICE The problem is resolved")
    posts = [post["text"] for post in await copy.control("GET", "x")]
    assert posts[0] == FIRST and len(posts) == 2 and posts[1].startswith("PRACTICE The problem is resolved")
