"""A SEV-1 of four hours: three sub-teams, a handover, an escalation, and Slack away for twelve minutes in the middle.

Played on the time-skipping server; `docs/examples` is made from it (`python -m tests.stories.four_hours FOLDER`).
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import workflows.incident
from documents.render import render
from entrypoints.problems import Refused
from incident.model import DraftState, Incident
from tests.stories.skipping import Skipping, quiet, skipping

AWAY = 12
"""Minutes that Slack is away. What becomes of workers and server that die is told on a real server (test_outage.py)."""


def config() -> str:
    return quiet(ending={"watched_for": '"10m"'})


async def play(time: Skipping) -> Incident:
    """Up to the end of the watch after the call: the incident as it was kept."""
    with pytest.MonkeyPatch.context() as patch:
        # An Update that meets a new history leaves this server's time standing still; test_bounded.py tells of the seam.
        patch.setattr(workflows.incident, "HISTORY_LIMIT", 20_000)
        await _until_the_outage(time)
        await _the_outage(time)
        await _after_it(time)
        await _the_end(time)
        return await time.copy.look()


async def _until_the_outage(time: Skipping) -> None:
    say = time.copy.say
    await say("anne", "declare 2 checkout answers with 500 service: shop-api")
    await time.copy.heard_in_room("Tara Traineeson acknowledged the page.")
    await time.sleep(1)
    await say("bob", "command")
    for person, words in (
        ("dee", "join"),
        ("mac", "join as writing things down"),
        ("carla", "join as customers"),
        ("ines", "join as executives"),
        ("anne", "join as shop API"),
        ("sam", "join as orders database"),
        ("lee", "join as storage"),
        ("kim", "join"),
    ):
        await say(person, words)
    for role, person in (("scribe", "mac"), ("customer-liaison", "carla"), ("internal-liaison", "ines")):
        await say("bob", f"{role} @{person}")
    await say("bob", "impact every third payment fails")
    await say("bob", "symptom checkout answers with 500 since 14:20")
    await announce(time)
    await time.sleep(9)
    await say("bob", "sev 1 now nobody can pay")
    await say("bob", "impact nobody can pay")
    await time.sleep(2)
    await approve_waiting(time, "bob")
    await say("bob", "team alpha @anne 30m find out why payments fail")
    await say("bob", "team bravo @sam 40m bring the orders database back")
    await say("bob", "team charlie @lee 30m keep the carts of customers safe")
    await say("sam", "team add @kim")
    await time.sleep(6)
    await say("kim", "finding the primary answers, the replicas lag by an hour")
    await say("sam", "finding the replicas lag by an hour")
    await say("anne", "propose rollback service=shop-api")
    number = max((await time.copy.look()).repairs)
    await say("bob", f"poll {number}")
    await say("lee", f"object {number} the deployment is older than the trouble")
    await time.sleep(1)
    await say("bob", f"approve {number}")
    await time.copy.heard_in_room("did it work?")
    await say("bob", f"unverified {number}")
    await approve_waiting(time, "bob")
    await say("lee", "team close charlie the carts are copied aside")
    await time.sleep(11)
    await say("mac", "note the bridge is recorded")
    await say("anne", "todo alert on the lag of replicas")
    await say("anne", "team close alpha writes wait for the replicas")
    await approve_waiting(time, "bob")
    await time.sleep(20)
    await approve_waiting(time, "bob")
    await time.sleep(7)


async def _the_outage(time: Skipping) -> None:
    """Slack is away: the clocks and the doors go on, what had to be said waits."""
    await time.copy.fault("slack", "*", fault="drop_before", times=-1)
    await time.copy.say("sam", "finding the replicas catch up")
    await time.sleep(AWAY, piece=timedelta(minutes=1))  # many attempts fall into it
    await time.copy.control("DELETE", "faults")
    await time.copy.heard_in_room("the replicas catch up")


async def _after_it(time: Skipping) -> None:
    say = time.copy.say
    await approve_waiting(time, "bob")
    await say("bob", "cause a batch job holds a lock that the replicas wait for")
    await time.sleep(20)
    await approve_waiting(time, "bob")
    await say("bob", "handover @kim")
    await say("kim", "accept")
    await say("kim", "eta within the hour")
    await time.sleep(20)
    await approve_waiting(time, "kim")
    await say("sam", "propose stop the batch job and let the replicas catch up risk: high fallback: promote a replica")
    number = max((await time.copy.look()).repairs)
    await say("kim", f"poll {number}")
    await time.sleep(1)
    await say("kim", f"approve {number} @sam")
    await say("sam", f"ack {number}")
    await time.sleep(8)
    await say("sam", f"done {number} the job is stopped, the lag falls")
    await time.sleep(4)
    await say("kim", f"verified {number}")
    await approve_waiting(time, "kim")
    await say("sam", "team close bravo the replicas are level")
    await say("kim", "sev 2 payments work, orders are late")
    for _ in range(5):
        await time.sleep(20)
        await approve_waiting(time, "kim")


async def _the_end(time: Skipping) -> None:
    say = time.copy.say
    await say("anne", "todo give the batch job a window of its own")
    await say("kim", "resolve --insist recovered lost three orders, which were paid back")
    await say("kim", "postmortem @anne")
    await time.copy.until(lambda: _drafted(time, "resolved"), "the last public message is drafted")
    await approve_waiting(time, "kim")
    await time.ended()


async def announce(time: Skipping) -> None:
    await time.copy.until(lambda: _drafted(time, "investigating"), "the first public message is drafted")
    number = next(d.number for d in (await time.copy.look()).drafts.values() if d.state is DraftState.WAITING)
    await time.copy.say("bob", f"announce yes {number}")
    await time.copy.heard_in_room(f"Public message {number} is out on X")


async def approve_waiting(time: Skipping, commander: str) -> None:
    """Until none waits. One that a newer one overtakes while it is being read is not approved any more."""
    while numbers := [d.number for d in (await time.copy.look()).drafts.values() if d.state is DraftState.WAITING]:
        with suppress(Refused):
            await time.copy.say(commander, f"message approve {numbers[-1]}")
            await time.copy.heard_in_room(f"Public message {numbers[-1]} is out on X")


async def _drafted(time: Skipping, stage: str) -> bool:
    drafts = (await time.copy.look()).drafts.values()
    return any(d.stage == stage and d.state is DraftState.WAITING for d in drafts)


async def _played() -> Incident:
    with TemporaryDirectory() as state:
        async with skipping(Path(state), config()) as time:
            return await play(time)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in render(asyncio.run(_played())).items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
