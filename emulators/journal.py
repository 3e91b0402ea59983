"""Everything that was received, in order, and the faults that answer instead.

Every call passes through `middleware`: it is named, delayed, made to fail if a fault says so, and written down with
what was answered. Secrets are not written down.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web

from emulators.arguments import arguments

KEPT = 100_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Fault:
    """Instead of an answer. `call` is `chat.postMessage`, `POST /incidents`, or `*`; `times` -1 is for ever.

    status: answers `code` (with `retry_after` seconds and other `headers`); refused: answers 200 as Slack refuses, with
    `error`; odd: answers 200 with `body`, whatever that is;
    slow: waits `seconds`, then answers as usual; slow_after: the work is done at once, the answer waits; drop_before and
    drop_after: the connection is closed before, or after, the work was done. `every` k: each k-th matching call.
    `about`: only calls whose arguments contain this text.
    """

    service: str
    call: str = "*"
    fault: Literal["status", "refused", "odd", "slow", "slow_after", "drop_before", "drop_after"] = "status"
    code: int = 503
    retry_after: float | None = None
    seconds: float = 0.0
    times: int = 1
    every: int = 1
    about: str = ""
    body: str = "{}"
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def strikes(self, service: str, call: str, given: str) -> bool:
        if self.times == 0 or service != self.service or not _same(self.call, call) or self.about not in given:
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.times -= self.times > 0
        return True


@dataclass
class Received:
    seq: int
    at: str
    service: str
    call: str
    path: str
    arguments: dict[str, Any]
    status: int = 0
    answer: Any = None
    fault: str = ""
    seconds: float = 0.0


@dataclass
class Journal:
    """Journal and faults of one running copy."""

    received: deque[Received] = field(default_factory=lambda: deque(maxlen=KEPT))
    faults: list[Fault] = field(default_factory=list)
    latency: dict[str, float] = field(default_factory=dict)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    seq: int = 0

    def strike(self, entry: Received) -> Fault | None:
        given = json.dumps(entry.arguments)
        return next((fault for fault in self.faults if fault.strikes(entry.service, entry.call, given)), None)

    def write(self, service: str, call: str, path: str, given: dict[str, Any]) -> Received:
        self.seq += 1
        entry = Received(self.seq, datetime.now(UTC).isoformat(), service, call, path, given)
        self.received.append(entry)
        return entry

    def find(self, service: str = "", call: str = "", since: int = 0) -> list[dict[str, Any]]:
        return [
            asdict(r)
            for r in self.received
            if r.seq > since and (not service or r.service == service) and (not call or _same(call, r.call))
        ]


def middleware(journal: Journal) -> Any:  # aiohttp's own type for it is private
    @web.middleware
    async def write_down(request: web.Request, handler: Handler) -> web.StreamResponse:
        service, call = name(request)
        if not service:
            return await handler(request)
        entry = journal.write(service, call, request.path, _without_secrets(await arguments(request)))
        begun = time.monotonic()
        fault = journal.strike(entry)
        entry.fault = fault.fault if fault else ""
        wait = fault.seconds if fault else 0.0
        before, after = (0.0, wait) if entry.fault == "slow_after" else (wait, 0.0)
        if (delay := journal.latency.get(service, 0.0) + before) > 0:
            await asyncio.sleep(delay)
        answer = await _answer(request, handler, fault)
        entry.status, entry.seconds = answer.status, time.monotonic() - begun
        if isinstance(answer, web.Response) and answer.content_type == "application/json" and answer.text:
            entry.answer = answer.text if entry.fault == "odd" else json.loads(answer.text)
        async with journal.heard:
            journal.heard.notify_all()
        if after:
            await asyncio.sleep(after)
        if fault and fault.fault in ("drop_before", "drop_after") and request.transport is not None:
            request.transport.abort()
        return answer

    return write_down


async def _answer(request: web.Request, handler: Handler, fault: Fault | None) -> web.StreamResponse:
    if fault is not None and fault.fault == "drop_before":
        return web.Response(status=599)
    if fault is not None and fault.fault == "odd":
        return web.Response(body=fault.body.encode(), content_type="application/json")
    if fault is not None and fault.fault == "refused":
        return web.json_response({"ok": False, "error": fault.error})
    if fault is not None and fault.fault == "status":
        again = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after is not None else {}
        headers = {**again, **fault.headers}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=fault.code, headers=headers)
    try:
        return await handler(request)
    except web.HTTPException as error:
        # A fault of a handler is an answer like any other; aiohttp takes it only as a plain one.
        return web.Response(status=error.status, headers=error.headers, body=error.body)


def name(request: web.Request) -> tuple[str, str]:
    """Which service is called, and what: Slack's method, else HTTP method and path."""
    head, _, rest = request.path.lstrip("/").partition("/")
    match head:
        case "slack" if rest.startswith("api/"):
            return "slack", rest.removeprefix("api/")
        case "slack" if rest.startswith("response/"):
            return "slack", "response_url"
        case "pagerduty" | "pagerduty-events" | "x":
            return head, f"{request.method} /{rest}"
        case "statuspage":
            return head, f"{request.method} /{rest.removeprefix('v1/')}"
        case "status" | "prometheus" | "changes":
            return head, f"GET /{rest}"
    return "", ""


def _same(wanted: str, call: str) -> bool:
    return wanted == "*" or wanted == call or (wanted.endswith("*") and call.startswith(wanted[:-1]))


def _without_secrets(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != "token"}
