from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from incident import declaring, grammar, settling, texts
from incident.commands import Command, Said, hear, judge
from incident.declaring import Declaration
from incident.model import Answer, Incident
from incident.paging import Paged
from incident.policy import Organisation, Policy
from incident.severity import Severity
from incident.texts import Kind, Place
from tests import configured

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    return configured.organisation()


@pytest.fixture(scope="session")
def policy(organisation: Organisation) -> Policy:
    return organisation.policy()


def shown(text: str) -> str:
    """A text as tests write it: a place in braces, with its words where it reads the same everywhere."""
    return texts.render(text, str, _place)


def _place(place: Place) -> str:
    match place.kind:
        case Kind.PERSON | Kind.PHONE:
            return f"{{{place.kind}:{place.of}}}"
        case Kind.BRIDGE:
            return f"{{bridge.{place.of}}}"
        case Kind.HERE:
            return "{here}"
        case Kind.CHANNEL:
            return f"<#{place.of}>"
        case _:
            return texts.plain(str(place))


class Told:
    """An incident and its time, spoken to as people do."""

    def __init__(self, incident: Incident, now: datetime) -> None:
        self.incident = incident
        self.now = now

    def say(self, by: str, words: str, *, id: str = "", after: float = 0) -> Answer:
        """`words` by `by`, `after` minutes later. Raises Refusal."""
        self.now += timedelta(minutes=after)
        command = grammar.read(words, self.incident.policy)
        assert isinstance(command, Command)
        said = Said(command, by, id)
        judge(self.incident, said, self.now)
        return hear(self.incident, said, self.now)

    def paged(self) -> None:
        """PagerDuty has accepted the first round."""
        people = {"primary": ("bob",), "backup": ("dee",), "shadow": ("tara",)}
        for page in self.incident.pages.values():
            who = people[page.target]
            names = tuple(map(self.incident.policy.name, who))
            answer = Paged(page.key, f"Q{page.target}", "http://pd", who, names)
            settling.paged(self.incident, page, answer, self.now)

    @property
    def said(self) -> list[str]:
        return [shown(line.text) for line in self.incident.outbox]


@pytest.fixture
def told(policy: Policy) -> Callable[..., Told]:
    def declare(severity: Severity = Severity.SEV1, *, commanded: bool = True, title: str = "checkout is down") -> Told:
        declaration = Declaration("lusab-babad", title, "anne", "Anne Apison", NOW, policy, severity)
        story = Told(declaring.declare(declaration, NOW), NOW)
        if severity.major:
            story.paged()
        if commanded:
            story.say("bob", "command", after=1)
            story.say("dee", "join", after=1)
        return story

    return declare
