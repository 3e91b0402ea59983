"""PagerDuty's Events API v2: one address to trigger, acknowledge and resolve by dedup key."""

from __future__ import annotations

import uuid

from aiohttp import web

from emulators.arguments import arguments
from emulators.pagerduty.account import Account
from emulators.pagerduty.refusals import Fault


class Events:
    def __init__(self, account: Account) -> None:
        self._account = account

    async def enqueue(self, request: web.Request) -> web.Response:
        given = await arguments(request)
        wrong = self._wrong(given)
        if wrong:
            body = {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
            return web.json_response(body, status=400)
        key = str(given.get("dedup_key") or uuid.uuid4().hex)
        self._apply(str(given["event_action"]), key, given, f"http://{request.host}/pagerduty")
        return web.json_response({"status": "success", "message": "Event processed", "dedup_key": key}, status=202)

    def _wrong(self, given: dict[str, object]) -> list[str]:
        wrong = []
        if given.get("routing_key") != self._account.world.pagerduty_integration:
            wrong.append("'routing_key' is invalid")
        if given.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            wrong.append("'event_action' must be one of trigger, acknowledge, resolve")
        elif given["event_action"] == "trigger":
            payload = given.get("payload")
            for needed in ("summary", "source", "severity"):
                if not isinstance(payload, dict) or not payload.get(needed):
                    wrong.append(f"'payload.{needed}' is missing or blank")
        elif not given.get("dedup_key"):
            wrong.append("'dedup_key' is missing or blank")
        return wrong

    def _apply(self, action: str, key: str, given: dict[str, object], base: str) -> None:
        try:
            if action == "trigger":
                payload = given["payload"]
                assert isinstance(payload, dict)
                service = self._account.world.services[0]
                asked = {
                    "type": "incident",
                    "title": str(payload["summary"]),
                    "incident_key": key,
                    "service": {"id": service.id, "type": "service_reference"},
                }
                self._account.open(asked, base)
            elif action == "resolve":
                self._account.resolve(self._account.incident(key))
        except Fault:
            return  # accepted all the same: an event for what is open, or gone, changes nothing
