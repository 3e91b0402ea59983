"""The card: where the incident stands, and since when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident import card, repairs, wording
from incident.model import Incident, Phase, RepairState
from tests.domain.conftest import Told


def since(story: Told) -> str:
    """The line of the card that says how it stands."""
    return card.markdown(story.incident).splitlines()[1].partition(" · ")[0]


def at(story: Told) -> str:
    return wording.clock(story.now)


def repaired(story: Told, state: RepairState) -> None:
    (repair,) = story.incident.repairs.values()
    if state is RepairState.RUNNING:
        repair.run_id = "run"
        asked = repairs.Claim(repair.number, repair.digest, "", repair.run_id, "token")
        assert repairs.claim(story.incident, asked, story.now).go
    else:
        repairs.end_run(story.incident, repair, state, "done", story.now, who="repair-1")


def test_each_state_has_its_own_time(told: Callable[..., Told]) -> None:
    story = told()
    declared = wording.clock(story.incident.declared_at)
    assert since(story) == f"**being investigated** since {declared}"
    story.say("bob", "cause the pool is exhausted", after=7)
    found = at(story)
    assert since(story) == f"**cause identified** since {found}"
    story.say("bob", "cause the pool is exhausted, by the new release", after=2)
    assert since(story) == f"**cause identified** since {found}"
    number = story.say("anne", "propose rollback service=shop-api", after=1).number
    story.say("bob", f"approve {number}", after=1)
    story.say("anne", "note nothing yet", after=1)
    repaired(story, RepairState.RUNNING)
    assert since(story) == f"**being repaired** since {at(story)}"
    story.say("anne", "note nothing yet", after=5)
    repaired(story, RepairState.SUCCEEDED)
    assert since(story) == f"**repair done, being verified** since {at(story)}"
    story.say("bob", f"verified {number}", after=5)
    verified = at(story)
    story.say("anne", "note still well", after=5)
    assert since(story) == f"**recovering** since {verified}"
    story.say("bob", "resolve --insist recovered", after=5)
    resolved = at(story)
    assert since(story) == f"**resolved** since {resolved}"
    story.say("anne", "note it was the pool", after=60)
    story.incident.phase = Phase.CLOSED
    story.incident.log("closed", "the watch is over", story.now)
    assert since(story) == f"**closed** since {at(story)}"


@pytest.fixture
def incident(told: Callable[..., Told]) -> Incident:
    return told().incident


def test_declared_is_said_apart(incident: Incident) -> None:
    shown = card.markdown(incident)
    assert f"declared {incident.declared_at:%Y-%m-%d} {wording.clock(incident.declared_at)}" in shown
