"""One incident that cannot be read keeps nobody from the others."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from entrypoints.conversation import Conversation, Heard
from incident import declaring, identity
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.hands import hands
from workflows import search_attributes

SECRET, PLAIN = identity.incident_id("secret"), identity.incident_id("plain")


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[Copy]:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.heard_in_room("Incident")
        yield copy


async def begun_and_never_saved(copy: Copy, key: str, *, security: bool) -> None:
    """An incident whose first workflow task never ends."""
    policy = copy.organisation.policy()
    declaration = declaring.draw_up(
        "it burns",
        by="anne",
        by_name="Anne",
        policy=policy,
        practice=True,
        key=key,
        at=(await copy.look()).declared_at,
        security=security,
    )
    await copy.client.start_workflow(
        "IncidentWorkflow",
        id=identity.workflow_id(declaration.id),
        task_queue="nobody",
        memo={"key_mark": declaration.key_mark, "title": declaration.title},
        search_attributes=search_attributes.of_declaration(declaration),
    )

    async def listed() -> bool:
        return any(one.id == declaration.id for one in await copy.gateway.list())

    await copy.until(listed, "it is listed")


def overwritten(copy: Copy) -> None:
    """A snapshot that no version can read."""
    file = copy.settings.records_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE snapshots SET document = '{}' WHERE incident = ?", (copy.incident,))


async def asked(copy: Copy, words: str) -> str:
    """By somebody who is not in a security incident, outside of any channel."""
    conversation = Conversation(
        copy.gateway.at_hand, copy.gateway.snapshots, copy.organisation, copy.book, practice=True, door="cli"
    )
    return await conversation.answer(Heard(words, "sam", "Sam Storeson", "k1"))


async def test_a_stuck_security_incident_fails_neither_list_nor_status_nor_note(copy: Copy) -> None:
    await begun_and_never_saved(copy, "secret", security=True)
    for words in ("list", "status", "list all"):
        text = await asked(copy, words)
        assert copy.incident in text
        assert "A security incident is left out, because nobody can tell who may read it." in text
        assert SECRET not in text, "its id is told to nobody"
    assert "noted" in await asked(copy, "note the queue is full")
    assert [note.text for note in (await copy.look()).notes] == ["the queue is full"]


async def test_a_workflow_that_is_no_incident_keeps_nobody_from_the_list(copy: Copy) -> None:
    await copy.client.start_workflow("IncidentWorkflow", id="something-else", task_queue="nobody")

    async def there() -> bool:
        return len([run async for run in copy.client.list_workflows("WorkflowId = 'something-else'")]) == 1

    await copy.until(there, "the server lists it")
    assert [one.id for one in await copy.gateway.list()] == [copy.incident]


async def test_the_app_home_shows_the_others_and_what_is_wrong(copy: Copy) -> None:
    await begun_and_never_saved(copy, "plain", security=False)
    await begun_and_never_saved(copy, "secret", security=True)
    async with hands(copy):
        await copy.control("POST", "slack/home", {"user": "U0SAM"})

        async def home() -> str:
            views = await copy.control("GET", "slack/views")
            return str([v for v in views if v["type"] == "home" and v["user"] == "U0SAM"])

        async def shown() -> bool:
            return "checkout answers with 500" in await home()

        await copy.until(shown, "Sam's home")
        text = await home()
        assert f"SEV-2 it burns* ({PLAIN}) cannot be shown" in text
        assert "A security incident cannot be shown" in text and SECRET not in text
        # The one that could be read cannot be read any more: that is shown as well.
        overwritten(copy)
        await copy.control("POST", "slack/home", {"user": "U0SAM"})

        async def both() -> bool:
            return f"checkout answers with 500* ({copy.incident}) cannot be shown" in await home()

        await copy.until(both, "Sam's home says what is wrong")
