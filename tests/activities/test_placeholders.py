"""What is filled in as a text leaves the house."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities import placeholders
from activities.on_call_book import OnCallBook
from activities.placeholders import Placeholders
from tests import configured

NOW = datetime(2026, 11, 24, 0, 10, tzinfo=UTC)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Placeholders:
    monkeypatch.setattr(placeholders, "now", lambda: NOW)
    organisation = configured.organisation()
    return Placeholders(organisation, OnCallBook(tmp_path / "on-call.json", organisation))


def test_a_time_is_read_in_the_readers_own_and_in_utc(places: Placeholders) -> None:
    moment = datetime(2026, 11, 24, 0, 30, tzinfo=UTC).timestamp()
    assert places.for_slack("by 00:30 UTC") == f"by <!date^{moment:.0f}^{{time}}|00:30> (00:30 UTC)"


def test_a_time_just_before_midnight_was_yesterday(places: Placeholders) -> None:
    moment = datetime(2026, 11, 23, 23, 55, tzinfo=UTC).timestamp()
    assert f"^{moment:.0f}^" in re.sub("<!date", "", places.for_slack("at 23:55 UTC"))


def test_what_is_quoted_stays_exactly_as_it_is(places: Placeholders) -> None:
    assert places.for_slack("> more by 00:30 UTC.") == "> more by 00:30 UTC."


def test_how_long_ago_goes_on_counting(places: Placeholders) -> None:
    text = "open {since:2026-11-24T00:00:00Z}"
    moment = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    assert places.for_slack(text) == f"open <!date^{moment:.0f}^{{ago}}|00:00 UTC>"
    assert places.for_terminal(text) == "open 10 min ago"


def test_nobody_types_a_mention_of_everybody(places: Placeholders) -> None:
    assert places.for_slack("<!channel> <@U0BOB> <https://x.example|x>") == (
        "&lt;!channel&gt; <@U0BOB> <https://x.example|x>"
    )
