"""What is measured, and how."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from entrypoints.gateway import Gateway
from incident import grammar, identity
from incident.commands import Command
from tests.configured import example
from tests.conftest import ROOT
from tests.stories.copy import Copy, running

AT_ONCE = 20
QUIET = 0.7


class Row(NamedTuple):
    """One line of the table."""

    what: str
    measured: str
    reach: str
    floor: str = ""


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


async def declare(state: Path) -> list[Row]:
    """The gateway's call until PagerDuty has accepted both IC pages."""
    rows = []
    async with running(state, example(), worker="apart") as copy:
        for outside, reach in ((0.0, 60), (0.1, 170), (0.25, 320)):
            await copy.control("POST", "latency", {"pagerduty": outside, "slack": outside, "statuspage": outside})
            times = [await _both_paged(copy, f"bench-{outside}-{n}") for n in range(15)]
            rows.append(
                Row(
                    f"declare → both IC pages accepted, outside answers in {ms(outside)}",
                    f"{ms(statistics.median(times))} median",
                    f"≤ {reach} ms",
                    ms(outside),
                )
            )
    return rows


async def _both_paged(copy: Copy, key: str) -> float:
    begun = datetime.now().astimezone()
    incident = await _declare(copy, key)
    wanted = {identity.page_key(incident, "1", target) for target in ("primary", "backup")}
    accepted: dict[str, datetime] = {}

    async def both() -> bool:
        for call in await copy.received("pagerduty", "POST%20/incidents"):
            page = call["arguments"]["incident"]["incident_key"]
            if page in wanted and call["status"] == 201:
                accepted[page] = datetime.fromisoformat(call["at"]) + timedelta(seconds=call["seconds"])
        return len(accepted) == 2

    await asyncio.sleep(QUIET)  # looking is work for the emulators too, and would be measured with it
    await copy.until(both, "both pages accepted")
    await copy.control("DELETE", "received")
    return (max(accepted.values()) - begun).total_seconds()


async def _declare(copy: Copy, key: str, gateway: Gateway | None = None) -> str:
    return await (gateway or copy.gateway).declare(
        "checkout is down",
        by="anne",
        by_name="Anne Apison",
        policy=copy.organisation.policy(),
        practice=True,
        key=key,
    )


async def show(state: Path) -> list[Row]:
    """The whole process, beside an interpreter that only imports Temporal's client."""
    async with running(state, example(), worker="apart") as copy:
        incident = await _declare(copy, "show")
        times = [await _run(copy, str(ROOT / "bin" / "ic"), "show", "--incident", incident) for _ in range(12)]
        floor = [await _run(copy, sys.executable, "-c", "import temporalio.client") for _ in range(8)]
    return [
        Row(
            "ic show, the whole process",
            f"{ms(statistics.median(times))} median",
            "≤ 600 ms",
            ms(statistics.median(floor)),
        )
    ]


async def _run(copy: Copy, *command: str) -> float:
    import os

    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, **copy.environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    return time.monotonic() - begun


async def command(state: Path) -> list[Row]:
    """A command answered: idle, and with 500 incidents open."""
    rows = []
    async with running(state, example(), worker="apart") as copy:
        incident = await _declare(copy, "command")
        await _settled(copy, incident)
        idle = [await _note(copy, incident) for _ in range(200)]
        rows.append(
            Row("command answered, idle", f"{ms(p99(idle))} p99", "≤ 60 ms", f"{ms(statistics.median(idle))} median")
        )
        await _open(copy, 500)
        busy = [await _note(copy, incident) for _ in range(200)]
        rows.append(
            Row(
                "command answered, 500 open",
                f"{ms(p99(busy))} p99",
                "≤ 120 ms",
                f"{ms(statistics.median(busy))} median",
            )
        )
    return rows


async def _note(copy: Copy, incident: str) -> float:
    meant = grammar.read("note still looking", copy.organisation.policy())
    assert isinstance(meant, Command)
    begun = time.monotonic()
    await copy.gateway.say(incident, meant, by="anne", door="bench")
    return time.monotonic() - begun


async def _settled(copy: Copy, incident: str) -> None:
    """Paged, in its room, nothing on the way."""

    async def quiet() -> bool:
        seen = await copy.gateway.look(incident)
        waiting = [e for e in seen.effects.values() if e.kind != "follow-page"]
        return seen.room is not None and not waiting and not seen.outbox

    await copy.until(quiet, f"{incident} settled", patience=180)


async def _open(copy: Copy, count: int, name: str = "open") -> None:
    for start in range(0, count, AT_ONCE):
        incidents = await asyncio.gather(*(_declare(copy, f"{name}-{n}") for n in range(start, start + AT_ONCE)))
        for incident in incidents:
            await _settled(copy, incident)


async def burst(state: Path) -> list[Row]:
    """100 declared at once; a command to an incident that is open already meanwhile."""
    async with running(state, example(), worker="apart") as copy:
        incident = await _declare(copy, "before")
        await _settled(copy, incident)
        await copy.control("DELETE", "received")
        begun = datetime.now().astimezone()
        answers: list[float] = []
        done = asyncio.Event()

        async def talk() -> None:
            while not done.is_set():
                answers.append(await _note(copy, incident))

        talking = asyncio.create_task(talk())
        declared = await asyncio.gather(*(_declare(copy, f"burst-{n}") for n in range(100)))
        wanted = {identity.page_key(i, "1", target) for i in declared for target in ("primary", "backup")}
        last = begun

        async def all_paged() -> bool:
            nonlocal last
            calls = await copy.received("pagerduty", "POST%20/incidents")
            at = {
                c["arguments"]["incident"]["incident_key"]: datetime.fromisoformat(c["at"])
                for c in calls
                if c["status"] == 201
            }
            last = max(at.values(), default=begun)
            await asyncio.sleep(QUIET)
            return wanted <= set(at)

        await copy.until(all_paged, "all pages accepted", patience=120)
        done.set()
        await talking
    took = (last - begun).total_seconds()
    return [
        Row("100 declared at once: last pages accepted", f"{took:.1f} s", "≤ 8 s", f"{len(wanted)} pages"),
        Row("… a command meanwhile", f"{ms(p99(answers))} p99", "≤ 500 ms", f"{len(answers)} commands"),
    ]


async def killed(state: Path) -> list[Row]:
    """The worker dies of SIGKILL; from the moment the new one is started until a command is answered."""
    times = []
    async with running(state, example(), worker="apart") as copy:
        incident = await _declare(copy, "killed")
        await _settled(copy, incident)
        for _ in range(5):
            await copy.kill_worker()
            begun = time.monotonic()
            starting = asyncio.create_task(copy.start_worker())
            await _note(copy, incident)
            times.append(time.monotonic() - begun)
            await starting
    return [Row("worker killed -9 and started: next command", f"{max(times):.1f} s worst of 5", "≤ 3 s")]


async def quiet_hour(state: Path) -> list[Row]:
    """One hour of a quiet SEV-1, told 20 times as fast by configuration; events and billable actions of all workflows.

    The clocks of the process run 20 times as fast, the heartbeats do not: those of an hour are added by calculation,
    one for each 200 s that the stalk runs.
    """
    fast = example(
        paging={"poll_every": '"250ms"', "round_every": '"15s"', "grace_after_acknowledgement": '"15s"'},
        command={"no_commander_every": '"6s"'},
        deputy={"mark_every": '"30s"', "announce_asked_within": '"6s"', "room_update_every": '"45s"'},
        executives={"first_after": '"15s"', "every": '"90s"', "shown_before": '"15s"'},
        customers={"first_within": '"15s"', "scope_within": '"15s"', "every": '"60s"'},
        stalk={"every": '"1500ms"'},
    )
    async with running(state, fast, worker="apart") as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.until(lambda: _acknowledged(copy), "the ICs acknowledged")
        await copy.say("bob", "command")
        await copy.say("dee", "join")
        await copy.say("bob", "announce no")
        incident = await copy.look()
        await asyncio.sleep(180 - (datetime.now().astimezone() - incident.declared_at).total_seconds())
        counts: Counter[str] = Counter()
        async for run in copy.client.list_workflows(""):
            history = await copy.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
            counts.update(_billable(history))
    actions = sum(n for kind, n in counts.items() if kind != "events") + 3600 // 200
    return [
        Row("first quiet hour: history events, all workflows", str(counts["events"]), "≤ 250"),
        Row("first quiet hour: billable actions", str(actions), "≤ 110", "of these 18 heartbeats of the stalk"),
    ]


async def _acknowledged(copy: Copy) -> bool:
    heard = [who for page in (await copy.look()).pages.values() for who in page.acknowledged_by]
    return {"bob", "dee"} <= set(heard)


def _billable(history: WorkflowHistory) -> Counter[str]:
    """As Temporal Cloud counts: workflow starts, activity starts, timers, signals, updates, child starts, upserts."""
    kinds = {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: "workflow",
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "activity",
        EventType.EVENT_TYPE_TIMER_STARTED: "timer",
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signal",
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update",
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "upsert",
    }
    counts: Counter[str] = Counter(events=len(history.events))
    for event in history.events:
        if event.event_type in kinds:
            counts[kinds[event.event_type]] += 1
    return counts


async def memory(state: Path) -> list[Row]:
    """Resident memory of worker and server, before and with 200 more incidents open."""
    async with running(state, example(), worker="apart") as copy:
        await _open(copy, 20)
        server = _server_of(copy)
        before = _workers(copy), _resident(server)
        await _open(copy, 200, "more")
        after = _workers(copy), _resident(server)
    per = [(b - a) / 200 / 1024 for a, b in zip(before, after, strict=True)]
    return [
        Row(
            "memory per open incident, worker", f"{per[0]:.2f} MB", "≤ 1 MB", f"{after[0] / 1024:.0f} MB with 220 open"
        ),
        Row(
            "memory per open incident, server", f"{per[1]:.2f} MB", "≤ 1 MB", f"{after[1] / 1024:.0f} MB with 220 open"
        ),
    ]


def _server_of(copy: Copy) -> int:
    """The server's process: the child of ours whose arguments name this copy's database."""
    database = str(copy.settings.state / "temporal.db")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if database in (entry / "cmdline").read_bytes().decode(errors="ignore"):
                    return int(entry.name)
            except OSError:
                continue
    raise AssertionError("no server process")


def _workers(copy: Copy) -> int:
    return sum(_resident(process.pid) for process in copy.processes)


def _resident(pid: int) -> int:
    """Kilobytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
