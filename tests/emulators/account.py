"""A PagerDuty account at the emulators, asked as a client would ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

SERVICE = {"id": "PSVCMAJ", "type": "service_reference"}
SENDER = "dont-panic@example.com"


@dataclass
class Account:
    http: aiohttp.ClientSession
    url: str

    async def answer(
        self, method: str, path: str, body: object = None, *, sender: str = SENDER, text: str = ""
    ) -> aiohttp.ClientResponse:
        headers = {"Authorization": "Token token=practice-pagerduty", "Content-Type": "application/json"}
        headers |= {"From": sender} if sender else {}
        sent: dict[str, Any] = {"data": text} if text else {"json": body} if body is not None else {}
        answer = await self.http.request(method, f"{self.url}/pagerduty{path}", headers=headers, **sent)
        await answer.read()
        return answer

    async def ask(self, method: str, path: str, body: object = None, *, sender: str = SENDER) -> dict[str, Any]:
        answer = await self.answer(method, path, body, sender=sender)
        assert answer.status in (200, 201), await answer.text()
        found: dict[str, Any] = await answer.json()
        return found

    async def refused(self, method: str, path: str, body: object = None, *, sender: str = SENDER) -> tuple[int, int]:
        """The status, and PagerDuty's own code."""
        answer = await self.answer(method, path, body, sender=sender)
        assert answer.status >= 400, "it was accepted"
        return answer.status, (await answer.json())["error"]["code"]

    async def control(self, path: str, body: object) -> None:
        async with self.http.post(f"{self.url}/control/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def open(self, *, sender: str = SENDER, **change: object) -> dict[str, Any]:
        found = await self.ask("POST", "/incidents", {"incident": self.incident(**change)}, sender=sender)
        opened: dict[str, Any] = found["incident"]
        return opened

    async def change(self, id: str, *, sender: str = SENDER, **change: object) -> dict[str, Any]:
        body = {"incident": {"type": "incident_reference", **change}}
        changed: dict[str, Any] = (await self.ask("PUT", f"/incidents/{id}", body, sender=sender))["incident"]
        return changed

    async def merge(self, target: str, *sources: str) -> None:
        await self.ask("PUT", *self.merging(target, *sources))

    @staticmethod
    def merging(target: str, *sources: str) -> tuple[str, dict[str, Any]]:
        references = [{"id": id, "type": "incident_reference"} for id in sources]
        return f"/incidents/{target}/merge", {"source_incidents": references}

    @staticmethod
    def incident(**change: object) -> dict[str, Any]:
        return {"type": "incident", "title": "checkout is down", "service": SERVICE, **change}

    @staticmethod
    def assigned(*users: str) -> list[dict[str, Any]]:
        return [{"assignee": {"id": user, "type": "user_reference"}} for user in users]

    @staticmethod
    def policy(id: str) -> dict[str, str]:
        return {"id": id, "type": "escalation_policy_reference"}
