"""The emulators against the services' own descriptions: requests and answers both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from emulators.server import Emulators
from tests.contract import descriptions
from tests.contract.descriptions import needed, text

pytestmark = needed
AS_IT_IS = Config(spec_validator_cls=None)
"""The published descriptions break OpenAPI's own rules in places that matter not."""
KEY = {
    "Authorization": "Token token=practice-pagerduty",
    "Accept": "application/vnd.pagerduty+json;version=2",
    "From": "dont-panic@example.com",
}
SERVICE = {"id": "PSVCMAJ", "type": "service_reference"}
INCIDENT = {"type": "incident", "title": "down", "service": SERVICE, "incident_key": "k1", "urgency": "high"}
BRIDGE = {"conference_number": "+1 555 0199,,,,4711#", "conference_url": "https://meet.example.com/major"}

# Method, path, body; {id} is the first incident's, {last} the last one's.
PAGERDUTY: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/incidents", {"incident": INCIDENT}),
    ("GET", "/incidents", None),
    ("GET", "/incidents/{id}", None),
    # Before the acknowledgement: no entry can satisfy what the description says of one (its type has two names there).
    ("GET", "/incidents/{id}/log_entries", None),
    ("PUT", "/incidents/{id}", {"incident": {"type": "incident_reference", "status": "acknowledged"}}),
    ("POST", "/incidents/{id}/notes", {"note": {"content": "looking"}}),
    ("GET", "/incidents/{id}/notes", None),
    ("POST", "/incidents/{id}/status_updates", {"message": "still looking"}),
    (
        "POST",
        "/incidents/{id}/status_updates/subscribers",
        {"subscribers": [{"subscriber_id": "PTEAMS1", "subscriber_type": "team"}]},
    ),
    ("GET", "/incidents/{id}/status_updates/subscribers", None),
    ("GET", "/abilities", None),
    ("GET", "/oncalls", None),
    ("GET", "/users", None),
    ("GET", "/users/PBOB001", None),
    ("GET", "/users/PBOB001/contact_methods", None),
    ("GET", "/teams", None),
    ("GET", "/schedules", None),
    ("GET", "/escalation_policies", None),
    ("GET", "/escalation_policies/PEPIC1", None),
    ("GET", "/services", None),
    ("GET", "/services/PSVCMAJ", None),
    ("GET", "/priorities", None),
    ("GET", "/business_services", None),
    ("POST", "/incidents", {"incident": {**INCIDENT, "incident_key": "k2", "conference_bridge": BRIDGE}}),
    (
        "PUT",
        "/incidents/{id}/merge",
        {"source_incidents": [{"id": "{last}", "type": "incident_reference"}]},
    ),
    ("GET", "/incidents/{last}", None),
    ("PUT", "/incidents/{id}", {"incident": {"type": "incident_reference", "status": "resolved"}}),
]


@pytest.fixture(scope="module")
def pagerduty() -> Iterator[OpenAPI]:
    yield OpenAPI.from_dict(descriptions.pagerduty("pagerduty-rest.openapi.json"), config=AS_IT_IS)


@pytest.fixture(scope="module")
def statuspage() -> Iterator[OpenAPI]:
    # Statuspage's description says "Object" where JSON Schema says "object".
    description = json.loads(text("statuspage.openapi.json").replace('"Object"', '"object"'))
    yield OpenAPI.from_dict(description, config=AS_IT_IS)


def ask(
    description: OpenAPI, base: str, real: str, method: str, path: str, body: Any, headers: dict[str, str]
) -> dict[str, Any]:
    """Send it, and hold request and answer against the description, as if the real address had been asked."""
    answer = requests.request(method, f"{base}{path}", json=body, headers=headers, timeout=5)
    described = requests.Request(method, f"{real}{path}", json=body, headers=headers)
    request = RequestsOpenAPIRequest(described)
    description.validate_request(request)
    description.validate_response(request, RequestsOpenAPIResponse(answer))
    assert answer.ok, answer.text
    found = json.loads(answer.text)
    return found if isinstance(found, dict) else {"list": found}


async def test_pagerduty(emulators: Emulators, pagerduty: OpenAPI) -> None:
    base, real = f"{emulators.url}/pagerduty", "https://api.pagerduty.com"
    first = last = ""
    for method, path, body in PAGERDUTY:
        place = path.replace("{id}", first).replace("{last}", last)
        given = json.loads(json.dumps(body).replace("{last}", last))
        answer = await asyncio.to_thread(ask, pagerduty, base, real, method, place, given, KEY)
        if (method, path) == ("POST", "/incidents"):
            last = answer["incident"]["id"]
            first = first or last


async def test_statuspage(emulators: Emulators, statuspage: OpenAPI) -> None:
    base, real = f"{emulators.url}/statuspage", "https://api.statuspage.io"
    headers = {"Authorization": "OAuth practice-statuspage"}
    page = "/v1/pages/pgexample"
    body = {"incident": {"name": "PRACTICE", "status": "investigating", "body": "looking", "metadata": {"a": {"b": 1}}}}
    made = await asyncio.to_thread(ask, statuspage, base, real, "POST", f"{page}/incidents", body, headers)
    states = {"components": {"cmpcheckout": "major_outage"}, "component_ids": ["cmpcheckout"]}
    entry = f"{page}/incidents/{made['id']}"
    for change in ({"status": "identified", "body": "found", **states}, {"status": "resolved", "body": "done"}):
        await asyncio.to_thread(ask, statuspage, base, real, "PATCH", entry, {"incident": change}, headers)
    unresolved, paged = f"{page}/incidents/unresolved", f"{page}/incidents?limit=100&page=1"
    for path in (f"{page}/incidents", paged, unresolved, entry, f"{page}/components"):
        await asyncio.to_thread(ask, statuspage, base, real, "GET", path, None, headers)
    await asyncio.to_thread(ask, statuspage, base, real, "DELETE", entry, None, headers)


async def test_pagerduty_events(emulators: Emulators) -> None:
    description = OpenAPI.from_dict(descriptions.pagerduty("pagerduty-events-v2.openapi.json"), config=AS_IT_IS)
    base, real = f"{emulators.url}/pagerduty-events", "https://events.pagerduty.com"
    routing, head = "practiceeventskey000000000000000", {"Content-Type": "application/json"}
    payload = {"summary": "down", "source": "shop", "severity": "critical"}
    for action in ("trigger", "acknowledge", "resolve"):
        body: dict[str, Any] = {"routing_key": routing, "event_action": action, "dedup_key": "k1"}
        body |= {"payload": payload} if action == "trigger" else {}
        await asyncio.to_thread(ask, description, base, real, "POST", "/v2/enqueue", body, head)
