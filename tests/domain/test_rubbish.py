"""What nobody can mean: answered with a sentence, or dropped, and nothing is held up by it."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

import incident
from incident import declaring, reports
from incident.commands import Refusal
from incident.duties import command
from incident.policy import Policy
from incident.reports import PageAcknowledged, Report
from incident.words import Unreadable
from tests.domain.conftest import NOW, Told, shown

Story = Callable[..., Told]


def test_a_text_has_an_end(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="8001 characters of 8000"):
        story.say("anne", f"note {'x' * 8001}")
    story.say("anne", f"note {'x' * 8000}")


def test_a_title_has_an_end_and_what_was_said_is_kept(policy: Policy) -> None:
    words = "checkout fails " * 100
    drawn = declaring.draw_up(words, by="anne", by_name="Anne", policy=policy, practice=True, key="k", at=NOW)
    incident = declaring.declare(drawn, NOW)
    assert len(incident.title) <= declaring.LONGEST_TITLE and incident.title.endswith("…")
    assert incident.facts.symptoms == [words.strip()]


def test_no_title_is_called_the_same_everywhere(policy: Policy) -> None:
    drawn = declaring.draw_up("", by="anne", by_name="Anne", policy=policy, practice=True, key="k", at=NOW)
    assert drawn.title == declaring.declare(drawn, NOW).title == declaring.NO_WORDS


@pytest.mark.parametrize("at", [datetime(2026, 3, 2, 14), datetime.max.replace(tzinfo=NOW.tzinfo)])
def test_a_report_of_another_time_changes_nothing(told: Story, at: datetime) -> None:
    story = told(commanded=False)
    page = next(iter(story.incident.pages))
    with pytest.raises(ValueError, match="no time of an incident"):
        reports.take(story.incident, Report("x", "1", PageAcknowledged(page, "bob", "Bob", at)), story.now)
    assert not story.incident.pages[page].acknowledged_by
    assert command.next_deadline(story.incident) is not None


def test_an_acknowledgement_from_a_clock_that_is_ahead_counts_from_now(told: Story) -> None:
    story = told(commanded=False)
    page = next(iter(story.incident.pages))
    ahead = PageAcknowledged(page, "bob", "Bob", story.now + timedelta(days=3))
    reports.take(story.incident, Report("x", "1", ahead), story.now)
    assert story.incident.pages[page].acknowledged_by == {"bob": story.now}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("done 12 hosts", "You have no open task 12. Open: 1."),
        ("ack 99", "You have no open task 99. Open: 1."),
        ("more 5m 99", "You have no open task 99. Open: 1."),
    ],
)
def test_a_wrong_number_is_answered_with_the_right_ones(told: Story, words: str, why: str) -> None:
    story = told()
    story.say("bob", "task @sam 5m count the hosts")
    with pytest.raises(Refusal) as refused:
        story.say("sam", words)
    assert str(refused.value).replace("Open: 2", "Open: 1") == why


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("propose rollbak service=shop-api", "propose rollback service=shop-api"),
        ("draft identfied", "draft identified"),
        ("status stlak", "status stalk"),
    ],
)
def test_nearly_a_word_of_ours_is_not_taken_for_a_text(told: Story, words: str, meant: str) -> None:
    with pytest.raises((Refusal, Unreadable), match=f"Did you mean `{meant}`"):
        told().say("bob", words)


def test_whoever_is_here_can_say_later_as_what(told: Story) -> None:
    story = told()
    story.say("sam", "join")
    assert "as database expert" in story.say("sam", "join as database expert").text
    assert story.said[-1] == "Sam Storeson is here as database expert."
    assert story.incident.responders["sam"].expert_in == "database expert"


def test_somebody_who_pages_hears_whom_to_call_when_paging_fails(told: Story) -> None:
    story = told(commanded=False)
    for page in story.incident.pages.values():
        page.paged_at, page.failing = None, True
        page.people, page.paged, page.book_age = ["bob"], ["Bob Boberson"], "as of 1 min ago"
    answer = shown(story.say("zoe", "further the shop burns").text)
    assert "could not page Bob Boberson, call {phone:bob}" in answer


def test_words_that_name_the_next_message_are_not_warned_of(told: Story) -> None:
    story = told()
    text = "draft Invoices can not be printed. More by 14:20 UTC."
    assert "when the next one is due" not in story.say("bob", text).text
    assert "when the next one is due" in story.say("bob", "draft Invoices can not be printed.").text


def _patterns() -> dict[str, re.Pattern[str]]:
    modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(incident.__path__, "incident.")]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }


HOSTILE = (
    "a.",
    "a",
    "a-",
    " ",
    "x= ",
    "-- also",
    "https://a.",
    "{person:",
    "<@A",
    "more by ",
    "1",
    "10.",
    "a b ",
    "a\n",
)


@pytest.mark.parametrize("name", _patterns())
def test_no_pattern_takes_long_over_a_long_text(name: str) -> None:
    """A quadratic pattern takes seconds over these, and in a handler trips the SDK's deadlock detector."""
    pattern = _patterns()[name]
    for piece in HOSTILE:
        text = (piece * 8000)[:8000]
        begun = time.process_time()
        assert sum(1 for _ in pattern.finditer(text)) >= 0
        assert time.process_time() - begun < 0.5, repr(piece)
