"""Sub-teams: a leader, a time-boxed task, a room and a bridge (process, 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from incident import sub_teams, texts, wording
from incident.choices import Choice
from incident.commands.base import Command, Speaker, Who
from incident.model import Answer, Incident, SubTeam
from incident.people import find
from incident.words import Words, duration_words


@dataclass(frozen=True)
class FormTeam(Command):
    """Rooms and bridges are predefined; a letter is taken while any incident uses it."""

    verb: ClassVar[str] = "team"
    usage: ClassVar[str] = "team LETTER @LEADER 20m WHAT"
    help: ClassVar[str] = "form a sub-team with a leader, a number of minutes and a task"
    who: ClassVar[Who] = Who.COMMANDER
    instead: ClassVar[str] = "Propose it to the IC in the room."

    letter: str
    leader: str
    minutes: int
    text: str

    @classmethod
    def read(cls, words: Words) -> Self:
        letter = words.take("the letter, such as alpha,").lower()
        return cls(letter, words.take_person("who leads it"), words.take_minutes(), words.rest("its task"))

    def words(self) -> str:
        return f"team {self.letter} @{self.leader} {duration_words(self.minutes)} {self.text}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        letters = [place.id for place in incident.policy.sub_teams]
        free = [letter for letter in letters if sub_teams.named(incident, letter) is None]
        if self.letter not in letters:
            return f"There is no room for {self.letter!r}. Free: {', '.join(free) or 'none'}."
        if (team := sub_teams.named(incident, self.letter)) is not None:
            busy = f"{team.title} works already: {incident.name(team.leader)}, {team.text}."
            return f"{busy} Free: {', '.join(free) or 'none'}."
        if (leader := find(incident, self.leader)) is None:
            return f"I know nobody called {self.leader!r}."
        if leader == incident.commander:
            return "The IC leads no sub-team. Name somebody else."
        if (team := sub_teams.of(incident, leader)) is not None:
            return (
                f"{incident.name(leader)} is in {team.title}; its leader, {incident.name(team.leader)}, releases them."
            )
        if not 1 <= self.minutes <= 24 * 60:
            return "Give it between 1 minute and 24 hours."
        return None if self.text.strip() else f"Say what it does: `{self.usage}`"

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        leader = find(incident, self.leader)
        assert leader is not None
        team = sub_teams.form(incident, self.letter, leader, self.text, self.minutes, now)
        incident.say(wording.team_line(incident, team), now, about=f"team/{team.key}")
        incident.log(
            "team", f"{team.title}, {incident.name(leader)}: {self.text}, {self.minutes} min", now, who=speaker.id
        )
        incident.invite(leader)
        incident.tell(
            leader,
            f"{speaker.name} gives you {team.title}: {self.text}, until {texts.moment(team.due_at)}. Its room is {texts.channel(team.room)}."
            " Pick your members with `team add @somebody`; they report to you, you report to the IC with `finding …`;"
            " `team close RESULT` ends it.",
            *sub_teams.answers(team),
        )
        return Answer(f"{team.title}: {incident.name(leader)}, until {texts.moment(team.due_at)}")


@dataclass(frozen=True)
class _OfTeam(Command):
    """A command of a team's leader, or of the IC. Without a letter it is the team one leads."""

    letter: str = ""

    def team(self, incident: Incident, speaker: Speaker) -> SubTeam | None:
        """Theirs, or the one that the IC means."""
        if self.letter:
            return sub_teams.named(incident, self.letter)
        return sub_teams.led_by(incident, speaker.id)

    def not_theirs(self, incident: Incident, speaker: Speaker) -> str | None:
        team = self.team(incident, speaker)
        if team is None:
            working = ", ".join(t.letter for t in incident.teams.values() if t.open) or "none"
            return f"Say which sub-team: `{self.usage}`. Working now: {working}."
        if speaker.id in (team.leader, incident.commander):
            return None
        return f"{incident.name(team.leader)} leads {team.title}, and decides that; the IC may too."

    @classmethod
    def letter_of(cls, words: Words) -> str:
        """A letter, if the next word is one: a word without @ that is no number."""
        head = words.peek()
        if not head or head.startswith(("@", "<@")) or head[0].isdigit():
            return ""
        return words.take("the letter").lower()


@dataclass(frozen=True)
class AddToTeam(_OfTeam):
    """The leader picks members; who is in another team is asked of that team's leader."""

    verb: ClassVar[str] = "team-add"
    usage: ClassVar[str] = "team add [LETTER] @USER …"
    help: ClassVar[str] = "pick members for the sub-team you lead; of another team's, its leader is asked"

    people: tuple[str, ...] = ()

    @classmethod
    def read(cls, words: Words) -> Self:
        letter = cls.letter_of(words)
        people = [words.take_person("who")]
        while words:
            people.append(words.take_person())
        return cls(letter, tuple(people))

    def words(self) -> str:
        return " ".join(w for w in ("team add", self.letter, *(f"@{p}" for p in self.people)) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if (why := self.not_theirs(incident, speaker)) is not None:
            return why
        for person in self.people:
            if (found := find(incident, person)) is None:
                return f"I know nobody called {person!r}."
            if found == incident.commander:
                return "The IC is in no sub-team."
            if sub_teams.led_by(incident, found) is not None:
                return f"{incident.name(found)} leads a sub-team of their own."
        return None

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        team = self.team(incident, speaker)
        assert team is not None
        joined, asked = [], []
        for person in (p for p in (find(incident, name) for name in self.people) if p is not None):
            before = sub_teams.of(incident, person)
            if before is team:
                continue
            if before is None:
                join(incident, team, person, now)
                joined.append(incident.name(person))
                continue
            team.wanted.append(person)
            incident.tell(
                before.leader,
                f"{incident.name(team.leader)} asks for {incident.name(person)}, of {before.title}, to join {team.title}.",
                Choice("Release them", f"team release @{person}", "primary"),
            )
            asked.append(f"{incident.name(before.leader)} for {incident.name(person)}")
        said = [f"{', '.join(joined)} in {team.title}"] if joined else []
        said += [f"asked {', '.join(asked)}"] if asked else []
        return Answer("; ".join(said) or "they are in it already")


def join(incident: Incident, team: SubTeam, person: str, now: datetime) -> None:
    """Somebody becomes a member: from now on they report to its leader."""
    if person in team.wanted:
        team.wanted.remove(person)
    team.members.append(person)
    name = incident.name(person)
    incident.say(f"{name} joins {team.title}.", now)
    incident.log("team", f"{name} joins {team.title}", now, who=person)
    incident.tell(
        person,
        f"You are in {team.title} of {incident.label}: {team.text}, until {texts.moment(team.due_at)}. Its room is"
        f" {texts.channel(team.room)}. Report to {incident.name(team.leader)}, with `finding …`.",
    )
    sub_teams.changed(incident, team)


@dataclass(frozen=True)
class ReleaseFromTeam(Command):
    verb: ClassVar[str] = "team-release"
    usage: ClassVar[str] = "team release @USER"
    help: ClassVar[str] = "let a member of your sub-team go, to the team that asked for them"

    person: str

    @classmethod
    def read(cls, words: Words) -> Self:
        person = words.take_person("who")
        words.no_more()
        return cls(person)

    def words(self) -> str:
        return f"team release @{self.person}"

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        person = find(incident, self.person)
        team = sub_teams.of(incident, person) if person else None
        if team is None or person is None:
            return f"{incident.name(person) if person else self.person!r} is in no sub-team."
        if person == team.leader:
            return f"{incident.name(person)} leads {team.title}; `team close {team.letter} RESULT` ends it."
        if speaker.id in (team.leader, incident.commander, person):
            return None
        return f"{incident.name(team.leader)} leads {team.title}, and decides that; the IC may too."

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        person = find(incident, self.person)
        assert person is not None
        team = sub_teams.of(incident, person)
        assert team is not None
        team.members.remove(person)
        sub_teams.changed(incident, team)
        name = incident.name(person)
        incident.log("team", f"{name} leaves {team.title}", now, who=speaker.id)
        to = next((t for t in incident.teams.values() if t.open and person in t.wanted), None)
        if to is None:
            incident.say(f"{name} leaves {team.title}.", now)
            return Answer(f"{name} is free")
        join(incident, to, person, now)
        return Answer(f"{name} moves to {to.title}")


@dataclass(frozen=True)
class MoreForTeam(_OfTeam):
    verb: ClassVar[str] = "team-more"
    usage: ClassVar[str] = "team more 10m [LETTER]"
    help: ClassVar[str] = "ask for more time for the sub-team you lead"

    minutes: int = 10

    @classmethod
    def read(cls, words: Words) -> Self:
        minutes = words.take_minutes()
        letter = cls.letter_of(words)
        words.no_more()
        return cls(letter, minutes)

    def words(self) -> str:
        return " ".join(w for w in ("team more", duration_words(self.minutes), self.letter) if w)

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        if not 1 <= self.minutes <= 24 * 60:
            return "Ask for between 1 minute and 24 hours."
        return self.not_theirs(incident, speaker)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        team = self.team(incident, speaker)
        assert team is not None
        team.due_at = max(now, team.due_at) + timedelta(minutes=self.minutes)
        team.extensions += 1
        sub_teams.changed(incident, team)
        incident.say(f"{team.title} needs {self.minutes} min more, until {texts.moment(team.due_at)}.", now)
        incident.log("team", f"{team.title}: {self.minutes} min more", now, who=speaker.id)
        return Answer(f"{team.title}: until {texts.moment(team.due_at)}")


@dataclass(frozen=True)
class CloseTeam(_OfTeam):
    verb: ClassVar[str] = "team-close"
    usage: ClassVar[str] = "team close LETTER [RESULT]"
    help: ClassVar[str] = "end a sub-team with its result; the letter is free again"

    result: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        return cls(words.take("the letter").lower(), words.maybe_rest())

    def words(self) -> str:
        return f"team close {self.letter} {self.result}".strip()

    def refuse(self, incident: Incident, speaker: Speaker, now: datetime) -> str | None:
        return self.not_theirs(incident, speaker)

    def apply(self, incident: Incident, speaker: Speaker, now: datetime) -> Answer:
        team = self.team(incident, speaker)
        assert team is not None
        sub_teams.close(incident, team, self.result, now)
        result = f": {self.result}" if self.result else "."
        incident.say(f"{team.title} is closed{result}", now)
        incident.log("team", f"{team.title} closed{result}", now, who=speaker.id)
        if speaker.id != incident.commander:
            incident.tell(incident.commander, f"{speaker.name} closes {team.title}{result}")
        return Answer(f"{team.title} is closed; its members report to the IC again")
