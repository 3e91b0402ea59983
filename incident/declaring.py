"""From somebody's one sentence to an incident that is being answered (process, 1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from incident import identity, leadership, paging, proof, security, texts, wording
from incident.effects import AddBookmarks, Announce, OpenRoom, PinCard, ReadChanges
from incident.model import Incident, Origin, Page, SeverityChange
from incident.policy import Policy
from incident.proof import Signed
from incident.severity import Severity

NO_WORDS = "Something is badly broken"
LONGEST_TITLE = 200
"""It stands in lists, topics and PagerDuty. What is longer is kept whole as the first symptom."""


@dataclass(frozen=True)
class Declaration:
    """What a door knows of a new incident. `key_mark` tells two declarations apart whose ids collide.

    Of a security incident the title is a codename from the very beginning; what was said stands in `matter`, as does what
    is too long for a title.
    """

    id: str
    title: str
    by: str
    by_name: str
    at: datetime
    policy: Policy
    severity: Severity = Severity.SEV2
    origin: Origin = field(default_factory=Origin)
    practice: bool = True
    service: str = ""
    key_mark: str = ""
    security: bool = False
    matter: str = ""
    proof: str = ""


def draw_up(
    title: str,
    *,
    by: str,
    by_name: str,
    policy: Policy,
    practice: bool,
    key: str,
    at: datetime,
    severity: Severity | None = None,
    service: str = "",
    security: bool = False,
    origin: Origin | None = None,
    words: int = 2,
) -> Declaration:
    """A door's declaration under `key`: the same key is the same incident. `words` is how long its id is."""
    id = identity.incident_id(key, words)
    matter = texts.one_line(title).strip() or NO_WORDS
    return Declaration(
        id=id,
        title=identity.codename(id) if security else wording.shorten(matter, LONGEST_TITLE),
        by=by,
        by_name=by_name,
        at=at,
        policy=policy,
        severity=severity or Severity.SEV2,
        origin=origin or Origin(),
        practice=practice,
        service="" if security else service,
        key_mark=identity.key_mark(key),
        security=security,
        matter=texts.one_line(title) if security or len(matter) > LONGEST_TITLE else "",
    )


def longer(declaration: Declaration, key: str, words: int) -> Declaration:
    """The same declaration under an id of so many words, where the shorter one is taken. It is to be signed anew."""
    id = identity.incident_id(key, words)
    title = identity.codename(id) if declaration.security else declaration.title
    return replace(declaration, id=id, title=title, proof="")


def declare(declaration: Declaration, now: datetime) -> Incident:
    """The incident, with what must happen first at the front: the pages, then the room, then the words."""
    incident = Incident(
        id=declaration.id,
        title=texts.one_line(declaration.title).strip() or NO_WORDS,
        severity=declaration.severity,
        declared_at=now,
        declared_by=declaration.by,
        declared_by_name=texts.one_line(declaration.by_name),
        policy=declaration.policy,
        origin=declaration.origin,
        practice=declaration.practice,
        service=declaration.service,
        security=declaration.security,
        proofs=not declaration.practice,
    )
    service = incident.policy.service(incident.service) if incident.service else None
    team = incident.policy.team(service.team) if service else None
    if incident.severity.major or team is None:
        paging.page_commanders(incident, now)
    else:
        paging.page_team(incident, team, now, urgency=paging.urgency_of(incident.severity))
    incident.severities.append(SeverityChange(incident.severity, now, declaration.by))
    incident.want(OpenRoom())
    incident.want(PinCard())
    incident.want(AddBookmarks())
    if incident.policy.changes.sources:
        incident.want(ReadChanges())
    incident.invite(declaration.by)
    leadership.set_topic(incident)
    incident.say(wording.opening(incident), now, about="command")
    if matter := texts.one_line(declaration.matter).strip():
        incident.facts.symptoms.append(matter)
    if incident.security:
        _keep_secret(incident, declaration, now)
    mark = "" if declaration.practice or _proven(declaration) else " (unsigned)"
    incident.log(
        "declared",
        f"{incident.severity}: {incident.title}{mark}",
        now,
        who=declaration.by,
        source=declaration.origin.door,
    )
    return incident


def _proven(declaration: Declaration) -> bool:
    """Whether it is shown who declares. Anybody may, so that an incident is never lost for lack of a key."""
    if not declaration.proof:
        return False
    signed = Signed(proof.of_declaration(declaration), declaration.proof)
    by = declaration.policy.known(declaration.by)
    person = by.id if by else declaration.by
    return proof.standing(declaration.policy, signed, person=person, door=declaration.origin.door).proven


def tell_origin(incident: Incident, now: datetime) -> None:
    """Once the first pages are answered, the answer stands where it was typed: a line per person, then the links."""
    if any(page.paged_at is None and not page.failing for page in _first_pages(incident)):
        return
    if incident.silent:
        return
    places = {incident.origin.channel: incident.origin.thread, incident.policy.rooms.incidents: ""}
    for channel, thread in places.items():
        if channel and channel not in incident.announced_in:
            incident.announced_in.append(channel)
            incident.want(Announce(f"announced/{channel}", channel, thread))


def _keep_secret(incident: Incident, declaration: Declaration, now: datetime) -> None:
    """What was said stays inside; the author takes the words back that everybody can read (process, 1)."""
    incident.tell(
        declaration.by,
        f"This is a security incident, codename *{incident.title}*, in the private room"
        f" #{identity.room_name(incident.id)}. If you typed what is wrong in a channel, delete that message now.",
    )
    security.gather(incident, now)


def announcement(incident: Incident) -> str:
    """A line per person, then the links; of an incident that became a secret one, nothing."""
    if incident.silent:
        return "This is handled elsewhere now. Please say nothing about it here."
    first = _first_pages(incident)
    lines = [f"{incident.label} ({incident.severity}), incident {incident.id}"]
    lines += wording.pages_lines(first)
    lines.append(
        f"Room: {texts.channel(incident.room.channel, incident.room.name)}"
        if incident.room
        else f"Room: #{identity.room_name(incident.id)}"
    )
    lines += [page.url for page in first[:1] if page.url]
    return "\n".join(lines)


def _first_pages(incident: Incident) -> list[Page]:
    return [page for page in incident.pages.values() if page.round <= 1 and page.asked_at == incident.declared_at]
