"""With Temporal away an entry point still pages: straight to PagerDuty, under the keys the incident will have.

People are paged first, whatever the disk does. What was declared or said is saved meanwhile and handed over when Temporal is
back; the incident then adopts those pages, because PagerDuty knows their keys. What could not be saved is said.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from temporalio.exceptions import ApplicationError

import durable
from activities.on_call_book import OnCallBook
from entrypoints.signing import Sign, unsigned
from incident import declaring, identity, paging, proof
from incident.commands import Said
from incident.commands.paging import RESPONDERS, PagePeople
from incident.declaring import Declaration
from incident.model import Incident, Page
from incident.policy import Policy
from supervision import in_thread

if TYPE_CHECKING:
    from activities.paging import Paging
    from entrypoints.gateway import Gateway
    from settings import Settings

HANDED_OVER_EVERY = timedelta(seconds=5)
KEPT_WITHIN = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """Either a declaration and its key, or a page that was asked for in an incident's room."""

    declaration: Declaration | None = None
    key: str = ""
    incident: str = ""
    said: Said[PagePeople] | None = None


@functools.cache
def _kept() -> TypeAdapter[Kept]:
    """Made when something is kept: it holds all of a policy."""
    return TypeAdapter(Kept)


class _Unreadable(Exception):
    """A file that holds nothing that was kept."""


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
            from activities.pagerduty import Sessions
            from activities.paging import Paging

            key = settings.pagerduty_api_key.get_secret_value()
            sessions = Sessions(settings.pagerduty_api_url, key, settings.pagerduty_from)
            return Paging(sessions, book, organisation, practice=settings.practice)

        return cls(
            paging, book, organisation.policy(), settings.state / "standby", practice=settings.practice, sign=sign
        )

    def impacted(self, business_service: str) -> bool:
        """Asked of PagerDuty straight from here, for a status that is wanted at once."""
        return self._paging().impacted(business_service)

    async def declare(self, declaration: Declaration, key: str) -> str:
        """Page the commanders now; the incident follows. A line per person."""

        async def signed() -> Kept:
            sign = await self._sign(proof.of_declaration(declaration), needed=False)
            return Kept(replace(declaration, proof=sign), key)

        paged = self._page(declaring.declare(declaration, declaration.at))
        lines, fault = await asyncio.gather(paged, self._keep(declaration.id, signed()))
        room = identity.room_name(declaration.id)
        then = f"Incident {declaration.id} and its room #{room} follow by themselves."
        if fault:
            then = (
                f"It could not be saved on this machine ({fault}), so no incident follows by itself. Once Temporal is back,"
                f" declare it again with `ic declare … --id {key}`: nobody is paged twice."
            )
        return "\n".join(("Temporal cannot be reached; this was paged straight from here:", *lines, then))

    async def declare_in_doubt(self, declaration: Declaration, doubt: str) -> str:
        """Page the commanders under the incident's own keys, because what has its id may page nobody. A line per person."""
        lines = await self._page(declaring.declare(declaration, declaration.at))
        return "\n".join(
            (
                f"{doubt} So this was paged straight from here:",
                *lines,
                f"Look at incident {declaration.id} in Temporal; `declare` again, without `--id`, begins another one.",
            )
        )

    async def page(self, id: str, said: Said[PagePeople]) -> str:
        """What was asked for in the room of incident `id`, or (empty) outside of any. A line per person."""
        under = hashlib.sha256(said.id.encode()).hexdigest()[:8]
        paged = self._page(self._stand_in(id, said, under))
        if not id:
            return "\n".join(("paged straight from here:", *await paged))

        async def signed() -> Kept:
            kept = replace(said, command=replace(said.command, under=under), at=said.at or datetime.now(UTC))
            sign = await self._sign(proof.of_command(id, kept), needed=False)
            return Kept(incident=id, said=replace(kept, proof=sign))

        lines, fault = await asyncio.gather(paged, self._keep(f"{id}-{under}", signed()))
        if fault:
            lines.append(
                f"It could not be saved on this machine ({fault}): incident {id} does not know of it. Once Temporal is back,"
                f" repeat it with `--id {said.id}`, and it does."
            )
        return "\n".join(("paged straight from here:", *lines))

    async def hand_over(self, gateway: Gateway) -> None:
        """Everything that is kept, to the incidents. What cannot be handed over now stays.

        One that cannot be handed over does not hold the others; whatever is wrong with it is raised when they are done.
        """
        from entrypoints.problems import Doubtful, NoSuchIncident, Refused, Unanswered, Unreachable, reaching

        faults: list[Exception] = []
        for file in sorted(self._directory.glob("*.json")):
            try:
                kept = await asyncio.to_thread(_read, file)
                with reaching():
                    if kept.declaration is not None:
                        await gateway.settle(kept.key, kept.declaration)
                    elif kept.said is not None:
                        await gateway.pass_on(kept.incident, kept.said)
                durable.remove(file)
            except (Refused, NoSuchIncident) as settled:
                _log.warning("%s is not handed over: %s", file.name, settled)
                durable.remove(file)
            except Unreachable:
                break  # Temporal is still away
            except Unanswered:
                continue  # it may have been heard; the next round finds out
            except (_Unreadable, Doubtful) as fault:
                _log.error("%s cannot be handed over and is put aside: %s", file, fault)
                file.rename(file.with_suffix(".put-aside"))
            except Exception as fault:  # noqa: BLE001  # it is raised again below
                faults.append(fault)
        if faults:
            raise faults[0]

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
        from activities.pages import order_for

        order = order_for(incident, page)
        try:
            paged = self._paging().page(order)
        except Exception as failure:  # noqa: BLE001  # whatever it was: say whom to call, and page the others
            why = failure.message if isinstance(failure, ApplicationError) else repr(failure)
            _log.warning("%s was not paged: %s", page.label, why)
            who = self._paging().who_would_be_paged(order)
            called = [f"could not page {n}, call {self._book.phone(p)}" for n, p in zip(who.names, who.people)]
            return "\n".join(called) or f"could not page {page.label} ({why})"
        lines = [f"paged {', '.join(paged.names) or page.label}"]
        lines += [f"could not page {n}, call {self._book.phone(p)}" for n, p in zip(paged.unpaged_names, paged.unpaged)]
        lines += [f"PagerDuty did not accept {'; '.join(paged.dropped)}."] if paged.dropped else []
        return "\n".join(lines)

    async def _keep(self, name: str, signed: Awaitable[Kept]) -> str:
        """Save it for the handing over. Why it could not be saved; empty when it was."""
        try:
            written = _kept().dump_json(await signed)
            write = functools.partial(durable.write, self._directory / f"{name}.json", written)
            await asyncio.wait_for(in_thread("saving", write), KEPT_WITHIN)
        except asyncio.TimeoutError:
            return f"the disk did not answer within {KEPT_WITHIN:g} s"
        except OSError as fault:
            return fault.strerror or str(fault)
        return ""


def _read(file: Path) -> Kept:
    """Raises _Unreadable, OSError."""
    try:
        return _kept().validate_json(file.read_bytes())
    except ValueError as fault:
        raise _Unreadable(str(fault)) from None
