"""What must happen in the world, as data.

A command, a report or the incident's clock leaves effects in the incident; the workflow's loop carries them
out and removes one when it is answered. `key` names it once and for all: an effect wanted twice is one effect,
and a continue-as-new carries along what has not been answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from incident.choices import Choice
from incident.texts import Text


@dataclass(frozen=True)
class SendPage:
    """Page whoever `incident.pages[page]` names. Never behind anything."""

    key: str
    page: str
    kind: Literal["page"] = "page"


@dataclass(frozen=True)
class FollowPage:
    """Wait until somebody acknowledges `incident.pages[page]`. Runs long; starts anew after a continue-as-new."""

    key: str
    page: str
    kind: Literal["follow-page"] = "follow-page"


@dataclass(frozen=True)
class OpenRoom:
    key: str = "room"
    kind: Literal["open-room"] = "open-room"


@dataclass(frozen=True)
class PinCard:
    """Where the incident stands, the bridge, how to page an IC: pinned at the top of the room, edited in place."""

    key: str = "card"
    kind: Literal["card"] = "card"


@dataclass(frozen=True)
class AddBookmarks:
    """The bridge and the workflow's history, one press away."""

    key: str = "bookmarks"
    kind: Literal["bookmarks"] = "bookmarks"


@dataclass(frozen=True)
class SetTopic:
    key: str
    topic: str
    kind: Literal["topic"] = "topic"


@dataclass(frozen=True)
class Invite:
    """Into the room; whoever is there already stays. What gathers before the room is open is one call."""

    people: tuple[str, ...]
    key: str = "invite"
    kind: Literal["invite"] = "invite"


@dataclass(frozen=True)
class Uninvite:
    """Out of the room. Who is not in it is fine."""

    key: str
    person: str
    kind: Literal["uninvite"] = "uninvite"


@dataclass(frozen=True)
class Announce:
    """The announcement in a channel that is not the room: where it was declared, or where incidents are announced."""

    key: str
    channel: str
    thread: str = ""
    kind: Literal["announce"] = "announce"


@dataclass(frozen=True)
class Tell:
    """Say something to one person, privately."""

    key: str
    person: str
    text: Text
    choices: tuple[Choice, ...] = ()
    kind: Literal["tell"] = "tell"


@dataclass(frozen=True)
class LeaveRoom:
    """What stands in a room that others can read says nothing any more; the incident goes on elsewhere."""

    key: str
    channel: str
    kind: Literal["leave-room"] = "leave-room"


@dataclass(frozen=True)
class UpdatePages:
    """PagerDuty's titles say what they may say now, and its priority is the severity's. `version` tells one wish from the next."""

    key: str
    version: int = 0
    kind: Literal["update-pages"] = "update-pages"


@dataclass(frozen=True)
class NotePages:
    """Add `incident.unsent_notes` to the PagerDuty incident, in order."""

    key: str
    kind: Literal["note-pages"] = "note-pages"


@dataclass(frozen=True)
class AcknowledgePages:
    """Acknowledge `incident.pages[page]` for somebody who has shown elsewhere that they are here."""

    key: str
    page: str
    person: str
    kind: Literal["acknowledge"] = "acknowledge"


@dataclass(frozen=True)
class MergePages:
    """Merge the PagerDuty incidents of `incident.pages` into one of them."""

    key: str
    into: str
    pages: tuple[str, ...]
    kind: Literal["merge-pages"] = "merge-pages"


@dataclass(frozen=True)
class StartRepair:
    """Start the workflow of repair action `number`. Starting it runs nothing."""

    key: str
    number: int
    kind: Literal["start-repair"] = "start-repair"


@dataclass(frozen=True)
class TellRepair:
    """Tell the workflow of repair action `number` how things stand with it."""

    key: str
    number: int
    kind: Literal["tell-repair"] = "tell-repair"


@dataclass(frozen=True)
class RunChecks:
    """Have the checks run of what is offered for `incident.troubles[number]`. They only read."""

    key: str
    number: int
    kind: Literal["run-checks"] = "run-checks"


@dataclass(frozen=True)
class StartTeam:
    """Start the workflow of `incident.teams[team]`. It holds the letter, for all incidents."""

    key: str
    team: str
    kind: Literal["start-team"] = "start-team"


@dataclass(frozen=True)
class TellTeam:
    """Show a sub-team's workflow how it stands."""

    key: str
    team: str
    kind: Literal["tell-team"] = "tell-team"


@dataclass(frozen=True)
class DeclareSeparately:
    """Declare an incident of its own for `incident.triggers[number]`."""

    key: str
    number: int
    kind: Literal["separate"] = "separate"


@dataclass(frozen=True)
class ReadChanges:
    """Read what changed lately, for the card."""

    key: str = "changes"
    kind: Literal["read-changes"] = "read-changes"


@dataclass(frozen=True)
class ResolvePages:
    """Resolve in PagerDuty every incident that was opened for this one: `pages` (their keys), by id or by key."""

    key: str
    pages: tuple[str, ...] = ()
    kind: Literal["resolve-pages"] = "resolve-pages"


@dataclass(frozen=True)
class KeepRecord:
    """Put the record where it outlives the workflow's retention."""

    key: str
    kind: Literal["record"] = "record"


@dataclass(frozen=True)
class BeginAfter:
    """Start the workflow of what comes after the call. It lives on for weeks, whatever becomes of the incident's."""

    key: str = "begin-after"
    kind: Literal["begin-after"] = "begin-after"


@dataclass(frozen=True)
class TellAfter:
    """Tell that workflow how the incident stands now: reopened, resolved again, closed, its postmortem moved on."""

    key: str
    kind: Literal["tell-after"] = "tell-after"


Effect = (
    SendPage
    | FollowPage
    | OpenRoom
    | PinCard
    | AddBookmarks
    | SetTopic
    | Invite
    | Uninvite
    | Announce
    | Tell
    | LeaveRoom
    | UpdatePages
    | NotePages
    | AcknowledgePages
    | MergePages
    | StartRepair
    | TellRepair
    | RunChecks
    | StartTeam
    | TellTeam
    | DeclareSeparately
    | ReadChanges
    | ResolvePages
    | KeepRecord
    | BeginAfter
    | TellAfter
)
