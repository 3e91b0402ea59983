"""Replay every committed history with the workflows of today: `python -m tests.replay.replayed`.

Needs no pytest, so that any Python that has the product's packages can run it.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from connection import data_converter
from worker import INTERCEPTORS, WORKFLOWS, workflow_runner

HISTORIES = Path(__file__).parent / "histories"


def files() -> list[Path]:
    return sorted(HISTORIES.glob("*.json.gz"))


def read(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode()


async def replay(file: Path) -> None:
    """Raise the SDK's error where the workflow of today would not do what the history holds."""
    replayer = Replayer(
        workflows=[workflow for each in WORKFLOWS.values() for workflow in each],
        data_converter=data_converter,
        workflow_runner=workflow_runner(),
        interceptors=INTERCEPTORS,
        debug_mode=True,  # a busy machine is no deadlock
    )
    await replayer.replay_workflow(WorkflowHistory.from_json("incident-lusab-babad", read(file)))


async def replay_all() -> list[str]:
    """The histories that do not replay, each with the first line of its error."""
    broken = []
    for file in files():
        try:
            await replay(file)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next history is replayed all the same
            broken.append(f"{file.name}: {str(error).splitlines()[0]}")
    return broken


if __name__ == "__main__":
    found = asyncio.run(replay_all())
    print("\n".join([*found, f"{len(files())} histories, {len(found)} do not replay, Python {sys.version.split()[0]}"]))
    sys.exit(bool(found))
