"""`ic doctor` names what PagerDuty does not know, and which of its settings undo the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from activities.pagerduty import Sessions
from emulators.server import Emulators
from entrypoints.findings import Finding
from entrypoints.pagerduty_doctor import findings
from tests.configured import organisation
from tests.emulators.account import SENDER, Account


@pytest.fixture
async def account(emulators: Emulators) -> AsyncIterator[Account]:
    async with aiohttp.ClientSession() as http:
        yield Account(http, emulators.url)


async def look(account: Account, sender: str = SENDER) -> list[Finding]:
    """What is not well."""
    sessions = Sessions(f"{account.url}/pagerduty", "practice-pagerduty", sender)
    found = await asyncio.to_thread(findings, sessions, organisation(), sender)
    return [finding for finding in found if finding.state != "ok"]


async def test_the_example_is_well(account: Account) -> None:
    assert await look(account) == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"status": "disabled"}, "the service is disabled: nobody can be paged"),
        ({"status": "maintenance"}, "the service is in maintenance: nobody can be paged"),
        ({"acknowledgement_timeout": 1800}, "an acknowledged page rings again after 30 min (acknowledgement timeout)"),
        ({"auto_resolve_timeout": 14400}, "pages are resolved by themselves after 240 min (auto-resolve)"),
        (
            {"incident_urgency_rule": {"type": "constant", "urgency": "low"}},
            "its urgency is low, at least at times: low urgency wakes nobody and never escalates",
        ),
        (
            {"incident_urgency_rule": {"type": "use_support_hours", "outside_support_hours": {"urgency": "low"}}},
            "its urgency is low, at least at times: low urgency wakes nobody and never escalates",
        ),
    ],
)
async def test_a_setting_of_the_service_that_undoes_the_process(
    account: Account, setting: dict[str, object], said: str
) -> None:
    await account.control("pagerduty/service", {"service": "PSVCMAJ", **setting})
    assert [finding.what for finding in await look(account)] == [said]


async def test_priorities_that_are_off(account: Account) -> None:
    await account.control("pagerduty/priorities", {"on": False})
    assert [finding.what for finding in await look(account)] == ["priorities are switched off"]


async def test_the_sender_is_nobody_or_on_call(account: Account) -> None:
    (gone,) = await look(account, "gone@example.com")
    assert gone.what == "gone@example.com is no user of PagerDuty"
    (on_call,) = await look(account, "bob@example.com")
    assert on_call.what == "bob@example.com is on call: PagerDuty does not notify whoever pages themselves"


async def test_a_policy_without_anybody_and_a_user_who_is_gone(account: Account) -> None:
    await account.control("pagerduty/oncall", {"escalation_policy": "PEPDB01", "levels": [""]})
    await account.control("pagerduty/user", {"user": "PVIC001", "deleted": True})
    assert {(finding.name, finding.what) for finding in await look(account)} == {
        ("escalation policy PEPDB01", "nobody is on call"),
        ("people.vic.pagerduty", "PagerDuty knows no /users/PVIC001"),
    }


async def test_an_ic_who_is_on_call_for_a_team_too(account: Account) -> None:
    await account.control("pagerduty/oncall", {"escalation_policy": "PEPAPI1", "levels": ["PBOB001"]})
    assert [finding.what for finding in await look(account)] == ["Bob Boberson is on call as IC and for API"]


async def test_what_cannot_be_read_is_not_called_missing(account: Account) -> None:
    fault = {"service": "pagerduty", "call": "GET /users/PVIC001", "code": 503, "times": -1}
    await account.control("faults", fault)
    (found,) = await look(account)
    assert found.state == "broken" and "could not be read" in found.what
