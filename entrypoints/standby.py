"""With Temporal away a door still pages: straight to PagerDuty, under the keys the incident will have.

What was said is kept on disk and handed over when Temporal is back; the incident then adopts those pages, because
PagerDuty knows their keys.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from temporalio.exceptions import ApplicationError

from activities.on_call_book import OnCallBook
from entrypoints.signing import Sign, unsigned
from incident import declaring, identity, paging, proof
from incident.commands import Said
from incident.commands.paging import RESPONDERS, PagePeople
from incident.declaring import Declaration
from incident.model import Incident, Page
from incident.policy import Policy

if TYPE_CHECKING:
    from activities.paging import Paging
    from entrypoints.gateway import Gateway
    from settings import Settings

HANDED_OVER_EVERY = timedelta(seconds=5)


@dataclass(frozen=True)
class Kept:
    """Either a declaration, or a page that was asked for in an incident's room."""

    declaration: Declaration | None = None
    incident: str = ""
    said: Said[PagePeople] | None = None


@functools.cache
def _kept() -> TypeAdapter[Kept]:
    """Made when something is kept: it holds all of a policy."""
    return TypeAdapter(Kept)


class Standby:
    """`paging` is made when it is first needed: a door that never needs it imports no SDK for it."""

    def __init__(
        self,
        paging: Callable[[], Paging],
        book: OnCallBook,
        policy: Policy,
        directory: Path,
        *,
        practice: bool,
        sign: Sign = unsigned,
    ) -> None:
        self._sign = sign
        self._paging = paging
        self._book = book
        self._policy = policy
        self._directory = directory
        self._practice = practice

    @classmethod
    def of(cls, settings: Settings, book: OnCallBook, sign: Sign = unsigned) -> Standby:
        """As this process is configured. Raises Misconfigured."""
        organisation = settings.organisation

        @functools.cache
        def paging() -> Paging:
            from activities.paging import Paging, Sessions

            key = settings.pagerduty_api_key.get_secret_value()
            sessions = Sessions(settings.pagerduty_api_url, key, settings.pagerduty_from)
            return Paging(sessions, book, organisation, practice=settings.practice)

        return cls(
            paging, book, organisation.policy(), settings.state / "standby", practice=settings.practice, sign=sign
        )

    def impacted(self, business_service: str) -> bool:
        """Asked of PagerDuty straight from here, for a status that is wanted at once."""
        return self._paging().impacted(business_service)

    async def declare(self, declaration: Declaration) -> str:
        """Page the commanders now; the incident follows. A line per person."""
        declaration = replace(declaration, proof=await self._sign(proof.of_declaration(declaration), needed=False))
        self._keep(declaration.id, Kept(declaration))
        incident = declaring.declare(declaration, declaration.at)
        lines = await self._page(incident)
        return "\n".join(
            (
                "Temporal cannot be reached; this was paged straight from here:",
                *lines,
                f"Incident {declaration.id} and its room #{identity.room_name(declaration.id)} follow by themselves.",
            )
        )

    async def page(self, id: str, said: Said[PagePeople]) -> str:
        """What was asked for in the room of incident `id`, or (empty) outside of any. A line per person."""
        under = hashlib.sha256(said.id.encode()).hexdigest()[:8]
        incident = self._stand_in(id, said, under)
        if id:
            kept = replace(said, command=replace(said.command, under=under), at=said.at or datetime.now(UTC))
            kept = replace(kept, proof=await self._sign(proof.of_command(id, kept), needed=False))
            self._keep(f"{id}-{under}", Kept(incident=id, said=kept))
        return "\n".join(("paged straight from here:", *await self._page(incident)))

    async def hand_over(self, gateway: Gateway) -> None:
        """Everything that is kept, to the incidents. What cannot be handed over now stays."""
        from entrypoints.problems import NoSuchIncident, Refused, Unanswered, Unreachable

        for file in sorted(self._directory.glob("*.json")):
            try:
                kept = _kept().validate_json(await asyncio.to_thread(file.read_bytes))
                if kept.declaration is not None:
                    await gateway.begin(kept.declaration)
                elif kept.said is not None:
                    await gateway.pass_on(kept.incident, kept.said)
            except (Refused, NoSuchIncident) as settled:
                logging.getLogger(__name__).warning("%s is not handed over: %s", file.name, settled)
            except (Unreachable, Unanswered, RuntimeError):
                return  # Temporal is still away
            except ValueError as fault:
                logging.getLogger(__name__).error("%s cannot be read and is put aside: %s", file, fault)
                file.rename(file.with_suffix(".unreadable"))
                continue
            file.unlink(missing_ok=True)

    def _stand_in(self, id: str, said: Said[PagePeople], under: str) -> Incident:
        """An incident that is known by its id alone, as far as paging needs it."""
        at = said.at or datetime.now(UTC)
        title = said.command.reason or "Somebody wants you"
        declaration = Declaration(
            id or identity.incident_id(said.id), title, said.by, said.name, at, self._policy, practice=self._practice
        )
        incident = declaring.declare(declaration, at - timedelta(days=1))
        incident.pages.clear()
        whom = said.command.whom
        team = self._policy.team(whom)
        if not whom:
            paging.page_commanders(incident, at, under)
        elif team is not None:
            paging.page_team(incident, team, at, under)
        elif whom == RESPONDERS:
            for each in self._policy.teams:
                paging.page_team(incident, each, at, under)
        else:
            person = self._policy.known(whom)
            paging.page_person(incident, person.id if person else whom, at, under)
        return incident

    async def _page(self, incident: Incident) -> list[str]:
        return list(await asyncio.gather(*(asyncio.to_thread(self._one, incident, p) for p in incident.pages.values())))

    def _one(self, incident: Incident, page: Page) -> str:
        from activities.paging import order_for

        order = order_for(incident, page)
        try:
            paged = self._paging().page(order)
        except ApplicationError as failure:
            who = self._paging().who_would_be_paged(order)
            called = [f"could not page {n}, call {self._book.phone(p)}" for n, p in zip(who.names, who.people)]
            return "\n".join(called) or f"could not page {page.label} ({failure.message})"
        return f"paged {', '.join(paged.names) or page.label}"

    def _keep(self, name: str, kept: Kept) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        file = self._directory / f"{name}.json"
        written = file.with_suffix(".part")
        written.write_bytes(_kept().dump_json(kept))
        written.replace(file)
