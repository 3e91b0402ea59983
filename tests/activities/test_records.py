"""The records, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.records import Records, document, incident_of
from incident import postmortem
from incident.model import Incident, Stage
from incident.policy import Policy
from tests.documents.story import two_hours
from tests.domain.conftest import Told, organisation, policy, told
from tests.postgres import postgres

__all__ = ["organisation", "policy", "told"]
pytestmark = pytest.mark.xdist_group("records")  # one PostgreSQL for all of them

AT_ONCE, ROUNDS = 8, 10


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.db'}"
    server: str = request.getfixturevalue("server")
    with create_engine(server, poolclass=NullPool).begin() as connection:
        connection.execute(text("drop table if exists records"))
    return server


def keep(url: str, incident: Incident) -> None:
    ActivityEnvironment().run(Records(url).keep, incident)


def test_a_record_is_kept_once_and_replaced(url: str, told: Callable[..., Told], policy: Policy) -> None:
    story = told()
    keep(url, story.incident)
    keep(url, story.incident)
    story.say("bob", "resolve --insist", after=5)
    keep(url, story.incident)
    (kept,) = Records(url).kept(policy)
    assert kept.ended_as == "resolved" and kept.ended_at == story.now


def test_an_older_state_that_arrives_late_changes_nothing(url: str, told: Callable[..., Told], policy: Policy) -> None:
    older, newer = told(), told()
    newer.say("bob", "resolve --insist", after=5)
    keep(url, newer.incident)
    keep(url, older.incident)
    found = Records(url).find("lusab-babad", policy)
    assert found is not None and found.ended_as == "resolved"


def test_all_that_is_known_comes_back(url: str, told: Callable[..., Told], policy: Policy) -> None:
    incident = two_hours(told)
    keep(url, incident)
    found = Records(url).find("lusab-babad", policy)
    assert found is not None and found.after is not None and found.after.stage is Stage.DRAFT
    assert postmortem.compose(found) == postmortem.compose(incident)
    assert Records(url).find("babad-babad", policy) is None


def test_people_keep_the_names_they_had(told: Callable[..., Told], policy: Policy) -> None:
    kept = document(told().incident)
    assert "policy" not in kept and "effects" not in kept
    fewer = tuple(person for person in policy.people if person.id != "bob")
    assert incident_of(kept, policy.model_copy(update={"people": fewer})).name("bob") == "Bob Boberson"


def test_several_at_the_same_moment_make_the_table_once(url: str, policy: Policy) -> None:
    for _ in range(ROUNDS):
        with create_engine(url, poolclass=NullPool).begin() as connection:
            connection.execute(text("drop table if exists records"))
        at_once = threading.Barrier(AT_ONCE)

        def look(at_once: threading.Barrier = at_once) -> list[Incident]:
            records = Records(url)
            at_once.wait()
            return records.kept(policy)

        with ThreadPoolExecutor(AT_ONCE) as people:
            assert [future.result() for future in [people.submit(look) for _ in range(AT_ONCE)]] == [[]] * AT_ONCE


def test_a_database_that_is_away_is_tried_again(told: Callable[..., Told]) -> None:
    with pytest.raises(ApplicationError) as away:
        keep("postgresql+psycopg://records:hush@127.0.0.1:1/records", told().incident)
    assert not away.value.non_retryable and "hush" not in str(away.value)
