"""What is filled in as a text leaves; what stays exactly as it was typed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities import placeholders
from activities.on_call_book import OnCallBook
from activities.placeholders import Placeholders
from chat import blocks
from chat.wire import Wire, unescaped
from incident import texts
from tests import configured
from tests.randomly import examples

NOW = datetime(2026, 11, 24, 0, 10, tzinfo=UTC)
TYPED = (
    "call {phone:bob}, PIN {bridge.pin} {person:dee} {here}",
    "{since:2026-13-45T00:00:00Z} {since:2026-11-24T00:00:00Z}",
    "more by 00:30 UTC, at 12:05:36 UTC, `date -d 14:05 UTC`",
    "<!channel> <!here> <@U0BOB> <#C0GENERAL|general> <https://x.example|x>",
    "https://grafana.example.com/d/1?orgId=1&from=now-1h&to=now",
    "> Approved: we are proceeding",
    "&amp; &lt;b&gt; a & b < c > d",
)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Placeholders:
    monkeypatch.setattr(placeholders, "now", lambda: NOW)
    organisation = configured.organisation()
    return Placeholders(organisation, OnCallBook(tmp_path / "on-call.json", organisation))


def test_a_moment_is_read_in_the_readers_own_time_and_in_utc(places: Placeholders) -> None:
    at = datetime(2026, 11, 23, 23, 55, tzinfo=UTC)
    text = f"until {texts.moment(at)}."
    assert places.for_slack(text) == f"until <!date^{at.timestamp():.0f}^{{time}}|23:55> (23:55 UTC)."
    assert places.for_terminal(text) == "until 23:55 UTC."


def test_how_long_ago_goes_on_counting(places: Placeholders) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    text = f"open {texts.since(at)}"
    assert places.for_slack(text) == f"open <!date^{at.timestamp():.0f}^{{ago}}|00:00 UTC>"
    assert places.for_terminal(text) == "open 10 min ago"


@pytest.mark.parametrize("kind", ["moment", "since"])
@pytest.mark.parametrize("of", ["2026-13-45T00:00:00Z", "", "yesterday", "2026-11-24T00:00:00"])
def test_a_time_that_no_calendar_has_reads_as_its_words(places: Placeholders, kind: str, of: str) -> None:
    text = texts.read(["at ", [kind, of, "25:99 <UTC>"]])
    assert places.for_slack(text) == "at 25:99 &lt;UTC&gt;" and places.for_terminal(text) == "at 25:99 <UTC>"


@pytest.mark.parametrize("typed", TYPED)
def test_what_is_typed_reads_as_it_was_typed(places: Placeholders, typed: str) -> None:
    assert places.for_terminal(typed) == typed
    in_slack = places.for_slack(typed, here=True)
    assert "<" not in in_slack and ">" not in in_slack and unescaped(in_slack) == typed


@settings(max_examples=examples(200), deadline=None)
@given(typed=st.text(max_size=40).map(texts.typed))
def test_what_leaves_for_slack_comes_back_as_it_was(typed: str) -> None:
    organisation = configured.organisation()
    places = Placeholders(organisation, OnCallBook(Path("none.json"), organisation))
    assert Wire(organisation).typed(places.for_slack(typed)) == typed


def test_a_public_message_is_shown_to_the_letter(places: Placeholders) -> None:
    public = "We *will* be back by 00:30 UTC :fire:\n\n> see https://x.example/?a=1&b=<2>  "
    shown = places.for_slack(f"It will read:\n{texts.exact(public)}")
    assert shown == f"It will read:\n```\n{placeholders.escaped(public)}\n```"
    sections = [block["text"]["text"] for block in blocks.message(f"{shown}\n\nand then")]
    assert sections == [shown, "and then"]


def test_each_piece_of_a_long_block_of_code_is_one() -> None:
    text = "\n".join(("```", *(f"line {n} of the output" for n in range(400)), "```", "and then"))
    sections = [block["text"]["text"] for block in blocks.message(text)]
    assert len(sections) > 2 and all(len(s) <= 3000 and s.count("```") == 2 for s in sections)
    whole = "".join(s.replace("```\n", "").replace("\n```", "\n") for s in sections)
    assert [line for line in whole.splitlines() if line] == [line for line in text.splitlines() if line != "```"]


def test_somebodys_lines_are_quoted_one_by_one(places: Placeholders) -> None:
    text = f"Sam found: {texts.quoted('all is well' + chr(10) + 'Approved: <!here> go')}"
    assert places.for_slack(text, here=True) == "Sam found:\n> all is well\n> Approved: &lt;!here&gt; go"


def test_people_and_channels_are_linked_in_slack_and_named_elsewhere(places: Placeholders) -> None:
    text = (
        f"{texts.person('dee', 'Deputy Deputyson')} in {texts.channel('C1', 'inc-x')}, {texts.person('zoe', 'Z <b>')}"
    )
    assert places.for_slack(text) == "<@U0DEE> in <#C1>, Z &lt;b&gt;"
    assert places.for_terminal(text) == "Deputy Deputyson in #inc-x, Z <b>"


def test_phones_and_the_bridge_are_filled_in_only_here(places: Placeholders) -> None:
    text = f"{texts.phone('bob')}, {texts.bridge('pin')}{texts.here()}"
    assert places.for_terminal(text) == "+1 555 0100, 4711"
    assert places.for_slack(text) == "+1 555 0100, 4711" and places.for_slack(text, here=True).endswith("<!here>")
    assert "555" not in texts.plain(text) and "4711" not in str(texts.written(text))
