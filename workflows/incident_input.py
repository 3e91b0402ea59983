"""What an incident's workflow starts and ends with. Apart from the workflow, so that a door can start one without
importing the activities and all their SDKs: `ic` is a short-lived program.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from incident.answers import Answers
from incident.declaring import Declaration
from incident.model import Incident, Phase


@dataclass(frozen=True)
class Carried:
    """What goes along when the history begins anew."""

    incident: Incident
    versions: dict[str, int] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True)
class IncidentInput:
    """Either a new incident, or one that goes on."""

    declaration: Declaration | None = None
    carried: Carried | None = None


@dataclass(frozen=True)
class Ended:
    """How it ended."""

    incident: str
    phase: Phase
    severity: str
    minutes: int
