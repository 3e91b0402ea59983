"""Somebody has started a workflow under the id that an incident will have: nobody is left unpaged for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from entrypoints.contacts import Outcome
from entrypoints.conversation import Conversation, Heard
from entrypoints.standby import Standby
from incident import declaring, identity
from incident.declaring import Declaration
from tests.configured import example
from tests.stories.copy import Copy, running
from workflows.incident_input import IncidentInput
from workflows.queues import INCIDENT

KEY = "k1"
ID = identity.incident_id(KEY)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[Copy]:
    async with running(tmp_path, example(), worker="none") as copy:
        yield copy


def declaration(copy: Copy, **changes: Any) -> Declaration:
    policy = copy.organisation.policy()
    made = declaring.draw_up(
        "checkout is down", by="anne", by_name="Anne Apison", policy=policy, practice=True, key=KEY, at=NOW
    )
    return replace(made, **changes)


async def taken(copy: Copy, by: object, *, type: str = "IncidentWorkflow", queue: str = INCIDENT) -> None:
    """A workflow that anybody who may write to the namespace has started, with a memo as an incident has."""
    await copy.client.start_workflow(
        type, by, id=identity.workflow_id(ID), task_queue=queue, memo={"key_mark": identity.key_mark(KEY)}
    )


async def declare(copy: Copy, address: str = "") -> Outcome:
    standby = Standby.of(copy.settings, copy.book)
    conversation = Conversation(
        copy.gateway.at_hand,
        copy.gateway.snapshots,
        copy.organisation,
        copy.book,
        practice=True,
        door="cli",
        standby=lambda: standby,
    )
    return await conversation.act(Heard("declare 2 checkout is down", "anne", "Anne Apison", KEY))


async def pages(copy: Copy) -> list[str]:
    return sorted(page["incident_key"] for page in await copy.control("GET", "pagerduty/incidents"))


@pytest.mark.parametrize(("type", "queue"), [("IncidentWorkflow", "nobody"), ("Something", INCIDENT)])
async def test_an_incident_takes_a_longer_id_where_something_else_has_its_own(
    copy: Copy, type: str, queue: str
) -> None:
    await taken(copy, IncidentInput(declaration(copy)), type=type, queue=queue)
    outcome = await declare(copy)
    longer = identity.incident_id(KEY, 3)
    assert outcome.data["incident"] == longer
    assert f"another workflow is called incident-{ID}" in outcome.text

    described = await copy.client.get_workflow_handle(identity.workflow_id(longer)).describe()
    assert (described.workflow_type, described.task_queue) == ("IncidentWorkflow", INCIDENT)
    assert await pages(copy) == [], "its own workflow pages, once a worker is there"
    assert (await declare(copy)).data["incident"] == longer, "the same key is the same incident"
    assert await copy.gateway.declared_under(KEY) == longer


async def _rubbish(copy: Copy) -> None:
    await taken(copy, "rubbish")


async def _paging_nobody(copy: Copy) -> None:
    policy = copy.organisation.policy()
    paging = policy.paging.model_copy(update={"service": "PNOBODY"})
    await taken(copy, IncidentInput(declaration(copy, policy=policy.model_copy(update={"paging": paging}))))


async def _not_a_practice(copy: Copy) -> None:
    await taken(copy, IncidentInput(declaration(copy, practice=False)))


async def _terminated(copy: Copy) -> None:
    await taken(copy, IncidentInput(declaration(copy)))
    await copy.client.get_workflow_handle(identity.workflow_id(ID)).terminate()


@pytest.mark.parametrize("made", [_rubbish, _paging_nobody, _not_a_practice, _terminated])
async def test_in_doubt_people_are_paged_from_here_under_the_same_keys(copy: Copy, made: Any) -> None:
    await made(copy)
    outcome = await declare(copy)
    assert "So this was paged straight from here" in outcome.text and "paged Bob Boberson" in outcome.text
    assert f"incident-{ID}" in outcome.text

    assert len(await pages(copy)) == 3
    assert all(key.startswith(f"incident-{ID}/page/") for key in await pages(copy))


async def test_what_was_declared_before_under_the_key_is_believed(copy: Copy) -> None:
    """A retry, with other words: one incident, and nothing is paged a second time."""
    first = await declare(copy)
    assert first.data["incident"] == ID
    standby = Standby.of(copy.settings, copy.book)
    conversation = Conversation(
        copy.gateway.at_hand,
        copy.gateway.snapshots,
        copy.organisation,
        copy.book,
        practice=True,
        door="cli",
        standby=lambda: standby,
    )
    again = await conversation.act(Heard("declare 2 checkout answers with 500", "anne", "Anne Apison", KEY))
    assert again.data["incident"] == ID and "Declared: incident" in again.text
    assert await copy.received("pagerduty", "POST /incidents") == []
    assert len(await copy.gateway.list(everything=True)) == 1


async def test_what_was_kept_while_temporal_was_away_finds_its_id_taken(copy: Copy) -> None:
    """It was paged already; the incident follows under a longer id, and no declaration is lost."""
    standby = Standby.of(copy.settings, copy.book)
    await standby.declare(declaration(copy), KEY)
    await taken(copy, IncidentInput(declaration(copy)), queue="nobody")
    await standby.hand_over(copy.gateway)
    assert await copy.gateway.declared_under(KEY) == identity.incident_id(KEY, 3)
    assert not list((copy.settings.state / "standby").glob("*"))


async def test_a_sub_team_is_believed_only_where_our_workers_serve_it(copy: Copy) -> None:
    await copy.client.start_workflow(
        "SubTeamWorkflow",
        id=identity.sub_team_workflow_id("a"),
        task_queue="nobody",
        memo={"incident": "zofav-habov"},
    )
    assert await copy.gateway.incident_of_team("a") == ""
