"""Slack's listener and the shell over the real domain, in memory: what somebody types, and what it changes outside.

Temporal, Slack and PagerDuty are left out so that hundreds of wordings take seconds; `test_wordings_in_slack.py` says some of
them to the emulators. Nothing here judges: it gathers what was paged, posted, begun and ended.
"""

from __future__ import annotations

import asyncio
import copy
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from activities.on_call_book import OnCallBook
from activities.pages import PageOrder
from activities.placeholders import Placeholders
from chat.inbox import Inbox, Received
from chat.listener import Answered, Listener
from chat.people import People
from chat.wire import Wire
from entrypoints.conversation import PROBLEMS, Conversation, Heard
from entrypoints.gateway import Listed
from entrypoints.problems import NoSuchIncident, Refused
from entrypoints.snapshots import CannotRead
from entrypoints.standby import Standby
from incident import declaring
from incident.commands import Command, Refusal, Said, hear, judge
from incident.effects import DeclareSeparately, OpenRoom, Uninvite
from incident.model import Answer, Incident, RepairState
from incident.paging import Paged
from incident.policy import Organisation
from incident.severity import Role, Severity
from tests.domain.conftest import Told

CHANNEL, GENERAL, SUPPORT = "C0ROOM", "C0GENERAL", "C0SUPPORT"
SLACK_IDS = {"gil": "U0GIL", "zoe": "U0ZOE", "pat": "U0PAT"}


class Gateway:
    """The incidents of the desk, as the gateway to Temporal shows them."""

    namespace = "default"

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.told: dict[str, Told] = {}
        self.keys: dict[str, str] = {}
        self.channels: dict[str, str] = {}

    async def list(self, *, everything: bool = False) -> list[Listed]:
        found = [
            Listed(
                i.id,
                i.title,
                i.severity,
                i.phase,
                i.commander or "",
                i.declared_at,
                i.ended_at,
                i.silent,
            )
            for i in (told.incident for told in self.told.values())
        ]
        return sorted(found, key=lambda one: one.declared_at, reverse=True)

    async def look(self, incident: str, *, live: bool = False) -> Incident:
        if incident not in self.told:
            raise NoSuchIncident(f"No incident {incident!r} is running.")
        return copy.deepcopy(self.told[incident].incident)

    async def incident_in(self, channel: str) -> str:
        return self.channels.get(channel, "")

    async def snapshot(self, incident: str, *, live: bool = False) -> SimpleNamespace:
        return SimpleNamespace(incident=await self.look(incident), saved_at=None)

    async def declared_under(self, key: str) -> str:
        return self.keys.get(key, "")

    async def declare(self, title: str, *, key: str = "", **more: Any) -> str:
        now = max([told.now for told in self.told.values()], default=datetime.now(UTC))
        declaration = declaring.draw_up(title, key=key, at=now, **more)
        self.told.setdefault(declaration.id, Told(declaring.declare(declaration, now), now))
        self.keys[key] = declaration.id
        return declaration.id

    async def say(self, incident: str, command: Command, *, by: str, **more: Any) -> Answer:
        told = self.told.get(incident)
        if told is None:
            raise NoSuchIncident(f"No incident {incident!r} is running.")
        said = Said(
            command,
            by,
            more.get("id", ""),
            more.get("door", ""),
            more.get("name", ""),
            told.now,
            on_behalf=more.get("on_behalf", ""),
        )
        try:
            judge(told.incident, said, told.now)
        except Refusal as refusal:
            raise Refused(str(refusal)) from None
        return hear(told.incident, said, told.now)

    async def report(self, incident: str, report: object) -> None:
        """What the outside says is of no matter here."""

    async def summary(self, incident: str) -> str:
        return "a summary"

    async def incident_of_team(self, letter: str) -> str:
        return ""


class Snapshots:
    """No database: the gateway is asked."""

    async def open(self) -> None:
        raise CannotRead("no database")

    async def find(self, incident: str) -> None:
        raise CannotRead(incident)

    def as_expected(self, *_: object) -> bool:
        return True


@dataclass
class Slack:
    """What the bot said to whom; the answers that its calls get."""

    rooms: dict[str, str] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    threads: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def chat_postEphemeral(self, **call: Any) -> dict[str, Any]:  # noqa: N802  # Slack's name
        self.said.append({"private": True, **call})
        return {"ok": True, "message_ts": f"9{len(self.said)}.0"}

    async def chat_postMessage(self, **call: Any) -> dict[str, Any]:  # noqa: N802  # Slack's name
        self.said.append({"private": str(call["channel"]).startswith("D"), **call})
        return {"ok": True, "ts": f"9{len(self.said)}.0"}

    async def chat_update(self, **call: Any) -> dict[str, Any]:
        return {"ok": True}

    async def views_open(self, **call: Any) -> dict[str, Any]:
        self.said.append({"form": call["view"], "private": True, "text": call["view"]["title"]["text"]})
        return {"ok": True}

    async def conversations_open(self, *, users: list[str]) -> dict[str, Any]:
        return {"channel": {"id": f"D{users[0]}"}}

    async def conversations_info(self, *, channel: str) -> dict[str, Any]:
        return {"channel": {"id": channel, "name": self.rooms.get(channel, "general")}}

    async def conversations_replies(self, *, channel: str, ts: str, **more: Any) -> dict[str, Any]:
        return {"messages": [self.threads[ts]] if ts in self.threads else []}

    async def conversations_history(self, *, channel: str, **more: Any) -> dict[str, Any]:
        return {"messages": [one for one in self.threads.values() if one.get("channel") == channel]}

    async def usergroups_users_list(self, *, usergroup: str) -> dict[str, Any]:
        return {"users": {"S0DB": ["U0SAM", "U0ANNE"]}.get(usergroup, [])}

    async def users_info(self, *, user: str) -> dict[str, Any]:
        names = {"U0GIL": "Gil Guestson", "U0ZOE": "Zoe Elsewhere", "U0PAT": "Pat Postson"}
        email = "pat@example.com" if user == "U0PAT" else ""
        return {"user": {"real_name": names.get(user, user), "team_id": "T0", "profile": {"email": email}}}

    async def auth_test(self) -> dict[str, Any]:
        return {"team_id": "T0", "user_id": "U0PANIC", "bot_id": "B0PANIC"}


@dataclass
class PagerDuty:
    """Who was paged straight from an entry point."""

    orders: list[PageOrder] = field(default_factory=list)

    def page(self, order: PageOrder) -> Paged:
        self.orders.append(order)
        return Paged(order.key, names=order.people or (order.escalation_policy,))


class Ears(Listener):
    """The listener, which also says whether what it heard was accepted."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.answers: list[Answered] = []

    async def _answered(self, received: Received) -> Answered:
        answered = await super()._answered(received)
        self.answers.append(answered)
        return answered


@dataclass
class Result:
    """`answers` are what only the author reads; `buttons` the words behind what was offered to them."""

    answers: list[str]
    buttons: list[str]
    labels: list[str]
    changes: list[str]
    accepted: bool


class Desk:
    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.gateway, self.slack, self.pagerduty = Gateway(organisation), Slack(), PagerDuty()
        state = Path(tempfile.mkdtemp(prefix="wordings-"))
        book, policy = OnCallBook(state / "book.json", organisation), organisation.policy()
        standby = Standby(
            lambda: self.pagerduty,  # type: ignore[arg-type,return-value]
            book,
            policy,
            state / "standby",
            practice=True,
        )

        async def connected() -> Any:
            return self.gateway

        def conversation(door: str) -> Conversation:
            return Conversation(
                connected,
                Snapshots(),  # type: ignore[arg-type]
                organisation,
                book,
                practice=True,
                door=door,
                standby=lambda: standby,
                present=lambda: organisation,
            )

        self.shell = conversation("cli")
        slack: Any = self.slack
        gateway: Any = self.gateway
        self.listener = Ears(
            slack,
            conversation("slack"),
            gateway,
            People(slack, organisation),
            Placeholders(organisation, book),
            policy,
            Inbox(state / "inbox"),
            Wire(organisation),
        )
        self.typed = 0

    def incident(self, **more: Any) -> Told:
        """An open incident, declared by Anne seven minutes before anybody types here; the first is that of the channel."""
        n = len(self.gateway.told)
        more = {"severity": Severity.SEV1, "title": "checkout is down", "minutes": 7, **more}
        at = datetime.now(UTC) - timedelta(minutes=more["minutes"])
        declaration = declaring.draw_up(
            more["title"],
            by="anne",
            by_name="Anne Apison",
            policy=self.organisation.policy(),
            practice=True,
            key=f"incident {n}",
            at=at,
            severity=more["severity"],
            service=more.get("service", ""),
            security=more.get("security", False),
        )
        told = Told(declaring.declare(declaration, at), at)
        if more["severity"].major:
            told.paged()
        self.gateway.told[declaration.id] = told
        channel = CHANNEL if n == 0 else f"{CHANNEL}{n}"
        self.slack.rooms[channel] = f"inc-{declaration.id}"
        self.gateway.channels[channel] = declaration.id
        return told

    # -- saying something -----------------------------------------------------------------------------

    async def say(self, who: str, where: str, text: str) -> Result:
        for told in self.gateway.told.values():
            told.now = datetime.now(UTC)
            told.incident.effects.clear()
            told.incident.outbox.clear()
        self.slack.said.clear()
        self.pagerduty.orders.clear()
        before = {id: _picture(told.incident) for id, told in self.gateway.told.items()}
        self.listener.answers.clear()
        accepted = False
        if where == "shell":
            accepted = await self._in_shell(who, text)
        elif where == "slash":
            await self._slash(who, text)
        else:
            await self._message(who, where, text)
        accepted = accepted or (bool(self.listener.answers) and all(one.accepted for one in self.listener.answers))
        changes = [
            change for id, told in self.gateway.told.items() for change in _changes(before.get(id), told.incident)
        ]
        changes += sorted({f"page {_whom(order)}" for order in self.pagerduty.orders})
        private = [one for one in self.slack.said if one["private"]]
        pressable = [element for one in private for element in _elements(one)]
        return Result(
            [str(one.get("text", "")) for one in private],
            [words_behind(element["value"]) for element in pressable],
            [element["text"]["text"] for element in pressable],
            _folded(changes),
            accepted,
        )

    def user(self, who: str) -> str:
        contact = self.organisation.contact(who)
        return SLACK_IDS.get(who) or (contact.slack if contact and contact.slack else who)

    async def _message(self, who: str, where: str, text: str) -> None:
        self.typed += 1
        user = self.user(who)
        event = {"user": user, "text": text, "ts": f"{1000 + self.typed}.0", "channel": CHANNEL, "type": "message"}
        match where:
            case "general":
                event["channel"] = GENERAL
            case "dm":
                event["channel"] = f"D{user}"
            case "thread":
                event["thread_ts"] = "1.0"
            case "bot":
                event["bot_id"] = "B0OTHER"
        await self.listener.message(event, {"event_id": f"Ev{self.typed}"})
        await self._settled()

    async def _slash(self, who: str, text: str) -> None:
        self.typed += 1

        async def ack(**answer: Any) -> None:
            if answer.get("text"):
                self.slack.said.append({"private": True, **answer})

        body = {"text": text, "channel_id": CHANNEL, "user_id": self.user(who), "trigger_id": f"t{self.typed}"}
        await self.listener.command(ack, body)  # type: ignore[arg-type]
        await self._settled()

    def values(self, words: str) -> list[str]:
        """The values of the buttons for `words` in what was just said privately."""
        shown = [element["value"] for one in self.slack.said if one["private"] for element in _elements(one)]
        return [value for value in shown if words_behind(value) == words]

    async def press(self, who: str, value: str, *, ts: str = "91.0", channel: str = CHANNEL) -> list[str]:
        """A button with that value, pressed; what they were told."""
        self.slack.said.clear()

        async def ack(**answer: Any) -> None:
            """Slack hears that it arrived."""

        body = {
            "user": {"id": self.user(who)},
            "channel": {"id": channel},
            "container": {"message_ts": ts},
            "trigger_id": "t0",
        }
        await self.listener.press(ack, body, {"value": value, "action_id": "choice-0"})  # type: ignore[arg-type]
        await self._settled()
        return [str(one.get("text", "")) for one in self.slack.said]

    async def _settled(self) -> None:
        while self.listener._under_way:
            await asyncio.gather(*self.listener._under_way, return_exceptions=True)

    async def _in_shell(self, who: str, text: str) -> bool:
        heard = Heard(text, who, self.organisation.policy().name(who), incident=next(iter(self.gateway.told), ""))
        try:
            outcome = await self.shell.act(heard)
        except PROBLEMS as problem:
            self.slack.said.append({"private": True, "text": str(problem)})
            return False
        self.slack.said.append({"private": True, "text": outcome.text})
        return True


def words_behind(value: str) -> str:
    """What a button's value stands for, without the mark of what it showed."""
    return re.sub(r" #[0-9a-f]{8}\b", "", value.split("|", 2)[2])


def _elements(said: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = said.get("blocks") or ()
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


def _whom(order: PageOrder) -> str:
    policies = {
        "PEPDB01": "team database",
        "PEPAPI1": "team api",
        "PEPSUP1": "team support",
        "PEPSEC1": "team security",
    }
    policies |= {"PEPIC1": "primary", "PEPIC2": "backup", "PEPICSH": "shadow"}
    return ", ".join(order.people) or policies.get(order.escalation_policy, order.escalation_policy)


Picture = dict[str, Any]


def _picture(incident: Incident) -> Picture:
    """What of an incident somebody's words may change."""
    policy = incident.policy
    return {
        "pages": {
            key: f"team {page.target}" if policy.team(page.target) else page.target
            for key, page in incident.pages.items()
        },
        "levels": {key: page.round for key, page in incident.pages.items()},
        "phase": incident.phase.value,
        "ic": incident.commander,
        "roles": {role.value: who for role, who in incident.roles.items() if role is not Role.COMMANDER},
        "offer": incident.handover.to if incident.handover else None,
        "challenge": incident.challenge.by if incident.challenge else None,
        "severity": incident.severity.value,
        "title": incident.title,
        "security": incident.silent,
        "tasks": {n: f"task @{t.person} {t.minutes}m {t.text}" for n, t in incident.tasks.items()},
        "acks": {n for n, t in incident.tasks.items() if t.understood_at},
        "done": {n: t.result for n, t in incident.tasks.items() if t.done_at},
        "more": {n: t.due_at for n, t in incident.tasks.items()},
        "repairs": {n: (r.state.value, r.owner, r.automated, r.extensions) for n, r in incident.repairs.items()},
        "aborts": {n for n, r in incident.repairs.items() if r.abort_asked},
        "polls": {n for n, r in incident.repairs.items() if r.polled_until},
        "titles": {n: r.title for n, r in incident.repairs.items()},
        "objections": {n: [o.why for o in r.objections] for n, r in incident.repairs.items()},
        "drafts": {n: d.state.value for n, d in incident.drafts.items()},
        "announcement": incident.announcement.value,
        "notes": [n.text for n in incident.notes],
        "todos": [n.text for n in incident.todos],
        "findings": list(incident.facts.findings),
        "facts": (incident.facts.cause, incident.facts.impact, incident.facts.eta),
        "customers": incident.facts.customers_reporting,
        "own words": incident.own_words,
        "summary": incident.summary_asked_at,
        "here": {r.person for r in incident.responders.values() if r.here},
        "removed": list(incident.removed),
        "triggers": {n: (t.text, t.decided_at, t.became) for n, t in incident.triggers.items()},
        "stalking": incident.stalking,
        "needs": list(incident.needs),
        "kinds": [(e.kind, e.text) for e in incident.timeline],
    }


def _changes(old: Picture | None, incident: Incident) -> list[str]:
    new = _picture(incident)
    found: list[str] = []
    if old is None:
        kept = "restricted " if new["security"] else ""
        service = f" service {incident.service}" if incident.service else ""
        title = "" if new["security"] else f" {incident.title}"
        found.append(f"declare {kept}{new['severity']}{title}{service}")
        old = {**new, "pages": {}, "phase": "open"}
    found += [f"page {who}" for key, who in new["pages"].items() if key not in old["pages"]]
    found += _ends(old, new, incident) + _work(old, new) + _told(old, new, incident)
    return found


def _ends(old: Picture, new: Picture, incident: Incident) -> list[str]:
    found = []
    if new["phase"] != old["phase"]:
        found.append(new["phase"])
    if new["ic"] != old["ic"]:
        found.append(f"IC {new['ic']}")
    if new["offer"] != old["offer"] and new["offer"]:
        found.append(f"offer command to {new['offer']}")
    if new["challenge"] != old["challenge"] and new["challenge"]:
        found.append(f"takeover by {new['challenge']}")
    found += [f"{role} {who}" for role, who in new["roles"].items() if old["roles"].get(role) != who]
    found += [f"{role} free" for role in old["roles"] if role not in new["roles"]]
    if new["severity"] != old["severity"]:
        found.append(new["severity"])
    if new["security"] != old["security"]:
        found.append("secured" if new["security"] else "lifted")
    found += [f"remove {who}" for who in new["removed"] if who not in old["removed"]]
    found += [f"join {who}" for who in sorted(new["here"] - old["here"])]
    found += [f"leave {who}" for who in sorted(old["here"] - new["here"]) if who not in new["removed"]]
    separate = [e for e in incident.effects.values() if isinstance(e, DeclareSeparately)]
    found += ["declare separately" for _ in separate]
    if new["stalking"] != old["stalking"]:
        found.append("stalk" if new["stalking"] else "unstalk")
    return found


def _work(old: Picture, new: Picture) -> list[str]:
    found = [text for n, text in new["tasks"].items() if n not in old["tasks"]]
    found += [
        f"ack {n}"
        for n in sorted(new["acks"] - old["acks"] - new["done"].keys())
        if new["more"][n] == old["more"].get(n)
    ]
    if new["phase"] == old["phase"]:  # an end closes every task
        found += [f"done {n} {text}".strip() for n, text in new["done"].items() if n not in old["done"]]
    for n, due in new["more"].items():
        if n in old["more"] and due != old["more"][n]:
            found.append(f"more {n}")
    for n, (state, owner, automated, extensions) in new["repairs"].items():
        if n not in old["repairs"]:
            found.append(f"propose {new['titles'][n]}")
            continue
        before = old["repairs"][n]
        if state != before[0]:
            by = f" @{owner}" if state == RepairState.APPROVED and owner else ""
            how = " by hand" if before[2] and not automated else ""
            found.append(f"repair {n} {state}{by}{how}")
        if extensions != before[3]:
            found.append(f"more {n}")
        found += [f"object {n} {why}" for why in new["objections"][n][len(old["objections"][n]) :]]
    found += [f"repair {n} aborting" for n in sorted(new["aborts"] - old["aborts"])]
    found += [f"poll {n}" for n in sorted(new["polls"] - old["polls"])]
    for n, state in new["drafts"].items():
        if old["drafts"].get(n) not in (None, state):
            found.append(f"message {n} {state}")
    return found


def _told(old: Picture, new: Picture, incident: Incident) -> list[str]:
    found = []
    for what in ("notes", "todos", "findings"):
        found += [f"{what[:-1]} {text}" for text in new[what][len(old[what]) :]]
    if new["announcement"] != old["announcement"]:
        found.append(f"announce {new['announcement']}")
    if new["facts"] != old["facts"]:
        found += [f"fact {text}" for text, before in zip(new["facts"], old["facts"]) if text != before]
    if new["customers"] != old["customers"]:
        found.append(f"customers {new['customers']}")
    if new["own words"] != old["own words"]:
        found.append(f"executives {new['own words']}")
    if new["summary"] != old["summary"]:
        found.append("summary sent")
    found += [f"trigger {text}" for n, (text, _, _) in new["triggers"].items() if n not in old["triggers"]]
    found += [f"need {team}" for team in new["needs"] if team not in old["needs"]]
    recorded = [entry for entry in new["kinds"][len(old["kinds"]) :] if entry not in old["kinds"]]
    found += [f"{kind} {text}" for kind, text in recorded if kind in ("did", "can")]
    found += [f"stop {text}" for kind, text in recorded if kind == "repair" and text.startswith("stop ")]
    found += [f"suggest {text}" for kind, text in recorded if kind == "severity" and "suggests" in text]
    found += ["brief" for line in incident.outbox if line.text.startswith("IC's update")]
    found += [
        f"uninvite {e.person}"
        for e in incident.effects.values()
        if isinstance(e, Uninvite) and e.person not in new["removed"]
    ]
    found += ["room" for e in incident.effects.values() if isinstance(e, OpenRoom) and old["phase"] != "open"]
    return found


def _folded(changes: list[str]) -> list[str]:
    """Primary and backup (and who shadows them) are one word: the ICs."""
    ics = {"page primary", "page backup"}
    if ics <= set(changes):
        changes = [c for c in changes if c not in ics | {"page shadow"}] + ["page ICs"]
    return sorted(changes)


State = Callable[[Desk], None]
