"""The incident itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from incident.choices import Choice
from incident.effects import Effect, Invite, Tell
from incident.model.after import After
from incident.model.knowledge import ChangedLately, Facts, SeverityChange, Status, Worsening
from incident.model.message import Announcement, Draft, Summary
from incident.model.people import Challenge, Handover, Held, Page, Responder
from incident.model.repair import Repair, Trouble
from incident.model.room import Entry, Line, Room, Shown
from incident.model.work import RollCall, SubTeam, Task, Ticked, Trigger
from incident.policy import Policy
from incident.severity import Role, Severity
from incident.texts import Text, plain

TIMES_SAID = 500


class Phase(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    CLOSED = "closed"


@dataclass
class Answer:
    """What a command's author hears. An answer means accepted and durable, not done."""

    text: Text
    number: int | None = None


@dataclass
class Origin:
    """Where it was declared: the door, and for Slack the channel (and the thread) it was typed in."""

    door: str = "cli"
    channel: str = ""
    thread: str = ""


@dataclass
class Incident:
    """`proofs`: outside of practice a decision counts by its signature; `spent` are the signed words of the last minutes.

    `other_ids` are the workflow ids that something else had taken, each with the one in its place; `announced_in` are the
    channels in which it was announced, `called` is who asked for the IC, and when. `deputy_parts` is what the IC gave a deputy
    to do, where there are several.
    """

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
    times_said: dict[str, int] = field(default_factory=dict)
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
    refusals: dict[str, list[datetime]] = field(default_factory=dict)
    spent: dict[str, datetime] = field(default_factory=dict)
    other_ids: dict[str, str] = field(default_factory=dict)
    announced_in: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    more_deputies: list[str] = field(default_factory=list)
    deputy_parts: dict[str, str] = field(default_factory=dict)
    roll_call: RollCall | None = None
    changes_asked_at: datetime | None = None
    owed_dropped: str = ""
    owed_dropped_by: str | None = None
    reopened: int = 0
    reopened_at: datetime | None = None
    worse_after: str = ""
    sections: dict[str, list[Entry]] = field(default_factory=dict)
    retro: list[Entry] = field(default_factory=list)
    told_in_person: dict[str, datetime] = field(default_factory=dict)
    pagerduty_notes: list[str] = field(default_factory=list)
    unsent_notes: list[str] = field(default_factory=list)
    webhooks_heard: bool = False
    called: dict[str, datetime] = field(default_factory=dict)
    kept_out: list[str] = field(default_factory=list)
    lost_rooms: list[str] = field(default_factory=list)

    # -- who is who -----------------------------------------------------------------------------------

    @property
    def commander(self) -> str | None:
        return self.roles.get(Role.COMMANDER)

    @property
    def deputy(self) -> str | None:
        return self.roles.get(Role.DEPUTY)

    @property
    def deputies(self) -> tuple[str, ...]:
        """The deputy, then those that the IC added."""
        return (self.deputy, *self.more_deputies) if self.deputy is not None else ()

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
        self.outbox.append(Line(self._once("say", text), text, now, about))

    def log(self, kind: str, text: str, now: datetime, *, who: str = "", source: str = "") -> None:
        """Into the timeline, which is the same for every reader."""
        self.timeline.append(Entry(now, kind, plain(text), who, source))

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
            self.removed = [person for person in self.removed if person not in people]

    def tell(self, person: str | None, text: str, *choices: Choice) -> None:
        """To one person, privately. A role that nobody holds hears nothing."""
        if person is not None:
            self.want(Tell(self._once(f"tell/{person}", text), person, text, choices))

    def _once(self, how: str, text: str) -> str:
        """A key for what is said: the text, and the how manieth time it is said.

        Not a running number: after a reset the same things may be said in another order, and each is looked for by its key.
        """
        digest = hashlib.sha256(f"{how}/{text}".encode()).hexdigest()[:12]
        times = self.times_said.pop(digest, 0) + 1
        self.times_said[digest] = times
        while len(self.times_said) > TIMES_SAID:
            del self.times_said[next(iter(self.times_said))]
        return f"{how}/{digest}/{times}"

    def next_number(self) -> int:
        """Tasks, repair actions and drafts share one row of numbers, so that `done 4` means one thing."""
        self.numbered += 1
        return self.numbered
