"""The incident and what it is made of.

Plain data. `Incident` is changed only by commands (`incident.commands`), by reports (`incident.reports`)
and by its own clock (`incident.duties.command`); each of them runs to its end without waiting for anything,
so nobody ever sees half a change. All times are aware datetimes in UTC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from incident.catalogue import StepName
from incident.choices import Choice
from incident.effects import Effect, Invite, Tell
from incident.outlets import Outlet
from incident.policy import Policy
from incident.proof import Signed
from incident.severity import Role, Severity


class Phase(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    CLOSED = "closed"


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


class DraftState(StrEnum):
    WAITING = "waiting"
    HELD = "held"
    APPROVED = "approved"
    PUBLISHED = "published"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    RETRACTED = "retracted"

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
class Responder:
    """Somebody who checked in."""

    person: str
    name: str
    expert_in: str = ""
    joined_at: datetime | None = None
    left_at: datetime | None = None
    proxy: str | None = None

    @property
    def here(self) -> bool:
        return self.left_at is None


@dataclass
class Page:
    """One person, or one escalation policy, paged once in one round.

    `key` is PagerDuty's incident key, so that a page sent twice is one page. While it fails, `people` and their names in
    `paged` are who should be called, from an on-call book that is `book_age` old.
    """

    key: str
    round: int
    target: str
    label: str
    asked_at: datetime
    person: str | None = None
    escalation_policy: str = ""
    for_commander: bool = False
    pagerduty_id: str = ""
    url: str = ""
    paged: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    paged_at: datetime | None = None
    failing: bool = False
    acknowledged_by: dict[str, datetime] = field(default_factory=dict)
    book_age: str = ""


@dataclass
class Room:
    """A Slack channel."""

    channel: str
    name: str
    url: str = ""


@dataclass
class Line:
    """One thing said in the room. `key` makes it be said once; lines that gather are joined to one post.

    With `about` it is a post of its own, a notice, that shows how its matter stands and is edited in place.
    """

    key: str
    text: str
    at: datetime
    about: str = ""


@dataclass
class Shown:
    """A notice as it stands in a channel: `mark` tells whether it is up to date, `at` when it was last written."""

    channel: str
    ts: str
    mark: str
    at: datetime


@dataclass
class Entry:
    """One line of the scribe's timeline. `source` says who or what it comes from."""

    at: datetime
    kind: str
    text: str
    who: str = ""
    source: str = ""


@dataclass
class Task:
    """A question or a piece of work: one named person, a number of minutes, acknowledged."""

    number: int
    person: str
    text: str
    assigned_at: datetime
    due_at: datetime
    minutes: int
    assigned_by: str
    understood_at: datetime | None = None
    extensions: int = 0
    spoke_at: datetime | None = None
    done_at: datetime | None = None
    result: str = ""


@dataclass
class TeamReport:
    """What a member told the leader."""

    at: datetime
    name: str
    text: str


@dataclass
class SubTeam:
    """A leader, a time-boxed task, a room and a bridge. `key` is its letter and its turn: `alpha`, `alpha-2`.

    `started` is set once its workflow runs, `denied` when another incident uses the letter; `wanted` are people whose present leader was asked for them; `version` counts
    its changes.
    """

    key: str
    letter: str
    leader: str
    text: str
    formed_at: datetime
    due_at: datetime
    room: str
    bridge: str = ""
    members: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    reports: list[TeamReport] = field(default_factory=list)
    extensions: int = 0
    version: int = 0
    started: bool = False
    denied: bool = False
    closed_at: datetime | None = None
    result: str = ""

    @property
    def title(self) -> str:
        return f"Sub-team {self.letter.capitalize()}"

    @property
    def open(self) -> bool:
        return self.closed_at is None

    @property
    def everybody(self) -> list[str]:
        """Leader and members, while it works."""
        return [self.leader, *self.members] if self.open else []


@dataclass
class Ticked:
    """An item of the checklist that was seen to."""

    by: str
    at: datetime
    what: str = ""


@dataclass
class Trigger:
    """Something else that went wrong while this incident is open: the same trouble, or a separate one?

    `became` is the incident that was declared for it, when it was separate.
    """

    number: int
    text: str
    source: str
    at: datetime
    url: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = None
    became: str = ""


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
    `look` how a person sees whether it worked. `step` is `undo` for the undoing of repair `undoes`.
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
    says that the next one is due.
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
class Facts:
    """What is known. Every summary is composed from these; what is unknown is left out."""

    symptoms: list[str] = field(default_factory=list)
    cause: str = ""
    impact: str = ""
    impact_at: datetime | None = None
    eta: str = ""
    findings: list[str] = field(default_factory=list)
    customers_reporting: int = 0


@dataclass
class Handover:
    """Command is offered; until it is accepted the old IC commands."""

    to: str
    offered_at: datetime
    lapses_at: datetime


@dataclass
class Challenge:
    """A trained person asks whether the IC is still there; any word of IC or deputy answers it."""

    by: str
    at: datetime


@dataclass
class SeverityChange:
    severity: Severity
    at: datetime
    by: str


@dataclass
class Reading:
    """What one status source said, and where there is one the value it said it with."""

    source: str
    state: str
    value: str = ""


@dataclass
class Status:
    """What the status sources said. `state` is ok, degraded, down or unreadable.

    `times` is how often in a row that state was read: a worse one counts when it was read twice.
    """

    state: str
    detail: str
    at: datetime
    readings: list[Reading] = field(default_factory=list)
    times: int = 1

    @property
    def evidence(self) -> str:
        """What speaks against the system's health, source by source."""
        bad = [reading for reading in self.readings if reading.state != "ok"]
        return ", ".join(f"{r.source} {r.state}{f' ({r.value})' if r.value else ''}" for r in bad) or self.detail


@dataclass
class Worsening:
    """A worse status, read for the second time in a row at `at`: the IC is told (process, 5)."""

    state: str
    evidence: str
    at: datetime


@dataclass
class Change:
    """Something that changed lately, as a source of the organisation's told it."""

    at: datetime
    text: str
    source: str
    link: str = ""


@dataclass
class ChangedLately:
    """What changed lately, newest first, as it was read `at`; `unreadable` are the sources that did not answer."""

    at: datetime
    changes: list[Change] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


@dataclass
class Summary:
    """An executive summary that went out."""

    key: str
    text: str
    due_at: datetime
    sent_at: datetime


@dataclass
class Held:
    """Who held a role, from when until when. While `until` is open they hold it."""

    role: Role
    person: str
    since: datetime
    until: datetime | None = None


class Stage(StrEnum):
    """How far the postmortem is."""

    DRAFT = "draft"
    IN_REVIEW = "in review"
    REVIEWED = "reviewed"
    CLOSED = "closed"


@dataclass
class FollowUp:
    """Something left to do after the incident: a TODO that was kept, or what a role still owes (`role`)."""

    number: int
    text: str
    role: str = ""
    people: list[str] = field(default_factory=list)
    done_at: datetime | None = None
    done_by: str | None = None


@dataclass
class After:
    """What comes after the call. `chosen` once a person has set the meeting; until then it is the rule's proposal."""

    begun_at: datetime
    stage: Stage = Stage.DRAFT
    meeting_at: datetime | None = None
    chosen: bool = False
    link: str = ""
    followups: list[FollowUp] = field(default_factory=list)
    started: bool = False


@dataclass
class Answer:
    """What a command's author hears. An answer means accepted and durable, not done."""

    text: str
    number: int | None = None


@dataclass
class Origin:
    """Where it was declared: the door, and for Slack the channel (and the thread) it was typed in."""

    door: str = "cli"
    channel: str = ""
    thread: str = ""


@dataclass
class Incident:
    """`proofs`: outside of practice a decision counts by its signature; `spent` are the signed words of the last minutes."""

    id: str
    title: str
    severity: Severity
    declared_at: datetime
    declared_by: str
    declared_by_name: str
    policy: Policy
    origin: Origin = field(default_factory=Origin)
    practice: bool = True
    service: str = ""
    phase: Phase = Phase.OPEN
    security: bool = False
    lifted_at: datetime | None = None

    roles: dict[Role, str] = field(default_factory=dict)
    acting: bool = False
    commanded_since: datetime | None = None
    first_commanded_at: datetime | None = None
    former_commander: str | None = None
    handover: Handover | None = None
    challenge: Challenge | None = None
    chosen_deputy: bool = False
    voice: str | None = None

    responders: dict[str, Responder] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    pages: dict[str, Page] = field(default_factory=dict)
    rounds: int = 0
    round_at: datetime | None = None
    told_no_commander_at: datetime | None = None

    facts: Facts = field(default_factory=Facts)
    severities: list[SeverityChange] = field(default_factory=list)
    status: Status | None = None
    stalking: bool = True
    tasks: dict[int, Task] = field(default_factory=dict)
    repairs: dict[int, Repair] = field(default_factory=dict)
    drafts: dict[int, Draft] = field(default_factory=dict)
    triggers: dict[int, Trigger] = field(default_factory=dict)
    teams: dict[str, SubTeam] = field(default_factory=dict)
    announcement: Announcement = Announcement.UNDECIDED
    announced_at: datetime | None = None
    own_words: str = ""
    summary_asked_at: datetime | None = None
    summaries: list[Summary] = field(default_factory=list)
    stakeholders: list[str] = field(default_factory=list)
    room_update_at: datetime | None = None
    notes: list[Entry] = field(default_factory=list)
    todos: list[Entry] = field(default_factory=list)
    timeline: list[Entry] = field(default_factory=list)

    room: Room | None = None
    topic: str = ""
    ended_at: datetime | None = None
    ended_by: str | None = None

    effects: dict[str, Effect] = field(default_factory=dict)
    outbox: list[Line] = field(default_factory=list)
    shown: dict[str, Shown] = field(default_factory=dict)
    heard: dict[str, Answer] = field(default_factory=dict)
    reported: dict[str, datetime] = field(default_factory=dict)
    said: int = 0
    asked: int = 0
    numbered: int = 0
    recovered: bool = False
    lost: str = ""
    postmortem_owner: str | None = None
    troubles: dict[int, Trouble] = field(default_factory=dict)
    invited: list[str] = field(default_factory=list)
    moved: bool = False
    checklist: dict[int, Ticked] = field(default_factory=dict)
    needed_at: dict[str, datetime] = field(default_factory=dict)
    declined_at: datetime | None = None
    worse: Worsening | None = None
    flapped_at: datetime | None = None
    changed: ChangedLately | None = None
    recovered_at: datetime | None = None
    components: dict[str, str] = field(default_factory=dict)
    rhythm: timedelta | None = None
    held: list[Held] = field(default_factory=list)
    after: After | None = None
    statuses: list[Status] = field(default_factory=list)
    proofs: bool = False
    spent: dict[str, datetime] = field(default_factory=dict)

    # -- who is who -----------------------------------------------------------------------------------

    @property
    def commander(self) -> str | None:
        return self.roles.get(Role.COMMANDER)

    @property
    def deputy(self) -> str | None:
        return self.roles.get(Role.DEPUTY)

    def holder(self, role: Role) -> str | None:
        return self.roles.get(role)

    def name(self, person: str | None) -> str:
        """What to call somebody: as the organisation does, else as they checked in, else by their id."""
        if person is not None and self.policy.person(person) is None and person in self.responders:
            return self.responders[person].name
        return self.policy.name(person)

    @property
    def label(self) -> str:
        """How outsiders may know it: practice first, a security incident by its codename alone."""
        return f"PRACTICE {self.title}" if self.practice else self.title

    @property
    def open(self) -> bool:
        return self.phase is Phase.OPEN

    @property
    def silent(self) -> bool:
        """Nothing of a security incident goes out before the IC lifts the silence (process, 1)."""
        return self.security and self.lifted_at is None

    @property
    def ended_as(self) -> Phase | None:
        """Resolved, or cancelled as a false alarm; None while the call goes on. A closed incident still knows it."""
        if self.open:
            return None
        ends = [entry.kind for entry in self.timeline if entry.kind in (Phase.RESOLVED, Phase.CANCELLED)]
        return Phase(ends[-1]) if ends else None

    @property
    def worst(self) -> Severity:
        """The worst severity it had."""
        return min([change.severity for change in self.severities], default=self.severity)

    @property
    def full(self) -> bool:
        """Incident commanders are paged for it; a light one has a room, a scribe and tasks (process, 1)."""
        return self.rounds > 0

    # -- leaving a trace ------------------------------------------------------------------------------

    def say(self, text: str, now: datetime, *, about: str = "") -> None:
        """Into the room, in the order of the calls, once. `about` names what it is a notice of (`incident.notices`)."""
        self.said += 1
        self.outbox.append(Line(f"say/{self.said}", text, now, about))

    def log(self, kind: str, text: str, now: datetime, *, who: str = "", source: str = "") -> None:
        """Into the timeline."""
        self.timeline.append(Entry(now, kind, text, who, source))

    def want(self, effect: Effect) -> None:
        """Something has to happen in the world; the workflow carries it out and then forgets it."""
        self.effects[effect.key] = effect

    def invite(self, *people: str) -> None:
        """Into the room. A guest who is not in Slack is left out where it is done."""
        wanted = self.effects.get("invite")
        waiting = wanted.people if isinstance(wanted, Invite) else ()
        if new := tuple(dict.fromkeys((*waiting, *people))):
            self.want(Invite(new))
            self.invited += [person for person in new if person not in self.invited]

    def tell(self, person: str | None, text: str, *choices: Choice) -> None:
        """To one person, privately. A role that nobody holds hears nothing."""
        if person is not None:
            self.asked += 1
            self.want(Tell(f"tell/{self.asked}", person, text, choices))

    def next_number(self) -> int:
        """Tasks, repair actions and drafts share one row of numbers, so that `done 4` means one thing."""
        self.numbered += 1
        return self.numbered
