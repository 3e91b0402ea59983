"""How things stand when somebody types. Each is made by commands, as people would have given them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from incident.model import RepairState
from incident.policy import Organisation, read_organisation
from incident.severity import Severity
from tests import configured
from tests.configured import example
from tests.domain.conftest import Told
from tests.process.wordings.desk import Desk

ACCENTED = """
[[people]]
id = "jose"
name = "José Núñez"
slack = "U0JOSE"

[[people]]
id = "lukasz"
name = "Łukasz Żółty"

[[people]]
id = "jurgen"
name = "Jürgen Groß"

[[people]]
id = "yamada"
name = "山田 太郎"

[[people]]
id = "siobhan"
name = "Siobhán O'Brien"

[[people]]
id = "anna"
name = "Anna Ek"

[[people]]
id = "anna2"
name = "Anna Lind"

"""


def organisation(state: str) -> Organisation:
    if state != "accents":
        return configured.organisation()
    text = example()
    return read_organisation(text.replace("[[teams]]", f"{ACCENTED}[[teams]]", 1), "example.toml", configured.files_of)


def none(desk: Desk) -> None:
    """No incident."""


def quiet(desk: Desk) -> Told:
    """Declared seven minutes ago; nobody is in command."""
    return desk.incident()


def fresh(desk: Desk) -> Told:
    """Declared one minute ago; nobody is in command."""
    return desk.incident(minutes=1)


def led(desk: Desk) -> Told:
    """Bob is IC, Dee deputy; every role is held. Sam has task 1, Anne task 2 unacknowledged; repair 3 is proposed."""
    told = desk.incident()
    told.now = datetime.now(UTC) - timedelta(minutes=3)
    told.say("bob", "command")
    for who in ("dee", "anne", "sam", "vic"):
        told.say(who, "join")
    told.say("bob", "scribe @mac")
    told.say("bob", "customer-liaison @carla")
    told.say("bob", "internal-liaison @ines")
    told.say("bob", "task @sam 20m look at the slow queries")
    told.say("sam", "ack 1")
    told.say("bob", "task @anne 20m what changed today")
    told.say("sam", "propose rollback service=shop-api")
    return told


def many(desk: Desk) -> Told:
    """As led, and Sam has task 4 as well; repair 5 is proposed, too."""
    told = led(desk)
    told.say("bob", "task @sam 20m check the disk")
    told.say("sam", "ack 4")
    told.say("anne", "propose rolling-restart")
    return told


def running(desk: Desk) -> Told:
    """As led, and repair 3 runs on the runner."""
    told = led(desk)
    told.say("bob", "approve 3")
    told.incident.repairs[3].state = RepairState.RUNNING
    told.incident.repairs[3].started_at = told.now
    return told


def running2(desk: Desk) -> Told:
    """Repairs 3 and 5 run."""
    told = many(desk)
    for number in (3, 5):
        told.say("bob", f"approve {number} --also")
        told.incident.repairs[number].state = RepairState.RUNNING
        told.incident.repairs[number].started_at = told.now
    return told


def verify(desk: Desk) -> Told:
    """Repair 3 has ended well; the IC has not verified it."""
    told = running(desk)
    told.incident.repairs[3].state = RepairState.SUCCEEDED
    told.incident.repairs[3].ended_at = told.now
    return told


def ready(desk: Desk) -> Told:
    """Nothing is left to do."""
    told = led(desk)
    told.say("bob", "reject 3 not needed any more")
    told.say("sam", "done 1")
    told.say("anne", "done 2")
    return told


def hands(desk: Desk) -> Told:
    """Sam has task 1, and carries out repair 3 by hand."""
    told = led(desk)
    told.say("bob", "reject 3 by hand, please")
    told.incident.numbered = 2
    del told.incident.repairs[3]
    told.say("anne", "propose restart web-2")
    told.say("bob", "approve 3 @sam")
    told.say("sam", "ack 3")
    return told


def crowd(desk: Desk) -> Told:
    """As led, and Kim has joined, too; Vic is not there."""
    told = led(desk)
    told.say("kim", "join")
    told.say("vic", "leave")
    return told


def draft(desk: Desk) -> Told:
    """As led, and public message 4 waits, as does the question whether to announce."""
    told = led(desk)
    told.say("carla", "draft investigating We are looking into it.")
    return told


def two(desk: Desk) -> None:
    """As led; and search is slow, with Kim as its IC."""
    led(desk)
    other = desk.incident(title="search is slow", minutes=2)
    other.say("kim", "command")


def two_new(desk: Desk) -> None:
    """As led; and search is slow, with nobody in command for six minutes."""
    led(desk)
    desk.incident(title="search is slow", minutes=6)


def sec(desk: Desk) -> Told:
    """A restricted incident with Bob as its IC."""
    told = desk.incident(security=True, title="keys leaked")
    told.say("bob", "command")
    return told


def ended(desk: Desk) -> Told:
    told = ready(desk)
    told.say("bob", "resolve")
    return told


def minor(desk: Desk) -> Told:
    """A SEV-3 of the shop's API."""
    return desk.incident(severity=Severity.SEV3, service="shop-api")


STATES: Mapping[str, Callable[[Desk], object]] = {
    "none": none,
    "quiet": quiet,
    "fresh": fresh,
    "led": led,
    "accents": led,
    "many": many,
    "running": running,
    "running2": running2,
    "verify": verify,
    "ready": ready,
    "hands": hands,
    "crowd": crowd,
    "draft": draft,
    "two": two,
    "two-new": two_new,
    "sec": sec,
    "ended": ended,
    "minor": minor,
}
