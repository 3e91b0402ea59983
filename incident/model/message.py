"""Public messages and executive summaries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from incident.model.repair import Objection
from incident.outlets import Outlet
from incident.proof import Signed


class DraftState(StrEnum):
    WAITING = "waiting"
    HELD = "held"
    APPROVED = "approved"
    PUBLISHED = "published"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    RETRACTED = "retracted"
    DROPPED = "dropped"

    @property
    def open(self) -> bool:
        """It may still be approved, edited or held."""
        return self in (DraftState.WAITING, DraftState.HELD, DraftState.FAILED)


def text_digest(stage: str, outlet: Outlet, text: str, components: Mapping[str, str]) -> str:
    """What stands for exactly this public message on this outlet. Components stand on the status page alone."""
    shown = dict(components) if outlet is Outlet.STATUS_PAGE else {}
    return hashlib.sha256(json.dumps([stage, outlet, text, shown], sort_keys=True).encode()).hexdigest()


class Announcement(StrEnum):
    """The IC's answer to "announce publicly?". Unsure means yes, and is kept as YES."""

    UNDECIDED = "undecided"
    YES = "yes"
    NO = "no"


@dataclass
class Version:
    """A public message as it will stand, or stands, on one outlet more. The fields are those of `Draft`."""

    text: str
    state: DraftState = DraftState.WAITING
    approved_by: str | None = None
    approved_at: datetime | None = None
    published_at: datetime | None = None
    url: str = ""
    approvals: int = 0
    post_id: str = ""
    delayed: bool = False
    retract_asked_at: datetime | None = None
    approval: Signed | None = None


@dataclass
class Draft:
    """A public message. What was approved is what goes out, to the letter.

    The draft itself is how it stands on `outlet`, the first there is; `also` is how it stands on the others. Each is
    approved, goes out and fails by itself: `delayed` while its outlet cannot be reached and it is tried on; `post_id` is what the
    outlet calls it. `components` are the states that the status page shows with it; `promised_at` is when the text
    says that the next one is due. `polled_digest` is what the channel was asked about, until it is decided.
    """

    number: int
    stage: str
    text: str
    made_at: datetime
    made_by: str
    due_at: datetime | None = None
    state: DraftState = DraftState.WAITING
    approved_by: str | None = None
    approved_at: datetime | None = None
    published_at: datetime | None = None
    url: str = ""
    outlet: Outlet = Outlet.STATUS_PAGE
    also: dict[Outlet, Version] = field(default_factory=dict)
    components: dict[str, str] = field(default_factory=dict)
    promised_at: datetime | None = None
    approvals: int = 0
    post_id: str = ""
    delayed: bool = False
    retract_asked_at: datetime | None = None
    approval: Signed | None = None
    objections: list[Objection] = field(default_factory=list)
    polled_until: datetime | None = None
    polled_digest: str = ""
    poll_closed: bool = False
    decision_said: bool = False

    @property
    def digests(self) -> dict[Outlet, str]:
        """What an approval is bound to on each outlet: stage, text and components, as they go out."""
        return {
            outlet: text_digest(self.stage, outlet, version.text, self.components)
            for outlet, version in self.versions.items()
        }

    @property
    def digest(self) -> str:
        """Of all its outlets together."""
        return hashlib.sha256(json.dumps(self.digests, sort_keys=True).encode()).hexdigest()

    @property
    def versions(self) -> dict[Outlet, Draft | Version]:
        return {self.outlet: self, **self.also}

    @property
    def went_out(self) -> list[datetime]:
        """When it went out, outlet by outlet, whether or not it was taken down since."""
        return [v.published_at for v in self.versions.values() if v.published_at is not None]

    @property
    def out_at(self) -> datetime | None:
        """Since when customers can read it somewhere."""
        versions = [v for v in self.versions.values() if v.state is not DraftState.RETRACTED]
        return min((v.published_at for v in versions if v.published_at is not None), default=None)

    @property
    def open(self) -> bool:
        """Somewhere it may still be approved, edited or held."""
        return any(version.state.open for version in self.versions.values())

    @property
    def waits(self) -> bool:
        """The IC has not decided yet, for one outlet at least."""
        return any(version.state is DraftState.WAITING for version in self.versions.values())

    @property
    def pending(self) -> bool:
        """Customers cannot read it yet, and somebody is about to decide or to send it."""
        return self.out_at is None and any(
            v.state in (DraftState.WAITING, DraftState.HELD) or (v.state is DraftState.APPROVED and not v.delayed)
            for v in self.versions.values()
        )


@dataclass
class Summary:
    """An executive summary that went out."""

    key: str
    text: str
    due_at: datetime
    sent_at: datetime
