"""What every door does with words: declare, look something up, or say a command to the incident it belongs to.

What declares or says a command imports the vocabulary there: `ic` is a short-lived program, and most of it only looks.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from activities.on_call_book import OnCallBook, now
from entrypoints import contacts
from entrypoints.archive import Archive, Shown, Shows, look, readable
from entrypoints.contacts import Contacts, Outcome
from entrypoints.problems import (
    CannotSign,
    Doubtful,
    NoSuchIncident,
    Refused,
    Unanswered,
    Unreachable,
    reaching,
    sentence,
)
from entrypoints.snapshots import CannotRead, SnapshotReader
from incident import card, grammar, identity, proof, security, texts, wording
from incident.choices import Choice
from incident.exactly import Inexact
from incident.grammar import Entered, Meaning, Question, Unknown
from incident.model import Entry, Incident, Origin
from incident.opening import SECURITY_OR_NOT, Opening, corrections
from incident.opening import opening as opened
from incident.policy import Organisation, Policy
from incident.severity import Severity
from incident.words import Several, Unreadable

if TYPE_CHECKING:
    from entrypoints.gateway import Gateway, Listed
    from entrypoints.standby import Standby
    from incident.commands import Command
    from incident.commands.paging import PagePeople

READ_WITHIN = 10
LIVE = "--live"
"""Asks the server whether the incident has moved on from its snapshot, and waits for a newer one."""
LISTED_WITHIN = 10.0
PAGED_WITHIN = 3.0
LOOKED_UP_WITHIN = 2.0
PAGED_NOT_LATER_THAN = timedelta(hours=1)
"""Nobody is woken for what was typed longer ago and could not be delivered until now."""
PROBLEMS = (Unreadable, Refused, NoSuchIncident, Unreachable, Unanswered, Doubtful, CannotSign)
"""Each says in its text what is wrong and what to do."""


@dataclass(frozen=True)
class Heard:
    """Somebody's words, and where they were said. `incident` is the room's, or one that was named; else empty.

    `at` is when they were said, where that may be a while ago. `exact`: from a button or a form, which named what it does.
    `loose`: without the prefix as it should be; what ends or decides is asked then.
    """

    words: str
    by: str
    name: str
    id: str = ""
    incident: str = ""
    channel: str = ""
    thread: str = ""
    at: datetime | None = None
    exact: bool = False
    loose: bool = False


class Conversation:
    """`snapshots` is what is read, and `gateway` is asked for what they do not have.

    `shows` is asked before a security incident is read. `standby` is asked for when Temporal is away, or PagerDuty is asked for a status.
    """

    def __init__(
        self,
        gateway: Callable[[], Awaitable[Gateway]],
        snapshots: SnapshotReader,
        organisation: Organisation,
        book: OnCallBook,
        *,
        practice: bool,
        door: str,
        web_ui: str = "",
        standby: Callable[[], Standby] | None = None,
        archive: Archive | None = None,
        present: Callable[[], Organisation] | None = None,
        tells_who_was_paged: bool = False,
        shows: Shows | None = None,
    ) -> None:
        self._connect = gateway
        self._snapshots = snapshots
        self._organisation = organisation
        self._policy = organisation.policy()
        self._present = present
        self._tells_who_was_paged = tells_who_was_paged
        self._shows = shows or _told_by_slack
        self._contacts = Contacts(organisation, book)
        self._practice = practice
        self._door = door
        self._web_ui = web_ui
        self._standby = standby
        self._archive = archive
        self._triggers = asyncio.Lock()
        self._declared: tuple[str, float] = ("", 0.0)
        self._questions: dict[str, Callable[[Heard, str], Awaitable[Outcome]]] = {
            "status": self._status,
            "changes": self._changes,
            "show": self._show,
            "timeline": self._timeline,
            "summary": self._summary,
            "list": self._list,
            "help": self._help,
        }

    def _rules(self) -> Policy:
        """The organisation's rules as they stand now: an incident that begins, or reloads, follows these."""
        return self._policy if self._present is None else self._present().policy()

    async def answer(self, heard: Heard) -> str:
        """For doors that show text: whatever happens, a sentence."""
        try:
            return (await self.act(heard)).text
        except PROBLEMS as problem:
            return str(problem)

    async def act(self, heard: Heard) -> Outcome:
        """In the shell, where a question is a refusal that shows the line to type.

        Raises Unreadable, Refused, NoSuchIncident, Unreachable or Unanswered, each with what to do.
        """
        outcome = await self.understand(heard)
        if outcome.otherwise:  # nobody waits at a prompt for somebody to be woken
            instead = await self.act(replace(heard, words=outcome.otherwise, exact=True))
            return replace(instead, text=f"{outcome.text} Paging an incident commander instead.\n{instead.text}")
        lines = [outcome.text, *(f"{choice.label}: `!ic {choice.words}`" for choice in outcome.choices)]
        if outcome.asks:
            raise Refused("\n".join(lines))
        return replace(outcome, text="\n".join(lines))

    async def understand(self, heard: Heard) -> Outcome:
        """What was typed or pressed: done, or what has to be asked first. Raises as `act` does."""
        try:
            meant = grammar.read(heard.words, self._policy, exact=heard.exact)
        except Unknown as unknown:
            return await self._nearest(heard, unknown)
        except Several as several:
            return self._which(heard, several)
        return await self.carry_out(heard, meant)

    def decides(self, words: str) -> bool:
        """Whether something is ended, removed, revealed or decided by it, or asked about that."""
        from incident import confirming
        from incident.commands import Command

        try:
            meant = grammar.read(words, self._policy)
        except Unreadable:
            return False
        return isinstance(meant, Inexact) or (isinstance(meant, Command) and confirming.ends_or_decides(meant))

    async def _nearest(self, heard: Heard, unknown: Unknown) -> Outcome:
        """With a button, where the nearest command would be accepted. Raises Unknown."""
        from incident.commands import Command

        try:
            near = grammar.read(unknown.near, self._policy) if unknown.near else None
            if isinstance(near, Command | Inexact):
                outcome = await self._ask(heard, near)
                return replace(outcome, text=f"{unknown}\n{outcome.text}")
        except PROBLEMS as problem:
            if isinstance(problem, Refused):
                raise Refused(f"{unknown} {problem}") from None
        raise unknown

    def _which(self, heard: Heard, several: Several) -> Outcome:
        from incident.commands.paging import PagePeople

        choices = [Choice(f"Page {self._policy.name(who)}", PagePeople(whom=who).words()) for who in several.who]
        otherwise = PagePeople(reason=_behind_the_verb(heard.words), again=True).words()
        text = f"{several} Unanswered for 1 min, an incident commander is paged."
        return Outcome(text, None, tuple(choices), heard.incident, asks=True, otherwise=otherwise)

    async def carry_out(self, heard: Heard, meant: Meaning) -> Outcome:
        """What was meant, however it was gathered: the words of a line, or a form's fields. Raises as `act` does."""
        match meant:
            case Inexact():
                return await self._ask(heard, meant)
            case Question(about=about) if about in contacts.QUESTIONS:
                return self._contacts.answer(meant)
            case Question(about=about, rest=rest):
                with reaching():
                    return await self._questions[about](heard, rest)
            case Opening():
                return await self._declare(heard, meant)
            case Entered(command=command, person=person):
                with reaching():
                    return await self._say(heard, command, on_behalf=person)
        from incident import confirming
        from incident.commands.paging import PagePeople

        if isinstance(meant, PagePeople):
            return await self._page_somebody(heard, meant)
        if heard.loose and confirming.ends_or_decides(meant):
            return await self._ask(heard, meant)
        with reaching():
            return await self._say(heard, meant)

    async def _ask(self, heard: Heard, meant: Command | Inexact) -> Outcome:
        """What would happen and to whom, with a button that does it. Raises Refused where none of it may be done."""
        from incident import confirming
        from incident.choices import Notice
        from incident.commands import Refusal
        from incident.commands.base import sender

        with reaching():
            id = await self._meant(heard, decides=True)
            incident = await (await self._connect()).look(id)
        if incident.silent:
            await readable(incident, heard.by, self._shows)
        by = sender(incident, heard.by, heard.name)
        try:
            if isinstance(meant, Inexact):
                found = confirming.ask(incident, meant, by, now())
            else:
                found = confirming.ask_about(incident, meant, by, now())
        except Refusal as refusal:
            raise Refused(str(refusal)) from None
        if isinstance(found, Notice):
            return Outcome(found.text, choices=found.choices, incident=id, asks=True)
        with reaching():
            return await self._say(replace(heard, exact=True), found)

    async def _page_somebody(self, heard: Heard, command: PagePeople) -> Outcome:
        """By name, or an incident commander, who is always reached (process, 1)."""
        from incident.commands.paging import PagePeople
        from incident.names import RESPONDERS

        if RESPONDERS in command.targets and not command.confirmed:
            choices = (Choice("Page everyone on call", "page responders confirm", "danger"),)
            otherwise = PagePeople(reason=_behind_the_verb(heard.words), again=True).words()
            text = "That pages everyone on call. Unanswered for 1 min, an incident commander is paged."
            return Outcome(text, None, choices, heard.incident, asks=True, otherwise=otherwise)
        if command.targets or heard.incident:
            return await self._page(heard, command)
        wanted = opened(command.reason)
        if wanted.hinted:
            return await self._declare(heard, wanted)  # nothing of it may stand in another incident
        return await self.trigger(heard, Opening(command.reason), paged=command)

    async def trigger(
        self, heard: Heard, opening: Opening, *, source: str = "", url: str = "", paged: PagePeople | None = None
    ) -> Outcome:
        """One storm, one room (process, 1): while a major incident is open, it is a further trigger of that one.

        One after the other: a storm is many at the same moment. `heard.id` names the trigger once and for all.
        """
        async with self._triggers:
            try:
                with reaching():
                    storm = await self._open_major(heard.id)
            except Unreachable:
                storm = ""  # declaring pages without Temporal, too
            if storm:
                from incident import confirming
                from incident.commands.triggering import Further

                further = Further(opening.title or "somebody pages an IC", source, url, paged is not None)
                if paged is None:
                    return await self._say(replace(heard, incident=storm), further)
                with reaching():
                    before = await (await self._connect()).look(storm)
                outcome = await self._say(replace(heard, incident=storm), further)
                choices = confirming.after_trigger(before, paged, outcome.data["number"], now())
                return replace(outcome, choices=choices, incident=storm)
            outcome = await self._declare(heard, opening)
            self._declared = (outcome.data["incident"], time.monotonic())
            return outcome

    async def _open_major(self, trigger: str) -> str:
        """The newest open major incident, if there is one the newest without an IC; empty when there is none, or when this
        very trigger declared it."""
        gateway = await self._connect()
        if trigger and await gateway.declared_under(trigger):
            return ""
        id, at = self._declared
        if id and time.monotonic() - at < LISTED_WITHIN:
            return id  # the list may not show it yet
        majors = [one for one in await gateway.list() if one.major]
        newest = sorted(majors, key=lambda one: (not one.commander, one.declared_at), reverse=True)
        return newest[0].id if newest else ""

    async def _declare(self, heard: Heard, opening: Opening) -> Outcome:
        _refuse_late(heard, "declare", PAGED_NOT_LATER_THAN)
        asked: dict[str, Any] = {
            "by": heard.by,
            "by_name": heard.name,
            "policy": self._rules(),
            "practice": self._practice,
            "severity": opening.severity,
            "service": opening.service,
            "security": opening.security,
            "origin": Origin(self._door, heard.channel, heard.thread),
            "key": heard.id or str(uuid.uuid4()),
        }
        gateway = await self._connect()
        try:
            with reaching():
                id = await gateway.declare(opening.title, **asked)
        except (Unreachable, Doubtful) as problem:
            if self._standby is None:
                raise
            from incident import declaring

            declaration = declaring.draw_up(opening.title, at=now(), **asked)
            if isinstance(problem, Doubtful):
                text = await self._standby().declare_in_doubt(declaration, str(problem))
            else:
                text = await self._standby().declare(declaration, asked["key"])
            return Outcome(text, {"incident": declaration.id, "room": identity.room_name(declaration.id)})
        data = {"incident": id, "room": identity.room_name(id)}
        taken = self._taken(id, asked["key"])
        if opening.security:
            return self._declared_in_private(id, opening, data, taken)
        severity = opening.severity or Severity.SEV2
        title = wording.shorten(opening.title, 100) or "something is badly broken"
        if self._tells_who_was_paged:
            lines = [f"Declared: incident {id}, {severity}: {title}. Room #inc-{id}.", *await self._paged(id)]
        else:
            lines = [
                f"Declared: incident {id}, {severity}: {title}. People are being paged; who was paged is said here and in"
                f" #inc-{id}."
            ]
        lines += taken
        if others := await self._open_as_well(id):
            lines.append(
                f"Open as well: {others}. Is it the same trouble? `!ic further …` there, and `!ic cancel` here."
            )
        if history := identity.history_url(self._web_ui, gateway.namespace, identity.workflow_id(id)):
            lines.append(history)
        choices = corrections(severity, opening.milder)
        return Outcome("\n".join(lines), data, choices, id)

    @staticmethod
    def _declared_in_private(id: str, opening: Opening, data: dict[str, str], taken: list[str]) -> Outcome:
        """Its author reads that it is restricted; where only the words sound like it, they are asked."""
        text = f"Declared: security incident {id}, in a private room. Delete your message if it says what is wrong."
        if not opening.hinted:
            return Outcome("\n".join((text, *taken)), data)
        text = (
            f"Declared: incident {id}. It sounds like security, so people were paged with neutral words and it goes on in a"
            " private room. Is it a security incident? Delete your message if it says what is wrong."
        )
        return Outcome("\n".join((text, *taken)), data, SECURITY_OR_NOT, id)

    @staticmethod
    def _taken(id: str, key: str) -> list[str]:
        """What to say when something else has the id that the incident would have had."""
        usual = identity.incident_id(key)
        if id == usual:
            return []
        workflow = identity.workflow_id(usual)
        return [
            f"Its id is longer than usual because another workflow is called {workflow}. Find out who started that."
        ]

    async def _open_as_well(self, incident: str) -> str:
        """The other major incidents, at most three: who declares by hand may not know of them."""
        try:
            known = await self._listed()
        except Unreachable:
            return ""
        found = [one for one in known if one.major and one.id != incident]
        return ", ".join(f"{one.id} ({one.severity} {wording.shorten(one.title, 60)})" for one in found[:3])

    async def _paged(self, incident: str) -> list[str]:
        """A line per person, where it was typed (process, 1). Nobody waits long for it: the pages are on their way."""
        ends, gateway = time.monotonic() + PAGED_WITHIN, await self._connect()
        try:
            async with asyncio.timeout(PAGED_WITHIN):
                while time.monotonic() < ends:
                    pages = list((await gateway.look(incident)).pages.values())
                    if all(page.paged_at is not None or page.failing for page in pages):
                        return wording.pages_lines(pages)
                    await asyncio.sleep(0.1)
        except (TimeoutError, NoSuchIncident, Unreachable):
            pass
        return ["People are being paged; `!ic show` tells who was reached."]

    async def _page(self, heard: Heard, command: PagePeople) -> Outcome:
        """With or without an incident, from anywhere (process, 1), and without Temporal."""
        _refuse_late(heard, command.words(), PAGED_NOT_LATER_THAN)
        try:
            with reaching():
                incident = await self._open(heard.incident) or await self._only_open(heard)
                if incident:
                    return await self._page_in(replace(heard, incident=incident), command)
        except Unreachable:
            if self._standby is None:
                raise
            incident = heard.incident
        if self._standby is None:
            raise NoSuchIncident("No incident is open. `!ic declare …` begins one.")
        if (why := command.refuse_whom(self._policy)) is not None:
            raise Refused(why)
        from incident.commands import Said

        id = heard.id or str(uuid.uuid4())
        text = await self._standby().page(
            incident, Said(command, heard.by, id, self._door, heard.name, heard.at or now())
        )
        return Outcome(text, {"incident": incident, "text": text})

    async def _page_in(self, heard: Heard, command: PagePeople) -> Outcome:
        from incident import confirming

        if command.targets or command.again:
            return await self._say(heard, command)
        try:
            before = await (await self._connect()).look(heard.incident)
        except (NoSuchIncident, Unreachable):
            return await self._say(heard, command)
        outcome = await self._say(heard, command)
        choices = confirming.after_page(before, command, now())
        return replace(outcome, choices=choices, incident=heard.incident)

    async def _listed(self) -> list[Listed]:
        return await (await self._connect()).list()

    async def _open(self, incident: str) -> str:
        """The same while it is open: in the channel of a past one, `page` has to page too."""
        try:
            return incident if incident and (await (await self._connect()).look(incident)).open else ""
        except NoSuchIncident:
            return ""

    async def _only_open(self, heard: Heard) -> str:
        """The one open incident that they may know of; empty when there is none, or several and none is meant."""
        known, _ = await self._readable(heard, await self._listed())
        running = [one for one in known if one.open]
        return running[0].id if len(running) == 1 else ""

    async def _say(self, heard: Heard, command: Command, *, on_behalf: str = "") -> Outcome:
        from incident.commands import Who
        from incident.commands.base import may_decide
        from incident.commands.ending import Reload
        from incident.confirming import leaves_something_open

        if may_decide(command):
            _refuse_late(heard, command.words(), proof.FRESH)
        if isinstance(command, Reload):
            command = Reload(self._rules())
        incident = await self._meant(heard, decides=command.who is Who.COMMANDER)
        if not heard.exact and not on_behalf and leaves_something_open(command):
            settled = await self._settled(heard, incident, command)
            if isinstance(settled, Outcome):
                return settled
            command = settled
        gateway = await self._connect()
        await self._refuse_a_second_command(heard, command, incident)
        if command.of_shown and not self._practice:
            command = command.bound(await gateway.look(incident))
        answer = await gateway.say(
            incident,
            command,
            by=heard.by,
            name=heard.name,
            door=self._door,
            id=heard.id,
            at=heard.at,
            on_behalf=on_behalf,
        )
        return Outcome(answer.text, {"incident": incident, "text": texts.plain(answer.text), "number": answer.number})

    async def _settled(self, heard: Heard, id: str, command: Command) -> Command | Outcome:
        """Which number, for whom, how long: answered by how the incident stands, or asked."""
        from incident import confirming
        from incident.choices import Notice
        from incident.commands.base import sender
        from incident.commands.deciding import Abort
        from incident.commands.reporting import Stop

        incident = await (await self._connect()).look(id)
        settled = confirming.settle(incident, command, sender(incident, heard.by, heard.name), now())
        if not isinstance(settled, Notice):
            return settled
        if isinstance(command, Abort):  # meanwhile nobody goes on for want of an answer
            stop = Stop(None, "abort")
            await (await self._connect()).say(
                id, stop, by=heard.by, name=heard.name, door=self._door, id=f"{heard.id}/stop", at=heard.at
            )
        return Outcome(settled.text, choices=settled.choices, incident=id, asks=True)

    async def _refuse_a_second_command(self, heard: Heard, command: Command, incident: str) -> None:
        """Nobody commands two incidents without a clear yes (process, 2). What cannot be read holds nobody up."""
        from incident.commands.leading import Accept, TakeCommand

        if not isinstance(command, TakeCommand | Accept) or command.also:
            return
        person = self._policy.known(heard.by)
        by = person.id if person else heard.by
        commanded: list[Incident] = []
        with suppress(CannotRead, TimeoutError):
            async with asyncio.timeout(LOOKED_UP_WITHIN):
                saved = [snapshot.incident for snapshot in await self._snapshots.open()]
                commanded = [one for one in saved if one.open and one.commander == by and one.id != incident]
        if commanded:
            one = commanded[0]
            raise Refused(
                f"You're the IC of {one.id} ({one.severity} {wording.shorten(one.title, 60)}). Hand over there first:"
                f" `!ic handover @USER`. To command both, `!ic {command.words()} --also`."
            )

    async def _meant(self, heard: Heard, *, decides: bool) -> str:
        """Outside of a room a command names its incident, unless only one is open and it decides nothing (process, 7)."""
        if heard.incident:
            return heard.incident
        known, _ = await self._readable(heard, await self._listed())
        running = [one for one in known if one.open] or known
        if not running:
            raise NoSuchIncident("No incident is open. `!ic declare …` begins one.")
        ids = ", ".join(listed.id for listed in running)
        if len(running) > 1:
            raise Refused(f"Several incidents are open: {ids}. Say which: in its room, or with `--incident ID`.")
        if decides:
            raise Refused(
                f"That decides something, so name its incident: `--incident {ids}` (or IC_INCIDENT), or its room."
            )
        return running[0].id

    # -- questions ------------------------------------------------------------------------------------

    async def _status(self, heard: Heard, rest: str) -> Outcome:
        import aiohttp  # only here: `ic` is a short-lived program, and this is half a second of imports

        from activities.monitoring import Monitoring

        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(READ_WITHIN)) as http:
            impacted = self._standby().impacted if self._standby else None
            status = await Monitoring(http, impacted, rules=lambda: self._organisation).read()
        lines = [f"Status: {wording.status(status)}."]
        try:
            known, problems = await self._readable(heard, await self._listed())
            lines += [f"{i.id}: {i.title}, {i.status}, IC {self._policy.name(i.commander or None)}" for i in known]
            lines += problems
        except Unreachable as problem:
            lines.append(str(problem))
        return Outcome("\n".join(lines), status)

    async def _changes(self, heard: Heard, rest: str) -> Outcome:
        """Read at once; where an incident is meant, its card shows what was read."""
        import aiohttp  # only here, as above

        from activities.monitoring import Monitoring, ReadChanges

        rules = self._organisation.changes
        if not rules.sources:
            raise Unreadable("No source of changes is configured (`!ic changes.sources` in the organisation's file).")
        since = now() - rules.within
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(READ_WITHIN)) as http:
            found = await Monitoring(http, rules=lambda: self._organisation).read_changes(ReadChanges(rules, since))
        if heard.incident:
            from incident.reports import ChangesRead, Report

            key = f"changes/{found.at:%m%dT%H%M%S%f}"
            gateway = await self._connect()
            await gateway.report(heard.incident, Report(f"door/{self._door}", key, ChangesRead(found)))
        return Outcome("\n".join(["Changed lately:", *wording.changed_lately(found, since)]), found)

    async def _show(self, heard: Heard, rest: str) -> Outcome:
        found = await self._read(heard, rest)
        text = card.unmarked(found.incident)
        if found.saved_at is not None:
            text += f"\nLast change: {found.saved_at:%H:%M:%S} UTC"
        return Outcome(text, found)

    async def _timeline(self, heard: Heard, rest: str) -> Outcome:
        entries = sorted((await self._read(heard, rest)).incident.timeline, key=lambda entry: entry.at)
        return Outcome("\n".join(self.timeline_line(entry) for entry in entries), entries)

    async def _read(self, heard: Heard, rest: str) -> Shown:
        """Running or over. In its own room everybody may read it: a security incident's is private."""
        words = rest.split()
        live = LIVE in words
        id = " ".join(word for word in words if word != LIVE) or heard.incident or await self._meant_to_read(heard)
        found = await self._look(id, live=live)
        incident = found.incident
        in_its_room = incident.room is not None and heard.channel == incident.room.channel
        if not in_its_room:
            await readable(incident, heard.by, self._shows)
        return found

    async def _meant_to_read(self, heard: Heard) -> str:
        """The only incident that is open, by its snapshot; else whichever one is meant."""
        with suppress(CannotRead):
            saved = await self._snapshots.open()
            if len(saved) == 1 and await self._may_read(heard, saved[0].incident):
                return saved[0].incident.id
        return await self._meant(heard, decides=False)

    async def _look(self, id: str, *, live: bool) -> Shown:
        """As last saved; `live`: once it holds all that has happened. Raises NoSuchIncident, Unreachable."""
        if not live:
            with suppress(CannotRead):
                if (saved := await self._snapshots.find(id)) is not None and self._snapshots.as_expected(id, saved):
                    return Shown(saved.incident, saved.saved_at)
        return await look(await self._connect(), self._archive, id, live=live)

    def timeline_line(self, entry: Entry) -> str:
        name = self._policy.name(entry.who) if entry.who else ""
        who = "" if name in entry.text else f"{name}: "
        head = f"{entry.at:%H:%M:%S} UTC  {entry.kind:<12} "
        return head + f"{who}{entry.shown}".replace("\n", "\n" + " " * (len(head) - 2) + "> ")

    async def _summary(self, heard: Heard, rest: str) -> Outcome:
        incident = (await self._read(heard, rest)).incident
        text = wording.executive_summary(wording.picture(incident), now())
        return Outcome(text, {"summary": text})

    async def _list(self, heard: Heard, rest: str) -> Outcome:
        if "all" not in rest:
            known, problems = await self._readable(heard, await self._listed())
            found = [one for one in known if one.open]
            lines = [*(map(self._line, found) if found else ["No incident is open."]), *problems]
            return Outcome("\n".join(lines), found)
        known, problem = await self._everything()
        found, problems = await self._readable(heard, known)
        lines = [*map(self._line, found), *problems, *([problem] if problem else [])]
        return Outcome("\n".join(lines) or "There has been no incident yet.", found)

    async def _everything(self) -> tuple[list[Listed], str]:
        """The running ones, then the records, then what the server still knows and no record tells of; each once."""
        problem = ""
        try:
            with reaching():
                gateway = await self._connect()
                running, known = await gateway.list(), await gateway.list(everything=True)
        except Unreachable as unreachable:
            if self._archive is None:
                raise
            running, known, problem = [], [], str(unreachable)
        records: list[Listed] = []
        try:
            records = await self._archive.listed() if self._archive is not None else []
        except Unreachable as unreachable:
            if problem:
                raise
            problem = str(unreachable)
        found: dict[str, Listed] = {}
        for listed in (*running, *records, *known):
            found.setdefault(listed.id, listed)
        return list(found.values()), problem

    async def _readable(self, heard: Heard, found: list[Listed]) -> tuple[list[Listed], list[str]]:
        """A security incident is listed for those who are in it; and what is wrong with those that cannot be looked at.

        Of those nobody knows who is in them. They do not keep the others from being listed, or spoken to.
        """
        secret = [one for one in found if one.secret]
        looked = await asyncio.gather(*(self._secret(heard, one) for one in secret))
        hidden = {one.id for one, problem in zip(secret, looked) if problem is not None}
        problems = dict.fromkeys(problem for problem in looked if problem)
        return [one for one in found if one.id not in hidden], list(problems)

    async def _secret(self, heard: Heard, listed: Listed) -> str | None:
        """None for somebody who may read it, empty for somebody who may not; else what is wrong."""
        try:
            incident = (await look(await self._connect(), self._archive, listed.id)).incident
        except Exception as fault:  # noqa: BLE001  # whatever is wrong with one incident is no matter of the others
            why = str(fault) if isinstance(fault, PROBLEMS) else sentence(fault)
            return f"A security incident is left out, because nobody can tell who may read it. {why}"
        return None if await self._may_read(heard, incident) else ""

    async def _may_read(self, heard: Heard, incident: Incident) -> bool:
        """Nobody is asked for a passphrase because a security incident is open: where it matters, they are."""
        return security.may_read(incident, heard.by) and (not incident.silent or await self._shows(needed=False))

    def _line(self, listed: Listed) -> str:
        commander = f"  IC: {self._policy.name(listed.commander)}" if listed.commander else ""
        since = f"{wording.minutes(now() - listed.declared_at)} ago"
        if listed.ended_at is not None:
            since = f"{listed.declared_at:%Y-%m-%d}, {wording.minutes(listed.ended_at - listed.declared_at)}"
        return f"{listed.id}  {listed.severity}  {listed.title}  {listed.status}{commander}  {since}"

    async def _help(self, heard: Heard, rest: str) -> Outcome:
        lines = grammar.usage_lines()
        data = [{"usage": usage, "help": text, "who": who} for usage, text, who in lines]
        return Outcome(grammar.help_text(rest, self._policy), data)


async def _told_by_slack(*, needed: bool) -> bool:
    """Who speaks in Slack has shown it to Slack."""
    return True


def _behind_the_verb(words: str) -> str:
    return words.split(maxsplit=1)[1] if len(words.split(maxsplit=1)) > 1 else ""


def _refuse_late(heard: Heard, words: str, limit: timedelta) -> None:
    """Raises Refused for what was said so long ago that its author may not mean it any more."""
    if heard.at is not None and now() - heard.at > limit:
        raise Refused(
            f"`!ic {words}`, said at {heard.at:%H:%M} UTC, was not delivered in time. If it is still meant, say it again."
        )
