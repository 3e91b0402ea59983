"""Questions and pieces of work, each with a person and a clock (process, 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from incident import texts, wording
from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Incident, Repair, RepairState
from incident.model import Task as Assigned
from incident.people import find
from incident.repairs import report_repair, start_manual
from incident.severity import Role
from incident.words import Words, duration_words

ASKED_FOR = 5


@dataclass(frozen=True)
class AssignTask(Command):
    """Always to one named person, with a number of minutes, and acknowledged (process, 3)."""

    verb: ClassVar[str] = "task"
    usage: ClassVar[str] = "task @USER 5m WHAT"
    help: ClassVar[str] = "give one person a piece of work and a number of minutes"
    who: ClassVar[Who] = Who.COMMANDER
    of_light: ClassVar[bool] = True
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
        return Answer(f"{wording.task_line(incident, task)}, until {texts.moment(task.due_at)}", number)


@dataclass(frozen=True)
class Ask(Command):
    verb: ClassVar[str] = "ask"
    usage: ClassVar[str] = "ask @USER WHAT"
    help: ClassVar[str] = f"ask one person something; a task of {ASKED_FOR} minutes"
    who: ClassVar[Who] = Who.COMMANDER
    of_light: ClassVar[bool] = True
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
        return None if task else _no_such_task(incident, speaker, self.number, fresh=True)

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
        return None if _own_task(incident, speaker, self.number) else _no_such_task(incident, speaker, self.number)

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
        return None if _own_task(incident, speaker, self.number) else _no_such_task(incident, speaker, self.number)

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
        return Answer(f"task {task.number}: until {texts.moment(task.due_at)}")


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
    return Answer(f"repair {repair.number}: until {texts.moment(repair.time_box_ends)}")


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


def _no_such_task(incident: Incident, speaker: Speaker, number: int | None, *, fresh: bool = False) -> str:
    """With what is open, so that the next try is right."""
    which = f"no open task {number}" if number is not None else "no open task"
    mine = [t for t in incident.tasks.values() if t.person == speaker.id and t.done_at is None]
    waiting = [t for t in mine if not (fresh and t.understood_at)]
    whose = "You have" if not speaker.entered_by else f"{speaker.name} has"
    known = ", ".join(str(task.number) for task in waiting) or ("none that waits for that" if mine else "none")
    return f"{whose} {which}. Open: {known}."
