"""Whoever may write to Temporal tries to have something repaired that the IC did not approve: refused, nothing ran."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from activities.command_answers import CommandAnswers
from incident import identity, repairs
from incident.model import RepairState
from incident.repairs import Claim
from incident.reports import CheckAnswered, Report, RunEnded
from tests.conftest import CONFIG
from tests.stories import temporal
from tests.stories.copy import Copy
from tests.stories.repairing import Site, runner, site
from workflows import queues
from workflows.repair_action import RepairActionWorkflow, RepairBrief, RepairStart


def elsewhere(tmp_path: Path) -> Path:
    """The catalogue with its runner in another environment, which nobody serves yet; its files may be edited."""
    folder = tmp_path / "catalogue"
    folder.mkdir(exist_ok=True)
    for file in (CONFIG / "catalogue").glob("*.toml"):
        text = file.read_text().replace('runner = "local"', "")
        (folder / file.name).write_text(text.replace("\nrisk = ", '\nrunner = "prod-eu"\nrisk = '))
    return folder


def approved(start: RepairStart, **more: Any) -> RepairStart:
    """A start that claims an approval."""
    brief = dataclasses.replace(
        start.brief,
        version=999,
        state=RepairState.APPROVED,
        approvals=1,
        approval_ends=datetime.now(UTC) + timedelta(minutes=10),
    )
    return dataclasses.replace(start, brief=brief, **more)


async def start_of(here: Site, number: int) -> RepairStart:
    """As the incident would start it."""
    repair = await here.repair(number)
    return RepairStart(
        incident=here.copy.incident,
        number=number,
        title=repair.title,
        entry=repair.entry,
        parameters=repair.parameters,
        digest=repair.digest,
        runner="local",
        checked=False,
        brief=RepairBrief(0, False, RepairState.PROPOSED, True, 0, None, None, False),
    )


async def by_hand(here: Site, id: str, start: RepairStart) -> str:
    """Start a repair action's workflow without the incident; what the runner answers."""
    handle = await here.copy.client.start_workflow(
        RepairActionWorkflow.run, start, id=id, task_queue=queues.ROLES, execution_timeout=timedelta(seconds=30)
    )
    return await refusal(here.copy, handle)


async def refusal(copy: Copy, handle: WorkflowHandle[Any, Any]) -> str:
    """The message with which its run failed."""

    async def failed() -> str:
        async for event in handle.fetch_history_events():
            if event.HasField("activity_task_failed_event_attributes"):
                return str(event.activity_task_failed_event_attributes.failure.message)
        return ""

    return str(await copy.until(failed, "the runner answers"))


async def test_workflows_and_activities_started_by_hand(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.commanded()
        number = await here.proposed("propose rollback")
        start = await start_of(here, number)
        prefix = f"incident-{here.copy.incident}"
        said = await by_hand(here, f"{prefix}/repair-99", approved(start, number=99))
        assert said == "Not run: there is no repair action 99."
        said = await by_hand(here, f"{prefix}/repair-{number}0", approved(start))
        assert "another repair action's" in said
        assert "not a workflow of an incident" in await by_hand(here, "my-own", approved(start))
        changed = {"service": "shop-api", "release": "1.2"}
        assert "differs from what was proposed" in await by_hand(
            here, f"{prefix}/repair-98", approved(start, number=98, parameters=changed)
        )
        entry = here.copy.organisation.entry("rollback")
        forged = approved(start, number=97, parameters=changed, digest=repairs.digest(entry, changed, ""))
        assert "no repair action 97" in await by_hand(here, f"{prefix}/repair-97", forged)
        odd = {**changed, "release": "1.2; rm -rf /"}
        forged = approved(start, number=96, parameters=odd, digest=repairs.digest(entry, odd, ""))
        assert "release must match" in await by_hand(here, f"{prefix}/repair-96", forged)
        for kind in ("run", "check", "verify"):
            order = json.dumps(
                {
                    "number": number,
                    "entry": "rollback",
                    "parameters": start.parameters,
                    "digest": start.digest,
                    "step": "apply",
                }
            )
            said = await stock(
                here.copy,
                *("activity", "execute", "--activity-id", f"mine-{kind}", "--type", kind, "--input", order),
                *("--task-queue", queues.runner("local"), "--start-to-close-timeout", "10s"),
            )
            assert "only a repair action's workflow may ask" in said, said
        assert here.did() == []
        assert (await here.repair(number)).state is RepairState.PROPOSED


async def test_forged_claims_signals_and_reports(tmp_path: Path) -> None:
    async with site(tmp_path, elsewhere(tmp_path)) as here:
        await here.commanded()
        number = await here.proposed("propose rollback")

        async def run_known() -> str:
            return (await here.repair(number)).run_id

        run_id = await here.copy.until(run_known, "its workflow runs")
        repair = await here.repair(number)
        incident = here.copy.client.get_workflow_handle(identity.workflow_id(here.copy.incident))
        right = Claim(number, repair.digest, identity.repair_workflow_id(here.copy.incident, number), run_id, "t", True)

        async def claim(**wrong: Any) -> str:
            asked = dataclasses.replace(right, **{"token": str(uuid.uuid4()), **wrong})
            reply = await CommandAnswers(here.copy.client).ask(incident.id, "claim", asked.token, asked, within=20)
            verdict = repairs.verdict(reply)
            return "" if verdict.go else verdict.why

        assert "not approved" in await claim()
        ours = here.copy.client.get_workflow_handle(identity.repair_workflow_id(here.copy.incident, number))
        for rubbish in ("nonsense", {"version": "x"}, None):
            await ours.signal("approved", rubbish)
            await ours.signal("see", rubbish)
        await ours.signal("nothing at all")
        await ours.signal("approved", (await start_of_approved(here, number)).brief)  # as the incident would say it
        await incident.signal("report", Report("repair-1", "x", RunEnded(number, RepairState.SUCCEEDED, "trust me")))
        await incident.signal("report", Report("repair-1", "y", CheckAnswered(number, "all is well")))
        assert (await here.repair(number)).state is RepairState.PROPOSED
        async with runner(here.copy, "prod-eu"):
            assert "it is proposed, not approved" in await refusal(here.copy, ours)
            assert here.did() == []
        await here.copy.say("bob", f"approve {number}")
        assert "not what was approved" in await claim(digest="0" * 64)
        assert "not the one this incident started" in await claim(run_id="another")
        assert "no repair action" in await claim(number=77)
        assert "practice" in await claim(practice=False)
        assert here.did() == []
        assert await claim(token="mine") == ""  # with everything right it is the runner's word, and nobody else's
        assert "it is running, not approved" in await claim(token="replayed")
        assert here.did() == []


async def test_a_forged_approval_that_was_refused_does_not_count_for_the_one_that_follows(tmp_path: Path) -> None:
    async with site(tmp_path, elsewhere(tmp_path)) as here:
        await here.commanded()
        number = await here.proposed("propose rollback")
        await here.copy.until(lambda: _runs(here, number), "its workflow runs")
        ours = here.copy.client.get_workflow_handle(identity.repair_workflow_id(here.copy.incident, number))
        await ours.signal("approved", (await start_of_approved(here, number)).brief)
        async with runner(here.copy, "prod-eu"):
            assert "it is proposed, not approved" in await refusal(here.copy, ours)
            await here.copy.say("bob", f"approve {number}")
            await here.came_to(number, RepairState.SUCCEEDED)
            assert here.did("rollback") == ["rollback previous"]


async def _runs(here: Site, number: int) -> str:
    return (await here.repair(number)).run_id


async def start_of_approved(here: Site, number: int) -> RepairStart:
    return approved(await start_of(here, number))


async def test_a_change_of_command_or_of_the_catalogue_makes_it_void(tmp_path: Path) -> None:
    folder = elsewhere(tmp_path)
    async with site(tmp_path, folder) as here:
        await here.commanded()
        number = await here.proposed("propose rollback")
        await here.copy.say("bob", f"approve {number}")
        await here.copy.heard_in_room("No runner serves runner.prod-eu")
        await here.copy.say("bob", "handover @dee")
        await here.copy.say("dee", "accept")
        assert (await here.repair(number)).state is RepairState.VOID
        async with runner(here.copy, "prod-eu"):
            other = await here.proposed("propose heap-dump")
            await here.copy.say("dee", f"approve {other}")
            await here.came_to(other, RepairState.SUCCEEDED)
            assert here.did("rollback") == []
        await here.copy.say("dee", f"approve {number}")
        file = folder / "bad-deployment.toml"
        file.write_text(file.read_text().replace('"rollback", "{release}"', '"rollback", "1.2"'))
        async with runner(here.copy, "prod-eu"):
            refused = await here.came_to(number, RepairState.FAILED)
            assert "the runner's catalogue differs from what was proposed" in refused.outcome
        assert here.did("rollback") == []


async def test_a_reset_or_terminated_repair_workflow(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "slow.toml").write_text(
        """
[[catalogue]]
id = "slow"
trouble = "any"
title = "Something slow"
practice = true
[catalogue.apply]
argv = ["python3", "-c", '''
import os, sys, time
sys.path.insert(0, os.getcwd())
from emulators.shop import ctl
print(ctl.call("POST", "/throttle", "50"), flush=True)
time.sleep(30)
''']
environment = ["SHOP_URL", "SHOP_TOKEN"]

[[catalogue]]
id = "quick"
trouble = "any"
title = "Something quick"
practice = true
[catalogue.apply]
argv = ["true"]
"""
    )
    async with site(tmp_path, slow) as here:
        await here.commanded()
        for times, kind in enumerate(("reset to the first", "reset to the last", "terminate"), 1):
            number = await here.proposed("propose slow")
            await here.copy.say("bob", f"approve {number}")
            await here.came_to(number, RepairState.RUNNING)

            async def begun(so_far: int = times) -> bool:
                return len(here.did("throttle")) == so_far

            await here.copy.until(begun, "it has begun")
            workflow = identity.repair_workflow_id(here.copy.incident, number)
            if kind == "reset to the first":
                await stock(here.copy, "workflow", "reset", "-w", workflow, "--event-id", "4", "--reason", "again")
            elif kind == "reset to the last":
                to = ("--type", "LastWorkflowTask")
                await stock(here.copy, "workflow", "reset", "-w", workflow, *to, "--reason", "again")
            else:
                await stock(here.copy, "workflow", "terminate", "-w", workflow, "--reason", "away")
                await here.copy.say("bob", f"abort {number}")
            unknown = await here.came_to(number, RepairState.UNKNOWN)
            why = {"reset to the first": "begun anew", "reset to the last": "it is running, not approved"}
            assert why.get(kind, "ended from outside") in unknown.outcome
        # A fourth that runs to its end shows that the runner has nothing left of the others to do.
        number = await here.proposed("propose quick")
        await here.copy.say("bob", f"approve {number}")
        await here.came_to(number, RepairState.SUCCEEDED)
        assert here.did("throttle") == ["throttle 50"] * 3  # once each


async def stock(copy: Copy, *words: str) -> str:
    """The stock CLI: everything it says."""
    process = await asyncio.create_subprocess_exec(
        temporal.PROGRAM,
        *words,
        *("--address", copy.environment["TEMPORAL_ADDRESS"], "--namespace", copy.client.namespace),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return out.decode()
