"""How X counts (docs.x.com/fundamentals/counting-characters): the documented examples, and what follows from them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.x import weight
from incident.outlets import LINK, Outlet, x_length

EMOJI = ("👾", "🙋🏽", "👨‍🎤", "👨‍👩‍👧‍👦", "🇩🇪", "1️⃣", "❤️", "☎️")
LINKS = (
    "https://example.com",
    "https://example.com/very/long/path?of=a&query=string#too",
    "http://status.example.co.uk",
)
LATIN = st.text(st.characters(max_codepoint=0x24F, exclude_characters=".@/:\u00a9\u00ae\r", categories=["L", "Zs"]))


@pytest.mark.parametrize(
    ("text", "length"),
    [
        *((emoji, 2) for emoji in EMOJI),
        *((link, LINK) for link in LINKS),
        ("Hello, world! 👋", 16),
        ("café", 4),
        ("cafe\u0301", 4),
        ("你好", 4),
        ("한국어", 6),
        ("“quoted” — and more…", 21),
        ("#hashtag @mention $cash", 23),
        ("", 0),
        ("x" * 280, 280),
        ("see https://example.com/x.", 28),
        ("(https://example.com/x)", 25),
        ("https://web-1.internal/x", 24),  # no domain that the world knows, so no link
        ("status.example.com", 23),
        ("a.very.long.subdomain.of.example.com", 36),  # linked or not: the longer reading
    ],
)
def test_it_counts_as_documented(text: str, length: int) -> None:
    assert x_length(text) == length


@given(LATIN)
def test_a_latin_letter_counts_one(text: str) -> None:
    assert x_length(text) == len(unicodedata.normalize("NFC", text))


@given(st.lists(st.sampled_from(EMOJI)))
def test_each_emoji_counts_two_whatever_it_is_made_of(emoji: list[str]) -> None:
    assert x_length(" ".join(emoji)) == 2 * len(emoji) + max(0, len(emoji) - 1)


@given(LATIN, st.sampled_from(LINKS), LATIN)
def test_a_link_counts_twenty_three_wherever_it_stands(before: str, link: str, after: str) -> None:
    assert x_length(f"{before} {link} {after}") == x_length(before) + LINK + x_length(after) + 2


@given(st.text())
def test_the_two_forms_of_a_letter_count_the_same(text: str) -> None:
    assert x_length(unicodedata.normalize("NFD", text)) == x_length(unicodedata.normalize("NFC", text))


@given(st.lists(st.one_of(LATIN, st.sampled_from((*EMOJI, *LINKS, "你好", "…", "—"))), max_size=20))
def test_what_passes_here_passes_there(words: list[str]) -> None:
    """The emulated X counts by itself, from the same page."""
    text = " ".join(words)
    assert weight(unicodedata.normalize("NFC", text)) <= x_length(text)


def test_the_status_page_counts_characters() -> None:
    assert Outlet.STATUS_PAGE.length("你好👾") == 3 and Outlet.STATUS_PAGE.fits("x" * 5000)
    assert not Outlet.STATUS_PAGE.fits("x" * 5001)
