from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable

from incident.model import Incident
from tests.domain.conftest import Told
from workflows.savepoint import Savepoint


def test_what_is_taken_back_is_as_it_was_and_is_the_same_objects(told: Callable[..., Told]) -> None:
    here = told()
    here.paged()
    here.say("anne", "propose restart the cache by hand")
    here.say("bob", "task @sam 10m look at the queries")
    here.say("bob", "team alpha @anne 20m find the latency")
    incident = here.incident
    before, held = copy.deepcopy(incident), _held(incident)
    point = Savepoint(incident)
    _spoil(incident)
    assert incident != before
    point.restore()
    assert incident == before
    assert [list(one) for one in (before.pages, before.tasks, before.effects)] == [
        list(one) for one in (incident.pages, incident.tasks, incident.effects)
    ]
    assert all(one is other for one, other in zip(_held(incident), held, strict=True))
    # Whoever held a piece of it writes to what counts.
    incident_page = next(iter(incident.pages.values()))
    assert incident_page is held[0]
    assert point.size > 1000


def test_a_second_point_knows_what_the_first_did_not(told: Callable[..., Told]) -> None:
    incident = told().incident
    first = Savepoint(incident)
    incident.timeline.clear()
    second = Savepoint(incident)
    incident.title = "another"
    second.restore()
    assert incident.title != "another" and not incident.timeline
    first.restore()
    assert incident.timeline


def _held(incident: Incident) -> list[object]:
    """What tasks hold while they wait."""
    return [
        *incident.pages.values(),
        *incident.tasks.values(),
        *incident.teams.values(),
        *incident.repairs.values(),
        *incident.effects.values(),
        *incident.timeline,
        *incident.outbox,
        *(getattr(incident, field.name) for field in dataclasses.fields(incident)),
    ]


def _spoil(incident: Incident) -> None:
    page = next(iter(incident.pages.values()))
    page.people, page.failing = ["nobody"], True
    page.acknowledged_by["nobody"] = page.asked_at
    incident.pages.pop(list(incident.pages)[1])
    incident.pages["another"] = page
    next(iter(incident.tasks.values())).text = "spoiled"
    incident.teams.clear()
    incident.repairs = {}
    del incident.outbox[:2]
    incident.outbox.reverse()
    incident.timeline.append(incident.timeline[0])
    incident.title, incident.room = "spoiled", None
    vars(incident)["more"] = 1
