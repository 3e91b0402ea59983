"""A small shop that is really there: web workers as processes in two data centres, behind a front.

It is what repair actions are practised on and tested against. It can be rolled back, restarted, throttled, failed over
and dumped, gets into each trouble of the process when it is told to, and writes down everything that was done to it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CENTRES = ("east", "west")
WORKERS = ("east-1", "east-2", "west-1", "west-2")
RELEASES = {"1.0": True, "1.1": True, "1.2": False}
ANSWERS_WITHIN = 0.25
SLOW_FROM = 0.2
BEARABLE = 40
AUTOMATIC = 60


@dataclass
class Worker:
    name: str
    process: subprocess.Popen[bytes]
    port: int

    @property
    def centre(self) -> str:
        return self.name.partition("-")[0]

    def call(self, method: str, path: str, within: float = ANSWERS_WITHIN) -> tuple[int, dict[str, Any]]:
        """Status and answer; 504 when there is none."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)  # its own
        try:
            with urllib.request.urlopen(request, timeout=within) as answer:  # noqa: S310  # as above
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, {}
        except OSError:
            return 504, {}

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Shop:
    """`state` holds releases, dumps and the journal. Calls may come from several threads."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._lock = threading.RLock()
        self._journal = state / "did.jsonl"
        self._current = state / "current"
        self.weights = dict.fromkeys(CENTRES, 50)
        self.let_in = 100
        self.flooded = False
        self._turn = 0
        self._refused = 0
        for folder in ("releases", "dumps"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        for version, works in RELEASES.items():
            release = state / "releases" / version
            release.mkdir(exist_ok=True)
            (release / "release.json").write_text(json.dumps({"works": works}))
        if not self._current.exists():
            self._deploy("1.1")
        self.workers = {name: self._start(name) for name in WORKERS}

    def end(self) -> None:
        for worker in self.workers.values():
            worker.end()

    @property
    def version(self) -> str:
        return self._current.resolve().name

    # -- what customers do ----------------------------------------------------------------------------

    def visit(self) -> int:
        """One customer's request: its status."""
        with self._lock:
            self._turn += 1
            if self._turn * self.let_in // 100 == (self._turn - 1) * self.let_in // 100:
                self._refused += 1
                return 429
            open_ = [w for w in self.workers.values() if self.weights[w.centre]]
            worker = open_[self._turn % len(open_)] if open_ else None
        if worker is None or (self.flooded and self.let_in > BEARABLE):
            return 503
        return worker.call("GET", "/")[0]

    def status(self) -> dict[str, Any]:
        """How it stands, as seen from outside: every worker that is let serve is asked."""
        serving = [w for w in self.workers.values() if self.weights[w.centre]]
        answers = {}
        for worker in serving:
            begun = time.monotonic()
            code = worker.call("GET", "/", 2 * SLOW_FROM + 0.2)[0]
            slow = time.monotonic() - begun > SLOW_FROM
            answers[worker.name] = "slow" if slow and code == 200 else "ok" if code == 200 else f"answers {code}"
        bad = [name for name, answer in answers.items() if answer != "ok"]
        broken = [name for name in bad if answers[name] != "slow"]
        down = not serving or len(broken) * 2 >= len(serving) or (self.flooded and self.let_in > BEARABLE)
        return {
            "status": "down" if down else "degraded" if bad else "ok",
            "release": self.version,
            "workers": answers,
            "weights": self.weights,
            "let_in": self.let_in,
            "queue": "grows" if self.flooded and self.let_in > BEARABLE else "empty",
            "dumps": len(list((self._state / "dumps").iterdir())),
        }

    # -- what is done to it ---------------------------------------------------------------------------

    def did(self) -> list[dict[str, str]]:
        """Everything, in order: what, to what, and under which action."""
        text = self._journal.read_text() if self._journal.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def do(self, what: str, to: str, action: str) -> dict[str, Any]:
        """Raises ValueError with a sentence when there is no such thing."""
        with self._lock:
            # Written down before it is done: a caller that dies meanwhile has done it all the same.
            with self._journal.open("a") as journal:
                journal.write(json.dumps({"what": what, "to": to, "action": action}) + "\n")
            match what:
                case "rollback":
                    return self._roll_back(to)
                case "restart":
                    self._restart(to)
                    return {"restarted": to}
                case "throttle":
                    self.let_in = int(to)
                    return {"let_in": self.let_in}
                case "out" | "in":
                    if to not in CENTRES:
                        raise ValueError(f"there is no data centre {to!r}")
                    self.weights[to] = 0 if what == "out" else 50
                    return {"weights": self.weights}
                case "dump":
                    return self._named(to).call("POST", "/dump", 5)[1]
                case _:
                    raise ValueError(f"{what!r} cannot be done to the shop")

    def get_into(self, trouble: str) -> None:
        """One of the troubles of the process, really."""
        with self._lock:
            match trouble:
                case "bad deployment":
                    self._deploy("1.2")
                    for name in WORKERS:
                        self._restart(name)
                case "stuck":
                    for name in ("east-1", "west-2"):
                        self._named(name).call("POST", "/trouble/stuck", 5)
                case "event flood":
                    self.flooded, self.let_in = True, AUTOMATIC
                case "data centre outage":
                    for name in ("east-1", "east-2"):
                        self.workers[name].end()
                case "degraded":
                    for name in ("west-1", "west-2"):
                        self._named(name).call("POST", "/trouble/slow", 5)
                case _:
                    raise ValueError(f"the shop knows no trouble {trouble!r}")

    def _named(self, name: str) -> Worker:
        if name not in self.workers:
            raise ValueError(f"there is no worker {name!r}")
        return self.workers[name]

    def _roll_back(self, to: str) -> dict[str, Any]:
        """To a named release, or to the one before the present one."""
        known = sorted(RELEASES)
        before = known[max(0, known.index(self.version) - 1)]
        target = before if to in ("", "previous") else to
        if target not in RELEASES:
            raise ValueError(f"there is no release {target!r}")
        self._deploy(target)
        for name in WORKERS:
            self._restart(name)
        return {"release": target}

    def _deploy(self, version: str) -> None:
        fresh = self._current.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self._state.absolute() / "releases" / version)
        fresh.replace(self._current)

    def _restart(self, name: str) -> None:
        self._named(name).end()
        self.workers[name] = self._start(name)

    def _start(self, name: str) -> Worker:
        program = Path(__file__).with_name("web.py")
        process = subprocess.Popen(
            [sys.executable, "-I", str(program), name, str(self._current), str(self._state / "dumps")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        return Worker(name, process, int(process.stdout.readline()))
