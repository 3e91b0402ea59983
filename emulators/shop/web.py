"""One web worker of the shop: a process that answers as its release does, until it is stuck, leaks, or is ended.

web.py NAME RELEASE DUMPS: writes its port to standard output, ends when its standard input closes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STUCK_FOR = 60.0
SLOW_FOR = 0.4


class Web(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, name: str, release: Path, dumps: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.name = name
        self.version = release.resolve().name
        self.works = json.loads((release / "release.json").read_text())["works"]
        self.dumps = dumps
        self.trouble = ""
        self.answered = 0


class Answers(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:  # the library's own name
        web = self.server
        if web.trouble == "stuck":
            time.sleep(STUCK_FOR)
        if web.trouble == "slow":
            time.sleep(SLOW_FOR)
        web.answered += 1
        status = 200 if web.works else 500
        self._answer(status, {"worker": web.name, "version": web.version, "process": os.getpid()})

    def do_POST(self) -> None:  # the library's own name
        web = self.server
        if self.path == "/dump":
            dump = web.dumps / f"{web.name}.{os.getpid()}.{time.time_ns()}.json"
            state = {"worker": web.name, "version": web.version, "answered": web.answered, "trouble": web.trouble}
            dump.write_text(json.dumps({**state, "threads": [t.name for t in threading.enumerate()]}))
            self._answer(200, {"dump": dump.name})
        else:
            web.trouble = self.path.removeprefix("/trouble/")
            self._answer(200, {"trouble": web.trouble})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """The front keeps the record."""


def main(name: str, release: str, dumps: str) -> None:
    web = Web(name, Path(release), Path(dumps))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    sys.stdout.write(f"{web.server_port}\n")
    sys.stdout.flush()
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
