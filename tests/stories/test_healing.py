"""A history that the code does not lead to any more: the workflow goes on by itself, says so, and does nothing twice."""

from __future__ import annotations

from pathlib import Path

from entrypoints import stuck
from incident.duties.base import Remark
from incident.reports import Report
from tests.configured import example
from tests.stories import changed
from tests.stories.copy import Copy, running
from tests.stories.once import nothing_twice

WITHIN = 30.0
"""From the moment at which a worker first meets the history."""
AFTER_A_NOTE = (
    "workflows/incident.py",
    "        self._carry_out_effects()\n            self._show()\n",
    """        self._carry_out_effects()
            if any(entry.kind == "note" for entry in self._incident.timeline):
                workflow.upsert_memo({"noted": len(self._incident.timeline)})
            self._show()
""",
)


async def test_code_that_was_changed_between_two_tasks(tmp_path: Path) -> None:
    older = changed.version(tmp_path / "older", changed.BEFORE, AFTER_A_NOTE)
    async with running(tmp_path, example(), worker="none") as copy:
        await copy.start_worker(older)
        await copy.say("anne", "declare 2 checkout answers with 500 service: shop-api")
        await copy.say("bob", "command")
        await copy.say("anne", "note it began at noon")
        await copy.say("bob", "task @sam 10m look at the queries")
        await copy.heard_in_room("look at the queries")
        (number,) = (await copy.look()).tasks
        await copy.kill_worker()
        await copy.start_worker()
        await copy.heard_in_room("This incident's workflow had stopped. It was reset", WITHIN)
        assert f"task {number}" in await copy.say("sam", f"ack {number}")
        incident = await copy.look()
        assert number in incident.tasks and incident.commander == "bob"
        assert sum(entry.kind == "note" for entry in incident.timeline) == 1
        await nothing_twice(copy)
        await copy.stop_worker()


IN_THE_FIRST_TASK = (
    (
        "workflows/role.py",
        "        while not self.lost and not self.cancelled:\n",
        '        workflow.upsert_memo({"older": 1})\n        while not self.lost and not self.cancelled:\n',
    ),
    (
        "workflows/repair_action.py",
        "        if start.brief.story:\n",
        '        workflow.upsert_memo({"older": 1})\n        if start.brief.story:\n',
    ),
    (
        "workflows/after_incident.py",
        "        self._unsaved = self._own\n",
        '        self._unsaved = self._own\n        workflow.upsert_memo({"older": 1})\n',
    ),
)


async def test_each_kind_of_workflow_heals(tmp_path: Path) -> None:
    """Roles, a repair action, a sub-team and the postmortem, all at once, each from its first task on."""
    older = changed.version(tmp_path / "older", changed.BEFORE, *IN_THE_FIRST_TASK)
    async with running(tmp_path, example(), worker="none") as copy:
        await copy.start_worker(older)
        await copy.say("anne", "declare 2 checkout answers with 500 service: shop-api")
        await copy.say("bob", "command")
        await copy.say("anne", "propose restart the cache by hand")
        await copy.heard_in_room("proposes repair")
        (repair,) = (await copy.look()).repairs
        await copy.say("bob", "resolve --insist")
        await copy.say("bob", "reopen it came back")
        await copy.say("bob", "team alpha @sam 10m look at the queries")
        await copy.heard_in_room("Sub-team Alpha: Sam Storeson")
        await copy.kill_worker()
        await copy.start_worker()
        await copy.say("bob", f"reject {repair} another way")
        await copy.say("bob", "resolve --insist")
        for whose in (
            "The deputy",
            "The scribe",
            "The customer liaison",
            "The internal liaison",
            f"Repair {repair}",
            "Sub-team Alpha",
            "The postmortem",
        ):
            await copy.heard_in_room(f"{whose}'s workflow had stopped. It was reset", WITHIN)
        await nothing_twice(copy)
        await copy.stop_worker()


async def test_what_newer_code_has_carried_on_is_left_to_it(tmp_path: Path) -> None:
    """As after a rollback: nothing is reset, the log and `ic doctor` say what is needed, and with it all goes on."""
    newer = changed.version(tmp_path / "newer", changed.LATER, AFTER_A_NOTE)
    async with running(tmp_path, example(), worker="none") as copy:
        await copy.start_worker(newer)
        await copy.say("anne", "declare 2 checkout answers with 500 service: shop-api")
        await copy.say("bob", "command")
        await copy.say("anne", "note it began at noon")
        run = await run_of(copy)
        await copy.kill_worker()
        await copy.start_worker()
        await copy.gateway.report(copy.incident, Report("test", "wakes it", Remark("the cache is cold")))

        async def left_alone() -> bool:
            return "was carried on by a newer version of the code (20370101T000000Z-" in logged(copy)

        await copy.until(left_alone, "the log says that newer code is needed")

        async def found_stuck() -> bool:
            return f"incident-{copy.incident}" in (await stuck.find(copy.client)).stuck

        await copy.until(found_stuck, "doctor finds it stuck")
        await copy.stop_worker()
        assert await run_of(copy) == run and logged(copy).count("newer version of the code") == 1
        await copy.start_worker(newer)
        await copy.heard_in_room("the cache is cold")
        assert await run_of(copy) == run
        await copy.stop_worker()


async def run_of(copy: Copy) -> str:
    return (await copy.client.get_workflow_handle(f"incident-{copy.incident}").describe()).run_id


def logged(copy: Copy) -> str:
    return (copy.settings.state / "worker.log").read_text()
