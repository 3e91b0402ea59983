"""Committed histories replay with the workflows of today, under any Python: a running incident survives a deploy."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.replay import pythons
from tests.replay.record import STORIES
from tests.replay.replayed import files, read, replay

FILES = files()
OTHERS = pythons.others()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".json.gz"))
async def test_it_replays(file: Path) -> None:
    await replay(file)


# Where a machine has one Python alone there is no other to ask: the matrix of the CI has them all.
@pytest.mark.parametrize("version", OTHERS)
def test_all_replay_under_every_python_of_this_machine(version: str) -> None:
    python = pythons.furnished(version, OTHERS[version])
    done = subprocess.run(
        [python, "-W", "ignore", "-m", "tests.replay.replayed"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(FILES)} histories, 0 do not replay, Python {version}." in done.stdout


def test_every_story_is_recorded_with_all_its_roles() -> None:
    names = {file.name.removesuffix(".json.gz") for file in FILES}
    for story in STORIES:
        parts = {name.partition(".")[2] for name in names if name.startswith(f"{story}.")}
        assert {"incident", "deputy", "scribe", "customer-liaison", "internal-liaison"} <= parts


def test_a_sub_team_and_what_comes_after_are_recorded() -> None:
    assert {"every-command.sub-team-alpha", "every-command.after"} <= {f.name.removesuffix(".json.gz") for f in FILES}


def test_no_phone_pin_or_key_stands_in_a_history() -> None:
    for file in FILES:
        text = read(file)
        decoded = " ".join(
            base64.b64decode(data).decode(errors="ignore") for data in re.findall(r'"data": ?"([A-Za-z0-9+/=]+)"', text)
        )
        for secret in (r"555 01", r"\b4711\b", r"xoxb-", r"practice-pagerduty", r"@example\.com"):
            assert not re.search(secret, decoded), f"{secret} stands in {file.name}"
