"""Repair actions are proposed by anyone, from the catalogue or in their own words (process, 4)."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from incident import experts, wording
from incident.commands.base import Command, Speaker
from incident.commands.of_repair import OfRepair
from incident.effects import RunChecks
from incident.model import Answer, Incident, Offer, Repair, RepairState, Trouble
from incident.repairs import digest, propose, propose_entry, services, settle
from incident.words import Unreadable, Words

_RISK = re.compile(r"(?<!\s)\s*\brisk:\s*(low|high)\b", re.IGNORECASE)
_FALLBACK = re.compile(r"(?<!\s)\s*\bfallback:\s*(.*)$", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r"(?<![a-z0-9_-])([a-z][a-z0-9_-]*)=(\S+)")


@dataclass(frozen=True)
class Propose(Command):
    """`entry` names one of the catalogue, `parameters` fill it; without an entry, `text` says it in own words."""

    verb: ClassVar[str] = "propose"
    usage: ClassVar[str] = "propose ENTRY [NAME=VALUE …] | propose WHAT [risk: low|high] [fallback: WHAT]"
    help: ClassVar[str] = "propose a repair action, from the catalogue or in your own words"

    entry: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    text: str = ""
    risk: str = ""
    fallback: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        text = words.rest("what to do")
        fallback = risk = ""
        if match := _FALLBACK.search(text):
            fallback, text = match[1].strip(), text[: match.start()]
        if match := _RISK.search(text):
            risk, text = match[1].lower(), text[: match.start()] + text[match.end() :]
        head, *rest = text.split() or [""]
        pairs = [_PARAMETER.fullmatch(word) for word in rest]
        if head in words.known and all(pairs):
            return cls(head, {m[1]: m[2] for m in pairs if m}, "", risk, fallback)
        if head in words.known and pairs and pairs[0]:
            wrong = next(word for word, pair in zip(rest, pairs) if not pair)
            raise Unreadable(f"{wrong!r} is not NAME=VALUE.")
        if not text.strip():
            raise Unreadable("what to do is missing.")
        return cls("", {}, text.strip(), risk, fallback)

    def words(self) -> str:
        pairs = [f"{name}={value}" for name, value in self.parameters.items()]
        risk = f"risk: {self.risk}" if self.risk else ""
        fallback = f"fallback: {self.fallback}" if self.fallback else ""
        return " ".join(w for w in ("propose", self.entry, *pairs, self.text, risk, fallback) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.risk not in ("", "low", "high"):
            return "The risk is low or high."
        if not self.entry:
            return self._mistyped(incident) if self.text.strip() else f"Say what to do: `!ic {self.usage}`"
        entry = incident.policy.entry(self.entry)
        if entry is None:
            known = ", ".join(e.id for e in incident.policy.catalogue) or "none"
            return f"The catalogue has no {self.entry!r}. It has: {known}."
        unknown = [name for name in self.parameters if name not in entry.parameters]
        filled = {**entry.filled(self.parameters, incident.service), **dict.fromkeys(unknown, "")}
        return entry.refuse(filled, services(incident))

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        entry = incident.policy.entry(self.entry) if self.entry else None
        if entry is None:
            repair = propose(incident, self._own_words(incident, speaker, now), now)
        else:
            repair = propose_entry(
                incident, entry, self.parameters, "apply", speaker.id, now, risk=self.risk, fallback=self.fallback
            )
        through = wording.through(incident, *experts.of_repair(incident, repair))
        return Answer(f"proposed as {repair.number}; nothing runs before the IC approves it{through}", repair.number)

    def _mistyped(self, incident: Incident) -> str | None:
        """Nearly the name of an entry, with parameters behind it, is not meant as words of one's own."""
        first, *rest = self.text.split()
        near = difflib.get_close_matches(first, [entry.id for entry in incident.policy.catalogue], n=1, cutoff=0.6)
        if not near or not any(_PARAMETER.fullmatch(word) for word in rest):
            return None
        return f"The catalogue has no {first!r}. Did you mean `!ic propose {' '.join((near[0], *rest))}`?"

    def _own_words(self, incident: Incident, speaker: Speaker, now: datetime) -> Repair:
        return Repair(
            number=incident.next_number(),
            title=self.text,
            risk=self.risk or "high",
            proposed_by=speaker.id,
            proposed_at=now,
            digest=digest(None, {}, self.text),
            fallback=self.fallback,
            instructions=self.text,
        )


@dataclass(frozen=True)
class NameTrouble(Command):
    """The catalogue's entries for it are offered, with the answers of their checks, which only read (process, 4)."""

    verb: ClassVar[str] = "trouble"
    usage: ClassVar[str] = "trouble WHAT"
    help: ClassVar[str] = "say which trouble it is; what the catalogue has for it is offered, checked"

    name: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("the trouble"))

    def words(self) -> str:
        return f"trouble {self.name}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self._meant(incident):
            return None
        known = list(dict.fromkeys(entry.trouble for entry in incident.policy.catalogue))
        near = difflib.get_close_matches(self.name.lower(), [t.lower() for t in known], n=1, cutoff=0.5)
        hint = f" Did you mean `!ic trouble {near[0]}`?" if near else ""
        return f"The catalogue knows no {self.name!r}.{hint} It knows: {', '.join(known) or 'no trouble'}."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        name = self._meant(incident)
        number = incident.next_number()
        trouble = Trouble(number, name, speaker.id, now)
        for entry in (e for e in incident.policy.catalogue if e.trouble == name):
            filled = entry.filled({}, incident.service)
            missing = entry.refuse(filled, services(incident)) is not None
            checked = entry.automates("check") and entry.refuse(filled, services(incident), "check") is None
            trouble.offers.append(Offer(entry.id, entry.title, entry.risk, filled, missing, checked))
        incident.troubles[number] = trouble
        incident.say(wording.trouble(incident, trouble), now, about=f"trouble/{number}")
        incident.log("trouble", name, now, who=speaker.id)
        incident.want(RunChecks(f"trouble/{number}/checks", number))
        return Answer(wording.trouble(incident, trouble), number)

    def _meant(self, incident: Incident) -> str:
        """The trouble by its name, or by a part of it that only one has; empty when there is none."""
        wanted = self.name.strip().lower()
        known = list(dict.fromkeys(entry.trouble for entry in incident.policy.catalogue))
        exact = [trouble for trouble in known if trouble.lower() == wanted]
        part = [trouble for trouble in known if wanted and wanted in trouble.lower()]
        found = exact or part
        return found[0] if len(found) == 1 else ""


@dataclass(frozen=True)
class Withdraw(OfRepair):
    verb: ClassVar[str] = "withdraw"
    usage: ClassVar[str] = "withdraw N"
    help: ClassVar[str] = "take your proposal back"

    def refuse_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> str | None:
        if not repair.state.awaits_approval:
            return f"Repair {repair.number} is {repair.state}. `!ic stop {repair.number} why` reaches the IC at once."
        if speaker.id not in (repair.proposed_by, incident.commander):
            return f"{incident.name(repair.proposed_by)} proposed it. Object with `!ic object {repair.number} why`."
        return None

    def apply_repair(self, incident: Incident, repair: Repair, speaker: Speaker, now: datetime) -> Answer:
        settle(incident, repair, RepairState.WITHDRAWN, now, speaker.id)
        incident.say(f"{speaker.name} withdraws {wording.repair_line(repair)}.", now)
        incident.log("repair", f"{repair.number} withdrawn", now, who=speaker.id)
        return Answer(f"{repair.number} is withdrawn")
