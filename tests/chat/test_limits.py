"""Every message and form the product can send keeps Slack's limits, in the longest case too."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from activities.on_call_book import OnCallBook
from activities.placeholders import Placeholders
from chat import blocks, fields, forms, home
from emulators.slack import blocks as rules
from incident import declaring, grammar, notices
from incident.commands import Command, Said, hear, judge
from incident.declaring import Declaration
from incident.duties import customer_liaison, deputy, internal_liaison, scribe
from incident.duties.base import Whisper
from incident.effects import Tell
from incident.model import Incident, Room
from incident.policy import Organisation
from tests import configured

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
LONG = "very long and never ending & <tedious> " * 70
SAID = (
    ("bob", "command"),
    ("bob", f"symptom {LONG}"),
    ("bob", f"cause {LONG}"),
    ("bob", f"impact {LONG}"),
    ("bob", f"eta {LONG}"),
    ("anne", f"propose {LONG} fallback: {LONG}"),
    ("anne", "propose throttle percent=40"),
    ("sam", f"object 1 {LONG}"),
    ("kim", f"object 1 {LONG}"),
    ("bob", f"task @sam 5m {LONG}"),
    ("sam", f"done 3 {LONG}"),
    ("bob", f"task @anne 5m {LONG}"),
    ("bob", "need database"),
    ("bob", f"draft investigating {LONG}"),
    ("anne", f"further {LONG}"),
    ("bob", "handover @kim"),
)


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    return configured.organisation()


@pytest.fixture(scope="module")
def places(organisation: Organisation, tmp_path_factory: pytest.TempPathFactory) -> Placeholders:
    return Placeholders(organisation, OnCallBook(Path(tmp_path_factory.mktemp("book")) / "book.json", organisation))


def crowded(organisation: Organisation) -> Incident:
    """An incident in which everything has happened that a message can tell of, at length."""
    declaration = Declaration("lusab-babad", LONG, "anne", "Anne Apison", NOW, organisation.policy())
    incident = declaring.declare(declaration, NOW)
    incident.room = Room("C0000001X", "inc-lusab-babad")
    said = [*SAID, *(("bob", f"task @sam 5m {n} {LONG}") for n in range(60))]
    for n, (by, words) in enumerate(said):
        command = grammar.read(words, incident.policy)
        assert isinstance(command, Command)
        judge(incident, Said(command, by), NOW + timedelta(seconds=n))
        hear(incident, Said(command, by), NOW + timedelta(seconds=n))
    return incident


def check_blocks(made: list[dict[str, Any]], at_most: int = rules.A_MESSAGE) -> None:
    assert not rules.faults(made, at_most), rules.faults(made, at_most)
    for block in Block.parse_all(made):
        block.validate_json()
    ids = [e["action_id"] for b in made if b["type"] == "actions" for e in b["elements"]]
    assert len(made) <= at_most and ids is not None


def test_each_notice(organisation: Organisation, places: Placeholders) -> None:
    incident = crowded(organisation)
    about = {line.about for line in incident.outbox if line.about} | {"card", "announced/C0GENERAL"}
    kinds = {a.partition("/")[0] for a in about}
    assert kinds == {"card", "command", "announced", "repair", "draft", "task", "need", "trigger", "handover"}
    for each in about:
        notice = notices.compose(incident, each)
        check_blocks(blocks.message(places.for_slack(notice.text), incident.id, notice.choices, notice.more))


def test_each_prompt(organisation: Organisation, places: Placeholders) -> None:
    incident = crowded(organisation)
    told = [(e.text, e.choices) for e in incident.effects.values() if isinstance(e, Tell)]
    for role in (deputy, scribe, customer_liaison, internal_liaison):
        due = role.duties(role.view(incident, over=False), {}, NOW + timedelta(hours=4))
        told += [(d.deed.text, d.deed.choices) for d in due if isinstance(d.deed, Whisper)]
    assert len([1 for _, choices in told if choices]) > 8
    for text, choices in told:
        check_blocks(blocks.message(places.for_slack(text), incident.id, choices))


@pytest.mark.parametrize("name", forms.FORMS)
def test_each_form(organisation: Organisation, name: str) -> None:
    incident, policy = crowded(organisation), organisation.policy()
    about = forms.About(name, incident.id, f"{name} 5" if name in ("message edit", "approve", "reject") else name, "C1")
    known = forms.FORMS[name].known(about, incident)
    for given in ({}, known, {"text": "x" * 9000}, *({"entry": e.id} for e in policy.catalogue if name == "propose")):
        made = forms.view(about, policy, given)
        View(**made).validate_json()
        check_blocks(made["blocks"], rules.A_MODAL)
        assert len(made["title"]["text"]) <= 24 and len(made["private_metadata"]) <= 3000
        assert forms.About.read(made["private_metadata"]) == about
        assert fields.first_input(made)


def test_the_home_with_more_than_it_can_show(organisation: Organisation, places: Placeholders) -> None:
    made = home.view([crowded(organisation)] * 12, "sam", places)
    View(**made).validate_json()
    check_blocks(made["blocks"], rules.A_MODAL)


@pytest.mark.parametrize("words", ["approve 3", "message edit 7", "announce yes 2", "page database"])
def test_a_button_says_what_it_stands_for(words: str) -> None:
    from incident.choices import Choice

    made: Callable[..., Any] = blocks.message
    (section, actions) = made("What now?", "lusab-babad", [Choice("Do it", words, "primary")])
    assert section["text"]["text"] == "What now?"
    pressed = blocks.pressed(json.loads(json.dumps(actions["elements"][0])))
    assert (pressed.incident, pressed.words, pressed.form) == ("lusab-babad", words, False)
