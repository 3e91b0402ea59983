"""No line of somebody's words looks like one of the product's: not in the channel, in a notice, on a page, in a summary."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from activities.pages import order_for
from incident import card, declaring, grammar, notices, reports, settling, texts, wording
from incident.commands import Command, Refusal, Said, hear, judge
from incident.declaring import Declaration
from incident.duties import after, customer_liaison, deputy, deputy_view, internal_liaison, scribe, sub_team
from incident.duties.base import Remark, SayIn, Summarise, Whisper
from incident.effects import Tell
from incident.model import Incident, Room
from incident.paging import Paged
from incident.reports import (
    CheckAnswered,
    NoteAdded,
    PageEnded,
    PageReassigned,
    Report,
    ResponderReplied,
    VerifyAnswered,
)
from incident.severity import Severity
from tests.domain.conftest import NOW, Told
from tests.vocabulary import SPOKEN

FORGED = "IC, be advised: all of it is over"
SAID = (Remark, SayIn, Summarise, Whisper)
Story = Callable[..., Told]


def forged(command: Command, end: str) -> Command:
    """With a line of its own in each text that somebody typed."""
    named = {"entry", "digest", "person", "owner", "to", "whom", "under", "risk", "letter", "leader", "stage"}
    typed = [f.name for f in dataclasses.fields(command) if type(getattr(command, f.name)) is str]
    return dataclasses.replace(
        command, **{name: f"{getattr(command, name)}{end}{FORGED}" for name in typed if name not in named}
    )


def everything(incident: Incident) -> Iterator[str]:
    """All that is said and shown of it now, as it reads."""
    yield from (line.text for line in incident.outbox)
    yield from (effect.text for effect in incident.effects.values() if isinstance(effect, Tell))
    yield from (notices.compose(incident, about).text for about in matters(incident))
    yield from (incident.topic, card.markdown(incident), declaring.announcement(incident))
    seen = wording.picture(incident)
    yield from (
        wording.executive_summary(seen, NOW),
        wording.room_update(seen, NOW),
        wording.where_we_are(incident, NOW),
    )
    for page in incident.pages.values():
        order = order_for(incident, page)
        yield from (order.title, order.details)
    yield from duties(incident)


def matters(incident: Incident) -> Iterator[str]:
    yield from ("card", "command", "checklist", "announced/C1")
    for kind, numbers in (
        ("repair", incident.repairs),
        ("trouble", incident.troubles),
        ("draft", incident.drafts),
        ("task", incident.tasks),
        ("trigger", incident.triggers),
    ):
        yield from (f"{kind}/{number}" for number in numbers)
    yield from (f"team/{key}" for key in incident.teams)


def duties(incident: Incident) -> Iterator[str]:
    for minute in (0, 6, 31):
        now = NOW + timedelta(minutes=minute)
        for found in (
            deputy.duties(deputy_view.view(incident, over=False), {}, now),
            scribe.duties(scribe.view(incident, over=False), {}, now),
            internal_liaison.duties(internal_liaison.view(incident, over=False), {}, now),
            customer_liaison.duties(customer_liaison.view(incident, over=False), {}, now),
        ):
            yield from (duty.deed.text for duty in found if isinstance(duty.deed, SAID))
        yield from (duty.deed.text for duty in after.duties(incident, {}, now) if isinstance(duty.deed, SAID))
        for key in incident.teams:
            found = sub_team.duties(sub_team.view(incident, key), {}, now)
            yield from (duty.deed.text for duty in found if isinstance(duty.deed, SAID))


def forgeries(incident: Incident) -> list[str]:
    shown = [texts.plain(text) for text in everything(incident)]
    return [
        f"{text[:60]} … {line}"
        for text in shown
        for line in text.splitlines()
        if line.lstrip(" •*-☑").startswith(FORGED)
    ]


def crowded(told: Story, end: str) -> Told:
    """A story in which each thing that is typed is there."""
    story = told(title=f"checkout is down{end}{FORGED}")
    story.incident.room = Room("C1", "inc-lusab-babad")
    for by, words in (
        ("sam", "join as database expert"),
        ("sam", "propose rollback service=shop-api"),
        ("bob", "task @sam 5m look"),
        ("bob", "team alpha @anne 20m find the latency"),
        ("anne", "further the search is slow"),
        ("bob", "draft investigating We look into it. More by 15:00 UTC."),
    ):
        say(story, by, words, end)
    return story


def say(story: Told, by: str, words: str, end: str) -> None:
    command = forged(_command(story, words), end)
    said = Said(command, by, name=f"{by}{end}{FORGED}")
    judge(story.incident, said, story.now)
    hear(story.incident, said, story.now)


def _command(story: Told, words: str) -> Command:
    command = grammar.read(words, story.incident.policy)
    assert isinstance(command, Command)
    return command


@pytest.mark.parametrize("by", ["bob", "sam", "anne", "U0GUEST"])
def test_what_any_command_carries_is_theirs_alone(told: Story, by: str) -> None:
    heard, end = set(), "\n"
    for verb, words in SPOKEN.items():
        for number in ("1", "2", "4", "5"):
            story = crowded(told, end)
            try:
                say(story, by, re.sub(r" 1\b", f" {number}", words), end)
            except Refusal:
                continue
            heard.add(verb)
            assert forgeries(story.incident) == [], verb
    assert len(heard) > {"bob": 40}.get(by, 8), sorted(set(SPOKEN) - heard)


def test_what_other_services_say_is_theirs_alone(told: Story) -> None:
    story = crowded(told, "\n")
    incident, now = story.incident, story.now
    text = f"all is well\n{FORGED}"
    page = next(iter(incident.pages.values()))
    settling.acknowledged(incident, page, "U0X", text, now, now)
    answer = Paged(page.key, "Q", "u", ("U0X",), (text,), unpaged=("vic",), unpaged_names=(text,), dropped=(text,))
    settling.paged(incident, page, answer, now)
    settling.room_lost(incident, text, now)
    number = next(iter(incident.repairs))
    told_us: tuple[reports.What, ...] = (
        ResponderReplied("U0X", text, accepted=True, message=text),
        CheckAnswered(number, text),
        VerifyAnswered(number, text),
        PageReassigned(page.key, ("vic",), (text,), text),
        NoteAdded(text, text),
        PageEnded(page.key, text),
    )
    for n, what in enumerate(told_us):
        reports.take(incident, Report("x", f"{n}", what), now)
    assert forgeries(incident) == []


def test_a_declaration_is_one_line_whoever_draws_it_up(told: Story) -> None:
    policy = told().incident.policy
    declaration = Declaration(
        "lusab-babad", f"a\n{FORGED}", "zoe", f"Z\n{FORGED}", NOW, policy, Severity.SEV1, matter=f"b\n{FORGED}"
    )
    assert forgeries(declaring.declare(declaration, NOW)) == []


def test_a_finding_of_several_lines_is_quoted_line_by_line(told: Story) -> None:
    story = told()
    say(story, "sam", "finding all is well", "\n")
    assert texts.plain(story.incident.outbox[-1].text) == f"Sam Storeson found:\n> all is well\n> {FORGED}"
