"""The customer liaison at work on an incident, with outlets that one can read and switch off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incident import reports
from incident.duties import command, customer_liaison
from incident.duties.base import Duty, Publish, Remark, TakeDown, Whisper, WriteDraft
from incident.model import Phase
from incident.outlets import Outlet
from incident.reports import (
    MessageDelayed,
    MessageNotPublished,
    MessageOvertaken,
    MessagePublished,
    MessageTakenDown,
    Report,
    What,
)
from tests.domain.conftest import NOW, Told

MINUTE = timedelta(minutes=1)
ROLE = "customer-liaison"


@dataclass
class Post:
    """What went out: on which outlet, which text, with which states, and when (minutes after declaring)."""

    outlet: Outlet
    number: int
    text: str
    components: dict[str, str]
    minute: float


@dataclass
class Customers:
    """As the role workflow and its activities would do it, a look a minute."""

    story: Told
    out: list[Post] = field(default_factory=list)
    heard: list[tuple[float, tuple[str, ...], str]] = field(default_factory=list)
    gone: list[tuple[Outlet, str]] = field(default_factory=list)
    down: set[Outlet] = field(default_factory=set)
    refusing: set[Outlet] = field(default_factory=set)
    done: dict[str, datetime] = field(default_factory=dict)
    trying: dict[str, Publish] = field(default_factory=dict)

    @property
    def minute(self) -> float:
        return (self.story.now - NOW) / MINUTE

    def waits(self, minutes: float, step: float = 1.0) -> None:
        ends = self.story.now + minutes * MINUTE
        while True:
            self.looks()
            if self.story.now >= ends:
                return
            self.story.now = min(ends, self.story.now + step * MINUTE)

    def looks(self) -> None:
        incident, now = self.story.incident, self.story.now
        if incident.phase is Phase.CLOSED:
            return
        command.let_fall_due(incident, now)
        self._try_on()
        for _ in range(20):
            view = customer_liaison.view(incident, over=False)
            due = [d for d in customer_liaison.duties(view, self.done, now) if d.due_at <= now]
            due = [d for d in due if d.key not in self.trying]
            if not due:
                return
            for duty in due:
                self._does(duty)
        raise AssertionError(f"it never comes to rest: {due}")

    def _does(self, duty: Duty) -> None:
        match duty.deed:
            case WriteDraft() | Remark():
                self._report(duty.key, duty.deed)
            case Whisper(people=people, text=text):
                self.heard.append((self.minute, people, text))
            case TakeDown(number=number, outlet=outlet, post_id=id):
                self.gone.append((outlet, id))
                self._report(duty.key, MessageTakenDown(number, outlet))
            case Publish(outlet=outlet, number=number) if outlet in self.down:
                self.trying[duty.key] = duty.deed
                self._report(f"{duty.key}/delayed", MessageDelayed(number, "it cannot be reached.", outlet))
                return
            case Publish(outlet=outlet, number=number) if outlet in self.refusing:
                self._report(f"{duty.key}/given-up", MessageNotPublished(number, "it is refused.", outlet))
            case Publish():
                self._publishes(duty.key, duty.deed)
            case _:
                raise AssertionError(duty)
        self.done[duty.key] = self.story.now

    def _publishes(self, key: str, deed: Publish) -> None:
        self.out.append(Post(deed.outlet, deed.number, deed.text, dict(deed.components), self.minute))
        id = f"{deed.outlet}-{deed.number}"
        self._report(key, MessagePublished(deed.number, "http://out", self.story.now, deed.outlet, id))

    def _try_on(self) -> None:
        """What could not be sent, unless a newer one has taken its place."""
        for key, deed in list(self.trying.items()):
            if customer_liaison.overtaken(customer_liaison.view(self.story.incident, over=False), deed):
                self._report(f"{key}/overtaken", MessageOvertaken(deed.number, deed.outlet))
            elif deed.outlet in self.down:
                continue
            else:
                self._publishes(key, deed)
            del self.trying[key]
            self.done[key] = self.story.now

    def _report(self, key: str, what: What) -> None:
        reports.take(self.story.incident, Report(ROLE, key, what), self.story.now)

    # -- looking -------------------------------------------------------------------------------------------

    def on(self, outlet: Outlet) -> list[Post]:
        return [post for post in self.out if post.outlet is outlet]

    def minutes(self, outlet: Outlet = Outlet.STATUS_PAGE) -> list[float]:
        return [post.minute for post in self.on(outlet)]

    def told(self, person: str, text: str) -> list[float]:
        """The minutes at which they heard it privately."""
        return [minute for minute, people, said in self.heard if person in people and text in said]

    @property
    def newest(self) -> int:
        return max(self.story.incident.drafts)

    @contextmanager
    def approving(self, by: str = "bob") -> Iterator[None]:
        """The IC approves whatever waits, at once."""
        looks = self.looks

        def look() -> None:
            looks()
            for draft in list(self.story.incident.drafts.values()):
                if draft.waits:
                    self.story.say(by, f"message approve {draft.number}")
            looks()

        self.looks = look  # type: ignore[method-assign]  # for as long as the IC does so
        try:
            yield
        finally:
            self.looks = looks  # type: ignore[method-assign]  # as it was
