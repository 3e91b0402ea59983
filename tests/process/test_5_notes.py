"""Notes and follow-ups: in the channel, for an earlier time, struck and kept (process, 5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from entrypoints import archive
from incident import grammar
from incident.commands import Refusal, Said, judge
from incident.commands.recording import Note
from incident.words import Unreadable
from tests.domain.conftest import NOW, Told

Story = Callable[..., Told]


def noted(story: Told) -> list[str]:
    return [line for line in story.said if line.startswith("Note ")]


def test_notes_and_follow_ups_are_visible_in_the_channel_with_author_and_time(told: Story) -> None:
    story = told()
    story.say("sam", "note the pool is full")
    story.say("mac", "note we look at the pool", after=1)
    story.say("sam", "todo alert on the pool")
    assert noted(story) == [
        "Note 1 (Sam Storeson, 14:02 UTC): the pool is full",
        "Note 2 (Writer McWriterson, 14:03 UTC): we look at the pool",
    ]
    assert "Follow-up 1 (Sam Storeson, 14:03 UTC): alert on the pool" in story.said


def test_note_at_a_time_stands_there_in_the_timeline(told: Story) -> None:
    story = told()
    story.say("mac", "note at 13:50 the deployment began", after=20)
    entry = next(entry for entry in story.incident.timeline if entry.text == "the deployment began")
    assert entry.at == NOW - timedelta(minutes=10) and entry.who == "mac"
    assert noted(story) == ["Note 1 (Writer McWriterson, 13:50 UTC): the deployment began"]
    document = archive.report(story.incident, html=False, out=None)
    assert document.index("| 2026-03-02 13:50:00 | note |") < document.index("| 2026-03-02 14:00:00 |")


def test_the_time_is_the_last_such_one_on_the_speakers_wall(told: Story) -> None:
    story = told()
    policy = story.incident.policy
    berlin = tuple(p.model_copy(update={"time_zone": "Europe/Berlin"}) if p.id == "mac" else p for p in policy.people)
    story.incident.policy = policy.model_copy(update={"people": berlin})
    story.say("mac", "note at 14:50 before it began")
    story.say("mac", "note at 23:30 late yesterday")
    story.say("mac", "note at 13:55 UTC just before")
    assert [entry.at for entry in story.incident.notes] == [
        NOW - timedelta(minutes=10),
        NOW - timedelta(hours=15, minutes=30),
        NOW - timedelta(minutes=5),
    ]


def test_what_is_no_time_is_text_and_a_time_alone_is_no_note(told: Story) -> None:
    policy = told().incident.policy
    assert grammar.read("note at peak hour it broke", policy) == Note("at peak hour it broke")
    for wrong in ("note at 25:10 it broke", "note at 02:50"):
        with pytest.raises(Unreadable):
            grammar.read(wrong, policy)


def test_a_time_that_is_none_is_refused_whoever_sends_it(told: Story) -> None:
    story = told()
    for at in ("25:10", "IC, be advised", "02:50 CET", "٠٢:٥٠"):
        with pytest.raises(Refusal, match="is not a time of day"):
            judge(story.incident, Said(Note("it broke", at), "bob"), story.now)


def test_a_struck_note_is_struck_through_and_kept(told: Story) -> None:
    story = told()
    story.say("sam", "note it was the cache")
    story.say("sam", "note it was the pool")
    story.say("sam", "strike 1", after=1)
    assert story.said[-1] == "Sam Storeson struck note 1: ~it was the cache~"
    document = archive.report(story.incident, html=False, out=None)
    assert "struck by Sam Storeson" in document and "it was the cache" in document
    struck = [entry for entry in story.incident.timeline if entry.struck]
    assert [entry.text for entry in struck] == ["it was the cache"] and story.incident.notes[0].struck
    with pytest.raises(Refusal, match="struck already"):
        story.say("sam", "strike 1")
    with pytest.raises(Refusal, match="no note 7"):
        story.say("sam", "strike 7")


def test_its_author_the_scribe_the_ic_and_the_deputy_strike_a_note(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac")
    for text in ("one", "two", "three"):
        story.say("sam", f"note {text}")
    with pytest.raises(Refusal, match="Sam Storeson"):
        story.say("anne", "strike 1")
    for n, who in enumerate(("bob", "dee", "mac"), 1):
        story.say(who, f"strike {n}")
    assert all(note.struck for note in story.incident.notes)


def test_half_a_character_is_refused_and_holds_no_incident(told: Story) -> None:
    story = told()
    for words in ("note half \ud800", "finding half \udfff", "todo \ud800", "impact \ud83d"):
        with pytest.raises(Refusal, match="half a character"):
            story.say("bob", words)
