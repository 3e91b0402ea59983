"""A step of the catalogue, carried out on this machine: arguments, output, secrets, limits, and the end of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import resource
import string
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.masking import Masker
from activities.steps import Place, StepOutcome, carry_out
from incident.catalogue import CatalogueEntry, Parameter, Step

SAYS_ARGUMENTS = "import json, sys; print(json.dumps(sys.argv[1:]))"
PYTHON = sys.executable


def place(**more: Any) -> Place:
    environment = {"PATH": os.environ["PATH"], **more.pop("environment", {})}
    return Place(environment=environment, **more)


async def done(step: Step, where: Place | None = None, limit: float = 0, **parameters: str) -> StepOutcome:
    return await carry_out(
        step, parameters, where or place(), timedelta(seconds=limit) if limit else None, lambda _: None
    )


# -- parameters -----------------------------------------------------------------------------------------

HOSTILE = (
    "a b",
    "'; rm -rf / #",
    '" && true',
    "$(touch /tmp/pwned)",
    "`id`",
    "${HOME}",
    "$HOME",
    "{other}",
    "a\nb",
    "*",
    "~",
    "| cat",
    "> file",
    "\\",
    "--force",
    "-rf",
    "shоp-api",  # a Cyrillic о
    "１２",
    "x" * 1_000_000,
    "a\0b",
    "",
)
ANYTHING = Parameter(kind="string", pattern=r"(?s).*")


@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: repr(v[:20]))
async def test_a_hostile_parameter_arrives_as_one_plain_argument_or_is_refused(value: str) -> None:
    """Even when the catalogue allows everything."""
    if ANYTHING.refuse(value, frozenset()) is not None:
        assert "\n" in value or "\0" in value or value.startswith("-") or len(value) > 1000
        return
    step = Step(argv=(PYTHON, "-c", SAYS_ARGUMENTS, "{value}", "last"))
    outcome = await done(step, value=value)
    assert json.loads(outcome.text.partition("\n")[2]) == [value, "last"]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: repr(v[:20]))
def test_the_usual_parameters_refuse_every_hostile_value(value: str) -> None:
    services = frozenset({"shop-api"})
    for parameter in (
        Parameter(),
        Parameter(kind="integer"),
        Parameter(kind="one-of", choices=("a", "b")),
        Parameter(kind="service"),
    ):
        assert parameter.refuse(value, services) is not None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=80))
def test_whatever_is_let_through_is_one_argument(value: str) -> None:
    if ANYTHING.refuse(value, frozenset()) is not None:
        return
    # Its digest, because a line that is shown is cut at some length.
    says = "import hashlib, sys; print(*(hashlib.sha256(one.encode()).hexdigest() for one in sys.argv[1:]))"
    outcome = asyncio.run(done(Step(argv=(PYTHON, "-I", "-c", says, "{value}")), value=value))
    assert outcome.text == f"exit code 0\n{hashlib.sha256(value.encode()).hexdigest()}"


def test_a_parameter_never_fills_a_part_of_an_argument() -> None:
    with pytest.raises(ValueError, match="fills a whole argument"):
        CatalogueEntry(
            id="x", trouble="t", title="t", parameters={"a": Parameter()}, apply=Step(argv=("sh", "-c", "echo {a}"))
        )


# -- output and secrets ---------------------------------------------------------------------------------


@given(st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=30))
def test_a_secret_is_masked_though_it_comes_in_pieces(sizes: list[int]) -> None:
    secret = "tok-tok-tokens"
    text = f"a {secret}\nb{secret}{secret} tok-tok end tok".encode()
    masker, shown, at = Masker([secret, "tok-tok"]), b"", 0
    for size in [*sizes, *[7] * len(text)]:
        shown += masker.feed(text[at : at + size])
        at += size
    assert shown + masker.end() == b"a ***\nb****** *** end tok"


@given(st.binary(max_size=200), st.integers(min_value=1, max_value=20))
def test_what_is_no_secret_comes_out_as_it_was(text: bytes, size: int) -> None:
    masker = Masker(["\x01\x02\x03\x04\x05\x06"])
    shown = b"".join(masker.feed(text[n : n + size]) for n in range(0, len(text), size)) + masker.end()
    assert shown.replace(b"***", b"\x01\x02\x03\x04\x05\x06") == text.replace(b"***", b"\x01\x02\x03\x04\x05\x06")


async def test_secrets_reach_only_the_command_and_stand_nowhere(tmp_path: Path) -> None:
    code = "import os, sys; print('token', os.environ['TOKEN'], sorted(os.environ)); sys.stdout.write(os.environ['TOKEN'][:6]); sys.stdout.flush(); sys.stdout.write(os.environ['TOKEN'][6:])"
    step = Step(argv=(PYTHON, "-c", code), environment=("TOKEN",))
    kept = tmp_path / "out" / "all.txt"
    outcome = await done(step, place(environment={"TOKEN": "s3cret-value", "OTHER_KEY": "other"}, keep=kept, once=True))
    assert outcome.ok and outcome.output == str(kept)
    for text in (outcome.text, kept.read_text()):
        assert "s3cret" not in text and "value" not in text and text.count("***") == 2
        assert "OTHER_KEY" not in text and "DONT_PANIC_ACTION" in text


async def test_the_same_run_is_not_begun_twice_on_a_machine(tmp_path: Path) -> None:
    step = Step(argv=("touch", str(tmp_path / "ran")))
    where = place(keep=tmp_path / "all.txt", once=True)
    assert (await done(step, where)).ok
    (tmp_path / "ran").unlink()
    with pytest.raises(FileExistsError):
        await done(step, where)
    assert not (tmp_path / "ran").exists()


async def test_a_hundred_megabytes_of_output_without_memory_growth(tmp_path: Path) -> None:
    kept = tmp_path / "all.txt"
    code = "import sys\nfor n in range(1600): sys.stdout.write('0123456789abcde\\n' * 4096)\nprint('the end')"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = await done(Step(argv=(PYTHON, "-c", code)), place(keep=kept))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert outcome.ok and outcome.text.endswith("the end") and len(outcome.text) < 10_000
    assert kept.stat().st_size > 100_000_000
    assert grown < 20_000, f"{grown} KB more"  # ru_maxrss is in KB
    kept.unlink()


# -- the end of it --------------------------------------------------------------------------------------

FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
child = f"import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', {grandchild!r}], start_new_session=True); print(p.pid, flush=True); time.sleep(60)"
p = subprocess.Popen([sys.executable, "-c", child])
print(os.getpid(), p.pid, flush=True)
time.sleep(60)
"""


async def test_an_abort_ends_the_command_its_child_and_a_hanging_child_of_that_within_two_seconds() -> None:
    """All of them ignore TERM, and the last has made a session of its own."""
    seen: list[str] = []
    task = asyncio.create_task(carry_out(Step(argv=(PYTHON, "-c", FAMILY)), {}, place(), None, seen.append))
    await until(lambda: bool(seen) and len(seen[-1].split()) == 3)
    pids = [int(pid) for pid in seen[-1].split()]
    assert all(alive(pid) for pid in pids)
    begun = time.monotonic()
    task.cancel()
    outcome = await task
    took = time.monotonic() - begun
    assert outcome.aborted and outcome.text.startswith("aborted\n")
    assert not [pid for pid in pids if alive(pid)]
    assert took < 2, f"{took:.1f} s"


async def test_the_time_limit_kills() -> None:
    begun = time.monotonic()
    outcome = await done(Step(argv=("sh", "-c", "echo begun; sleep 60")), limit=0.5)
    assert not outcome.ok and not outcome.aborted and time.monotonic() - begun < 3
    assert outcome.text == "over its time limit of 0.5 s\nbegun"


async def test_a_command_does_not_outlive_its_runner(tmp_path: Path) -> None:
    """The runner is killed: the pipe closes, and the guardian ends the command."""
    code = f"""
import asyncio, os
from activities.steps import Place, carry_out
from incident.catalogue import Step
step = Step(argv=("sh", "-c", "echo $$ > {tmp_path}/pid; sleep 60"))
asyncio.run(carry_out(step, {{}}, Place(dict(os.environ)), None, lambda _: None))
"""
    runner = await asyncio.create_subprocess_exec(PYTHON, "-c", code)
    file = tmp_path / "pid"
    await until(lambda: file.exists() and bool(file.read_text()))
    pid = int(file.read_text())
    runner.kill()
    await runner.wait()
    await until(lambda: not alive(pid))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step(argv=("no-such-program",)), "cannot be started: No such file or directory: no-such-program"),
        (Step(argv=("true",), directory="/no/such/place"), "not started: No such file or directory"),
        (Step(argv=("true",), environment=("NO_SUCH_VARIABLE",)), "NO_SUCH_VARIABLE is not set where it runs"),
        (Step(argv=("sh", "-c", "echo half; exit 3")), "exit code 3\nhalf"),
        (Step(argv=("sh", "-c", "kill -9 $$")), "exit code 137"),
        (Step(argv=("printf", r"\033[31mred\033[0m <\a\b>\n")), "red <>"),
        (Step(argv=("printf", "red <!channel> <@U0BOB> ```\n")), "red <!channel> <@U0BOB> ```"),
    ],
)
async def test_what_people_read_when_it_does_not_go_well(step: Step, said: str) -> None:
    outcome = await done(step)
    assert said in outcome.text
    assert not outcome.ok or "red" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a command as somebody else")
async def test_a_command_runs_as_the_user_that_the_runner_is_told() -> None:
    who = Step(argv=("sh", "-c", "id -un; umask; cat /proc/$PPID/environ || echo unreadable"), environment=("TOKEN",))
    outcome = await done(who, place(user="nobody", environment={"TOKEN": "s3cret"}))
    told = outcome.text.splitlines()
    assert told[-1] == "unreadable" and told[-4:-2] == ["nobody", "0022"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a command as somebody else")
async def test_a_command_of_another_user_is_aborted_like_any_other() -> None:
    outcome = await done(Step(argv=("sleep", "60")), place(user="nobody"), limit=0.5)
    assert outcome.text.startswith("over its time limit") and not outcome.ok


async def test_a_user_who_is_not_there_is_named() -> None:
    outcome = await done(Step(argv=("true",)), place(user="no-such-user"))
    assert "there is no user no-such-user on this machine" in outcome.text and not outcome.ok


async def until(so: Callable[[], bool]) -> None:
    """Look again until it is so: starting a Python takes seconds on a machine that is busy or measures coverage."""
    for _ in range(400):
        if so():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("never")


def alive(pid: int) -> bool:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


# -- a request ------------------------------------------------------------------------------------------


@asynccontextmanager
async def outside(seen: list[dict[str, Any]]) -> AsyncIterator[str]:
    """A service that writes down what it gets."""

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        seen.append({"path": request.raw_path, "method": request.method, "headers": request.headers, "body": body})
        match request.path.rpartition("/")[2]:
            case "drops":
                assert request.transport is not None
                request.transport.close()
            case "moved":
                raise web.HTTPFound("/elsewhere")
            case "slow":
                await asyncio.sleep(5)
        return web.json_response({"state": {"deploy": "done", "percent": 20}, "said": request.headers.get("X-Token")})

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_request_is_sent_once_with_secrets_filled_in_here() -> None:
    seen: list[dict[str, Any]] = []
    async with outside(seen) as url:
        step = Step(
            url="${AT}/deploy/{name}",
            method="POST",
            headers={"X-Token": "Bearer ${TOKEN}"},
            body={"to": "{name}", "deep": [{"key": "${TOKEN}"}], "n": 3},
            environment=("AT", "TOKEN"),
            expect={"state.deploy": "done", "state.percent": "20"},
        )
        where = place(environment={"AT": url, "TOKEN": "s3cret-value"}, action="incident-x/repair-1")
        outcome = await done(step, where, name='a/../b?c=d&"e"')
    assert outcome.ok and "s3cret" not in outcome.text and "said Bearer ***" in outcome.text
    (request,) = seen
    assert request["path"] == "/deploy/a%2F..%2Fb%3Fc%3Dd%26%22e%22"
    assert request["body"] == {"to": 'a/../b?c=d&"e"', "deep": [{"key": "s3cret-value"}], "n": 3}
    assert request["headers"]["X-Token"] == "Bearer s3cret-value"
    assert request["headers"]["Idempotency-Key"] == "incident-x/repair-1"


async def test_a_request_that_is_not_answered_is_unknown_and_not_sent_again() -> None:
    seen: list[dict[str, Any]] = []
    async with outside(seen) as url:
        for path, limit in (("drops", 5.0), ("slow", 0.5)):
            outcome = await done(Step(url=f"{url}/{path}", method="POST"), limit=limit)
            assert outcome.unknown and not outcome.ok, outcome
        assert [s["path"] for s in seen] == ["/drops", "/slow"]
        outcome = await done(Step(url=f"{url}/moved", method="POST"))
        assert not outcome.ok and outcome.text.startswith("HTTP 302") and len(seen) == 3
        outcome = await done(Step(url=f"{url}/ok", expect={"state.deploy": "begun"}))
        assert not outcome.ok and outcome.text.startswith("state.deploy is done, not begun")
    outcome = await done(Step(url=url, method="POST"))
    assert not outcome.ok and not outcome.unknown and outcome.text.startswith("not sent")


def test_letters_and_digits_of_other_scripts_are_not_ours() -> None:
    parameter = Parameter(kind="string", pattern=r"[\w.-]+")
    assert parameter.refuse(string.ascii_letters + string.digits, frozenset()) is None
    assert parameter.refuse("shоp", frozenset()) is not None
    assert Parameter(kind="string", pattern=r"\d+").refuse("١٢", frozenset()) is not None
