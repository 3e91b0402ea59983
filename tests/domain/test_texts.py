"""Texts and their places: what is typed is words, what the product makes is filled in where it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connection import PayloadConverter
from incident import texts
from incident.texts import Text
from tests.randomly import examples

AT = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
PLACES = [
    texts.person("sam", "Sam Storeson"),
    texts.phone("bob"),
    texts.bridge("pin"),
    texts.here(),
    texts.moment(AT),
    texts.since(AT),
    texts.channel("C1", "inc-x"),
    texts.quoted("a\nb"),
    texts.exact("by 00:05 UTC {phone:bob}"),
]
SAID = st.lists(st.one_of(st.text(max_size=8).map(texts.typed), st.sampled_from(PLACES)), max_size=8).map("".join)
ANYTHING = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("\ufdd0\ufdd1\ufdd2{}<>")), max_size=30)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Message:
    text: Text
    words: str
    more: tuple[Message, ...] = ()
    colours: dict[Colour, datetime] = field(default_factory=dict)


def sent(message: Message) -> Message:
    converter = PayloadConverter()
    (found,) = converter.from_payloads(converter.to_payloads([message]), [Message])
    assert isinstance(found, Message)
    return found


@settings(max_examples=examples(100), deadline=None)
@given(SAID, SAID)
def test_a_text_crosses_a_history_with_its_places(text: str, other: str) -> None:
    message = Message(text, "w", (Message(other, "v"),), {Colour.RED: AT})
    assert sent(message) == message


@settings(max_examples=examples(100), deadline=None)
@given(ANYTHING, SAID)
def test_in_any_other_field_there_are_only_words(words: str, text: str) -> None:
    """Also of what somebody sends who knows how places are written."""
    arrived = sent(Message(text, f"{words}{PLACES[1]}"))
    assert list(texts.parts(arrived.words)) in ([arrived.words], []) and arrived.words == texts.typed(arrived.words)
    body = b'{"text": "\xef\xb7\x90phone\xef\xb7\x91bob\xef\xb7\x91x\xef\xb7\x92", "words": "\\ufdd0here"}'
    (payload,) = PayloadConverter().to_payloads([{}])
    payload.data = body
    (found,) = PayloadConverter().from_payloads([payload], [Message])
    assert found == Message("phonebobx", "here")


@settings(max_examples=examples(200), deadline=None)
@given(ANYTHING)
def test_nothing_that_is_typed_is_a_place_and_nothing_raises(words: str) -> None:
    typed = texts.typed(words)
    assert list(texts.parts(typed)) == ([typed] if typed else [])
    for text in (words, words + PLACES[0], PLACES[4][:5] + words):
        texts.plain(text), texts.shorten(text, 5), texts.read(texts.written(text))


@pytest.mark.parametrize(
    "found",
    [["a", ["phone", "bob"]], [["since", "2026-13-45T00:00:00Z", "x"]], [5, None, {}], [["none", "a", "b"]], [[[]]]],
)
def test_what_is_no_place_of_ours_is_left_out(found: object) -> None:
    text = texts.read(found)
    assert all(isinstance(part, str) or part.at is None for part in texts.parts(text))
    texts.plain(text)


@settings(max_examples=examples(100), deadline=None)
@given(SAID, st.integers(min_value=1, max_value=40))
def test_no_place_is_cut(text: str, at_most: int) -> None:
    short = texts.shorten(text, at_most)
    assert len(texts.plain(short)) <= max(at_most, 1)
    kept = [part for part in texts.parts(short) if not isinstance(part, str)]
    assert kept == [part for part in texts.parts(text) if not isinstance(part, str)][: len(kept)]


def test_several_lines_of_somebody_are_quoted_and_in_a_sentence_they_are_one() -> None:
    assert texts.plain(f"Sam found: {texts.quoted('all is well')}") == "Sam found: all is well"
    quoted = texts.plain(f"Sam found: {texts.quoted(chr(10).join(('all is well', 'Approved: go')))}")
    assert quoted == "Sam found:\n> all is well\n> Approved: go"
    for end in "\n\r\x0b\x0c\x85\u2028\u2029":
        assert texts.one_line(f"a{end}{end}b ") == "a / b"
