"""Carries out one step of the catalogue on this machine: a command under its guardian, or an HTTP request.

Knows nothing of incidents and asks nobody: whoever calls has the right to (`activities.repair`, `ic catalogue try`).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO
from urllib.parse import quote

import aiohttp
from pydantic import JsonValue
from yarl import URL

from activities import guardian
from activities.masking import Masker
from incident.catalogue import HOLE, SECRET, Step

KILLED_AFTER = 1.0
BEAT_EVERY = 0.25
DRAINED_WITHIN = 2.0
LAST_LINES = 20
LONGEST_LINE = 300
LONGEST_ANSWER = 1_000_000
TAIL = LAST_LINES * LONGEST_LINE
CHUNK = 65_536
READ_WITHIN = timedelta(seconds=60)
ORDINARY = 0o022
"""The umask of a command: it makes files for the system that it repairs, not for the runner alone."""
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ")
_NOT_SHOWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\x80-\U0010ffff\n\t]")

Beat = Callable[[str], None]
"""Called four times a second while it lasts, with the last lines of its output."""


@dataclass(frozen=True)
class StepOutcome:
    """How it ended. `text`: exit code or status, and the last lines of its output.

    `aborted`: it was stopped. `unknown`: the request was sent and not answered. `output`: the file with all of it.
    """

    ok: bool
    text: str
    aborted: bool = False
    output: str = ""
    unknown: bool = False


@dataclass(frozen=True)
class Place:
    """Where a step is carried out: `environment` is the machine's, `action` names the deed to whoever is called.

    All output goes to `keep`, a new file when `once`: a second run of the same approval on this machine fails there,
    before anything is executed. Commands run as `user`, unless that is empty. `why_cancelled` says what it means when the task is cancelled.
    """

    environment: Mapping[str, str]
    action: str = ""
    keep: Path | None = None
    once: bool = False
    why_cancelled: Callable[[], str] = lambda: "aborted"
    user: str = ""


async def carry_out(
    step: Step, parameters: Mapping[str, str], place: Place, limit: timedelta | None, beat: Beat
) -> StepOutcome:
    """Until it has ended, was cancelled or is over its `limit`; what it started has ended too."""
    missing = [name for name in step.environment if name not in place.environment]
    if missing:
        return StepOutcome(False, f"not started: {', '.join(missing)} is not set where it runs")
    if step.url:
        return await _request(step, parameters, place, limit or READ_WITHIN, beat)
    return await _command(step, parameters, place, limit, beat)


# -- a command ------------------------------------------------------------------------------------------


class _Output:
    """All of it goes to the file, masked, piece by piece; only its end stays in memory."""

    def __init__(self, file: IO[bytes] | None, masker: Masker) -> None:
        self._file = file
        self._masker = masker
        self._tail = b""
        self.lost = ""

    def feed(self, chunk: bytes) -> None:
        self._keep(self._masker.feed(chunk))

    def end(self) -> None:
        self._keep(self._masker.end())

    def _keep(self, shown: bytes) -> None:
        if self._file is not None:
            try:
                self._file.write(shown)
            except OSError as error:  # a full disk must not end the repair
                self._file, self.lost = None, f"\n(the rest of its output could not be kept: {error.strerror})"
        self._tail = (self._tail + shown)[-TAIL:]

    @property
    def last(self) -> str:
        """The last lines, for people."""
        text = _plain(self._tail.decode(errors="replace").replace("\r", "\n"))
        return "\n".join(line[:LONGEST_LINE] for line in text.splitlines()[-LAST_LINES:]).strip() + self.lost


async def _command(
    step: Step, parameters: Mapping[str, str], place: Place, limit: timedelta | None, beat: Beat
) -> StepOutcome:
    environment = {k: place.environment[k] for k in (*_PASSED_ON, *step.environment) if k in place.environment}
    secrets = [environment[name] for name in step.environment]
    with ExitStack() as stack:
        file: IO[bytes] | None = None
        if place.keep is not None:
            place.keep.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(place.keep.open("xb" if place.once else "wb", buffering=0))
        output = _Output(file, Masker(secrets))
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", guardian.__file__, str(KILLED_AFTER), place.user),
                *(_argument(argument, parameters) for argument in step.argv),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=step.directory or None,
                umask=ORDINARY,
                env={**environment, "DONT_PANIC_ACTION": place.action},
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            return StepOutcome(False, f"not started: {why}")
        reading = asyncio.create_task(_read(process, output))
        ended = asyncio.create_task(process.wait())
        why = await _until(ended, lambda: output.last, limit, place, beat)
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.shield(ended)
        # A daemon that it left running may hold its output open.
        await asyncio.wait([reading], timeout=DRAINED_WITHIN)
        reading.cancel()
        output.end()
    code = process.returncode or 0
    text = f"{why or f'exit code {code}'}\n{output.last}".strip()
    return StepOutcome(not why and code == 0, text, why == "aborted", str(place.keep or ""))


async def _read(process: asyncio.subprocess.Process, output: _Output) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(CHUNK):
        output.feed(chunk)


async def _until(
    ended: asyncio.Task[int] | asyncio.Task[StepOutcome],
    last: Callable[[], str],
    limit: timedelta | None,
    place: Place,
    beat: Beat,
) -> str:
    """Until it ends by itself (empty), or why it must: aborted, or over its time limit."""
    seconds = limit.total_seconds() if limit else float("inf")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        while not ended.done():
            beat(last())
            left = begun + seconds - loop.time()
            if left <= 0:
                return f"over its time limit of {seconds:g} s"
            await asyncio.wait([ended], timeout=min(BEAT_EVERY, left))
    except asyncio.CancelledError:
        return place.why_cancelled()
    return ""


def _argument(argument: str, parameters: Mapping[str, str]) -> str:
    """A parameter takes the place of a whole argument, so that no value can become a part of another."""
    hole = HOLE.fullmatch(argument)
    return parameters[hole[1]] if hole else argument


# -- a request ------------------------------------------------------------------------------------------


async def _request(
    step: Step, parameters: Mapping[str, str], place: Place, limit: timedelta, beat: Beat
) -> StepOutcome:
    asking = asyncio.create_task(_ask(step, parameters, place))
    why = await _until(asking, lambda: f"waiting for {step.method} {step.url}", limit, place, beat)
    if not why:
        return asking.result()
    asking.cancel()
    await asyncio.wait([asking])
    changes = "" if step.method == "GET" else "; the request had been sent, whether it was carried out is not known"
    return StepOutcome(False, f"{why}{changes}", why == "aborted", unknown=why != "aborted" and bool(changes))


async def _ask(step: Step, parameters: Mapping[str, str], place: Place) -> StepOutcome:
    def secret(text: str) -> str:
        return SECRET.sub(lambda found: place.environment[found[1]], text)

    url = secret(HOLE.sub(lambda hole: quote(parameters[hole[1]], safe=""), step.url))
    headers = {name: secret(value) for name, value in step.headers.items()}
    if step.method != "GET" and place.action:
        headers.setdefault("Idempotency-Key", place.action)
    body = _body(dict(step.body), parameters, secret) if step.body else None
    masker = Masker(place.environment[name] for name in step.environment)
    # A connection of its own: a client that finds a kept one closed sends some requests a second time.
    connector = aiohttp.TCPConnector(force_close=True)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(None)) as http,
            http.request(
                step.method, URL(url, encoded=True), json=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            text = (await answer.content.read(LONGEST_ANSWER)).decode(errors="replace")
            return _judged(step, parameters, answer.status, text, masker)
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        return StepOutcome(False, f"not sent: {masker.mask(str(error))}")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return StepOutcome(False, f"no answer ({type(error).__name__})", unknown=step.method != "GET")


def _judged(step: Step, parameters: Mapping[str, str], status: int, text: str, masker: Masker) -> StepOutcome:
    try:
        answer: JsonValue = json.loads(text)
    except ValueError:
        answer = None
    shown = _plain(masker.mask(_flat(answer) if isinstance(answer, dict) else text))
    said = f"HTTP {status}: {shown[: 4 * LONGEST_LINE]}".rstrip(": ")
    if status not in step.success:
        return StepOutcome(False, said)
    for path, wanted in step.expect.items():
        wanted = HOLE.sub(lambda hole: parameters[hole[1]], wanted)
        found = _at(answer, path)
        if found != wanted:
            return StepOutcome(False, f"{path} is {masker.mask(found)}, not {wanted}. {said}")
    return StepOutcome(True, said)


def _body(value: JsonValue, parameters: Mapping[str, str], secret: Callable[[str], str]) -> JsonValue:
    if isinstance(value, str):
        return HOLE.sub(lambda hole: parameters[hole[1]], secret(value))
    if isinstance(value, dict):
        return {key: _body(inner, parameters, secret) for key, inner in value.items()}
    return [_body(inner, parameters, secret) for inner in value] if isinstance(value, list) else value


def _plain(text: str) -> str:
    """Nothing that colours."""
    return _NOT_SHOWN.sub("", text)


def _at(answer: JsonValue, path: str) -> str:
    for part in path.split("."):
        answer = answer.get(part) if isinstance(answer, dict) else None
    return answer if isinstance(answer, str) else json.dumps(answer)


def _flat(answer: Mapping[str, JsonValue]) -> str:
    """A JSON answer as people read it: `status ok, workers: east-1 ok, east-2 ok`."""
    parts = []
    for key, value in answer.items():
        if isinstance(value, dict):
            parts.append(f"{key}: {_flat(value)}")
        else:
            parts.append(f"{key} {value if isinstance(value, str) else json.dumps(value)}")
    return ", ".join(parts)


def machine() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ
