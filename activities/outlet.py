"""What the outlets of public messages have in common: what is published, what is taken down, and that practice is practice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from activities import asking, errors
from activities.on_call_book import now
from incident import proof
from incident.model import text_digest
from incident.outlets import Outlet
from incident.policy import Policy
from incident.proof import Signed

OBEYED_WITHIN = timedelta(hours=12)
"""How old an approval may be when its message goes out: an outlet may be away for long, a replayed one is older."""


@dataclass(frozen=True)
class Publication:
    """`text` goes out to the letter. `key` makes it go out once; `again` says that it may be out already.

    All of one `incident` are updates of one entry of the status page: `entry` is its id where that is known, `begun` says that
    there is one. `components` are its components' new states, by id. `approval` is the word of whoever approved it, signed.
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
    approval: Signed | None = None


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


def check(outlet: Outlet, publication: Publication, *, practice: bool, rules: Policy) -> None:
    """Raises when a practice would become public, something real would reach emulators only, or nobody has approved it.

    The workflow that asks could be anybody's; a signed approval of exactly this text cannot. `rules` are this machine's.
    """
    if publication.practice != practice:
        raise errors.practice_mix(publication.practice)
    if practice and not publication.text.startswith("PRACTICE"):
        raise errors.rejected(outlet.label, "a practice message begins with PRACTICE")
    if not practice:
        asking.only_of(publication.incident)
        names = {id: name for name, id in rules.status_page.components.items()}
        components = {names.get(id, id): state for id, state in publication.components.items()}
        digest = text_digest(publication.stage, outlet, publication.text, components)

        def this(verb: str, command: Mapping[str, Any]) -> bool:
            yes = verb == "message-approve" or (verb == "announce" and command["answer"] != "no")
            return yes and command["texts"][outlet] == digest and command.get("outlet", outlet) == outlet

        since = now() - OBEYED_WITHIN
        if (why := proof.approves(rules, publication.approval, publication.incident, this, since=since)) is not None:
            raise asking.refused(why)
