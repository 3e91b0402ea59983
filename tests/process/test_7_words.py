"""Commands (process, 7): what is not exact, whom a text may wake, and that nobody's words look like ours."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat import fields, listener, telling
from incident import confirming, grammar
from incident.commands import Command
from incident.commands.knowing import SetSeverity
from incident.plain import folded, plain
from incident.policy import Policy
from incident.words import Unreadable
from tests.domain.conftest import Told, shown
from tests.process.wordings.desk import Desk
from tests.process.wordings.states import STATES, organisation
from tests.randomly import examples

Story = Callable[..., Told]
VERBS = sorted(grammar.verbs())
SPOKEN = [
    *(
        "it",
        "the",
        "task",
        "2",
        "3",
        "#3",
        "?",
        "not",
        "if",
        "please",
        "now",
        "@sam",
        "@kim",
        "<@U0SAM>",
        "sam",
        "to",
        "and",
    ),
    *(
        "yes",
        "no",
        "recovered",
        "confirm",
        "why",
        "it hurts",
        "Anne",
        "database",
        "sev-1",
        "all",
        "--insist",
        "\n",
        ">",
        "`",
    ),
]
LINES = st.builds(
    lambda verb, rest: " ".join((verb, *rest)), st.sampled_from(VERBS), st.lists(st.sampled_from(SPOKEN), max_size=5)
)
RANDOMLY = settings(
    max_examples=examples(300),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def same(text: str) -> str:
    """For comparing what was typed with what it was taken for."""
    return (
        plain(text)
        .lower()
        .replace("#", "")
        .replace("<@u0sam>", "@sam")
        .replace("@u0sam", "@sam")
        .replace(":", "")
        .replace("-", " ")
    )


@RANDOMLY
@given(line=LINES)
def test_what_ends_removes_reveals_decides_or_hands_over_acts_in_its_exact_form_alone(
    policy: Policy, line: str
) -> None:
    try:
        meant = grammar.read(line, policy)
    except Unreadable:
        return
    if not isinstance(meant, Command) or not confirming.ends_or_decides(meant):
        return
    if meant.verb in ("reject", "sev"):  # behind the number stands why
        number = meant.severity.value[-1] if isinstance(meant, SetSeverity) else getattr(meant, "number", "")
        assert same(line).startswith(f"{meant.verb} {number}")
        assert not same(line).endswith("?")
        return
    assert " ".join(same(line).split()) == " ".join(same(meant.words()).split())


@pytest.mark.parametrize("state", ["none", "quiet", "led"])
@settings(parent=RANDOMLY, max_examples=examples(60))
@given(
    line=LINES, where=st.sampled_from(["channel", "general"]), prefix=st.sampled_from(["!ic ", "!", "", "please !ic "])
)
async def test_whoever_is_woken_was_named_or_is_an_ic_and_page_or_declare_stood_there(
    state: str, line: str, where: str, prefix: str
) -> None:
    desk = Desk(organisation(state))
    STATES[state](desk)
    result = await desk.say("anne", where, prefix + line)
    text = folded(line).replace("<@u0sam>", "sam")
    for change in result.changes:
        whom = change.removeprefix("page ")
        if whom == change:
            continue
        if whom in ("ICs", "primary", "backup", "shadow", "next"):
            assert "page" in text or "declare" in text or "further" in text or "sev" in text, (line, change)
        else:
            assert whom.removeprefix("team ") in text, (line, change)


@pytest.mark.parametrize("state", ["none", "quiet", "fresh", "led", "two"])
@settings(parent=RANDOMLY, max_examples=examples(60))
@given(
    rest=st.lists(st.sampled_from(SPOKEN), max_size=4).map(" ".join),
    where=st.sampled_from(["channel", "general", "slash"]),
)
async def test_no_page_is_without_effect(state: str, rest: str, where: str) -> None:
    """Somebody is woken, or the IC is told, or whoever typed it reads who was paged a moment ago; or a clock runs."""
    desk = Desk(organisation(state))
    STATES[state](desk)
    result = await desk.say("carla", where, f"{'' if where == 'slash' else '!ic '}page {rest}".strip())
    woken = any(change.startswith(("page ", "trigger ")) for change in result.changes)
    told = any("is the IC" in text or "Paged" in text or "added to it" in text for text in result.answers)
    waiting = [one for one in await desk.listener._inbox.waiting() if one.kind == "otherwise"]
    assert woken or told or waiting, result


async def test_a_page_that_was_asked_back_about_wakes_an_ic_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(organisation("accents"))
    result = await desk.say("bob", "general", "!ic page Anna")
    assert result.buttons == ["page @anna", "page @anna2"] and result.changes == []
    await desk.listener.deliver()
    assert not desk.gateway.told, "there is a minute to choose"
    later = time.time() + listener.CHOSEN_WITHIN + 1
    monkeypatch.setattr(time, "time", lambda: later)
    await desk.listener.deliver()
    assert [told.incident.title for told in desk.gateway.told.values()] == ["Anna"]
    await desk.listener.deliver()
    assert len(desk.gateway.told) == 1


async def test_a_choice_that_was_made_ends_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(organisation("accents"))
    await desk.say("bob", "general", "!ic page Anna")
    await desk.press("bob", desk.values("page @anna2")[0], channel="C0GENERAL")
    assert [order.people for order in desk.pagerduty.orders] == [("anna2",)]
    later = time.time() + listener.CHOSEN_WITHIN + 1
    monkeypatch.setattr(time, "time", lambda: later)
    await desk.listener.deliver()
    assert not desk.gateway.told


async def test_a_button_that_asks_works_for_who_typed_once_and_for_two_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(organisation("led"))
    told = STATES["led"](desk)
    assert isinstance(told, Told)
    await desk.say("bob", "channel", "!ic approve it")
    value = desk.values("approve 3")[0]
    assert await desk.press("sam", value) == ["That button is for whoever typed the line."]
    late = time.time() + telling.ANSWERED_WITHIN + 1
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: late)
        assert "has expired" in (await desk.press("bob", value))[0]
    assert told.incident.repairs[3].state == "proposed"
    await desk.press("bob", value)
    await desk.press("bob", value, ts="92.0")
    assert told.incident.repairs[3].approvals == 1


async def test_who_left_two_hints_alone_gets_no_more() -> None:
    desk = Desk(organisation("led"))
    STATES["led"](desk)
    asked = [bool((await desk.say("bob", "channel", "approve")).buttons) for _ in range(4)]
    assert asked == [True, True, False, False]
    assert (await desk.say("bob", "channel", "!ic approve")).buttons == ["approve 3"]


async def test_no_line_of_what_people_type_looks_like_one_of_ours() -> None:
    forged = "Approved: we are proceeding with repair 2"
    for words in (f"finding all is well\n{forged}", f"did nothing\n{forged}", f"propose restart\n{forged}"):
        desk = Desk(organisation("led"))
        told = STATES["led"](desk)
        assert isinstance(told, Told)
        await desk.say("sam", "channel", f"!ic {words}")
        said = shown("\n".join(line.text for line in told.incident.outbox))
        assert forged in said
        assert forged not in said.splitlines()


async def test_a_note_is_read_in_the_channel_wherever_it_was_typed() -> None:
    typed = (("slash", "note it is odd"), ("shell", "note it is odd"), ("channel", "!note it is odd"))
    for where, text in typed:
        desk = Desk(organisation("led"))
        told = STATES["led"](desk)
        assert isinstance(told, Told)
        await desk.say("sam", where, text)
        (line,) = told.incident.outbox
        assert re.fullmatch(r"Note 1 \(Sam Storeson, \d\d:\d\d UTC\): it is odd", shown(line.text))


def test_a_form_never_cuts_what_it_is_filled_in_with() -> None:
    long = "a" * (fields.LONGEST_TEXT + 1)
    field = fields.text_field("text", "Text", long).to_dict()
    assert "initial_value" not in field["element"] and "too many for a form" in field["hint"]["text"]
    assert fields.text_field("text", "Text", long[1:]).to_dict()["element"]["initial_value"] == long[1:]


async def test_what_only_sounds_like_security_becomes_public_by_its_authors_word() -> None:
    desk = Desk(organisation("none"))
    await desk.say("carla", "general", "!ic declare laptops stolen from the fair")
    incident = next(iter(desk.gateway.told.values())).incident
    assert incident.silent and "stolen" not in incident.title
    await desk.press("carla", desk.values("not-security")[0], channel="C0GENERAL")
    assert not incident.silent and incident.title == "laptops stolen from the fair"
