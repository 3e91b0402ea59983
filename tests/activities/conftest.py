"""Activities with the real SDKs over HTTP, run as a worker would run them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from temporalio.testing import ActivityEnvironment

from activities.chat import Chat
from activities.monitoring import Monitoring
from activities.on_call_book import OnCallBook
from activities.pagerduty import Sessions
from activities.pagerduty_sync import Sync
from activities.paging import Paging
from activities.placeholders import Placeholders
from activities.social import Social, client
from activities.status_page import StatusPage
from emulators.server import Emulators
from incident.policy import Organisation
from tests import configured
from tests.reading import rooms_as_read

TOKENS = ("practice-x", "practice-x-secret", "practice-x-token", "practice-x-token-secret")


@dataclass
class Outside:
    """The activities, and what they reached."""

    url: str
    http: aiohttp.ClientSession
    paging: Paging
    sync: Sync
    chat: Chat
    status_page: StatusPage
    social: Social
    monitoring: Monitoring
    book: OnCallBook
    present: list[Organisation]
    """The organisation's file as it stands now, alone in its list."""

    def configure(self, **sections: Any) -> None:
        self.present[0] = self.present[0].model_copy(update=sections)

    async def run(
        self, activity: Callable[..., Any], order: object, *, attempt: int = 1, begun_ago: timedelta = timedelta(0)
    ) -> Any:
        """As attempt number `attempt`, of an activity that was asked for so long ago."""
        environment, now = ActivityEnvironment(), datetime.now(UTC)
        environment.info = dataclasses.replace(
            environment.info,
            attempt=attempt,
            started_time=now,
            scheduled_time=now - begun_ago,
            namespace="incidents.acct",
        )
        if asyncio.iscoroutinefunction(activity):
            result: Awaitable[Any] = environment.run(activity, order)
            return await result
        return await asyncio.to_thread(environment.run, activity, order)

    async def control(self, method: str, path: str, body: object = None) -> Any:
        async with self.http.request(method, f"{self.url}/control/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            found = await answer.json()
        return rooms_as_read(found) if path.startswith("slack/rooms") else found

    async def fault(self, service: str, call: str, **how: object) -> None:
        await self.control("POST", "faults", {"service": service, "call": call, **how})

    def coming_from(self, sender: str) -> Paging:
        """Paging as another user of PagerDuty."""
        sessions = Sessions(f"{self.url}/pagerduty", "practice-pagerduty", sender)
        return Paging(sessions, self.book, configured.organisation(), practice=True)

    async def pages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.control("GET", "pagerduty/incidents")
        return found

    async def messages(self, channel: str) -> list[dict[str, Any]]:
        rooms = await self.control("GET", "slack/rooms")
        found: list[dict[str, Any]] = next(room["messages"] for room in rooms if room["id"] == channel)
        return found


@pytest.fixture
async def outside(emulators: Emulators, tmp_path: Path) -> AsyncIterator[Outside]:
    organisation = configured.organisation()
    present = [organisation]
    book = OnCallBook(tmp_path / "on-call.json", organisation)
    sessions = Sessions(f"{emulators.url}/pagerduty", "practice-pagerduty", "dont-panic@example.com")
    paging = Paging(sessions, book, organisation, practice=True)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as http:
        slack = AsyncWebClient(
            token="xoxb-practice", base_url=f"{emulators.url}/slack/api/", timeout=2, session=http, retry_handlers=[]
        )
        yield Outside(
            url=emulators.url,
            http=http,
            paging=paging,
            sync=Sync(sessions, organisation, practice=True),
            chat=Chat(slack, Placeholders(organisation, book), "https://temporal.example.com/"),
            status_page=StatusPage(
                http,
                f"{emulators.url}/statuspage",
                "practice-statuspage",
                "pgexample",
                practice=True,
                rules=lambda: organisation,
            ),
            social=Social(
                partial(client, f"{emulators.url}/x", *TOKENS),
                "examplestatus",
                practice=True,
                rules=lambda: organisation,
            ),
            monitoring=Monitoring(http, paging.impacted, rules=lambda: present[0]),
            book=book,
            present=present,
        )
