"""One whole major incident on the embedded server and the emulators: undisturbed, and with the workers killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from incident.duties import internal_liaison
from tests.configured import example
from tests.stories import major
from tests.stories.copy import running
from workflows import queues
from workflows.internal_liaison import InternalLiaisonWorkflow
from workflows.role import Brief, RoleStart


async def test_a_major_incident_from_the_page_to_the_end(tmp_path: Path) -> None:
    async with running(tmp_path, major.config()) as copy:
        await major.play(copy)
        await major.check(copy)


@pytest.mark.long
async def test_the_same_with_the_workers_killed_at_every_moment(tmp_path: Path) -> None:
    """SIGKILL with calls under way (everything outside is slow), then a new worker: nothing lost, nothing twice."""
    async with running(tmp_path, major.config(), worker="apart") as copy:
        await copy.control("POST", "latency", {"slack": 0.15, "pagerduty": 0.15, "statuspage": 0.15})
        copy.patience *= 2  # a call that was under way is begun again when its 15 seconds are over
        killed: list[str] = []

        async def kill(moment: str) -> None:
            killed.append(moment)
            await copy.kill_worker()
            await copy.start_worker()

        await major.play(copy, kill)
        assert len(killed) >= 8
        await major.check(copy)


async def test_the_last_summary_goes_out_though_the_end_and_the_close_arrive_together(tmp_path: Path) -> None:
    """As after an outage that was longer than the watch."""
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.say("bob", "command")
        await copy.say("bob", "resolve --insist recovered")
        view = internal_liaison.view(await copy.look(), over=True)
        view = replace(view, declared_at=view.declared_at - timedelta(minutes=10))  # the first was due before the end
        await copy.client.execute_workflow(
            InternalLiaisonWorkflow.run,
            RoleStart(copy.incident, Brief(1, view)),
            id="begun-late/internal-liaison",
            task_queue=queues.ROLES,
        )
        heard = (await copy.room("executive-summary"))["messages"]
        (late,) = (m for m in heard if m["metadata"]["event_payload"]["key"].startswith("begun-late/"))
        assert "resolved" in late["text"]
