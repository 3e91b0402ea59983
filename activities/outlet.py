"""What the outlets of public messages have in common: what is published, what is taken down, and that practice is practice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from activities import errors


@dataclass(frozen=True)
class Publication:
    """`text` goes out to the letter. `key` makes it go out once; `again` says that it may be out already.

    All of one `incident` are updates of one entry of the status page: `entry` is its id where that is known, `begun` says that
    there is one. `components` are its components' new states, by id.
    """

    incident: str
    key: str
    stage: str
    text: str
    practice: bool
    approved_at: datetime | None = None
    components: dict[str, str] = field(default_factory=dict)
    entry: str = ""
    begun: bool = False
    again: bool = False


@dataclass(frozen=True)
class Published:
    """`id` is what the outlet calls it."""

    url: str
    at: datetime
    id: str = ""


@dataclass(frozen=True)
class Removal:
    """What the outlet calls it; empty when that is not known, then it is looked for by the incident."""

    incident: str
    id: str
    practice: bool


def check(outlet: str, publication: Publication, *, practice: bool) -> None:
    """Raises when a practice would become public, or something real would reach emulators only."""
    if publication.practice != practice:
        raise errors.practice_mix(publication.practice)
    if practice and not publication.text.startswith("PRACTICE"):
        raise errors.rejected(outlet, "a practice message begins with PRACTICE")
