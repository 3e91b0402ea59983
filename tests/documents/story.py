"""A SEV-1 with all that a record can hold, told in the domain alone: two hours in a few milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from incident import reports, settling
from incident.customers import Stage
from incident.duties.base import Remark, WriteDraft
from incident.model import DraftState, Incident, RepairState, Room, Status, SubTeam
from incident.reports import MessagePublished, Report, RunEnded, StatusSeen, SummarySent, What
from tests.domain.conftest import Told

HOSTILE = "&lt;b&gt; <script>alert(1)</script> | `x` $\\frac{1}{0}$ \u202eesrever\u202c 漢字"


class Story:
    """`told` with what the world reports."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.keys = 0

    def say(self, by: str, words: str, after: float = 1) -> None:
        self.told.say(by, words, after=after)

    def report(self, source: str, what: What) -> None:
        self.keys += 1
        reports.take(self.told.incident, Report(source, str(self.keys), what), self.told.now)

    def status(self, state: str, after: float = 0) -> None:
        self.told.now += timedelta(minutes=after)
        self.report("scribe", StatusSeen(Status(state, f"shop {state}", self.told.now), f"The status is {state}."))

    def summary(self, late: float = 0) -> None:
        now = self.told.now
        self.report(
            "internal-liaison",
            SummarySent(f"s/{self.keys}", "{here} We work on it.", now - timedelta(minutes=late), now),
        )

    def publish(self, stage: Stage, text: str, late: float = 0) -> None:
        now, incident = self.told.now, self.told.incident
        self.report("customer-liaison", WriteDraft(stage, now - timedelta(minutes=late)))
        draft = next(d for d in incident.drafts.values() if d.state is DraftState.WAITING)
        self.say(incident.commander or "", f"message approve {draft.number}", 0.5)
        self.told.now += timedelta(seconds=20)
        self.report("customer-liaison", MessagePublished(draft.number, "https://status.example.com/1", self.told.now))

    def run(self, number: int, minutes: float, state: RepairState, outcome: str) -> None:
        """As the runner does it."""
        repair = self.told.incident.repairs[number]
        repair.state, repair.started_at = RepairState.RUNNING, self.told.now
        self.told.incident.log("repair", f"{number} started", self.told.now, source="runner")
        self.told.now += timedelta(minutes=minutes)
        self.report("runner", RunEnded(number, state, outcome))


def two_hours(told: Callable[..., Told], title: str = "checkout answers with 500") -> Incident:
    story = Story(told(commanded=False, title=title))
    incident, say = story.told.incident, story.say
    settling.room_opened(incident, Room("C0ROOM", f"inc-{incident.id}"), story.told.now)
    page = next(p for p in incident.pages.values() if p.target == "primary")
    story.told.now += timedelta(minutes=1)
    settling.acknowledged(incident, page, "bob", "Bob Boberson", story.told.now, story.told.now)
    say("bob", "command")
    say("dee", "join", 2)
    say("bob", "scribe @mac", 0.5)
    say("bob", "customer-liaison @carla", 0.5)
    story.summary()
    story.status("degraded")
    say("anne", "join as API expert")
    say("sam", "join as database expert")
    say("bob", "impact checkout fails for everybody in Europe")
    say("bob", "announce yes", 0)
    story.publish("investigating", "", late=3)
    say("bob", "task @sam 10m look at the slow queries")
    number = max(incident.tasks)
    say("sam", f"ack {number}", 0.5)
    story.status("down", 4)
    say("anne", "propose rollback service=shop-api")
    first = max(incident.repairs)
    say("bob", f"poll {first}")
    say("sam", f"object {first} it is peak hour", 0.3)
    say("bob", f"approve {first}", 0.4)
    story.run(first, 6, RepairState.SUCCEEDED, "exit code 0\nrolled back shop-api\n```\nnot a fence\n```")
    say("bob", f"unverified {first}", 3)
    say("sam", f"done {number} the pool of connections is exhausted", 2)
    story.summary()
    say("bob", "cause the pool of connections of the orders database is exhausted")
    say("bob", f"note {HOSTILE}")
    story.publish("identified", "")
    say("sam", "propose restart every database one by one risk: high fallback: fail over to the other region")
    second = max(incident.repairs)
    say("bob", f"reject {second} we would lose the orders in flight", 2)
    say("bob", "task @anne 5m raise the limit of the pool")
    late = max(incident.tasks)
    say("anne", f"ack {late}", 0.5)
    incident.teams["alpha"] = SubTeam(
        "alpha", "alpha", "lee", "find the latency", story.told.now, story.told.now + timedelta(minutes=20), "C0ALPHA"
    )
    incident.teams["alpha"].closed_at = story.told.now + timedelta(minutes=15)
    say("bob", "handover @kim", 4)
    say("kim", "accept", 1)
    say("anne", f"done {late} prepared", 6)
    say("anne", "propose throttle percent=40")
    third = max(incident.repairs)
    say("kim", f"approve {third} @anne", 1)
    say("anne", f"ack {third}", 2)
    say("anne", f"done {third} set to 40 percent", 7)
    say("kim", f"verified {third}", 5)
    story.status("degraded", 3)
    say("kim", "sev 2 only the slow queries are left")
    story.summary(late=4)
    story.publish("monitoring", "")
    say("sam", "todo alert on the pool of connections")
    say("mac", "todo write a runbook for the pool")
    say("mac", "did restart the exporter", 4)
    story.status("ok", 9)
    story.report("deputy", Remark("IC, be advised: the incident is now at the 90 minute mark"))
    story.summary()
    say("kim", "resolve --insist recovered lost two orders", 12)
    say("kim", "postmortem @anne")
    say("mac", "note recording: https://meet.example.com/recording/1", 3)
    return incident
