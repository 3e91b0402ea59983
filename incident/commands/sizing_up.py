"""Check in, report, assign, ask (process, 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from incident import leadership, paging, sub_teams, wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Incident, Repair, RepairState, SeverityChange
from incident.model import Task as Assigned
from incident.people import find
from incident.repairs import report_repair, start_manual
from incident.severity import Role, Severity
from incident.words import Words, duration_words

ASKED_FOR = 5


@dataclass(frozen=True)
class Join(Command):
    verb: ClassVar[str] = "join"
    usage: ClassVar[str] = "join [as WHAT]"
    help: ClassVar[str] = "check in, with what you are expert in"

    expert_in: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_rest().removeprefix("as ").strip())

    def words(self) -> str:
        return f"join as {self.expert_in}" if self.expert_in else "join"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        before = incident.responders.get(speaker.id)
        if before is not None and before.here:
            before.expert_in = self.expert_in or before.expert_in
            return Answer("you are checked in already")
        expert = f", expert in {self.expert_in}" if self.expert_in else ""
        incident.say(f"{speaker.name} joined{expert}.", now)
        incident.log("join", f"{speaker.name} joined{expert}", now, who=speaker.id)
        leadership.check_in(incident, speaker.id, speaker.name, self.expert_in, now)
        incident.invite(speaker.id)
        incident.tell(speaker.id, wording.where_we_are(incident, now))
        for team in [t for t in incident.policy.teams if t.id in incident.needs and speaker.id in t.members]:
            incident.needs.remove(team.id)
        return Answer(wording.where_we_are(incident, now))


@dataclass(frozen=True)
class Leave(Command):
    verb: ClassVar[str] = "leave"
    usage: ClassVar[str] = "leave"
    help: ClassVar[str] = "check out; the roles you hold become free"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if incident.commander == speaker.id:
            return "The IC cannot leave without handing over: `handover @somebody`."
        responder = incident.responders.get(speaker.id)
        return None if responder and responder.here else "You have not checked in. `join` does that."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.responders[speaker.id].left_at = now
        open_tasks = [str(t.number) for t in incident.tasks.values() if t.person == speaker.id and t.done_at is None]
        left = f" Tasks left: {', '.join(open_tasks)}." if open_tasks else ""
        incident.say(f"{speaker.name} left.{left}", now)
        incident.log("leave", f"{speaker.name} left", now, who=speaker.id)
        leadership.vacate(incident, speaker.id, now)
        return Answer("thank you; you are checked out")


@dataclass(frozen=True)
class Proxy(Command):
    verb: ClassVar[str] = "proxy"
    usage: ClassVar[str] = "proxy @USER"
    help: ClassVar[str] = "name who speaks for you where you cannot be, in the call or in the chat"

    person: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_person("your proxy"))

    def words(self) -> str:
        return f"proxy @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        person = find(incident, self.person)
        if person is None:
            return f"I know nobody called {self.person!r}."
        return "Name somebody else." if person == speaker.id else None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.person)
        leadership.check_in(incident, speaker.id, speaker.name, "", now)
        incident.responders[speaker.id].proxy = person
        incident.say(f"{incident.name(person)} speaks for {speaker.name}.", now)
        incident.log("proxy", f"{incident.name(person)} speaks for {speaker.name}", now, who=speaker.id)
        return Answer(f"{incident.name(person)} speaks for you")


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
        return None if self.text.strip() else f"There is nothing in it. `{self.usage}`"

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

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.findings.append(self.text)
        self.pass_on(incident, speaker, f"{speaker.name} found: {self.text}", now)
        return Answer("reported to the room")


@dataclass(frozen=True)
class Can(_Told):
    verb: ClassVar[str] = "can"
    usage: ClassVar[str] = "can CONDITIONS / ACTIONS / NEEDS"
    help: ClassVar[str] = "give a CAN report"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if len([part for part in self.text.split("/") if part.strip()]) != 3:
            return "A CAN report has three parts: `can the queue is full / draining it / somebody from web`."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        c, a, n = (part.strip() for part in self.text.split("/"))
        self.pass_on(incident, speaker, f"CAN report of {speaker.name}: conditions: {c}; actions: {a}; needs: {n}", now)
        return Answer("reported to the room")


@dataclass(frozen=True)
class Symptom(_Told):
    verb: ClassVar[str] = "symptom"
    usage: ClassVar[str] = "symptom TEXT"
    help: ClassVar[str] = "add a symptom to what is known"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `finding …`."

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
    instead: ClassVar[str] = "Report it with `finding …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.cause = self.text
        self.pass_on(incident, speaker, f"Cause: {self.text}", now)
        return Answer("kept; every summary is composed from it")


@dataclass(frozen=True)
class Impact(_Told):
    verb: ClassVar[str] = "impact"
    usage: ClassVar[str] = "impact TEXT"
    help: ClassVar[str] = "say what customers feel"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `finding …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.impact = self.text
        incident.facts.impact_at = now
        self.pass_on(incident, speaker, f"Customer impact: {self.text}", now)
        return Answer("kept; every summary is composed from it")


@dataclass(frozen=True)
class Eta(_Told):
    verb: ClassVar[str] = "eta"
    usage: ClassVar[str] = "eta TEXT"
    help: ClassVar[str] = "say when recovery is expected"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report it with `finding …`."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        incident.facts.eta = self.text
        self.pass_on(incident, speaker, f"Expected: {self.text}", now)
        return Answer("kept; every summary is composed from it")


@dataclass(frozen=True)
class AssignTask(Command):
    """Always to one named person, with a number of minutes, and acknowledged (process, 3)."""

    verb: ClassVar[str] = "task"
    usage: ClassVar[str] = "task @USER 5m WHAT"
    help: ClassVar[str] = "give one person a piece of work and a number of minutes"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Propose it to the IC in the room."

    person: str
    minutes: int
    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_person("who"), words.take_minutes(), words.rest("what to do"))

    def words(self) -> str:
        return f"task @{self.person} {duration_words(self.minutes)} {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        person = find(incident, self.person)
        if person is None:
            return f"I know nobody called {self.person!r}. A task goes to one named person."
        if person == incident.commander:
            return "The IC owns no task. Name somebody else."
        if not 1 <= self.minutes <= 24 * 60:
            return "Give it between 1 minute and 24 hours."
        return None if self.text.strip() else f"Say what to do: `{self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.person)
        assert person is not None
        number = incident.next_number()
        task = Assigned(number, person, self.text, now, now + timedelta(minutes=self.minutes), self.minutes, speaker.id)
        incident.tasks[number] = task
        incident.say(wording.task_offer(incident, task), now, about=f"task/{number}")
        incident.log("task", f"{wording.task_line(incident, task)}, {self.minutes} min", now, who=speaker.id)
        return Answer(f"{wording.task_line(incident, task)}, until {wording.clock(task.due_at)}", number)


@dataclass(frozen=True)
class Ask(Command):
    verb: ClassVar[str] = "ask"
    usage: ClassVar[str] = "ask @USER WHAT"
    help: ClassVar[str] = f"ask one person something; a task of {ASKED_FOR} minutes"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Ask in the room."

    person: str
    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_person("who"), words.rest("what to ask"))

    def words(self) -> str:
        return f"ask @{self.person} {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return self._task().refuse(incident, speaker, now)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        return self._task().apply(incident, speaker, now)

    def _task(self) -> AssignTask:
        return AssignTask(self.person, ASKED_FOR, self.text)


@dataclass(frozen=True)
class Acknowledge(Command):
    verb: ClassVar[str] = "ack"
    for_another: ClassVar[bool] = True
    usage: ClassVar[str] = "ack [N]"
    help: ClassVar[str] = "say that you have understood your task, or begin your manual repair step"

    number: int | None = None

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_number())

    def words(self) -> str:
        return "ack" if self.number is None else f"ack {self.number}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.number is not None and self.number in incident.repairs:
            repair = incident.repairs[self.number]
            if repair.automated or repair.state is not RepairState.APPROVED:
                return f"Repair {self.number} is {repair.state}; there is nothing for you to begin."
            if repair.owner != speaker.id:
                return f"Repair {self.number} belongs to {incident.name(repair.owner)}."
            return None
        task = _own_task(incident, speaker, self.number, fresh=True)
        return None if task else "You have no task that waits for that."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if self.number is not None and self.number in incident.repairs:
            return start_manual(incident, incident.repairs[self.number], speaker, now)
        task = _own_task(incident, speaker, self.number, fresh=True)
        assert task is not None
        task.understood_at = now
        incident.say(f"{speaker.name} understood task {task.number}.", now)
        incident.log("task", f"{task.number} understood", now, who=speaker.id)
        return Answer(f"task {task.number}: {wording.minutes(task.due_at - now)} left")


@dataclass(frozen=True)
class Done(Command):
    verb: ClassVar[str] = "done"
    for_another: ClassVar[bool] = True
    usage: ClassVar[str] = "done [N] [RESULT]"
    help: ClassVar[str] = "report your task, or your manual repair step, as done"

    number: int | None = None
    result: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_number(), words.maybe_rest())

    def words(self) -> str:
        return " ".join(w for w in ("done", str(self.number or ""), self.result) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if self.number is not None and self.number in incident.repairs:
            return report_repair_refused(incident, self.number, speaker)
        return None if _own_task(incident, speaker, self.number) else "You have no open task of that number."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if self.number is not None and self.number in incident.repairs:
            return report_repair(
                incident, incident.repairs[self.number], RepairState.SUCCEEDED, self.result, speaker, now
            )
        task = _own_task(incident, speaker, self.number)
        assert task is not None
        task.done_at = now
        task.understood_at = task.understood_at or now
        task.result = self.result
        result = f": {self.result}" if self.result else "."
        incident.say(f"{speaker.name} is done with task {task.number}{result}", now)
        incident.log("task", f"{task.number} done{result}", now, who=speaker.id)
        return Answer(f"task {task.number} is done")


@dataclass(frozen=True)
class More(Command):
    verb: ClassVar[str] = "more"
    for_another: ClassVar[bool] = True
    usage: ClassVar[str] = "more 5m [N]"
    help: ClassVar[str] = "ask for more time for your task, or your manual repair step"

    minutes: int
    number: int | None = None

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take_minutes(), words.maybe_number())

    def words(self) -> str:
        return " ".join(w for w in ("more", duration_words(self.minutes), str(self.number or "")) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if not 1 <= self.minutes <= 24 * 60:
            return "Ask for between 1 minute and 24 hours."
        if self.number is not None and self.number in incident.repairs:
            return more_for_repair_refused(incident, self.number, speaker)
        return None if _own_task(incident, speaker, self.number) else "You have no open task of that number."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        if self.number is not None and self.number in incident.repairs:
            return more_for_repair(incident, incident.repairs[self.number], self.minutes, speaker, now)
        task = _own_task(incident, speaker, self.number)
        assert task is not None
        task.due_at = max(now, task.due_at) + timedelta(minutes=self.minutes)
        task.extensions += 1
        task.spoke_at = now
        task.understood_at = task.understood_at or now
        incident.say(f"{speaker.name} needs {self.minutes} min more for task {task.number}.", now)
        incident.log("task", f"{task.number}: {self.minutes} min more", now, who=speaker.id)
        return Answer(f"task {task.number}: until {wording.clock(task.due_at)}")


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
            return "Only the IC lowers the severity, and nobody commands yet."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        why = f": {self.why}" if self.why else ""
        if incident.commander not in (None, speaker.id):
            incident.tell(
                incident.commander,
                f"{speaker.name} suggests {self.severity}{why}. `sev {self.severity.value[-1]}` makes it so.",
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
        if raised and self.severity.major and not incident.full:
            paging.page_commanders(incident, now)  # a light incident is a full one from here on
        return Answer(f"now {self.severity}")


@dataclass(frozen=True)
class Brief(Command):
    """The IC's status update for the room, which the deputy offers every 15 minutes (process, 3)."""

    verb: ClassVar[str] = "brief"
    usage: ClassVar[str] = "brief [TEXT]"
    help: ClassVar[str] = "give the room a status update; without words, as composed from what is known"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Report with `finding …` or `can …`."

    text: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.maybe_rest())

    def words(self) -> str:
        return f"brief {self.text}".strip()

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        text = self.text or wording.room_update(wording.picture(incident), now)
        incident.room_update_at = now
        incident.say(text, now)
        incident.log("brief", text, now, who=speaker.id)
        return Answer(text)


def report_repair_refused(incident: Incident, number: int, speaker: Speaker) -> str | None:
    """Who may report a manual repair step, and when."""
    repair = incident.repairs[number]
    if repair.automated:
        return f"Repair {number} is run by the runner, which reports it. `stop {number} why` reaches the IC at once."
    if repair.state not in (RepairState.APPROVED, RepairState.RUNNING):
        return f"Repair {number} is {repair.state}; only an approved one can be reported."
    if speaker.id not in (repair.owner, incident.commander):
        return f"Repair {number} belongs to {incident.name(repair.owner)}, who reports it."
    return None


def more_for_repair_refused(incident: Incident, number: int, speaker: Speaker) -> str | None:
    """Who may ask for more time for a repair action, and when."""
    repair = incident.repairs[number]
    if repair.state is not RepairState.RUNNING:
        return f"Repair {number} is {repair.state}; only one that runs has a time-box."
    if speaker.id not in (repair.owner, incident.commander):
        return f"Repair {number} belongs to {incident.name(repair.owner)}, who asks for more time."
    return None


def more_for_repair(incident: Incident, repair: Repair, minutes: int, speaker: Speaker, now: datetime) -> Answer:
    """The time-box only asks: it is moved."""
    assert repair.time_box_ends is not None
    repair.time_box_ends = max(now, repair.time_box_ends) + timedelta(minutes=minutes)
    repair.extensions += 1
    incident.say(f"{speaker.name} needs {minutes} min more for {wording.repair_line(repair)}.", now)
    incident.log("repair", f"{repair.number}: {minutes} min more", now, who=speaker.id)
    return Answer(f"repair {repair.number}: until {wording.clock(repair.time_box_ends)}")


def _own_task(incident: Incident, speaker: Speaker, number: int | None, *, fresh: bool = False) -> Assigned | None:
    """The task of that number if it is theirs and open; without a number their latest.

    Command staff may answer for somebody on the bridge, so the scribe, deputy and IC find anybody's by number.
    """
    staff = {incident.holder(r) for r in (Role.COMMANDER, Role.DEPUTY, Role.SCRIBE)}
    for task in reversed(incident.tasks.values()):
        if task.done_at is not None or (fresh and task.understood_at is not None):
            continue
        theirs = task.person == speaker.id
        if task.number == number and (theirs or speaker.id in staff):
            return task
        if number is None and theirs:
            return task
    return None
