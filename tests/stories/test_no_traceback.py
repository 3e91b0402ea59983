"""The shell ends in a sentence whatever happens, and only answers go to stdout."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from entrypoints.problems import sentence
from tests.configured import example
from tests.conftest import ROOT
from tests.stories.blinking import blinking
from tests.stories.copy import running, surroundings
from tests.stories.shell import ic

FAULTS = (
    RPCError("gone", RPCStatusCode.DATA_LOSS, b""),
    RuntimeError("Worker is shut down"),
    asyncio.TimeoutError(),
    WorkflowUpdateRPCTimeoutOrCancelledError(),
    OSError(28, "No space left on device"),
    KeyError("title"),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_each_fault_has_one_sentence_that_says_how_to_repeat(fault: BaseException) -> None:
    said = sentence(fault, "k1")
    assert "--id k1" in said and "\n" not in said
    assert "--id" not in sentence(fault)


def test_what_ran_out_of_time_was_sent_and_is_not_answered() -> None:
    for fault in (asyncio.TimeoutError(), WorkflowUpdateRPCTimeoutOrCancelledError()):
        assert sentence(fault, "k1").startswith("Sent, not answered.")


async def faulty(tmp_path: Path, fault: str, *words: str) -> tuple[int, str, str]:
    """`ic`, whose way to the incidents raises."""
    program = f"""
import asyncio, sys
from temporalio.service import RPCError, RPCStatusCode
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from entrypoints.gateway import Gateway

async def fails(self, *_, **__):
    raise {fault}

Gateway.say = Gateway.list = Gateway.snapshot = fails
sys.argv = ["ic", *{words!r}]
from entrypoints.cli import main
main()
"""
    environment = surroundings(tmp_path, example(), "http://127.0.0.1:9")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", program),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    "fault", ["asyncio.TimeoutError()", 'RPCError("", RPCStatusCode.UNKNOWN, b"")', 'KeyError("x")']
)
async def test_whatever_the_gateway_raises_a_command_ends_in_a_sentence_with_its_id(tmp_path: Path, fault: str) -> None:
    words = ("note", "seen", "--incident", "zofav-habov", "--as", "anne", "--id", "k1")
    code, out, err = await faulty(tmp_path, fault, *words)
    assert (code, out) == (3, "") and "Traceback" not in err
    assert "--id k1" in err
    assert "Traceback" in (tmp_path / "logs" / "ic.log").read_text()


async def test_a_question_ends_in_a_sentence_too(tmp_path: Path) -> None:
    code, out, err = await faulty(tmp_path, 'KeyError("x")', "list", "--json")
    assert (code, out) == (3, "") and "Traceback" not in err and "--id" not in err


async def test_a_reader_that_has_seen_enough_and_a_full_disk_are_no_traceback(tmp_path: Path) -> None:
    environment = surroundings(tmp_path, example(), "http://127.0.0.1:9")
    for target, code in (("/dev/full", 3), ("/dev/null", 0)):
        with Path(target).open("w") as out:  # noqa: ASYNC230  # a device
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-W", "ignore", "-m", "entrypoints.cli", "oncall"),
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=out,
                stderr=asyncio.subprocess.PIPE,
            )
            _, err = await process.communicate()
        assert process.returncode == code and b"Traceback" not in err, err


async def test_answers_alone_go_to_stdout_while_temporal_blinks(tmp_path: Path) -> None:
    async with running(tmp_path, example(), worker="none") as copy:
        policy = copy.organisation.policy()
        await copy.gateway.declare("it burns", by="anne", by_name="Anne", policy=policy, practice=True)
        async with blinking(copy.environment["TEMPORAL_ADDRESS"], times=6) as address:
            code, out, err = await ic({**copy.environment, "TEMPORAL_ADDRESS": address}, "list", "--json")
        assert code == 0, err
        assert [one["title"] for one in json.loads(out)] == ["it burns"]
        assert "retried" in err, "the SDK's warning is on stderr"
