"""Background jobs of a process: logged, begun again after a failure, visible in `ic doctor`.

Each process writes how its jobs are into a file of its own in the state directory. The file takes its space on disk when
it is made and is overwritten in place from then on, so that a full disk can be reported, too. The process holds a
lock on it while it lives: a file without a lock was left behind by a process that was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
OVERDUE_AFTER = 120.0
FOLDER = "jobs"
_SIZE = 16_384
_LONGEST_ERROR = 200
_log = logging.getLogger(__name__)


@dataclass
class Job:
    """How one background job is.

    `every` is how often it works, in seconds; one that is `lasting` returns only when something happened. `failures` are those
    in a row.
    """

    process: str
    name: str
    every: float
    begun_at: str
    lasting: bool = False
    done_at: str = ""
    failures: int = 0
    failed_at: str = ""
    error: str = ""


class Supervisor:
    """Keeps the background jobs of one process at work. `state` is the state directory, `process` the process's name."""

    def __init__(self, process: str, state: Path, *, first_pause: float = FIRST_PAUSE) -> None:
        self._process = process
        self._first_pause = first_pause
        self._jobs: dict[str, Job] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._file = state / FOLDER / f"{process}-{os.getpid()}.json"
        self._handle = _reserve(self._file)

    def keep(
        self, name: str, work: Callable[[], Awaitable[object]], every: timedelta, *, lasting: bool = False
    ) -> None:
        """Call `work` now, and again each time when it returned `every` ago.

        When it raises, whatever it is, it is called again after a pause that grows with each failure in a row.
        """
        assert name not in self._jobs, name
        job = self._jobs[name] = Job(self._process, name, every.total_seconds(), _now(), lasting)
        self._tasks.append(asyncio.create_task(self._supervise(job, work), name=name))
        self._write()

    def keep_thread(self, name: str, work: Callable[[], object], every: timedelta) -> None:
        """The same for blocking `work`, in a daemon thread: the end of the process does not wait for it."""
        self.keep(name, lambda: in_thread(name, work), every)

    async def close(self) -> None:
        """End the jobs. A thread that is at work is left to itself."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            with contextlib.suppress(OSError):
                self._file.unlink()

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _supervise(self, job: Job, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
            except BaseException as error:  # an entry point: the SDKs' own panics are no Exception
                if _ended(error):
                    raise
                await asyncio.sleep(self._failed(job, error))
            else:
                if job.failures:
                    _log.warning("%s works again after %d failures", job.name, job.failures)
                job.failures, job.done_at = 0, _now()
                self._write()
                await asyncio.sleep(job.every)

    def _failed(self, job: Job, error: BaseException) -> float:
        """How long to wait before the next try."""
        pause = min(self._first_pause * 2.0 ** min(job.failures, 10), LONGEST_PAUSE)
        job.failures += 1
        job.failed_at = _now()
        job.error = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
        _log.error(
            "%s failed (%d in a row) and is begun again in %g s: %s",
            job.name,
            job.failures,
            pause,
            job.error,
            exc_info=error if job.failures == 1 else None,
        )
        self._write()
        return pause

    def _write(self) -> None:
        """What cannot be written is logged: the jobs matter more than the words about them."""
        if self._handle is None:
            return
        document = json.dumps([asdict(job) for job in self._jobs.values()]).encode()
        try:
            os.pwrite(self._handle, document[:_SIZE].ljust(_SIZE), 0)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._file, error)


def jobs(state: Path) -> list[Job]:
    """The background jobs of all processes that are alive and use this state directory."""
    found: list[Job] = []
    for file in sorted((state / FOLDER).glob("*.json")):
        try:
            with file.open("rb") as written:
                if _alive(written.fileno()):
                    found += [Job(**job) for job in json.loads(written.read())]
        except (OSError, ValueError, TypeError) as fault:
            _log.info("%s cannot be read: %s", file, fault)
    return found


def overdue(job: Job, at: datetime) -> bool:
    """Whether it should have come to an end by then. One that is `lasting` never does."""
    since = datetime.fromisoformat(job.done_at or job.begun_at)
    return not job.lasting and (at - since).total_seconds() > 2 * job.every + OVERDUE_AFTER


def _reserve(file: Path) -> int | None:
    """The open, locked file with its space on disk; None when there cannot be one."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for other in file.parent.glob("*.json"):
            with contextlib.suppress(OSError):
                _remove_if_left_behind(other)
        part = file.with_suffix(".part")  # it has its name once it is locked: who looks takes it for left behind else
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        _log.warning("how the background jobs are cannot be written down: %s", error)
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.pwrite(handle, b"[]".ljust(_SIZE), 0)
        os.fsync(handle)
        part.replace(file)
    except OSError as error:
        os.close(handle)
        with contextlib.suppress(OSError):
            part.unlink()
        _log.warning("how the background jobs are cannot be written down: %s", error)
        return None
    return handle


def _remove_if_left_behind(file: Path) -> None:
    with file.open("rb") as written:
        if not _alive(written.fileno()):
            file.unlink()


def _alive(handle: int) -> bool:
    """Whether the process that wrote this file still holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _ended(error: BaseException) -> bool:
    """Whether it is this job that is to end, and not only something within it that was cancelled."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)


async def in_thread(name: str, work: Callable[[], object]) -> None:
    """Until `work` has returned, in a daemon thread of its own: who stops waiting, or ends the process, leaves it behind."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as fault:  # noqa: BLE001  # it is raised again where it is awaited
            error = RuntimeError("the thread was ended") if isinstance(fault, StopIteration | SystemExit) else fault
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    await done


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
