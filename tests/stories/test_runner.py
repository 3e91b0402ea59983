"""The runner: apart, killed, aborted, missing, followed (process, 4)."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from emulators.shop.front import TOKEN
from incident.model import RepairState
from tests.randomly import SEED
from tests.stories.repairing import Site, runner, site
from workflows import retries

ENDED = (RepairState.SUCCEEDED, RepairState.FAILED, RepairState.UNKNOWN)

ENTRY = """
[[catalogue]]
id = "{id}"
trouble = "any"
title = "{id} it"
risk = "low"
runner = "{runner}"
practice = true
{more}
[catalogue.parameters.to]
kind = "integer"
minimum = 0
maximum = 100
default = "1"
[catalogue.apply]
argv = ["python3", "-c", '''{code}''', "{{to}}"]
environment = ["SHOP_URL", "SHOP_TOKEN"]
{terms}
"""
STEPWISE = """
import os, sys, time
sys.path.insert(0, os.getcwd())
from emulators.shop import ctl
to = sys.argv[1]
for n in range(5):
    ctl.call("POST", "/throttle", to)
    print("throttled", to, n, flush=True)
    time.sleep(0.3)
"""
CHATTY = """
import os, time
for n in range(100_000):
    print("line", n, "token", os.environ["SHOP_TOKEN"], flush=True)
    time.sleep(0.05)
"""
DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"], start_new_session=True)
print("half of it is done", flush=True)
time.sleep(60)
"""
SET = """
import os, sys
sys.path.insert(0, os.getcwd())
from emulators.shop import ctl
ctl.call("POST", "/throttle", sys.argv[1])
"""
HANGS_ONCE = """
import pathlib, time
begun = pathlib.Path("BEGUN")
if not begun.exists():
    begun.touch()
    time.sleep(600)
"""


def catalogue(tmp_path: Path, **entries: tuple[str, str, str, str]) -> Path:
    """`id=(code, runner, lines of the entry, lines of its apply)`."""
    folder = tmp_path / "entries"
    folder.mkdir()
    for id, (code, where, more, terms) in entries.items():
        text = ENTRY.format(id=id, code=code, runner=where, more=more, terms=terms)
        (folder / f"{id}.toml").write_text(text)
    return folder


@pytest.mark.long
@pytest.mark.parametrize("times", [pytest.param(5, id="short"), pytest.param(25, id="long", marks=pytest.mark.soak)])
async def test_killed_at_twenty_points_of_an_apply_it_is_never_begun_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Four actions under way at a time, the runner killed five times: each is begun once at the most.

    Every other time right after the last approval, else when the last has begun.
    """
    quick = retries.Terms(**{**retries.RUN, "heartbeat_timeout": timedelta(seconds=2)})
    monkeypatch.setattr(retries, "RUN", quick)
    chance = random.Random(SEED)
    async with site(tmp_path, catalogue(tmp_path, step=(STEPWISE, "apart", "", ""))) as here:
        await here.commanded()
        numbers: list[int] = []
        for n in range(times):
            async with runner(here.copy, "apart") as process:
                for _ in range(4):
                    number = await here.proposed(f"propose step to={len(numbers) + 1}")
                    numbers.append(number)
                    await here.copy.say("bob", f"approve {number}")
                    await asyncio.sleep(chance.uniform(0, 0.25))
                if n % 2 == 0:
                    await here.copy.until(lambda: did(here, len(numbers)), "the last has begun")
                await asyncio.sleep(chance.uniform(0, 0.5))
                process.send_signal(signal.SIGKILL)
                await process.wait()
        async with runner(here.copy, "apart"):
            for number in numbers:
                await here.came_to(number, *ENDED)
        ended = [await here.repair(number) for number in numbers]
        did_to = Counter(here.did("throttle"))
        # Five requests each, when it ran to its end: a sixth would be of a second run.
        assert all(count <= 5 for count in did_to.values()), did_to
        runs = {(d["to"], d["action"]) for d in here.shop.did()}
        assert len({to for to, _ in runs}) == len(runs), runs
        lost = [repair for repair in ended if repair.state is RepairState.UNKNOWN]
        assert len(lost) >= (times + 1) // 2, Counter(repair.state for repair in ended)
        assert "the runner was lost" in lost[0].outcome
        blocks = (await here.notice(lost[0].number))["blocks"]
        words = [e["text"]["text"] for block in blocks for e in block.get("elements", ()) if "value" in e]
        assert words == ["It worked", "It did not work", "Propose it again"]


async def test_what_is_idempotent_is_begun_again_when_its_runner_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another runner that is there already: an action waits three seconds for one and no longer."""
    quick = retries.Terms(**{**retries.RUN, "heartbeat_timeout": timedelta(seconds=4)})
    monkeypatch.setattr(retries, "RUN", quick)
    code = SET + HANGS_ONCE.replace("BEGUN", str(tmp_path / "begun"))
    folder = catalogue(tmp_path, set=(code, "apart", "idempotent = true", "tries = 3"))
    async with site(tmp_path, folder) as here:
        await here.commanded()
        async with runner(here.copy, "apart") as first:
            number = await here.proposed("propose set to=30")
            await here.copy.say("bob", f"approve {number}")
            await here.copy.until(lambda: did(here, 30), "it was begun")
            async with runner(here.copy, "apart"):
                first.kill()
                await here.came_to(number, RepairState.SUCCEEDED)
        assert here.did("throttle") == ["throttle 30", "throttle 30"]
        assert (await here.repair(number)).claims == 2


async def did(here: Site, to: int) -> bool:
    return f"throttle {to}" in here.did()


async def test_abort_ends_all_of_it_within_two_seconds_and_says_what_had_been_done(tmp_path: Path) -> None:
    """The command and its grandchild ignore TERM."""
    async with site(tmp_path, catalogue(tmp_path, deaf=(DEAF, "local", "", ""))) as here:
        await here.commanded()
        number = await here.proposed("propose deaf")
        await here.copy.say("bob", f"approve {number}")
        await here.notice_says(number, "half of it is done")
        begun = time.monotonic()
        await here.copy.say("bob", f"abort {number}")
        aborted = await here.came_to(number, RepairState.ABORTED)
        took = time.monotonic() - begun
        assert took < 2, f"{took:.1f} s"
        assert aborted.outcome == "aborted\nhalf of it is done"
        await here.copy.heard_in_room("half of it is done")


async def test_its_output_is_followed_in_the_room_masked_and_all_of_it_is_kept(tmp_path: Path) -> None:
    async with site(tmp_path, catalogue(tmp_path, chatty=(CHATTY, "local", "", ""))) as here:
        await here.commanded()
        number = await here.proposed("propose chatty")
        await here.copy.say("bob", f"approve {number}")
        await here.notice_says(number, "token ***")
        first = (await here.notice(number))["ts"]

        async def much() -> bool:
            shown = re.findall(r"line (\d+) token", (await here.notice(number))["text"])
            return bool(shown) and int(shown[-1]) > 50

        await here.copy.until(much, "more is shown")
        assert (await here.notice(number))["ts"] == first  # edited in place
        await here.copy.say("bob", f"abort {number}")
        aborted = await here.came_to(number, RepairState.ABORTED)
        kept = await asyncio.to_thread(Path(aborted.kept_in.partition(" on ")[0]).read_text)
        lines = kept.splitlines()
        assert lines == [f"line {n} token ***" for n in range(len(lines))] and len(lines) > 50
        messages = [m["text"] for m in (await here.copy.room())["messages"]]
        assert TOKEN not in str(messages) + kept + str(await here.copy.look())


async def test_no_runner_is_said_within_seconds_and_the_action_starts_when_one_comes(tmp_path: Path) -> None:
    async with site(tmp_path, catalogue(tmp_path, set=(SET, "nowhere", "", ""))) as here:
        await here.commanded()
        number = await here.proposed("propose set to=40")
        await here.copy.say("bob", f"approve {number}")
        begun = time.monotonic()
        await here.copy.heard_in_room("No runner serves runner.nowhere")
        assert time.monotonic() - begun < 20
        assert here.did() == []
        async with runner(here.copy, "nowhere"):
            await here.came_to(number, RepairState.SUCCEEDED)
        assert here.did() == ["throttle 40"]


async def test_in_a_practice_only_what_is_there_to_be_practised_on_is_touched(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, set=(SET, "local", "", ""))
    (folder / "set.toml").write_text((folder / "set.toml").read_text().replace("practice = true", ""))
    async with site(tmp_path, folder) as here:
        await here.commanded()
        number = await here.proposed("propose set to=40")
        await here.copy.say("bob", f"approve {number}")
        ended = await here.came_to(number, RepairState.SUCCEEDED)
        assert ended.outcome.startswith("PRACTICE: not done. It would be: python3") and here.did() == []
