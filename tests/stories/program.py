"""`ic`, the program itself: started, or forked from a process that has imported it already.

Most of what `ic` takes is its imports, and stories say some two hundred commands with it. A forked one has a process,
an environment, outputs and an exit code of its own like any other.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from tests.stories.copy import Copy

ROOT = Path(__file__).parents[2]
PYTHON = (sys.executable, "-W", "ignore")


async def started(copy: Copy, *words: str) -> tuple[int, str, str]:
    """As the shell does it: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *(*PYTHON, "-m", "entrypoints.cli", *words),
        cwd=ROOT,
        env={**os.environ, **copy.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def ic(copy: Copy, *words: str) -> tuple[int, str, str]:
    """The same, forked."""
    assert _forks is not None, "nobody forks: this runs outside of `forking`"
    reader, writer = await asyncio.open_unix_connection(await _forks.address(), limit=2**26)
    writer.write(json.dumps({"words": words, "environment": {**os.environ, **copy.environment}}).encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return answer["code"], answer["out"], answer["err"]


class Forks:
    """Starts what forks when the first command is said."""

    def __init__(self, place: Path) -> None:
        self._address = str(place / "ic")
        self._begins = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def address(self) -> str:
        async with self._begins:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *(*PYTHON, "-m", __name__, self._address),
                    cwd=ROOT,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                assert self._process.stdout is not None
                assert await self._process.stdout.readline() == b"ready\n"
        return self._address

    async def end(self) -> None:
        if self._process is not None:
            await self._process.communicate(b"")  # closes its input; without one, 3.11 leaves it open


_forks: Forks | None = None


@asynccontextmanager
async def forking() -> AsyncIterator[None]:
    global _forks
    with tempfile.TemporaryDirectory(prefix="ic-") as place:
        _forks = Forks(Path(place))
        try:
            yield
        finally:
            await _forks.end()
            _forks = None


# -- the process that forks ------------------------------------------------------------------------------


def serve(address: str) -> None:
    """Until whoever started it ends, and with it this standard input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(connection)
                os._exit(0)
            connection.close()


def _answer(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with (
        connection.makefile("rw") as talk,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        asked = json.loads(talk.readline())
        child = os.fork()
        if child == 0:
            _run(asked, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        for file in (out, err):
            file.seek(0)
        code = os.waitstatus_to_exitcode(status)
        talk.write(json.dumps({"code": code, "out": out.read(), "err": err.read()}) + "\n")


def _run(asked: dict[str, Any], out: int, err: int) -> NoReturn:
    from entrypoints import cli

    code: Any = 0
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["ic", *asked["words"]]
    try:
        cli.main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001  # as the interpreter would say it
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    # What `ic` imports when it needs it.
    import entrypoints.archive
    import entrypoints.cli
    import entrypoints.conversation
    import entrypoints.keys  # noqa: F401

    serve(sys.argv[1])
