"""PagerDuty is kept in sync, and what happens there is heard (process, 1 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.pages import order_for
from incident import declaring, pagerduty, settling, texts, wording
from incident.declaring import Declaration
from incident.duties import command, internal_liaison
from incident.duties.base import Summarise
from incident.effects import AcknowledgePages, Effect, MergePages, NotePages, ResolvePages, SendPage, UpdatePages
from incident.model import Page, Room
from incident.paging import Paged
from incident.policy import Policy
from incident.reports import NoteAdded, PageEnded, PageReassigned, Report, take
from incident.severity import Severity
from tests.configured import example
from tests.domain.conftest import NOW, Told
from tests.stories.copy import Copy, running

Story = Callable[..., Told]


def wanted(story: Told, kind: type[Effect]) -> list[Any]:
    return [effect for effect in story.incident.effects.values() if isinstance(effect, kind)]


def page(story: Told, target: str) -> Page:
    return next(page for page in story.incident.pages.values() if page.target == target)


def tells(story: Told, person: str) -> list[str]:
    return [e.text for e in story.incident.effects.values() if e.kind == "tell" and e.person == person]


# -- what a page says ---------------------------------------------------------------------------------


def test_a_title_begins_with_what_the_reader_has_to_do(told: Story) -> None:
    story = told(commanded=False, title="checkout answers with 500 " * 8)
    titles = {p.target: wording.page_title(story.incident, p) for p in story.incident.pages.values()}
    assert titles["primary"].startswith("PRACTICE Take command: SEV-1, checkout answers with 500")
    assert titles["shadow"].startswith("PRACTICE Shadow the incident commander: SEV-1, checkout")
    story.say("anne", "page sam")
    assert wording.page_title(story.incident, page(story, "sam")).startswith("PRACTICE Join: SEV-1, checkout")
    assert all(len(title) <= 120 for title in titles.values())


def test_every_page_links_the_channel_once_it_is_there(told: Story) -> None:
    story = told(commanded=False)
    assert "#inc-lusab-babad" in wording.page_details(story.incident, page(story, "primary"))
    settling.room_opened(story.incident, Room("C1", "inc-lusab-babad"), story.now)
    link = "https://slack.com/app_redirect?channel=C1"
    assert link in wording.page_details(story.incident, page(story, "primary"))
    assert link in story.incident.unsent_notes[0], "those that went out before get it as a note"


@pytest.mark.parametrize(
    ("severity", "urgency"), [(Severity.SEV1, "high"), (Severity.SEV3, "high"), (Severity.SEV4, "low")]
)
def test_urgency_follows_severity(policy: Policy, severity: Severity, urgency: str) -> None:
    declaration = Declaration("lusab-babad", "slow", "anne", "Anne", NOW, policy, severity, service="shop-api")
    incident = declaring.declare(declaration, NOW)
    assert {order_for(incident, one).urgency for one in incident.pages.values()} == {urgency}


def test_what_woke_nobody_does_once_it_is_worse(policy: Policy) -> None:
    declaration = Declaration("lusab-babad", "slow", "anne", "Anne", NOW, policy, Severity.SEV4, service="shop-api")
    story = Told(declaring.declare(declaration, NOW), NOW)
    team = page(story, "api")
    settling.paged(story.incident, team, Paged(team.key, "Qteam", "", ("anne",), ("Anne",)), NOW)
    story.say("anne", "sev 2 it is everybody now")
    assert team.urgency == "high" and wanted(story, UpdatePages)


def test_a_round_rings_again_whoever_has_not_answered(told: Story) -> None:
    story = told(commanded=False)
    settling.acknowledged(story.incident, page(story, "backup"), "dee", "Dee", story.now, story.now)
    command.let_fall_due(story.incident, story.now + timedelta(minutes=11))
    again = {p.target: order_for(story.incident, p).again for p in story.incident.pages.values() if p.round == 2}
    assert again == {"primary": ("bob",), "backup": ()}


def test_who_could_not_be_paged_is_said_with_their_number_and_what_was_left_out(policy: Policy) -> None:
    declaration = Declaration("lusab-babad", "down", "anne", "Anne", NOW, policy, Severity.SEV1)
    story = Told(declaring.declare(declaration, NOW), NOW)
    for one in list(story.incident.pages.values()):
        answer = Paged(
            one.key, "Q1", "", ("kim",), ("Kim",), unpaged=("bob",), unpaged_names=("Bob",), dropped=("the x",)
        )
        settling.paged(story.incident, one, answer, NOW)
    lines = ["paged Kim", "could not page Bob, call {phone:bob}", "PagerDuty did not accept the x."]
    assert story.said[-1].splitlines() == lines
    assert declaring.announcement(story.incident).replace(texts.phone("bob"), "{phone:bob}").splitlines()[1:4] == lines


def test_whoever_leads_another_incident_is_told_who_was_paged_instead(policy: Policy) -> None:
    declaration = Declaration("lusab-babad", "down", "anne", "Anne", NOW, policy, Severity.SEV1)
    story = Told(declaring.declare(declaration, NOW), NOW)
    first = next(iter(story.incident.pages.values()))
    settling.paged(story.incident, first, Paged(first.key, "Q1", "", ("kim",), ("Kim K",), spared=("bob",)), NOW)
    assert "You weren't paged for it, because you're leading another incident: Kim K was." in tells(story, "bob")[0]


# -- what PagerDuty is told ---------------------------------------------------------------------------


def test_each_change_of_severity_sets_the_priority(told: Story) -> None:
    story = told()
    story.say("bob", "sev 2 only one region")
    first = wanted(story, UpdatePages)
    story.say("bob", "sev 1")
    assert len(first) == 1 and wanted(story, UpdatePages) != first, "the second is carried out after the first"


def test_decisions_become_notes_and_nothing_of_a_security_incident_does(told: Story) -> None:
    story = told()
    story.say("sam", "propose restart the workers")
    story.say("bob", "approve 1 @sam")
    story.say("bob", "announce yes")
    notes = story.incident.pagerduty_notes
    assert any("Incident commander: Bob Boberson" in note for note in notes)
    assert any("approved repair 1" in note for note in notes)
    assert any("announce" in note for note in notes)
    assert wanted(story, NotePages)
    story.say("bob", "secure")
    before = len(story.incident.pagerduty_notes)
    story.say("bob", "sev 2")
    assert len(story.incident.pagerduty_notes) == before


def test_taking_command_or_joining_acknowledges_their_page(told: Story) -> None:
    story = told(commanded=False)
    story.say("bob", "command")
    story.say("dee", "join")
    acknowledged = {(e.person, story.incident.pages[e.page].target) for e in wanted(story, AcknowledgePages)}
    assert acknowledged == {("bob", "primary"), ("dee", "backup")}
    assert page(story, "backup").acknowledged_by.keys() == {"dee"}


def test_the_backups_page_rings_on_until_they_answer_and_is_merged_then(told: Story) -> None:
    story = told(commanded=False)
    story.say("bob", "command", after=1)
    assert not wanted(story, MergePages), "the backup is needed as deputy"
    story.say("dee", "join", after=1)
    (merge,) = wanted(story, MergePages)
    assert merge.into == page(story, "primary").key and merge.pages == (page(story, "backup").key,)
    assert page(story, "backup").merged_into == "Qprimary"
    assert not page(story, "shadow").ended, "a trainee is wanted still"


def test_who_secures_it_later_is_told_which_titles_stay_in_pagerduty(told: Story) -> None:
    story = told()
    story.say("bob", "secure")
    assert "PagerDuty keeps the title of what was merged: redact it there (http://pd)." in " ".join(tells(story, "bob"))


def test_whoever_is_not_needed_any_more_is_told_so(told: Story) -> None:
    story = told(commanded=False)
    story.say("kim", "command", after=1)
    story.say("lee", "join", after=1)
    story.say("kim", "deputy @lee")
    assert (
        tells(story, "bob")
        == tells(story, "dee")
        == ["Kim Kommandson is in command of PRACTICE checkout is down: no need to get up."]
    )
    assert pagerduty.main_page(story.incident) is page(story, "primary")
    assert ("kim", page(story, "primary").key) in [(e.person, e.page) for e in wanted(story, AcknowledgePages)]


def test_pagerdutys_subscribers_are_not_told_the_expected_time(told: Story) -> None:
    story = told()
    story.say("bob", "eta in twenty minutes")
    story.say("bob", "impact nobody can pay")
    view = internal_liaison.view(story.incident, over=False)
    due = internal_liaison.duties(view, {}, story.now)
    (summary,) = [duty.deed for duty in due if isinstance(duty.deed, Summarise)]
    assert "twenty minutes" in summary.text and "twenty minutes" not in summary.plain
    assert "nobody can pay" in summary.plain and "{" not in summary.plain


def test_stakeholders_are_named_by_name_or_id(told: Story) -> None:
    story = told()
    story.say("bob", "stakeholders SEV-1 Stakeholders")
    story.say("bob", "stakeholders PTEAMAP PTEAMDB")
    story.say("bob", "stakeholders Database, SEV-2 Stakeholders")
    assert story.incident.stakeholders == [
        "SEV-1 Stakeholders",
        "PTEAMAP",
        "PTEAMDB",
        "Database",
        "SEV-2 Stakeholders",
    ]


def test_a_reopened_incident_gets_a_new_pagerduty_incident_that_wakes_nobody(told: Story) -> None:
    story = told()
    story.say("bob", "resolve")
    (end,) = wanted(story, ResolvePages)
    assert end.pages[0] == page(story, "primary").key and set(end.pages) >= {page(story, "shadow").key}
    story.say("bob", "reopen it is back", after=5)
    reopened = page(story, "reopened")
    order = order_for(story.incident, reopened)
    assert order.people == ("bob",) and order.known_to == "bob" and "http://pd" in order.details
    assert any(e.page == reopened.key for e in wanted(story, SendPage))
    settling.paged(
        story.incident, reopened, Paged(reopened.key, "Qnew", "http://pd/new", ("bob",), ("Bob",)), story.now
    )
    assert pagerduty.main_page(story.incident) is reopened


# -- what is heard of it ------------------------------------------------------------------------------


def hears(story: Told, what: Any, key: str = "E1") -> None:
    take(story.incident, Report("pagerduty", key, what), story.now)


def test_a_note_there_is_quoted_with_its_author_and_ours_are_not(told: Story) -> None:
    story = told()
    hears(story, NoteAdded("look at the database\n`!ic resolve`", "Kim Kommandson"))
    assert story.said[-1].splitlines()[-2:] == ["> look at the database", "> `!ic resolve`"]
    assert story.said[-1].startswith("Kim Kommandson in PagerDuty:")
    before = len(story.said)
    hears(story, NoteAdded(story.incident.pagerduty_notes[-1], "Don't Panic"), "E2")
    assert len(story.said) == before and story.incident.open


def test_a_page_resolved_there_is_no_acknowledgement_and_ends_nothing(told: Story) -> None:
    story = told(commanded=False)
    hears(story, PageEnded(page(story, "primary").key, "Vic Presidentson"))
    assert story.said[-1] == (
        "Vic Presidentson resolved the page to Bob Boberson in PagerDuty. The incident goes on. That is no acknowledgement:"
        " the next round is paged as planned."
    )
    assert story.incident.open and not page(story, "primary").acknowledged_by
    due = command.next_deadline(story.incident)
    command.let_fall_due(story.incident, story.now + timedelta(minutes=6))
    assert due is not None and story.incident.rounds == 2


def test_our_own_merging_and_resolving_come_back_as_no_news(told: Story) -> None:
    story = told()
    before = len(story.said)
    hears(story, PageEnded(page(story, "backup").key, "Don't Panic", "Qprimary"))
    story.say("bob", "resolve")
    said = len(story.said)
    for number, target in enumerate(("primary", "shadow")):
        hears(story, PageEnded(page(story, target).key, "Don't Panic"), f"E{number + 2}")
    assert len(story.said) == said > before


def test_a_merged_page_is_followed_where_it_went(told: Story) -> None:
    story = told(commanded=False)
    hears(story, PageEnded(page(story, "primary").key, "Vic", "QELSEWHERE"))
    assert page(story, "primary").pagerduty_id == "QELSEWHERE" and not page(story, "primary").ended
    assert story.said[-1] == "Vic merged the page to Bob Boberson into another in PagerDuty."


def test_our_own_assigning_comes_back_as_no_news(told: Story) -> None:
    story = told(commanded=False)
    primary, before = page(story, "primary"), len(story.said)
    primary.people = ["bob", "kim"]
    hears(story, PageReassigned(primary.key, ("bob",), ("Bob",), "Don't Panic"))
    primary.paged_at = None
    hears(story, PageReassigned(primary.key, ("lee",), ("Lee",), "Don't Panic"), "E2")
    assert len(story.said) == before and primary.people == ["bob", "kim"]


def test_a_reassigned_page_waits_for_who_has_it_now(told: Story) -> None:
    story = told(commanded=False)
    hears(story, PageReassigned(page(story, "primary").key, ("kim",), ("Kim Kommandson",), "Bob Boberson"))
    assert page(story, "primary").people == ["kim"] and "kim" in story.incident.invited
    assert story.said[-1] == "Bob Boberson reassigned the page to Kim Kommandson in PagerDuty."


# -- the whole of it ----------------------------------------------------------------------------------


@pytest.mark.story
async def test_pagerduty_shows_one_incident_from_the_page_to_the_end(tmp_path: Path) -> None:
    rules = example(executives={"first_after": '"6s"', "shown_before": '"2s"'})
    async with running(tmp_path, rules) as copy:
        await copy.say("anne", "declare 2 checkout answers with 500")
        for name in ("Bob Boberson", "Deputy Deputyson"):
            await copy.heard_in_room(f"{name} acknowledged the page.")
        await copy.say("bob", "command")
        await copy.say("dee", "join")
        await copy.say("bob", "sev 1 everybody is affected")
        await copy.until(lambda: state(copy, "priority", "SEV-1"), "the priority is SEV-1")
        await copy.until(lambda: merged(copy), "the backup's page is merged")
        await copy.until(lambda: noted(copy, "SEV-1: everybody is affected"), "a note in PagerDuty")
        await copy.until(lambda: updated(copy), "a status update")
        await copy.say("bob", "resolve --insist")
        await copy.until(lambda: state(copy, "status", "resolved"), "resolved in PagerDuty")
        main = next(one for one in await pages(copy) if one["incident_key"].endswith("/1/primary"))
        assert main["notes"][-1]["content"].startswith(f"Incident {copy.incident} is resolved")
        assert {one["status"] for one in await pages(copy)} == {"resolved"}
        rung = await notifications(copy)
        await copy.say("bob", "reopen it is back")
        await copy.until(lambda: reopened(copy), "a new PagerDuty incident")
        assert await notifications(copy) == rung, "it wakes nobody"


async def pages(copy: Copy) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await copy.control("GET", "pagerduty/incidents")
    return found


async def notifications(copy: Copy) -> int:
    log = await copy.control("GET", "pagerduty/log")
    return sum(1 for entry in log if entry["type"] == "notify_log_entry")


async def state(copy: Copy, key: str, value: str) -> bool:
    found = next(one for one in await pages(copy) if one["incident_key"].endswith("/1/primary"))[key]
    return bool(value == (found["name"] if isinstance(found, dict) else found))


async def merged(copy: Copy) -> bool:
    backup = next(one for one in await pages(copy) if one["incident_key"].endswith("/1/backup"))
    return bool(backup.get("resolve_reason"))


async def noted(copy: Copy, text: str) -> bool:
    return any(text in note["content"] for one in await pages(copy) for note in one["notes"])


async def updated(copy: Copy) -> bool:
    """The teams of both severities it had."""
    told = [update["told"] for one in await pages(copy) for update in one["status_updates"]]
    return ["PTEAMS1", "PTEAMS2"] in [sorted(teams) for teams in told]


async def reopened(copy: Copy) -> bool:
    return any(
        one["incident_key"].endswith("/pagerduty") and one["status"] == "acknowledged" for one in await pages(copy)
    )


@pytest.mark.story
async def test_whoever_leads_an_incident_is_not_paged_for_another(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout answers with 500")
        await copy.heard_in_room("paged Bob Boberson")
        await copy.say("bob", "command")
        first = copy.incident

        async def known() -> bool:
            return bool((await copy.gateway.look(first)).commander == "bob")

        await copy.until(known, "it is saved who commands")
        await copy.say("anne", "declare 1 search is down")
        await copy.heard_in_room("paged Kim Kommandson")
        assert not any("paged Bob Boberson" in line for line in await copy.lines())

        async def told() -> bool:
            return any("You weren't paged for it" in text for text in await copy.told("U0BOB"))

        await copy.until(told, "Bob is told")
