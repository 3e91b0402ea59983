"""Each of the five troubles of the process, played through against processes that are really repaired (process, 4)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from incident.model import RepairState
from tests.stories.hands import hands
from tests.stories.repairing import Site, site

WORKERS = ("east-1", "east-2", "west-1", "west-2")


@dataclass(frozen=True)
class Plot:
    """`named` is what the SME says, `check` a piece of what the check answers, `does` what the shop is to see."""

    trouble: str
    named: str
    entry: str
    words: str
    check: str
    does: tuple[str, ...]
    undo: tuple[str, ...] = ()
    well: str = "ok"


PLOTS = (
    Plot(
        "bad deployment",
        "bad deployment",
        "rollback",
        "propose rollback",
        "release 1.2",
        ("rollback previous",),
        ("rollback 1.2",),
    ),
    Plot(
        "stuck",
        "stuck",
        "rolling-restart",
        "propose rolling-restart",
        "east-1: answers 504",
        tuple(f"restart {w}" for w in WORKERS),
    ),
    Plot(
        "event flood",
        "event flood",
        "throttle",
        "propose throttle percent=20",
        "queue is grows, not empty",
        ("throttle 20",),
        ("throttle 100",),
    ),
    Plot(
        "data centre outage",
        "data centre outage",
        "force-out",
        "propose force-out centre=east",
        "east-1 answers 504",
        ("out east",),
        ("in east",),
    ),
    Plot(
        "degraded",
        "degraded without load",
        "heap-dump",
        "propose heap-dump",
        "west-1: slow",
        tuple(f"dump {w}" for w in WORKERS),
        well="degraded",
    ),
)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.entry)
async def test_from_the_trouble_to_the_verification(tmp_path: Path, plot: Plot) -> None:
    async with site(tmp_path) as here:
        await asyncio.to_thread(here.shop.get_into, plot.trouble)
        assert here.shop.status()["status"] in ("down", "degraded")
        await here.commanded()
        await here.copy.say("anne", f"trouble {plot.named}")
        await here.copy.heard_in_room(plot.check)
        number = await here.proposed(plot.words)
        await here.notice_says(number, plot.check)
        assert here.did() == []
        await here.copy.say("bob", f"poll {number}")
        await here.copy.say("bob", f"approve {number}")
        await here.came_to(number, RepairState.SUCCEEDED)
        assert here.did() == list(plot.does)
        await here.copy.heard_in_room(f"Verify of repair {number}")
        assert (await here.repair(number)).verification.startswith(("HTTP 200", "exit code 0")), await here.repair(
            number
        )
        assert here.shop.status()["status"] == plot.well
        await here.copy.say("bob", f"verified {number}")
        assert here.did() == list(plot.does)
        if plot.undo:
            await undone(here, number, plot)


async def undone(here: Site, number: int, plot: Plot) -> None:
    """The undo is a proposal of its own, and has to be approved."""
    undoing = int((await here.copy.say("bob", f"undo {number}")).split("proposed as ")[1].split(";")[0])
    assert here.did() == list(plot.does)
    await here.copy.say("bob", f"approve {undoing}")
    await here.came_to(undoing, RepairState.SUCCEEDED)
    assert here.did() == [*plot.does, *plot.undo]
    await here.copy.say("bob", f"verified {undoing}")


async def test_forensics_first_then_the_restart(tmp_path: Path) -> None:
    """A restart wipes the traces: the dumps are there before it, and it helps."""
    async with site(tmp_path) as here:
        await asyncio.to_thread(here.shop.get_into, "degraded")
        await here.commanded()
        await here.copy.say("anne", "trouble degraded without load")
        for words in ("propose heap-dump", "propose restart-after-dump"):
            number = await here.proposed(words)
            await here.copy.say("bob", f"approve {number}")
            await here.came_to(number, RepairState.SUCCEEDED)
            await here.copy.say("bob", f"verified {number}")
        assert here.did() == [f"dump {w}" for w in WORKERS] + [f"restart {w}" for w in WORKERS]
        dumps = [file.read_text() for file in (tmp_path / "shop" / "dumps").iterdir()]
        assert len(dumps) == 4 and any('"trouble": "slow"' in dump for dump in dumps)
        assert here.shop.status()["status"] == "ok"


async def test_named_proposed_and_approved_by_pressing(tmp_path: Path) -> None:
    """In the room alone: the form of the trouble, the button of an offer, the IC's buttons."""
    async with site(tmp_path) as here, hands(here.copy) as use:
        await asyncio.to_thread(here.shop.get_into, "bad deployment")
        await here.commanded()
        await use.room()
        assert await use.slashes("anne", "trouble") == ""
        assert not await use.fills("anne", name="bad deployment")
        await use.presses("anne", "propose rollback service=shop-api release=previous")

        async def proposed() -> int:
            return max((await here.copy.look()).repairs, default=0)

        number = await here.copy.until(proposed, "it is proposed")
        await use.presses("bob", f"approve {number}")
        await here.came_to(number, RepairState.SUCCEEDED)
        assert here.did() == ["rollback previous"]
        await use.presses("bob", f"verified {number}")
        await here.came_to(number, RepairState.VERIFIED)
