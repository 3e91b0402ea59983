"""What `ic doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `mend` says what to do when it is not well."""

    name: str
    state: Literal["ok", "missing", "broken", "skipped"]
    what: str
    mend: str = ""
