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
    """PagerDuty's, as published, but for two things that its own examples do not keep to: the ids of references are marked as
    read-only, and the details of an incident's body are an object, where only a text is taken."""
    found: dict[str, Any] = json.loads(text(file), object_hook=_writable)
    schemas = found.get("components", {}).get("schemas", {})
    if "IncidentBody" in schemas:
        schemas["IncidentBody"]["properties"]["details"] = {"type": "string"}
    return found


def _writable(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if not (key == "readOnly" and value is True)}
