"""`docs/process.md` points from the process to its tests; it is held to what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

TESTS = ROOT / "tests"
TABLE = (ROOT / "docs" / "process.md").read_text()
PROCESS = ROOT.parent / "shared" / "process.md"


def named(folder: Path) -> set[str]:
    files = folder.rglob("test_*.py")
    return {
        name for file in files for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }


def test_every_test_that_is_named_exists() -> None:
    there = named(TESTS) | {file.name for file in TESTS.rglob("test_*.py")}
    assert set(re.findall(r"`(test_[\w.]+)`", TABLE)) <= there


def test_every_test_of_the_process_is_named() -> None:
    here = {name for name in named(TESTS / "process") if not name.startswith("test_every_")}
    here -= {"test_each_section_of_the_process_has_its_rows"}
    assert here <= set(re.findall(r"`(test_\w+)`", TABLE))


@pytest.mark.skipif(not PROCESS.exists(), reason="the process itself is not beside the project")
def test_each_section_of_the_process_has_its_rows() -> None:
    rows = {part[0]: part.count("\n| ") - 2 for part in TABLE.split("\n## ")[1:]}
    sections = {part[0]: part.count("\n- ") for part in PROCESS.read_text().split("\n## ")[1:] if part[0].isdigit()}
    for section in "12346":
        assert rows[section] >= sections[section], section
