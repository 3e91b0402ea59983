"""What is known: findings, facts, how severe it is (process, 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from incident import experts, leadership, pagerduty, paging, roll_call, sub_teams, wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Incident, SeverityChange
from incident.severity import Severity
from incident.texts import quoted
from incident.words import Words


@dataclass(frozen=True)
class _Told(Command):
    """A verb and a text that the room and the timeline get."""

    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.rest("the text"))

    def words(self) -> str:
        return f"{self.verb} {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return None if self.text.strip() else f"There is nothing in it. `!ic {self.usage}`"

    def pass_on(self, incident: Incident, speaker: Speaker, said: str, now: datetime) -> None:
        incident.log(self.verb, self.text, now, who=speaker.id)
        team = sub_teams.of(incident, speaker.id)
        if team is not None and team.leader != speaker.id:
            sub_teams.report(incident, team, speaker.name, self.text, now)
        else:
            incident.say(said, now)
        for task in incident.tasks.values():
            if task.person == speaker.id and task.done_at is None:
                task.spoke_at = now


@dataclass(frozen=True)
class Finding(_Told):
    verb: ClassVar[str] = "finding"
    for_another: ClassVar[bool] = True
    usage: ClassVar[str] = "finding TEXT"
    help: ClassVar[str] = "report what you found out"
    lines: ClassVar[frozenset[str]] = frozenset({"text"})

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.findings.append(self.text)
        service = experts.service_of(incident, self.text)
        primary = experts.speaks_for(incident, speaker.id, service)
        pointer = wording.primary_sme(incident, service, primary)
        said = f"{speaker.name} found: {quoted(self.text)}"
        said += ("\n" if len(self.text.splitlines()) > 1 else " — ") + pointer if pointer else ""
        self.pass_on(incident, speaker, said, now)
        if speaker.entered_by:
            roll_call.heard(incident, speaker.id, now)  # what was said on the bridge
        return Answer(f"reported to the room{wording.through(incident, service, primary)}")


@dataclass(frozen=True)
class Can(_Told):
    verb: ClassVar[str] = "can"
    usage: ClassVar[str] = "can CONDITIONS / ACTIONS / NEEDS"
    help: ClassVar[str] = "give a CAN report"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        """Incomplete, it is kept all the same, and its author reads what is missing."""
        told = [part.strip() for part in self._parts()]
        parts = ("conditions", "actions", "needs")
        said = "; ".join(f"{part}: {text}" for part, text in zip(parts, told) if text)
        self.pass_on(incident, speaker, f"CAN report of {speaker.name}: {said}", now)
        roll_call.heard(incident, speaker.id, now)
        missing = [part for part, text in zip(parts, [*told, "", ""]) if not text]
        if missing:
            return Answer(f"reported to the room, without {' and '.join(missing)}: `!ic {self.usage}`")
        return Answer("reported to the room")

    def _parts(self) -> list[str]:
        """At a slash with blanks around it, where there are two of these: `500/s` is one word."""
        parts = re.split(r"\s/\s", self.text)
        return parts if len(parts) == 3 else self.text.split("/", 2)


@dataclass(frozen=True)
class Symptom(_Told):
    verb: ClassVar[str] = "symptom"
    usage: ClassVar[str] = "symptom TEXT"
    help: ClassVar[str] = "add a symptom to what is known"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic finding …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.symptoms.append(self.text)
        self.pass_on(incident, speaker, f"Symptom: {self.text}", now)
        return Answer("kept; every summary is composed from it")


@dataclass(frozen=True)
class Cause(_Told):
    verb: ClassVar[str] = "cause"
    usage: ClassVar[str] = "cause TEXT"
    help: ClassVar[str] = "say what the cause is"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic finding …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.cause = self.text
        incident.facts.cause_at = incident.facts.cause_at or now
        self.pass_on(incident, speaker, f"Cause: {self.text}", now)
        return Answer("kept; every summary is composed from it")


@dataclass(frozen=True)
class Impact(_Told):
    verb: ClassVar[str] = "impact"
    usage: ClassVar[str] = "impact TEXT"
    help: ClassVar[str] = "say what customers feel"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic finding …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.impact = self.text
        incident.facts.impact_at = now
        self.pass_on(incident, speaker, f"Customer impact: {self.text}", now)
        return Answer("kept; every summary is composed from it")


@dataclass(frozen=True)
class Workaround(_Told):
    verb: ClassVar[str] = "workaround"
    usage: ClassVar[str] = "workaround TEXT"
    help: ClassVar[str] = "say what customers can do meanwhile"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic finding …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.workaround = self.text
        self.pass_on(incident, speaker, f"Workaround: {self.text}", now)
        return Answer("kept; every summary is composed from it")


@dataclass(frozen=True)
class Eta(_Told):
    verb: ClassVar[str] = "eta"
    usage: ClassVar[str] = "eta TEXT"
    help: ClassVar[str] = "say when recovery is expected"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `!ic finding …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.eta = self.text
        self.pass_on(incident, speaker, f"Expected: {self.text}", now)
        return Answer("kept; every summary is composed from it")


@dataclass(frozen=True)
class SetSeverity(Command):
    """Anyone raises while there is no IC; then others suggest. Only the IC lowers (process, 7)."""

    verb: ClassVar[str] = "sev"
    the_ics_too: ClassVar[bool] = True
    usage: ClassVar[str] = "sev N [why]"
    help: ClassVar[str] = "change the severity; from anybody but the IC a suggestion to the IC"

    severity: Severity
    why: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_severity(), words.maybe_rest())

    def words(self) -> str:
        return f"sev {self.severity.value[-1]} {self.why}".strip()

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.severity is incident.severity:
            return f"It is {incident.severity} already."
        if incident.commander is None and incident.severity.worse_than(self.severity):
            if (
                speaker.id == incident.declared_by
                and now - incident.declared_at <= incident.policy.command.anyone_after
            ):
                return None  # whoever declared it corrects what they said
            return "Only the IC lowers the severity, and nobody commands yet."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        why = f": {self.why}" if self.why else ""
        if incident.commander not in (None, speaker.id):
            incident.tell(
                incident.commander,
                f"{speaker.name} suggests {self.severity}{why}. `!ic sev {self.severity.value[-1]}` makes it so."
                f" {self.severity}: {incident.policy.means(self.severity)}",
                Choice(f"Make it {self.severity}", f"sev {self.severity.value[-1]}", "primary"),
            )
            incident.log("severity", f"{speaker.name} suggests {self.severity}{why}", now, who=speaker.id)
            return Answer(f"suggested to the IC, {incident.name(incident.commander)}")
        raised = self.severity.worse_than(incident.severity)
        incident.severity = self.severity
        incident.severities.append(SeverityChange(self.severity, now, speaker.id))
        incident.say(f"This is now a {self.severity}{why}.", now)
        incident.log("severity", f"{self.severity}{why}", now, who=speaker.id)
        leadership.set_topic(incident)
        pagerduty.severity_changed(incident)
        pagerduty.note(incident, f"{self.severity}{why} ({speaker.name})")
        if raised and self.severity.major and not incident.full:
            paging.page_commanders(incident, now)  # a light incident is a full one from here on
        return Answer(f"now {self.severity}")
