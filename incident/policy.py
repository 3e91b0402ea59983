"""An organisation's own numbers, people, templates and catalogue.

TOML in, frozen and validated out. Two shapes of the same thing:

- `Organisation` is everything the file says, phones and PIN included. Doors and activities hold it.
- `Policy` is what travels in an incident's input and so stands in the workflow history for everybody
  to read: no phone, no PIN, no e-mail. `Organisation.policy()` cuts it.

All durations are whole seconds in `Policy`; in the file they read `30s`, `5m`, `2h`.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from incident import keys
from incident.catalogue import CatalogueEntry, Files, read_entries, read_files
from incident.customers import CustomerMessages, StatusPage, X
from incident.severity import Role, Severity
from incident.shapes import BadPolicy as BadPolicy  # whoever reads an organisation has to know it
from incident.shapes import Days, Duration, Handle, Zone, fault
from incident.shapes import Frozen as _Frozen
from incident.sources import Changes, StatusSource


def _public_key(line: str) -> str:
    keys.read(line)
    return line


PublicKeyLine = Annotated[str, AfterValidator(_public_key)]
"""`ssh-ed25519 AAAA… comment`: it may stand in a history, as its name says."""


USUAL_MEANING = {
    Severity.SEV1: "Most customers can't use the service, or data is being lost or exposed: over 25 % of requests fail,"
    " or something customers pay for is down for 5 minutes.",
    Severity.SEV2: "Many customers are affected, or a core feature works badly: over 5 % of requests fail, or responses"
    " take twice as long as usual, for 10 minutes.",
    Severity.SEV3: "Few customers are affected, or the next failure would be a major incident: over 1 % of requests"
    " fail, or a redundant part is gone.",
    Severity.SEV4: "Customers don't notice yet: a part is degraded within its limits.",
    Severity.SEV5: "Cosmetic: no effect on anybody's work, and none to be expected.",
}


class Person(_Frozen):
    """Somebody the organisation knows. `id` is the handle people type: `@bob`."""

    id: Handle
    name: str = Field(min_length=1)
    slack: str = ""
    pagerduty: str = ""
    trained: bool = False
    time_zone: Zone = "UTC"
    keys: tuple[PublicKeyLine, ...] = ()


class Contact(Person):
    """A `Person` with what must not stand in a workflow history."""

    email: str = ""
    phone: str = ""


class Team(_Frozen):
    """People who answer for something. Paged through its escalation policy, or one by one."""

    id: Handle
    name: str
    members: tuple[Handle, ...] = ()
    escalation_policy: str = ""


class Service(_Frozen):
    """What may be broken: `team` answers for it, `primary` speaks for it."""

    id: Handle
    name: str
    team: Handle
    primary: Handle | None = None


class Rung(_Frozen):
    """One of the incident commanders' escalation policies in PagerDuty."""

    escalation_policy: str = Field(min_length=1)


class Paging(_Frozen):
    """How an incident commander is reached."""

    service: str = Field(min_length=1, description="PagerDuty service that the pages are opened on")
    primary: Rung
    backup: Rung
    shadow: Rung | None = None
    escalation: Literal["ours", "pagerduty"] = "ours"
    round_every: Duration = timedelta(minutes=5)
    grace_after_acknowledgement: Duration = timedelta(minutes=5)
    follow_acknowledgement_for: Duration = timedelta(minutes=30)
    poll_every: Duration = timedelta(seconds=5)
    poll_every_with_webhooks: Duration = timedelta(minutes=1)
    stakeholders: dict[Severity, tuple[str, ...]] = {}
    priorities: dict[Severity, str] = {}
    declare_on: tuple[Severity, ...] = ()


class Command(_Frozen):
    """Who may command, and when."""

    anyone_after: Duration = timedelta(minutes=5)
    no_commander_every: Duration = timedelta(minutes=2)
    handover_lapses_after: Duration = timedelta(minutes=2)
    challenge_lapses_after: Duration = timedelta(minutes=3)
    suggest_handover_after: Duration = timedelta(hours=3)
    suggest_relief_after: Duration = timedelta(hours=4)
    takeover_open_to_all_after: Duration = timedelta(minutes=5)


class Deputy(_Frozen):
    """The timers the deputy keeps."""

    mark_every: Duration = timedelta(minutes=10)
    mark_every_later: Duration = timedelta(minutes=30)
    later_after: Duration = timedelta(hours=2)
    understood_within: Duration = timedelta(minutes=1)
    announce_asked_within: Duration = timedelta(minutes=2)
    room_update_every: Duration = timedelta(minutes=15)
    span_of_control: int = Field(default=7, ge=1)
    severity_of: dict[Literal["degraded", "down"], Severity] = {"degraded": Severity.SEV2, "down": Severity.SEV1}
    remind_again_after: Duration = timedelta(minutes=5)
    need_unfilled_after: Duration = timedelta(minutes=5)
    roll_call_within: Duration = timedelta(minutes=2)


class Repair(_Frozen):
    """The clocks around a repair action."""

    approval_valid_for: Duration = timedelta(minutes=10)
    poll_window: Duration = timedelta(seconds=30)
    remind_after: tuple[Duration, ...] = (timedelta(minutes=2), timedelta(minutes=5))
    time_box: Duration = timedelta(minutes=10)


class Stalk(_Frozen):
    """How the scribe watches the status."""

    every: Duration = timedelta(seconds=30)
    flapping_changes: int = Field(default=3, ge=1)
    flapping_within: Duration = timedelta(minutes=5)


class ExecutiveSummaries(_Frozen):
    """The internal liaison's cadence."""

    first_after: Duration = timedelta(minutes=5)
    every: Duration = timedelta(minutes=30)
    shown_before: Duration = timedelta(minutes=5)
    replaces_within: Duration = timedelta(minutes=10)
    joins_within: Duration = timedelta(minutes=5)
    at_most: int = Field(default=600, ge=100, le=3000)

    @property
    def own_words_at_most(self) -> int:
        """The other half is for severity, impact and link, which stand before them."""
        return self.at_most // 2


class Security(_Frozen):
    """Who is always in a security incident, and what has to be seen to in it."""

    team: str = "security"
    checklist: tuple[str, ...] = (
        "Stop the attack",
        "Cut off the attack vector",
        "Assemble the response team",
        "Isolate affected systems",
        "Find the timeline of the attack",
        "Find out which data is compromised",
        "Assess the risk to other systems",
        "Assess the risk of another attack",
        "Apply mitigations",
        "Gather forensics",
        "Internal communication",
        "Involve law enforcement",
        "Reach out to third parties",
        "External communication",
    )


class Ending(_Frozen):
    """What follows a resolve."""

    watched_for: Duration = timedelta(hours=1)
    public_end_within: Duration = timedelta(hours=24)
    meeting_days: dict[Severity, Days] = {Severity.SEV1: "3 calendar days", Severity.SEV2: "5 business days"}
    review_days: Days = "5 business days"
    meeting_at: time = time(14)
    link_before: Duration = timedelta(hours=24)
    reminded_at: time = time(10)
    commander_reminded_after: int = Field(default=10, ge=1, description="working days")
    commander_reminded_every: int = Field(default=7, ge=1, description="calendar days")
    holidays: tuple[date, ...] = ()


class SubTeam(_Frozen):
    """A room and a bridge that wait for a sub-team."""

    id: Handle
    room: str
    bridge: str = ""


class Rooms(_Frozen):
    """Slack channels that exist already, by id."""

    executive: str = Field(min_length=1)
    incidents: str = ""


class Door(_Frozen):
    """A process of ours that attests what people say through it: the Slack listener, by its own key."""

    name: Handle
    kind: Literal["slack"] = "slack"
    key: PublicKeyLine


class EmergencyKey(_Frozen):
    """An administrator's break-glass key: it speaks for anybody, and each use of it is announced."""

    name: Handle
    key: PublicKeyLine


class Policy(_Frozen):
    """The rules an incident was declared under. Frozen with it; `reload` brings newer ones."""

    organisation: str
    people: tuple[Person, ...]
    teams: tuple[Team, ...] = ()
    services: tuple[Service, ...] = ()
    rooms: Rooms
    paging: Paging
    command: Command = Command()
    deputy: Deputy = Deputy()
    repair: Repair = Repair()
    stalk: Stalk = Stalk()
    customers: CustomerMessages
    executives: ExecutiveSummaries = ExecutiveSummaries()
    security: Security = Security()
    ending: Ending = Ending()
    status_page: StatusPage = StatusPage()
    x: X = X()
    status_sources: tuple[StatusSource, ...] = ()
    changes: Changes = Changes()
    catalogue: tuple[CatalogueEntry, ...] = ()
    sub_teams: tuple[SubTeam, ...] = ()
    usual: dict[Role, Handle] = {}
    severities: dict[Severity, Annotated[str, Field(min_length=1, max_length=280)]] = {}
    doors: tuple[Door, ...] = ()
    break_glass: tuple[EmergencyKey, ...] = ()

    def means(self, severity: Severity) -> str:
        """The definition of a severity, with conditions that can be measured."""
        return self.severities.get(severity, USUAL_MEANING[severity])

    def person(self, person_id: str) -> Person | None:
        return next((p for p in self.people if p.id == person_id), None)

    def known(self, who: str) -> Person | None:
        """By handle or Slack id."""
        return next((p for p in self.people if who and who in (p.id, p.slack)), None)

    def name(self, person_id: str | None) -> str:
        """The name to say aloud; a guest's id is all there is to say of a guest."""
        if person_id is None:
            return "nobody yet"
        person = self.person(person_id)
        return person.name if person else person_id

    def trained(self, person_id: str | None) -> bool:
        person = self.person(person_id) if person_id else None
        return person is not None and person.trained

    def public_keys(self) -> list[tuple[str, keys.PublicKey]]:
        """All public keys, each with whose it is: `person/bob`, `door/listener`, `break-glass/safe`."""
        lines = [(f"person/{person.id}", line) for person in self.people for line in person.keys]
        lines += [(f"door/{door.name}", door.key) for door in self.doors]
        lines += [(f"break-glass/{emergency.name}", emergency.key) for emergency in self.break_glass]
        return [(whose, keys.read(line)) for whose, line in lines]

    def team(self, team_id: str) -> Team | None:
        return next((t for t in self.teams if t.id == team_id), None)

    def service(self, service_id: str) -> Service | None:
        return next((s for s in self.services if s.id == service_id), None)

    def entry(self, entry_id: str) -> CatalogueEntry | None:
        return next((e for e in self.catalogue if e.id == entry_id), None)

    @model_validator(mode="after")
    def _each_key_is_one_holders(self) -> Policy:
        whose: dict[bytes, str] = {}
        for holder, key in self.public_keys():
            if (other := whose.setdefault(key.raw, holder)) != holder:
                raise ValueError(f"{other} and {holder} have the same key; each needs their own")
        return self

    @model_validator(mode="after")
    def _x_has_its_texts(self) -> Policy:
        if self.x.account and not self.customers.templates_x:
            raise ValueError("x.account is set, and customers.templates_x is missing: the short texts for X")
        return self

    @model_validator(mode="after")
    def _references_hold(self) -> Policy:
        people = {p.id for p in self.people}
        teams = {t.id for t in self.teams}
        for kind, things in (
            ("people", self.people),
            ("teams", self.teams),
            ("services", self.services),
            ("catalogue", self.catalogue),
            ("status_sources", self.status_sources),
            ("changes.sources", self.changes.sources),
        ):
            ids = [thing.id for thing in things]
            for double in sorted({i for i in ids if ids.count(i) > 1}):
                raise ValueError(f"{kind} has two entries with the id {double!r}")
        for both in sorted(people & teams):
            raise ValueError(f"{both!r} is both a person and a team; `!ic page {both}` would be ambiguous")
        for team in self.teams:
            for member in team.members:
                if member not in people:
                    raise ValueError(f"team {team.id!r} names {member!r}, who is not among the people")
        for service in self.services:
            if service.team not in teams:
                raise ValueError(f"service {service.id!r} belongs to {service.team!r}, which is not among the teams")
            if service.primary is not None and service.primary not in people:
                raise ValueError(f"service {service.id!r} names {service.primary!r}, who is not among the people")
        for role, person in self.usual.items():
            if person not in people:
                raise ValueError(f"usual.{role} names {person!r}, who is not among the people")
        return self

    @model_validator(mode="after")
    def _catalogue_holds(self) -> Policy:
        people = {p.id for p in self.people} | {t.id for t in self.teams}
        services = {s.id for s in self.services}
        for entry in self.catalogue:
            if entry.owner is not None and entry.owner not in people:
                raise ValueError(f"catalogue entry {entry.id!r} is owned by {entry.owner!r}, who is not known")
            for named in (entry.service, *(p.default for p in entry.parameters.values() if p.kind == "service")):
                if named and named not in services:
                    raise ValueError(f"catalogue entry {entry.id!r} names {named!r}, which is not among the services")
        return self


class Bridge(_Frozen):
    """The call. It stands on the contact card and nowhere in a history."""

    url: str = ""
    phone: str = ""
    pin: str = ""


class Organisation(Policy):
    """All that the organisation's file says."""

    people: tuple[Contact, ...]
    bridge: Bridge = Bridge()

    @model_validator(mode="after")
    def _no_public_estimates(self) -> Organisation:
        for name in ("templates", "templates_x"):
            for stage, text in getattr(self.customers, name).items():
                if "eta" in string.Template(text).get_identifiers():
                    raise ValueError(
                        f"customers.{name}: {stage!r} names $eta: no public message estimates when service recovers"
                    )
        return self

    def policy(self) -> Policy:
        """The cut that may stand in a workflow history."""
        data = self.model_dump(exclude={"bridge": True, "people": {"__all__": {"email", "phone"}}})
        return Policy.model_validate(data)

    def contact(self, person_id: str) -> Contact | None:
        return next((p for p in self.people if p.id == person_id), None)


def _no_files(folder: str) -> Files:
    return {}


def read_organisation(text: str, file: str, files_of: Callable[[str], Files] = _no_files) -> Organisation:
    """The organisation that `text` (TOML) describes. `file` is only named in errors.

    `catalogue = "FOLDER"` stands for the TOML files in that folder, which `files_of` reads.
    Raises BadPolicy with one line a fault: file, key, what stands there, what may.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(f"{file}: not valid TOML: {error}") from error
    catalogue = data.get("catalogue", [])
    data["catalogue"] = read_files(files_of(catalogue)) if isinstance(catalogue, str) else read_entries(catalogue, file)
    try:
        return Organisation.model_validate(data)
    except ValidationError as error:
        raise BadPolicy("\n".join(fault(file, found) for found in error.errors())) from error
