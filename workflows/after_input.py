"""What the workflow after an incident starts with and is shown. Apart from it, as the incident's workflow starts it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from incident.answers import Answers
from incident.model import Incident


@dataclass(frozen=True)
class AfterBrief:
    """The incident as it stands; an older version is ignored."""

    version: int
    incident: Incident


@dataclass(frozen=True)
class AfterStart:
    """What it begins, and after a continue-as-new goes on, with."""

    brief: AfterBrief
    done: dict[str, datetime] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)


def brief(incident: Incident, version: int) -> AfterBrief:
    """What the incident's own workflow has yet to do stays with it; the pinned card is handed on."""
    card = {about: shown for about, shown in incident.shown.items() if about == "card"}
    return AfterBrief(version, replace(incident, effects={}, outbox=[], shown=card, reported={}, times_said={}))
