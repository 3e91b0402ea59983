from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from incident import declaring, grammar, settling
from incident.commands import Command, Said, hear, judge
from incident.declaring import Declaration
from incident.model import Answer, Incident
from incident.policy import Organisation, Policy
from incident.severity import Severity
from tests import configured

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    return configured.organisation()


@pytest.fixture(scope="session")
def policy(organisation: Organisation) -> Policy:
    return organisation.policy()


class Told:
    """An incident and its time, spoken to as people do."""

    def __init__(self, incident: Incident, now: datetime) -> None:
        self.incident = incident
        self.now = now

    def say(self, by: str, words: str, *, id: str = "", after: float = 0) -> Answer:
        """`words` by `by`, `after` minutes later, confirmed where they have to be. Raises Refusal."""
        self.now += timedelta(minutes=after)
        command = grammar.read(words, self.incident.policy, exact=True)
        assert isinstance(command, Command)
        return self.hear(by, command, id=id)

    def hear(self, by: str, command: Command, *, id: str = "") -> Answer:
        """A command that no words stand for. Raises Refusal."""
        said = Said(command, by, id)
        judge(self.incident, said, self.now)
        return hear(self.incident, said, self.now)

    def paged(self) -> None:
        """PagerDuty has accepted the first round."""
        people = {"primary": ("bob",), "backup": ("dee",), "shadow": ("tara",)}
        for page in self.incident.pages.values():
            who = people[page.target]
            names = tuple(map(self.incident.policy.name, who))
            settling.paged(self.incident, page, f"Q{page.target}", "http://pd", who, names, self.now)

    @property
    def said(self) -> list[str]:
        return [line.text for line in self.incident.outbox]


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
