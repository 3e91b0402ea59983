"""Repair actions, and what the catalogue has against a trouble."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from incident.catalogue import StepName
from incident.proof import Signed


class RepairState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"
    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    VOID = "void"

    @property
    def settled(self) -> bool:
        """Nothing more can happen to it, and nobody waits for anything."""
        return self in (
            RepairState.VERIFIED,
            RepairState.NOT_VERIFIED,
            RepairState.REJECTED,
            RepairState.WITHDRAWN,
            RepairState.ABORTED,
        )

    @property
    def awaits_approval(self) -> bool:
        """Proposed, or approved once and void since: one press of the IC starts it."""
        return self in (RepairState.PROPOSED, RepairState.VOID)


@dataclass
class Objection:
    who: str
    why: str
    at: datetime


@dataclass
class Repair:
    """A repair action, from the words to the verification.

    `digest` stands for exactly what was proposed: entry, parameters and catalogue. An approval is for that
    digest alone. `run_id` is the run that may be told "go", `claim_token` what it asked with. `does` is what the runner
    would do, `service` what it touches, `live` the last lines while it runs, `verification` what the verify step said,
    `look` how a person sees whether it worked, `version` the catalogue file's. `step` is `undo` for the undoing of repair `undoes`.
    """

    number: int
    title: str
    risk: str
    proposed_by: str
    proposed_at: datetime
    digest: str
    entry: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    fallback: str = ""
    automated: bool = False
    instructions: str = ""
    state: RepairState = RepairState.PROPOSED
    objections: list[Objection] = field(default_factory=list)
    polled_until: datetime | None = None
    poll_closed: bool = False
    check: str = ""
    owner: str | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    approvals: int = 0
    run_id: str = ""
    claim_token: str = ""
    abort_asked: bool = False
    started_at: datetime | None = None
    time_box_ends: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = ""
    why: str = ""
    settled_by: str | None = None
    settled_at: datetime | None = None
    step: StepName = "apply"
    undoes: int | None = None
    service: str = ""
    does: str = ""
    idempotent: bool = False
    claims: int = 0
    live: str = ""
    kept_in: str = ""
    verification: str = ""
    look: str = ""
    extensions: int = 0
    approval: Signed | None = None
    voided_at: datetime | None = None
    version: str = ""


@dataclass
class Offer:
    """An entry of the catalogue that may help against a trouble.

    `missing`: parameters have to be asked for. `checked`: its check is run; `answer` is what that said.
    """

    entry: str
    title: str
    risk: str
    parameters: dict[str, str]
    missing: bool = False
    checked: bool = False
    answer: str = ""


@dataclass
class Trouble:
    """What the trouble is, as somebody named it, and what the catalogue has for it."""

    number: int
    name: str
    by: str
    at: datetime
    offers: list[Offer] = field(default_factory=list)
