"""The services' own descriptions, in the folder that CONTRACTS_DIR names. They carry no licence, so they are not in here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = os.environ.get("CONTRACTS_DIR", "")
needed = pytest.mark.skipif(
    not FOLDER,
    reason="CONTRACTS_DIR names no folder with the services' descriptions; docs/contracts.md says where they come from",
)


def text(file: str) -> str:
    return (Path(FOLDER) / file).read_text()


def pagerduty(file: str) -> dict[str, Any]:
    """PagerDuty's, as published, but for what it marks as read-only: its own examples send the ids of references."""
    found: dict[str, Any] = json.loads(text(file), object_hook=_writable)
    return found


def _writable(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if not (key == "readOnly" and value is True)}
