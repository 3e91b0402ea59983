"""From what Slack sends to words, and from words to commands: never an exception, never a command nobody typed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.hearing import words_of
from chat.wire import Wire
from incident import grammar
from incident.commands import VOCABULARY, Command
from incident.policy import Policy
from incident.words import Unreadable
from tests.configured import organisation
from tests.randomly import examples
from tests.vocabulary import SPOKEN

WIRE = Wire(organisation())
WORDS = sorted({word for spoken in SPOKEN.values() for word in spoken.split()} | {k.verb for k in VOCABULARY})
STRANGE = [
    "\u201c",
    "\u2019",
    "<@U0SAM>",
    "<#C0GENERAL|general>",
    "`",
    "\n",
    "&amp;",
    ":fire:",
    "\U0001f525",
    "\u2014insist",
    "#3",
    "!ic",
    "9" * 30,
]
LINES = st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(STRANGE), st.text(max_size=12)), max_size=9).map(
    " ".join
)


@pytest.mark.parametrize(
    ("text", "in_room", "words"),
    [
        ("!ic page checkout is down", False, "page checkout is down"),
        ("!IC Page", False, "Page"),
        ("!ic", False, ""),
        ("!status", False, "status"),
        ("!status stalk", True, "status stalk"),
        ("!note it is odd", False, "note it is odd"),
        ("!page", False, "page"),
        ("TODO: write a runbook", True, "todo write a runbook"),
        ("NOTE it is odd", True, "note it is odd"),
        ("NOTE it is odd", False, None),
        ("Note it is odd", True, None),
        ("NOTES of yesterday", True, None),
        ("!icy roads", True, None),
        ("!statsu", True, "statsu"),
        ("!statsu", False, None),
        ("!todoo buy milk", True, "todoo buy milk"),
        ("!deploy shop", True, None),
        ("say !ic page", True, None),
        ("`!ic page`", True, None),
        ("!ic note \u201ca\u201d &amp; &lt;b&gt;", True, "note \u201ca\u201d & <b>"),
        ("!ic note &amp;lt;", True, "note &lt;"),
        ("!ic page <http://shop.example.com|shop.example.com> is down", False, "page shop.example.com is down"),
        ("!note see <https://g.example/d?a=1&amp;b=2>", True, "note see https://g.example/d?a=1&b=2"),
        ("!note <tel:+15550199|+1 555 0199>, <mailto:a@b.example|a@b.example>", True, "note +1 555 0199, a@b.example"),
        ("!ic task <@U0SAM|sam> 5m look", True, "task @sam 5m look"),
    ],
)
def test_what_is_a_command_and_what_is_talk(text: str, in_room: bool, words: str | None) -> None:
    assert words_of(WIRE.typed(text), in_room=in_room) == words


def test_what_is_nearly_a_word_of_ours_is_no_other_command() -> None:
    spoken = {verb.split("-")[0] for verb in (kind.verb for kind in VOCABULARY)} | set(grammar.QUESTIONS)
    assert [word for word in spoken - {"status", "note", "todo", "page"} if words_of(f"!{word}", in_room=True)] == []


@settings(
    max_examples=examples(2_000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(line=LINES, prefix=st.sampled_from(["", "!ic ", "!status ", "!note ", "TODO ", "NOTE: "]))
def test_no_line_breaks_the_grammar_or_becomes_what_nobody_typed(policy: Policy, line: str, prefix: str) -> None:
    line = WIRE.typed(line)
    heard = words_of(prefix + line, in_room=True)
    if heard is None:
        return
    typed = (prefix + line).lower()
    assert typed.strip().startswith(("!", "todo", "note"))
    try:
        meant = grammar.read(heard, policy)
    except Unreadable as fault:
        assert str(fault) and "\n" not in str(fault).split("Say `")[-1]
        return
    if isinstance(meant, Command):
        assert all(part in typed for part in meant.verb.split("-")), meant
        again = grammar.read(meant.words(), policy)
        assert again == meant, meant.words()


@pytest.fixture(scope="session")
def policy() -> Policy:

    return organisation().policy()
