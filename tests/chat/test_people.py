"""Who somebody is: by id, by e-mail in our workspace alone, and never a stranger because Slack did not answer."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from chat.people import NotTold, People, Speaker
from emulators.server import start
from emulators.world import User, World
from tests import configured


@asynccontextmanager
async def people(world: World, **pat: object) -> AsyncIterator[tuple[People, str]]:
    """With Pat, whom the organisation knows by e-mail alone, as Slack has them."""
    users = tuple(dataclasses.replace(u, **pat) if u.slack == "U0PAT" else u for u in world.users)  # type: ignore[arg-type]  # a field each
    async with start(dataclasses.replace(world, users=users)) as running:
        slack = AsyncWebClient(token="xoxb-practice", base_url=f"{running.url}/slack/api/", timeout=2)
        slack.retry_handlers = []
        yield People(slack, configured.organisation()), running.url


@pytest.mark.parametrize("teams", [(), ("T0EXAMPLE", "T0SALES")], ids=["a workspace", "Enterprise Grid"])
async def test_by_e_mail_in_our_workspace(world: World, teams: tuple[str, ...]) -> None:
    async with people(world, teams=teams) as (known, _):
        assert (await known.who("U0PAT")).by == "pat"


@pytest.mark.parametrize(
    "elsewhere", [{"workspace": "T0OTHER"}, {"teams": ("T0SALES",)}], ids=["stranger", "other team"]
)
async def test_an_address_of_another_workspace_is_worth_nothing(world: World, elsewhere: dict[str, object]) -> None:
    async with people(world, **elsewhere) as (known, _):
        assert (await known.who("U0PAT")).by == "U0PAT"


@pytest.mark.parametrize("call", ["users.info", "auth.test"])
async def test_what_could_not_be_read_is_not_remembered(world: World, call: str) -> None:
    async with people(world) as (known, url), aiohttp.ClientSession() as http:
        fault = {"service": "slack", "call": call, "fault": "refused", "error": "internal_error"}
        await http.post(f"{url}/control/faults", json=fault)
        with pytest.raises(NotTold):
            await known.who("U0PAT")
        assert (await known.who("U0PAT")).by == "pat"
        await http.post(f"{url}/control/faults", json={**fault, "times": -1})
        assert (await known.who("U0PAT")).by == "pat", "what is known stays known"


async def test_a_page_does_not_wait_for_slack_to_say_who_pages(world: World) -> None:
    async with people(world) as (known, url), aiohttp.ClientSession() as http:
        await http.post(f"{url}/control/latency", json={"slack": 1.5})
        assert await known.anybody("U0PAT") == Speaker("U0PAT", "U0PAT")
        await http.post(f"{url}/control/latency", json={"slack": 0})
        assert (await known.anybody("U0PAT")).by == "pat"


def test_pat_is_as_these_tests_have_them(world: World) -> None:
    pat = next(person for person in configured.organisation().people if person.id == "pat")
    assert not pat.slack and world.by_slack("U0PAT") == User("Pat Postson", slack="U0PAT", email=pat.email)
