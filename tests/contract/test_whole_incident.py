"""A whole incident: every request of the product, and every answer of the emulators, as PagerDuty and Statuspage describe them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from tests.configured import example
from tests.contract import descriptions
from tests.contract.descriptions import needed, text
from tests.stories.copy import Copy, running

pytestmark = [needed, pytest.mark.story]
AS_IT_IS = Config(spec_validator_cls=None)
SPOKEN = {
    "POST /incidents",
    "PUT /incidents/{id}",
    "PUT /incidents/{id}/merge",
    "POST /incidents/{id}/notes",
    "POST /incidents/{id}/status_updates",
    "POST /incidents/{id}/status_updates/subscribers",
    "GET /oncalls",
}
"""What has to occur, or the story shows less than it says."""


async def test_all_of_it_is_as_the_services_describe_it(tmp_path: Path) -> None:
    rules = {"executives": {"first_after": '"4s"', "shown_before": '"2s"'}}
    async with running(tmp_path, example(**rules)) as copy:
        await copy.say("anne", "declare 2 checkout answers with 500")
        await copy.heard_in_room("Deputy Deputyson acknowledged the page.")
        await copy.say("bob", "command")
        await copy.say("dee", "join")
        await copy.say("bob", "sev 1 everybody is affected")
        await copy.say("bob", "draft investigating We are looking into a problem with the checkout.")
        draft = max((await copy.look()).drafts)
        await copy.say("bob", f"announce yes {draft}")
        await copy.heard_in_room(f"Public message {draft} is out on the status page")
        await copy.until(lambda: was_called(copy, "status_updates"), "a status update")
        await copy.say("bob", "resolve --insist")
        await copy.until(lambda: is_over(copy), "resolved in PagerDuty")
        pagerduty = await copy.control("GET", "received?service=pagerduty")
        statuspage = await copy.control("GET", "received?service=statuspage")
    description = OpenAPI.from_dict(descriptions.pagerduty("pagerduty-rest.openapi.json"), config=AS_IT_IS)
    spoken = {check(description, "https://api.pagerduty.com", "/pagerduty", one) for one in pagerduty}
    assert spoken >= SPOKEN
    page = OpenAPI.from_dict(
        json.loads(text("statuspage.openapi.json").replace('"Object"', '"object"')), config=AS_IT_IS
    )
    assert statuspage
    for one in statuspage:
        check(page, "https://api.statuspage.io", "/statuspage", one)


def check(description: OpenAPI, real: str, prefix: str, received: dict[str, Any]) -> str:
    """Hold one exchange against the description. Gives method and path, without ids."""
    method, path = received["call"].split()[0], received["path"].removeprefix(prefix)
    if path == "/business_services/impacts":
        return ""  # not in each version of the description
    given = received["arguments"]
    query = given if method == "GET" else None
    body = given if method in ("POST", "PUT", "PATCH") else None
    headers = {"From": "dont-panic@example.com", "Accept": "application/vnd.pagerduty+json;version=2"}
    headers |= {"Authorization": "OAuth key"} if prefix == "/statuspage" else {"Authorization": "Token token=key"}
    request = RequestsOpenAPIRequest(requests.Request(method, real + path, json=body, params=query, headers=headers))
    description.validate_request(request)
    answer = requests.Response()
    answer.status_code = received["status"]
    answer.headers["Content-Type"] = "application/json"
    answer._content = json.dumps(received["answer"]).encode()
    description.validate_response(request, RequestsOpenAPIResponse(answer))
    return f"{method} {'/'.join('{id}' if part.startswith('Q0') else part for part in path.split('/'))}"


async def was_called(copy: Copy, ending: str) -> bool:
    calls = await copy.control("GET", "received?service=pagerduty&call=POST *")
    return any(one["call"].endswith(ending) for one in calls)


async def is_over(copy: Copy) -> bool:
    return all(one["status"] == "resolved" for one in await copy.control("GET", "pagerduty/incidents"))
