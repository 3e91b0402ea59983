"""Background jobs: begun again whatever ends them, and how they are can be read from outside."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import supervision
from entrypoints.doctor import _jobs, _state, _waiting
from settings import Settings
from supervision import Supervisor
from tests.conftest import ROOT

SOON = timedelta(milliseconds=5)


async def until(condition: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends, f"never: {what}"
        await asyncio.sleep(0.005)


def supervisor(state: Path, pause: float = 0.001) -> Supervisor:
    return Supervisor("worker-incident", state, first_pause=pause)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


class Panic(BaseException):
    """As the SDK's Rust core raises it: no Exception."""


@pytest.mark.parametrize(
    "fault", [KeyError("oncalls"), OSError(28, "No space left"), asyncio.CancelledError(), Panic()]
)
@pytest.mark.parametrize("thread", [False, True])
async def test_a_job_goes_on_whatever_it_raises(tmp_path: Path, fault: BaseException, thread: bool) -> None:
    called: list[str] = []

    def work() -> None:
        called.append(threading.current_thread().name)
        if len(called) < 4:
            raise fault

    async def work_here() -> None:
        work()

    async with supervisor(tmp_path) as jobs:
        if thread:
            jobs.keep_thread("on-call cache", work, SOON)
        else:
            jobs.keep("on-call cache", work_here, SOON)
        await until(lambda: len(called) >= 6, "six calls")
    assert (threading.current_thread().name in called) is not thread


async def test_a_failure_is_logged_and_seen_by_the_doctor_until_it_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True

    async def work() -> None:
        if broken:
            raise KeyError("oncalls")

    settings = Settings.model_validate({"DONT_PANIC_STATE": str(tmp_path)})
    with caplog.at_level(logging.WARNING):
        async with supervisor(tmp_path) as jobs:
            jobs.keep("on-call cache", work, SOON)
            await until(lambda: any(one.failures > 2 for one in supervision.jobs(tmp_path)), "failures on disk")
            (finding,) = _jobs(settings)
            assert (finding.name, finding.state) == ("worker-incident: on-call cache", "broken")
            assert "KeyError: 'oncalls'" in finding.what
            broken = False
            await until(lambda: _jobs(settings)[0].state == "ok", "the doctor is content")
    assert "on-call cache failed (1 in a row) and is begun again" in caplog.text
    assert "on-call cache works again" in caplog.text
    assert not supervision.jobs(tmp_path), "a process that ended has no jobs"


async def test_pauses_grow_and_have_an_end(tmp_path: Path) -> None:
    async with supervisor(tmp_path, 1.0) as jobs:
        job = supervision.Job("worker", "on-call cache", 300, "")
        pauses = [jobs._failed(job, OSError()) for _ in range(2000)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 30] and pauses[-1] == 30


async def test_with_a_full_disk_the_doctor_can_still_read_it(tmp_path: Path) -> None:
    """The file has its space from the beginning: a job that fails because nothing can be written is shown."""
    program = f"""
import asyncio, pathlib, resource, signal
from datetime import datetime, timedelta
import durable
from supervision import Supervisor

async def main():
    state = pathlib.Path({str(tmp_path)!r})
    jobs = Supervisor("listener", state)
    # From here on no file can grow: what a process sees of a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, 16_384))
    jobs.keep_thread("on-call cache", lambda: durable.write(state / "on-call.json", b"x" * 20_000), timedelta(minutes=5))
    await asyncio.sleep(60)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        await until(lambda: any(one.failures for one in supervision.jobs(tmp_path)), "the failure is on disk")
        (job,) = supervision.jobs(tmp_path)
        assert job.process == "listener" and "OSError" in job.error
        assert names(tmp_path) == ["jobs"], "nothing half written is left"
    finally:
        process.kill()
        await process.wait()
    assert not supervision.jobs(tmp_path), "a process that was killed has no jobs"


async def test_a_job_that_does_not_end_is_seen(tmp_path: Path) -> None:
    hanging = threading.Event()
    async with supervisor(tmp_path) as jobs:
        jobs.keep_thread("on-call cache", hanging.wait, timedelta(minutes=5))
        (job,) = supervision.jobs(tmp_path)
        begun = datetime.fromisoformat(job.begun_at)
        assert not supervision.overdue(job, begun + timedelta(minutes=10))
        assert supervision.overdue(job, begun + timedelta(minutes=13))
    hanging.set()


def test_the_doctor_says_that_the_state_directory_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings = Settings.model_validate({"DONT_PANIC_STATE": str(tmp_path / "file")})
    (finding,) = _state(settings)
    assert finding.state == "broken" and "cannot be written" in finding.what
    (finding,) = _state(Settings.model_validate({"DONT_PANIC_STATE": str(tmp_path / "new")}))
    assert finding.state == "ok" and not list((tmp_path / "new").iterdir())


def test_the_doctor_says_what_waits_to_be_delivered(tmp_path: Path) -> None:
    settings = Settings.model_validate({"DONT_PANIC_STATE": str(tmp_path)})
    assert _waiting(settings) == []
    for name in ("inbox/a.json", "inbox/b.json", "standby/c.json", "standby/d.put-aside"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [(found.name, found.what.partition(" ")[0]) for found in _waiting(settings)] == [
        ("said in Slack", "2"),
        ("declared or paged", "1"),
        ("declared or paged", "1"),
    ]
