"""The weeks after: steps, the postmortem's sections, its meeting, e-mails and the retrospective (process, 6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoints import archive
from incident import after, emails, meeting, postmortem
from incident.commands import Refusal
from incident.duties import after as duties_after
from incident.duties.base import Whisper
from incident.model import Stage
from incident.policy import Organisation
from tests.documents.story import two_hours
from tests.domain.conftest import Told

Story = Callable[..., Told]


def resolved(told: Story) -> Told:
    story = told()
    for words in ("internal-liaison @ines", "customer-liaison @carla", "scribe @mac"):
        story.say("bob", words)
    story.say("sam", "join as database")
    story.say("bob", "resolve recovered", after=30)
    story.say("bob", "postmortem @anne")
    return story


def owed(story: Told, person: str) -> list[str]:
    return [one.text for one in after.owed_by(story.incident, person)]


def whispers(story: Told, words: str) -> list[tuple[tuple[str, ...], str]]:
    """What is due now and has these words."""
    due = [d for d in duties_after.duties(story.incident, {}, story.now) if d.due_at <= story.now]
    found = [d.deed for d in due if isinstance(d.deed, Whisper)]
    return [(deed.people, deed.text) for deed in found if words in deed.text]


# -- steps -------------------------------------------------------------------------------------------------


def test_deputy_and_internal_liaison_have_their_steps(told: Story) -> None:
    story = resolved(told)
    assert any("nobody still waits" in text for text in owed(story, "dee"))
    assert any("stakeholders who wrote back" in text for text in owed(story, "ines"))


def test_in_a_security_incident_nobody_writes_to_stakeholders(told: Story) -> None:
    story = told()
    story.say("bob", "secure")
    story.say("bob", "internal-liaison @ines")
    story.say("bob", "resolve recovered", after=30)
    assert not any("stakeholders" in one for one in owed(story, "ines"))
    with pytest.raises(Refusal, match="security incident"):
        story.say("bob", "postmortem emails")
    assert not whispers(story, "Subject:")


# -- sections ----------------------------------------------------------------------------------------------

WRITTEN = {
    "overview": "Two orders were lost in an hour.",
    "what": "A deployment filled the pool of connections.",
    "factor": "The pool has no alert.",
    "resolution": "We rolled back.",
    "impact": "312 orders failed.",
    "well": "The rollback took two minutes.",
    "badly": "Nobody knew the runbook.",
    "lesson": "Alert on pools.",
    "external": "On Monday some orders failed.",
}


def test_each_of_pagerdutys_sections_is_a_command_and_is_in_the_document(told: Story) -> None:
    story = resolved(told)
    for section, text in WRITTEN.items():
        assert "Saved" in story.say("sam", f"postmortem {section} {text}").text
    document = archive.report(story.incident, html=False, out=None)
    html = archive.report(story.incident, html=True, out=None)
    for text in WRITTEN.values():
        assert text in document and text in html
    order = [
        "## Overview",
        "## What happened",
        "## Contributing factors",
        "## Resolution",
        "## Impact in numbers",
        "## Roles and responders",
        "## Timeline",
        "## How did we do",
        "## Action items",
        "## Messages",
    ]
    places = [document.index(f"{heading}\n") for heading in order]
    assert places == sorted(places), order


def test_a_section_is_filled_from_the_facts_where_they_are_known(told: Story) -> None:
    sections = {section.heading: section.texts for section in postmortem.compose(two_hours(told)).sections}
    assert any("two orders" in text for text in sections["Impact in numbers"])
    assert sections["Contributing factors"] and sections["What happened"] and sections["Resolution"]
    assert sections["Overview"] and not sections["What went well"]


def test_the_newest_text_counts_and_a_list_grows(told: Story) -> None:
    story = resolved(told)
    for text in ("one", "two"):
        story.say("sam", f"postmortem what {text}")
        story.say("sam", f"postmortem well {text}")
    sections = {section.heading: section.texts for section in postmortem.compose(story.incident).sections}
    assert sections["What happened"] == ("two",) and sections["What went well"] == ("one", "two")


def test_they_can_be_noted_while_it_is_open_and_after_its_close(told: Story) -> None:
    story = told()
    story.say("sam", "postmortem well the page came at once")
    story.say("bob", "resolve recovered", after=30)
    sections = {section.heading: section.texts for section in postmortem.compose(story.incident).sections}
    assert sections["What went well"] == ("the page came at once",)


def test_what_is_missing_is_asked_for_when_closing(told: Story) -> None:
    story = resolved(told)
    for word in ("review", "reviewed"):
        story.say("anne", f"postmortem {word}")
    with pytest.raises(Refusal, match=r"What went well: `!ic postmortem well TEXT`.*`!ic postmortem close --insist`"):
        story.say("anne", "postmortem close")
    for section in ("what", "factor", "resolution", "impact", "well", "badly", "lesson"):
        story.say("anne", f"postmortem {section} {WRITTEN[section]}")
    story.say("anne", "postmortem close")
    assert story.incident.after is not None and story.incident.after.stage is Stage.CLOSED


def test_closing_without_them_takes_a_word(told: Story) -> None:
    story = resolved(told)
    for word in ("review", "reviewed", "close --insist"):
        story.say("anne", f"postmortem {word}")
    assert story.incident.after is not None and story.incident.after.stage is Stage.CLOSED


# -- meeting -----------------------------------------------------------------------------------------------


def test_the_meeting_is_an_icalendar_file_with_invitees_and_agenda(
    told: Story, organisation: Organisation, tmp_path: Path
) -> None:
    story = resolved(told)
    story.say("bob", "postmortem link https://wiki.example.com/42")
    story.say("anne", "postmortem meeting 2026-03-04 15:30")
    archive.report(story.incident, html=False, out=tmp_path, organisation=organisation)
    raw = (tmp_path / "meeting.ics").read_bytes()
    assert all(len(line) <= 75 for line in raw.split(b"\r\n")), "a line is longer than the format allows"
    text = raw.decode().replace("\r\n ", "")
    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-2:] == ["END:VCALENDAR", ""]
    assert "DTSTART:20260304T153000Z" in lines and "DTEND:20260304T163000Z" in lines
    invited = set(re.findall(r"ATTENDEE;.*mailto:(\w+)@example\.com", text))
    assert invited == {"bob", "dee", "anne", "carla", "ines", "mac", "sam"}
    assert "contributing factors\\, and what ended it" in text and "https://wiki.example.com/42" in text
    assert 'ORGANIZER;CN="Anne Apison":mailto:anne@example.com' in lines


def test_there_is_no_file_of_a_meeting_that_is_not_held(
    told: Story, organisation: Organisation, tmp_path: Path
) -> None:
    story = told()
    story.say("bob", "cancel it was a test")
    archive.report(story.incident, html=False, out=tmp_path, organisation=organisation)
    assert not (tmp_path / "meeting.ics").exists() and (tmp_path / "postmortem.md").exists()


def test_a_name_cannot_add_a_line_to_the_file(told: Story, organisation: Organisation) -> None:
    story = resolved(told)
    story.incident.title = "checkout\r\nATTENDEE:mailto:evil@example.com; is, down"
    made = meeting.icalendar(story.incident, lambda person: f"{person}@example.com")
    assert not [line for line in made.replace("\r\n ", "").split("\r\n") if line.startswith("ATTENDEE:")]


def test_the_owner_is_told_whom_to_invite_and_what_to_discuss(told: Story) -> None:
    story = resolved(told)
    ((people, text),) = whispers(story, "Agenda")
    assert people == ("anne",) and "Carla Clientson" in text and f"ic report {story.incident.id}" in text


# -- e-mails -----------------------------------------------------------------------------------------------


def test_that_it_happened_is_drafted_for_the_ic_when_it_ends(told: Story) -> None:
    story = told()
    story.say("bob", "impact nobody can pay")
    story.say("bob", "resolve recovered lost two orders", after=28)
    ((people, text),) = whispers(story, "Subject: SEV-1: PRACTICE checkout is down")
    assert people == ("bob",)
    for fact in ("nobody can pay", "two orders", "resolved after 30 min"):
        assert fact in text


def test_what_we_learned_is_drafted_for_the_owner_once_it_is_reviewed(told: Story) -> None:
    story = resolved(told)
    story.say("sam", "postmortem lesson Alert on pools.")
    story.say("sam", "todo write the alert")
    assert not whispers(story, "What we learned from")
    for word in ("review", "reviewed"):
        story.say("anne", f"postmortem {word}")
    ((people, text),) = whispers(story, "Subject: What we learned from SEV-1")
    assert people == ("anne",) and "Alert on pools." in text and "write the alert" in text


def test_both_are_shown_when_asked_for_and_are_in_the_document(told: Story) -> None:
    story = resolved(told)
    story.say("sam", "postmortem lesson Alert on pools.")
    answer = story.say("anne", "postmortem emails").text
    assert str(emails.it_happened(story.incident)) in answer and str(emails.what_we_learned(story.incident)) in answer
    document = archive.report(story.incident, html=False, out=None)
    assert "That it happened" in document and "What we learned from SEV-1" in document


# -- retrospective -----------------------------------------------------------------------------------------


def test_the_answers_of_the_retrospective_are_collected(told: Story) -> None:
    story = resolved(told)
    with_it = [one for one in owed(story, "sam") if "`!ic retro TEXT`" in one]
    assert len(with_it) == 1
    story.say("sam", "retro the roles helped; the bridge was noisy")
    assert not [one for one in owed(story, "sam") if "`!ic retro TEXT`" in one], "who has answered is asked no more"
    assert [one for one in owed(story, "dee") if "`!ic retro TEXT`" in one]
    for person in {p for one in story.incident.after.followups for p in one.people if "retro" in one.text}:  # type: ignore[union-attr]
        story.say(person, f"retro said by {person}")
    done = next(one for one in story.incident.after.followups if "retro" in one.text)  # type: ignore[union-attr]
    assert done.done_at is not None
    document = archive.report(story.incident, html=False, out=None)
    assert "the bridge was noisy" in document and "Sam Storeson" in document and "said by dee" in document


def test_it_begins_after_the_end(told: Story) -> None:
    with pytest.raises(Refusal, match="postmortem well TEXT"):
        told().say("sam", "retro it goes well")
