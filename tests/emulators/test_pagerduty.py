"""The local PagerDuty refuses what PagerDuty's documentation says is refused, with its status and code.

The API's description is reference/REST/openapiv3.json of github.com/PagerDuty/api-schema (91a06fb3).
`Errors` below is PagerDuty's page "Errors" (docs/REST-API/14-Errors.md of github.com/PagerDuty/developer-docs), `Creation` its page
"Incident Creation API" (docs/REST-API/15-Incident-Creation-API.md there).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from emulators.server import Emulators
from tests.emulators.account import SERVICE, Account


@pytest.fixture
async def account(emulators: Emulators) -> AsyncIterator[Account]:
    async with aiohttp.ClientSession() as http:
        yield Account(http, emulators.url)


# -- opening ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["type", "title", "service"])
async def test_type_title_and_service_are_required(account: Account, missing: str) -> None:
    """Creation: "In order to create an incident the user must pass a type ("incident"), title, and the affected service"."""
    asked = account.incident()
    del asked[missing]
    assert await account.refused("POST", "/incidents", {"incident": asked}) == (400, 2001)


async def test_a_reference_says_its_type(account: Account) -> None:
    """Creation shows each reference with its type; the API's description requires it. No sentence about leaving it out was found."""
    body = {"incident": account.incident(service={"id": SERVICE["id"]})}
    assert await account.refused("POST", "/incidents", body) == (400, 2001)


async def test_from_is_required(account: Account) -> None:
    """Creation: "From: The email address of a valid PagerDuty user on the account associated with the auth token"."""
    status, code = await account.refused("POST", "/incidents", {"incident": account.incident()}, sender="")
    assert (status, code) == (400, 2016)


async def test_from_of_nobody(account: Account) -> None:
    """Errors: "1008 Requester User Not Found"; seen as a 400 in github.com/dropbox/pygerduty/pull/64."""
    body = {"incident": account.incident()}
    assert await account.refused("POST", "/incidents", body, sender="gone@example.com") == (400, 1008)


async def test_an_assignee_beside_an_escalation_policy(account: Account) -> None:
    """Creation, of an assignee: "Cannot be provided if `escalation_policy` is already specified"."""
    asked = account.incident(assignments=account.assigned("PBOB001"), escalation_policy=account.policy("PEPIC1"))
    assert await account.refused("POST", "/incidents", {"incident": asked}) == (400, 2001)


async def test_one_assignee_only_at_creation(account: Account) -> None:
    """Creation: "Only one assignee is supported at this time"."""
    asked = account.incident(assignments=account.assigned("PBOB001", "PKIM001"))
    assert await account.refused("POST", "/incidents", {"incident": asked}) == (400, 2001)


async def test_a_deleted_assignee(account: Account) -> None:
    """Errors: "1007 Assigned To User Not Found"; 400 is "Caller provided invalid arguments"."""
    await account.control("pagerduty/user", {"user": "PBOB001", "deleted": True})
    asked = account.incident(assignments=account.assigned("PBOB001"))
    assert await account.refused("POST", "/incidents", {"incident": asked}) == (400, 1007)
    assert await account.refused("GET", "/users/PBOB001") == (404, 2100)


@pytest.mark.parametrize("off", [True, False])
async def test_a_priority_that_is_off_or_unknown(account: Account, off: bool) -> None:
    """Errors: "1020 Invalid Priority"; that priorities can be switched off: support.pagerduty.com/main/docs/incident-priority."""
    await account.control("pagerduty/priorities", {"on": not off})
    priority = {"id": "PPRIO01" if off else "PNONE01", "type": "priority_reference"}
    assert await account.refused("POST", "/incidents", {"incident": account.incident(priority=priority)}) == (400, 1020)


@pytest.mark.parametrize("change", [{"urgency": "medium"}, {"body": {"type": "incident_body", "details": {"a": 1}}}])
async def test_values_that_are_not_in_the_list(account: Account, change: dict[str, Any]) -> None:
    """The API's description: urgency is high or low. Creation: "currently only supports string Incident bodies"."""
    assert await account.refused("POST", "/incidents", {"incident": account.incident(**change)}) == (400, 2001)


async def test_a_service_that_is_gone(account: Account) -> None:
    """Errors: "2001 Invalid Input Provided", "5002 Service Not Found"; which of them a creation gets is not said."""
    gone = {"id": "PNONE01", "type": "service_reference"}
    assert await account.refused("POST", "/incidents", {"incident": account.incident(service=gone)}) == (400, 2001)


@pytest.mark.parametrize("status", ["disabled", "maintenance"])
async def test_a_service_that_takes_no_incidents(account: Account, status: str) -> None:
    """support.pagerduty.com/docs/why-incidents-fail-to-trigger: "new incidents will not be triggered or created for that service"."""
    await account.control("pagerduty/service", {"service": SERVICE["id"], "status": status})
    assert await account.refused("POST", "/incidents", {"incident": account.incident()}) == (400, 2001)


async def test_the_same_key_while_it_is_open(account: Account) -> None:
    """Creation: "a subsequent Incident Create request will be denied with a `400 Bad Request`"."""
    await account.open(incident_key="k1")
    assert await account.refused("POST", "/incidents", {"incident": account.incident(incident_key="k1")}) == (400, 2001)


async def test_nobody_on_call_at_any_level(account: Account) -> None:
    """Errors: "1015 Escalation Policy Has No User On Call"."""
    await account.control("pagerduty/oncall", {"escalation_policy": "PEPIC2", "levels": ["", ""]})
    asked = account.incident(escalation_policy=account.policy("PEPIC2"))
    assert await account.refused("POST", "/incidents", {"incident": asked}) == (400, 1015)


async def test_a_level_without_a_person_is_passed_over(account: Account) -> None:
    """No sentence was found about an API answer; /oncalls lists who is on call, and nobody is."""
    await account.control("pagerduty/oncall", {"escalation_policy": "PEPIC2", "levels": ["", "PLEE001"]})
    answer = await account.ask("GET", "/oncalls?escalation_policy_ids[]=PEPIC2")
    assert [turn["escalation_level"] for turn in answer["oncalls"]] == [2]
    incident = await account.open(escalation_policy=account.policy("PEPIC2"))
    assert [a["assignee"]["id"] for a in incident["assignments"]] == ["PLEE001"]


async def test_whoever_assigns_an_incident_to_themselves_is_not_notified(account: Account) -> None:
    """Creation: "the incident will be created in the Acknowledged state and will not notify the user"."""
    incident = await account.open(assignments=account.assigned("PBOB001"), sender="bob@example.com")
    assert incident["status"] == "acknowledged"
    log = await account.ask("GET", f"/incidents/{incident['id']}/log_entries")
    assert "notify_log_entry" not in [entry["type"] for entry in log["log_entries"]]


async def test_the_conference_bridge_is_kept(account: Account) -> None:
    """support.pagerduty.com/docs/conference-bridge: "415-555-1212,,,,1234#". The API's description: "Only returned if the
    `include[]=conference_bridge` query parameter is provided"."""
    bridge = {"conference_number": "+1 555 0199,,,,4711#", "conference_url": "https://meet.example.com/a"}
    incident = await account.open(conference_bridge=bridge)
    path = f"/incidents/{incident['id']}"
    assert "conference_bridge" not in (await account.ask("GET", path))["incident"]
    assert (await account.ask("GET", f"{path}?include[]=conference_bridge"))["incident"]["conference_bridge"] == bridge


# -- changing -----------------------------------------------------------------------------------------


async def test_a_resolved_incident_is_not_changed(account: Account) -> None:
    """Errors: "1001 Incident Already Resolved"."""
    incident = await account.open()
    await account.change(incident["id"], status="resolved")
    for change in ({"status": "resolved"}, {"title": "x"}, {"urgency": "low"}):
        body = {"incident": {"type": "incident_reference", **change}}
        assert await account.refused("PUT", f"/incidents/{incident['id']}", body) == (400, 1001)


@pytest.mark.parametrize(("status", "owner"), [("acknowledged", "PKIM001"), ("triggered", "PDEE001")])
async def test_acknowledging_a_resolved_incident_reopens_it(account: Account, status: str, owner: str) -> None:
    """The API's description of an update: "If the incident is currently resolved, setting the status to "triggered" or "acknowledged"
    will reopen it"; acknowledged, "it will be assigned to the current user", else "to the current Escalation Policy"."""
    incident = await account.open(escalation_policy=account.policy("PEPIC2"))
    await account.change(incident["id"], status="resolved")
    reopened = await account.change(incident["id"], sender="kim@example.com", status=status)
    assert reopened["status"] == status
    assert [a["assignee"]["id"] for a in reopened["assignments"]] == [owner]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": "closed"}, 1003),
        ({"urgency": "medium"}, 2001),
        ({"priority": {"id": "PNONE01", "type": "priority_reference"}}, 1020),
        ({"assignments": [{"assignee": {"id": "PNONE01", "type": "user_reference"}}]}, 1007),
        ({"escalation_policy": {"id": "PNONE01", "type": "escalation_policy_reference"}}, 1014),
        ({"status": "triggered"}, 1012),
    ],
)
async def test_changes_with_wrong_values(account: Account, change: dict[str, Any], code: int) -> None:
    """Errors: 1003 Invalid Status Provided, 1020 Invalid Priority, 1007 Assigned To User Not Found, 1014 Escalation Policy Not Found,
    1012 Incident is not Acknowledged."""
    incident = await account.open()
    body = {"incident": {"type": "incident_reference", **change}}
    assert await account.refused("PUT", f"/incidents/{incident['id']}", body) == (400, code)


async def test_a_change_says_its_type(account: Account) -> None:
    """The API's description of an update requires `type`. No sentence about leaving it out was found."""
    incident = await account.open()
    assert await account.refused("PUT", f"/incidents/{incident['id']}", {"incident": {"title": "x"}}) == (400, 2001)


async def test_whoever_acknowledges_owns_it(account: Account) -> None:
    """support.pagerduty.com/docs/incidents: "The user that acks an incident claims ownership of the issue"; that an API client's From
    header is that user: github.com/hubot-archive/hubot-pager-me/issues/125."""
    incident = await account.open(escalation_policy=account.policy("PEPIC1"))
    changed = await account.change(incident["id"], sender="kim@example.com", status="acknowledged")
    assert [a["acknowledger"]["id"] for a in changed["acknowledgements"]] == ["PKIM001"]
    assert [a["assignee"]["id"] for a in changed["assignments"]] == ["PKIM001"]


async def test_acknowledging_twice(account: Account) -> None:
    """Errors: "1002 Incident Already Acknowledged"."""
    incident = await account.open()
    await account.change(incident["id"], sender="bob@example.com", status="acknowledged")
    body = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
    path = f"/incidents/{incident['id']}"
    assert await account.refused("PUT", path, body, sender="bob@example.com") == (400, 1002)


# -- merging ------------------------------------------------------------------------------------------


async def test_merging_resolves_the_sources_and_says_why(account: Account) -> None:
    """support.pagerduty.com/docs/editing-incidents: "The other selected incidents will be resolved, with the reason for the resolution
    listed as "merged". These incidents will reference the target incident"."""
    target, source = await account.open(), await account.open()
    await account.merge(target["id"], source["id"])
    merged = (await account.ask("GET", f"/incidents/{source['id']}"))["incident"]
    assert merged["status"] == "resolved"
    assert merged["resolve_reason"]["type"] == "merge_resolve_reason"
    assert merged["resolve_reason"]["incident"]["id"] == target["id"]
    assert (await account.ask("GET", f"/incidents/{target['id']}"))["incident"]["status"] == "triggered"


async def test_merging_twice(account: Account) -> None:
    """Errors: "1019 Incident Already Merged"."""
    target, source = await account.open(), await account.open()
    await account.merge(target["id"], source["id"])
    assert await account.refused("PUT", *account.merging(target["id"], source["id"])) == (400, 1019)


async def test_merging_into_a_resolved_one(account: Account) -> None:
    """The API's description of PUT /incidents/{id}/merge: "Open incidents cannot be merged into a resolved incident"."""
    target, source = await account.open(), await account.open()
    await account.change(target["id"], status="resolved")
    assert await account.refused("PUT", *account.merging(target["id"], source["id"])) == (400, 1001)


async def test_an_incident_that_cannot_be_merged(account: Account) -> None:
    """The API's description of PUT /incidents/{id}/merge: "Only incidents that have alerts or incidents that were created manually in the
    UI can be merged"; which one can is shown by `is_mergeable`."""
    await account.control("pagerduty/mergeable", {"on": False})
    target, source = await account.open(), await account.open()
    assert source["is_mergeable"] is False
    assert await account.refused("PUT", *account.merging(target["id"], source["id"])) == (400, 2001)


# -- people, and limits -------------------------------------------------------------------------------


async def test_contact_methods_that_are_gone(account: Account) -> None:
    """Errors: "404 The requested resource was not found", "2100 Not Found"."""
    await account.control("pagerduty/user", {"user": "PKIM001", "contacts": False})
    assert await account.refused("GET", "/users/PKIM001/contact_methods") == (404, 2100)
    assert (await account.ask("GET", "/users/PKIM001"))["user"]["name"] == "Kim Kommandson"


@pytest.mark.parametrize(
    "query",
    [
        "limit=5&offset=9999",
        "limit=many",
        "since={now}&until={yesterday}",
        "since={now}&until={far}",
    ],
)
async def test_what_cannot_be_searched(account: Account, query: str) -> None:
    """Pagination: "the sum of the `offset` and `limit` parameters cannot exceed 10000, or the REST API will respond with status 400".
    The API's description of /oncalls: "limited to 90 days in the future, and the `until` time cannot be before the `since` time"."""
    now = datetime.now(UTC)
    times = {"now": now, "yesterday": now - timedelta(days=1), "far": now + timedelta(days=120)}
    asked = query.format(**{name: at.strftime("%Y-%m-%dT%H:%M:%SZ") for name, at in times.items()})
    status, _ = await account.refused("GET", f"/oncalls?{asked}")
    assert status == 400


async def test_a_page_has_a_hundred_at_most(account: Account) -> None:
    """Pagination: "the maximum number of results, but cannot exceed 100"; whether more is refused or cut is not said: cut here."""
    assert (await account.ask("GET", "/users?limit=1000"))["limit"] == 100


async def test_an_unknown_subscriber_is_unauthorized(account: Account) -> None:
    """The API's description of the answer: `result` is success, duplicate or unauthorized, in a 200."""
    incident = await account.open()
    asked = [{"subscriber_id": id, "subscriber_type": "team"} for id in ("PTEAMS1", "PNONE01", "PTEAMS1")]
    path = f"/incidents/{incident['id']}/status_updates/subscribers"
    answer = await account.ask("POST", path, {"subscribers": asked})
    assert [s["result"] for s in answer["subscriptions"]] == ["success", "unauthorized", "duplicate"]
    assert await account.refused("POST", path, {"subscribers": []}) == (400, 2001)


async def test_too_many_requests_say_when_it_is_over(account: Account) -> None:
    """Rate limits: "the HTTP response code will be `429`, the rate limit headers will be present", code 2020; 960 a minute a key."""
    await account.control("pagerduty/rate", {"limit": 2})
    for _ in range(2):
        assert (await account.answer("GET", "/abilities")).status == 200
    limited = await account.answer("GET", "/abilities")
    assert limited.status == 429 and (await limited.json())["error"]["code"] == 2020
    assert limited.headers["ratelimit-limit"] == "2" and limited.headers["ratelimit-remaining"] == "0"
    assert 0 < int(limited.headers["ratelimit-reset"]) <= 60 and "Retry-After" not in limited.headers


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/incidents", "[]"),
        ("POST", "/incidents", "{"),
        ("POST", "/incidents", '{"incident": {"type": "incident", "title": "a", "service": "PSVCMAJ"}}'),
        ("POST", "/incidents", '{"incident": {"type": "incident", "title": ["a"], "service": 1, "assignments": 7}}'),
        ("PUT", "/incidents/{id}", '{"incident": []}'),
        ("PUT", "/incidents/{id}", '{"incident": {"type": "incident_reference", "assignments": [{"assignee": 1}]}}'),
        ("PUT", "/incidents/{id}/merge", '{"source_incidents": "all"}'),
        ("POST", "/incidents/{id}/notes", '{"note": "text"}'),
        ("POST", "/incidents/{id}/status_updates", '{"message": {}}'),
        ("POST", "/incidents/{id}/status_updates/subscribers", '{"subscribers": [{"subscriber_id": "P"}]}'),
        ("POST", "/incidents/{id}/responder_requests", '{"requester_id": 1, "responder_request_targets": [{}]}'),
    ],
)
async def test_nothing_is_answered_with_a_500(account: Account, method: str, path: str, body: str) -> None:
    """Errors: 400 is "Caller provided invalid arguments"; 500 is "Internal error occurred"."""
    incident = await account.open()
    answer = await account.answer(method, path.format(id=incident["id"]), text=body)
    assert answer.status == 400, await answer.text()
