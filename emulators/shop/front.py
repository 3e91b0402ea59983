"""The shop's front over HTTP: customers at `/`, operators at the other addresses, with the token.

| address | what |
| --- | --- |
| `GET /` | a customer's request |
| `GET /status`, `GET /did` | how it stands; what was done to it |
| `POST /rollback`, `/restart`, `/throttle`, `/out`, `/in`, `/dump` | `{"to": …}`; header `Authorization: Bearer TOKEN` |
| `POST /trouble` | `{"to": TROUBLE}`: get into it |
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from emulators.shop.shop import Shop

TOKEN = "practice-shop-token"  # noqa: S105  # opens nothing but the practice shop


class Front(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, shop: Shop, port: int) -> None:
        super().__init__(("127.0.0.1", port), Answers)
        self.shop = shop

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that was killed has closed its connection; what it asked for is done all the same."""


class Answers(BaseHTTPRequestHandler):
    server: Front

    def do_GET(self) -> None:  # the library's own name
        match self.path:
            case "/status":
                self._answer(200, self.server.shop.status())
            case "/did":
                self._answer(200, {"did": self.server.shop.did()})
            case _:
                self._answer(self.server.shop.visit(), {})

    def do_POST(self) -> None:  # the library's own name
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": "the token is missing or wrong"})
            return
        try:
            given = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
            to, action = str(given.get("to", "")), self.headers.get("Idempotency-Key", "")
            if self.path == "/trouble":
                self.server.shop.get_into(to)
                self._answer(200, {"trouble": to})
            else:
                self._answer(200, self.server.shop.do(self.path.removeprefix("/"), to, action))
        except ValueError as fault:
            self._answer(400, {"error": str(fault)})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """The journal is kept by the shop."""


@dataclass(frozen=True)
class Running:
    url: str
    shop: Shop


@contextmanager
def start(state: Path, port: int = 0) -> Iterator[Running]:
    """The shop with its workers, until the context ends."""
    shop = Shop(state)
    front = Front(shop, port)
    serving = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    try:
        yield Running(f"http://127.0.0.1:{front.server_port}", shop)
    finally:
        front.shutdown()
        serving.join()
        front.server_close()
        shop.end()
