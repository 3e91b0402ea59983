"""What one person may say in a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoints import quota
from entrypoints.gateway import Gateway
from entrypoints.problems import Refused
from entrypoints.quota import Quota
from incident import identity
from incident.commands.deciding import Approve
from incident.commands.leading import TakeCommand
from tests.configured import example
from tests.stories.copy import running


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_person_waits_for_the_next_and_nobody_else_does() -> None:
    clock = Clock()
    limit = Quota(at_once=3, per_second=0.5, clock=clock)
    assert [limit.take("mallory") for _ in range(4)] == [0, 0, 0, 2.0]
    assert limit.take("bob") == 0
    clock.now += 2
    assert [limit.take("mallory") for _ in range(2)] == [0, 2.0]
    clock.now += 60
    assert [limit.take("mallory") for _ in range(4)] == [0, 0, 0, 2.0]


def test_who_said_nothing_for_a_while_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "KEPT", 10)
    clock = Clock()
    limit = Quota(at_once=1, per_second=1, clock=clock)
    for number in range(100):
        assert limit.take(f"person {number}") == 0
        clock.now += 1
    assert len(limit._left) <= 11


async def test_tries_without_number_cost_the_incident_nothing(tmp_path: Path) -> None:
    """A loop that tries to approve meets the quota at the entry point, is told when to go on, and bothers nobody else."""
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        gateway = Gateway(copy.client, copy.gateway.snapshots, quota=Quota(at_once=5, per_second=0.1))
        refused = []
        for _ in range(50):
            with pytest.raises(Refused) as refusal:
                await gateway.say(copy.incident, Approve(99), by="sam", door="cli")
            refused.append(str(refusal.value))
        told = [text for text in refused if text.startswith("You've sent too many commands. Try again in ")]
        assert len(told) == 45
        history = await copy.client.get_workflow_handle(identity.workflow_id(copy.incident)).fetch_history()
        heard = [event.workflow_execution_signaled_event_attributes.signal_name for event in history.events]
        assert heard.count("approve") == 5
        await gateway.say(copy.incident, TakeCommand(), by="bob", door="cli")
        assert (await copy.look()).commander == "bob"
