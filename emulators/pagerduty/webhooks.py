"""Webhooks, version 3: signed, in order, tried again when they are not answered with success."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import Any

import aiohttp

from emulators.store import Document

ANSWERED_WITHIN = 5.0
AGAIN_AFTER = (0.5, 2.0, 10.0, 60.0)


class Webhooks:
    """One subscription, or none while `url` is empty. `sent` are the deliveries, the newest last."""

    def __init__(self) -> None:
        self.url = ""
        self.secret = ""
        self.sent: deque[dict[str, Any]] = deque(maxlen=200)
        self._tasks: set[asyncio.Task[None]] = set()

    def happened(self, kind: str, data: Document, agent: Document | None = None) -> None:
        if not self.url:
            return
        event = {
            "id": uuid.uuid4().hex[:26].upper(),
            "event_type": kind,
            "resource_type": "incident",
            "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "agent": agent,
            "client": None,
            "data": data,
        }
        self.send({"event": event}, str(uuid.uuid4()))

    def send(self, payload: Document, delivery: str) -> None:
        body = json.dumps(payload)
        self.sent.append({"id": delivery, "payload": payload})
        task = asyncio.get_running_loop().create_task(self._deliver(body.encode(), delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def again(self) -> None:
        """The last delivery once more, as when its answer was lost."""
        last = self.sent[-1]
        self.send(last["payload"], last["id"])

    async def _deliver(self, body: bytes, delivery: str) -> None:
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "PagerDuty-Webhook/V3.0",
            "X-PagerDuty-Signature": f"v1={signature}",
            "X-Webhook-Id": delivery,
        }
        timeout = aiohttp.ClientTimeout(ANSWERED_WITHIN)
        for wait in (*AGAIN_AFTER, None):
            try:
                async with (
                    aiohttp.ClientSession(timeout=timeout) as http,
                    http.post(self.url, data=body, headers=headers) as answer,
                ):
                    if answer.status < 500:
                        return
            except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
                pass  # tried again, as PagerDuty does
            if wait is not None:
                await asyncio.sleep(wait)


def shown(incident: Document) -> Document:
    """An incident as a webhook carries it."""
    kept = ("id", "self", "html_url", "status", "incident_key", "created_at", "title", "urgency", "priority", "service")
    return {
        **{key: incident[key] for key in kept if key in incident},
        "type": "incident",
        "number": incident["incident_number"],
        "assignees": [assignment["assignee"] for assignment in incident["assignments"]],
        "escalation_policy": incident["escalation_policy"],
        "teams": incident["teams"],
        "conference_bridge": incident.get("conference_bridge"),
        "resolve_reason": incident.get("resolve_reason"),
    }


def note_shown(incident: Document, note: Document) -> Document:
    return {
        "incident": _referred(incident),
        "id": note["id"],
        "content": note["content"],
        "trimmed": False,
        "type": "incident_note",
    }


def status_update_shown(incident: Document, update: Document) -> Document:
    return {
        "incident": _referred(incident),
        "id": update["id"],
        "message": update["message"],
        "trimmed": False,
        "type": "incident_status_update",
    }


def _referred(incident: Document) -> Document:
    kept = {key: incident[key] for key in ("id", "self", "html_url")}
    return {**kept, "summary": incident["title"], "type": "incident_reference"}
