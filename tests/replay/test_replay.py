"""Committed histories replay with the workflows of today: a running incident survives a deploy."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from connection import data_converter
from tests.replay.record import HISTORIES, STORIES
from worker import workflow_runner
from workflows.after_incident import AfterIncidentWorkflow
from workflows.customer_liaison import CustomerLiaisonWorkflow
from workflows.deputy import DeputyWorkflow
from workflows.incident import IncidentWorkflow
from workflows.internal_liaison import InternalLiaisonWorkflow
from workflows.repair_action import RepairActionWorkflow
from workflows.scribe import ScribeWorkflow
from workflows.sub_team import SubTeamWorkflow

FILES = sorted(HISTORIES.glob("*.json.gz"))


def _read(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".json.gz"))
async def test_it_replays(file: Path) -> None:
    replayer = Replayer(
        workflows=[
            IncidentWorkflow,
            DeputyWorkflow,
            ScribeWorkflow,
            CustomerLiaisonWorkflow,
            InternalLiaisonWorkflow,
            RepairActionWorkflow,
            SubTeamWorkflow,
            AfterIncidentWorkflow,
        ],
        data_converter=data_converter,
        workflow_runner=workflow_runner(),
    )
    await replayer.replay_workflow(WorkflowHistory.from_json("incident-lusab-babad", _read(file)))


def test_every_story_is_recorded_with_all_its_roles() -> None:
    names = {file.name.removesuffix(".json.gz") for file in FILES}
    for story in STORIES:
        parts = {name.partition(".")[2] for name in names if name.startswith(f"{story}.")}
        assert {"incident", "deputy", "scribe", "customer-liaison", "internal-liaison"} <= parts


def test_a_sub_team_and_what_comes_after_are_recorded() -> None:
    assert {"every-command.sub-team-alpha", "every-command.after"} <= {f.name.removesuffix(".json.gz") for f in FILES}


def test_no_phone_pin_or_key_stands_in_a_history() -> None:
    for file in FILES:
        text = _read(file)
        decoded = " ".join(
            base64.b64decode(data).decode(errors="ignore") for data in re.findall(r'"data": ?"([A-Za-z0-9+/=]+)"', text)
        )
        for secret in (r"555 01", r"\b4711\b", r"xoxb-", r"practice-pagerduty", r"@example\.com"):
            assert not re.search(secret, decoded), f"{secret} stands in {file.name}"
