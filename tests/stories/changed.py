"""The product with some of its code changed, as another version of it."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = ("activities", "chat", "documents", "entrypoints", "incident", "workflows")
BEFORE, LATER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)


def version(directory: Path, put_there: datetime, *changes: tuple[str, str, str]) -> Path:
    """A copy in `directory`. Each change is a file, a text in it, and what stands there instead."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    for module in ROOT.glob("*.py"):
        shutil.copy(module, directory)
    for file, here, instead in changes:
        text = (directory / file).read_text()
        assert here in text, f"{file} has no {here!r}"
        (directory / file).write_text(text.replace(here, instead))
    for module in directory.rglob("*.py"):
        os.utime(module, (put_there.timestamp(), put_there.timestamp()))
    return directory
