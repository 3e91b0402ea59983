"""The local Statuspage refuses what Statuspage's API reference (developer.statuspage.io) says is refused, and answers nothing with a 500."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from emulators.server import Emulators

PAGE = "/statuspage/v1/pages/pgexample"


@pytest.fixture
async def http(emulators: Emulators) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": "OAuth practice-statuspage"}
    async with aiohttp.ClientSession(emulators.url, headers=headers) as session:
        yield session


async def refused(http: aiohttp.ClientSession, method: str, path: str, body: Any) -> tuple[int, str]:
    async with http.request(method, path, json=body) as answer:
        assert answer.status >= 400, "it was accepted"
        return answer.status, str((await answer.json())["error"])


def incident(**change: Any) -> dict[str, Any]:
    return {"incident": {"name": "Slow checkout", "status": "investigating", "body": "We are looking.", **change}}


@pytest.mark.parametrize(
    "change",
    [{"component_ids": ["cmpnone"]}, {"components": {"cmpnone": "operational"}, "component_ids": ["cmpcheckout"]}],
)
async def test_an_unknown_component_names_itself(http: aiohttp.ClientSession, change: dict[str, Any]) -> None:
    """The reference lists 422 "Unprocessable entity" with an error text for creating an incident. Which text was not found."""
    status, error = await refused(http, "POST", f"{PAGE}/incidents", incident(**change))
    assert status == 422 and "cmpnone" in error


@pytest.mark.parametrize("metadata", ["text", ["a"], {"dont_panic": "text"}, {"dont_panic": 7}])
async def test_metadata_is_objects_in_an_object(http: aiohttp.ClientSession, metadata: Any) -> None:
    """The reference, of `metadata`: "All top-level values in the object must also be objects"."""
    status, error = await refused(http, "POST", f"{PAGE}/incidents", incident(metadata=metadata))
    assert status == 422 and "etadata" in error


@pytest.mark.parametrize(
    "change",
    [
        {"status": "closed"},
        {"components": {"cmpcheckout": "broken"}, "component_ids": ["cmpcheckout"]},
        {"impact_override": "huge"},
    ],
)
async def test_values_that_are_not_in_the_list(http: aiohttp.ClientSession, change: dict[str, Any]) -> None:
    """The reference lists the values of `status`, of a component's status and of `impact_override`."""
    status, _ = await refused(http, "POST", f"{PAGE}/incidents", incident(**change))
    assert status == 422


async def test_a_name_is_required(http: aiohttp.ClientSession) -> None:
    """The reference marks `name` as required when an incident is created."""
    assert (await refused(http, "POST", f"{PAGE}/incidents", incident(name="")))[0] == 422


async def test_a_components_status_is_one_of_the_list(http: aiohttp.ClientSession) -> None:
    """The reference lists the values of a component's status."""
    body = {"component": {"status": "broken"}}
    assert (await refused(http, "PATCH", f"{PAGE}/components/cmpcheckout", body))[0] == 422


async def test_a_key_of_nobody(http: aiohttp.ClientSession) -> None:
    """The reference: 401 "Could not authenticate"."""
    async with http.get(f"{PAGE}/incidents", headers={"Authorization": "OAuth other"}) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("POST", "incidents", '{"incident": "text"}'),
        ("POST", "incidents", "{"),
        ("POST", "incidents", '{"incident": {"name": "a", "components": ["cmpcheckout"]}}'),
        ("POST", "incidents", '{"incident": {"name": "a", "component_ids": 7}}'),
        ("POST", "incidents", '{"incident": {"name": "a", "components": {"cmpcheckout": {}}}}'),
        ("PATCH", "components/cmpcheckout", '{"component": "text"}'),
        ("GET", "incidents?limit=many", ""),
        ("GET", "incidents?page=-1&limit=-5", ""),
    ],
)
async def test_nothing_is_answered_with_a_500(http: aiohttp.ClientSession, method: str, path: str, text: str) -> None:
    """The reference knows 400, 401, 403, 404, 409, 420 and 422."""
    headers = {"Content-Type": "application/json"} if text else {}
    async with http.request(method, f"{PAGE}/{path}", data=text or None, headers=headers) as answer:
        assert answer.status in (400, 422), await answer.text()
