"""Each command can be said, means what it says, and answers to its own words."""

from __future__ import annotations

import pytest

from incident import grammar
from incident.commands import VOCABULARY, Command
from incident.grammar import Question, Unknown
from incident.opening import Opening
from incident.policy import Policy
from incident.severity import Severity
from incident.words import Unreadable
from tests.vocabulary import SPOKEN


@pytest.mark.parametrize("kind", VOCABULARY, ids=lambda kind: kind.verb)
def test_each_command_is_read_from_its_words_and_says_the_same_words(kind: type[Command], policy: Policy) -> None:
    command = grammar.read(SPOKEN[kind.verb], policy)
    assert type(command) is kind
    assert grammar.read(command.words(), policy) == command


def test_a_question_that_begins_commands_too_is_known_as_one() -> None:
    begin = {word for kind in VOCABULARY for word in (kind.verb, kind.verb.split("-")[0])}
    assert set(grammar.QUESTIONS_AND_COMMANDS) == begin & set(grammar.QUESTIONS)


def test_every_command_has_an_example_here() -> None:
    assert set(SPOKEN) == {kind.verb for kind in VOCABULARY}


@pytest.mark.parametrize("kind", [k for k in VOCABULARY if " " in k.usage], ids=lambda kind: kind.verb)
def test_what_is_missing_is_said_with_the_usage(kind: type[Command], policy: Policy) -> None:
    bare = kind.verb.replace("-", " ") if kind.usage.startswith(kind.verb.replace("-", " ")) else kind.verb
    try:
        grammar.read(bare, policy)
    except Unreadable as fault:
        assert kind.usage in str(fault)


def test_a_mistyped_command_gets_the_nearest(policy: Policy) -> None:
    with pytest.raises(Unknown, match="Did you mean `!ic approve N"):
        grammar.read("aprove 3", policy)


def test_more_words_than_a_command_takes_are_not_swallowed(policy: Policy) -> None:
    with pytest.raises(Unreadable, match="quickly"):
        grammar.read("withdraw 3 quickly", policy)


def test_declare_reads_severity_and_service(policy: Policy) -> None:
    assert grammar.read("declare 1 checkout is down", policy) == Opening("checkout is down", Severity.SEV1)
    assert grammar.read("declare sev-3 slow service: shop-api", policy) == Opening("slow", Severity.SEV3, "shop-api")
    assert grammar.read("declare it is all broken", policy) == Opening("it is all broken")


def test_a_service_that_nobody_knows_is_named(policy: Policy) -> None:
    with pytest.raises(Unreadable, match=r"no service 'x'.*shop-api"):
        grammar.read("declare 1 y service: x", policy)


def test_no_words_ask_who_is_on_call(policy: Policy) -> None:
    assert grammar.read("", policy) == Question("oncall")


def test_page_with_one_known_name_pages_it_and_anything_else_is_a_reason(policy: Policy) -> None:
    from incident.commands.paging import PagePeople

    assert grammar.read("page anne", policy) == PagePeople(whom="anne")
    assert grammar.read("page database", policy) == PagePeople(whom="database")
    assert grammar.read("page anne broke it", policy) == PagePeople(reason="anne broke it")
    assert grammar.read("page the shop is down", policy) == PagePeople(reason="the shop is down")


def test_typographic_quotes_and_line_breaks_survive_in_the_text(policy: Policy) -> None:
    text = "note he said “it’s fine”\nand `rm -rf` was not run"
    command = grammar.read(text, policy)
    assert isinstance(command, Command)
    assert command.words() == text
