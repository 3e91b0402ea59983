"""Process, 4: what an approval is for, whose step it is, polls, and stopping."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chat import blocks
from incident import grammar, notices, proof, repairs, reports
from incident.catalogue import CatalogueEntry
from incident.choices import Choice
from incident.commands import Refusal, Said, hear
from incident.commands.deciding import Approve
from incident.commands.ending import Reload
from incident.duties import command
from incident.effects import Tell
from incident.model import DraftState, Repair, RepairState
from incident.policy import Policy
from incident.repairs import Claim, Verdict
from incident.reports import Report, RunEnded
from tests import configured
from tests.conftest import CONFIG
from tests.domain.conftest import Told, shown
from tests.process.keeper import MINUTE

Story = Callable[..., Told]


@pytest.fixture(scope="session")
def policy() -> Policy:
    """With the catalogue that comes with it."""
    return configured.organisation(configured.example(CONFIG / "catalogue")).policy()


def proposed(story: Told, words: str = "propose rollback service=shop-api release=1.1") -> Repair:
    number = story.say("anne", words).number
    assert number is not None
    repair = story.incident.repairs[number]
    repair.run_id = f"run-{number}"
    return repair


def claim(story: Told, repair: Repair) -> Verdict:
    id = f"incident-lusab-babad/repair-{repair.number}"
    return repairs.claim(story.incident, Claim(repair.number, repair.digest, id, repair.run_id, "t"), story.now)


def tells(story: Told, person: str) -> list[Tell]:
    return [e for e in story.incident.effects.values() if isinstance(e, Tell) and e.person == person]


def notice(story: Told, about: str) -> str:
    return shown(notices.compose(story.incident, about).text)


def clock(story: Told, minutes: float) -> None:
    """The incident's own clock, that much later."""
    ends = story.now + minutes * MINUTE
    while (due := command.next_deadline(story.incident)) is not None and due <= ends:
        story.now = max(due, story.now)
        command.let_fall_due(story.incident, story.now)
    story.now = ends


# -- a named owner -------------------------------------------------------------------------------------------


def test_an_approval_that_names_a_person_makes_it_their_manual_step(told: Story) -> None:
    story = told()
    repair = proposed(story)
    answer = story.say("bob", f"approve {repair.number} @sam")
    assert answer.text.startswith("approved; Sam Storeson starts it")
    verdict = claim(story, repair)
    assert not verdict.go and verdict.why == "it is a manual step of Sam Storeson"
    tell = tells(story, "sam")[-1]
    assert "python3 -m emulators.shop.ctl rollback 1.1" in tell.text
    assert [c.words for c in tell.choices] == [f"{verb} {repair.number}" for verb in ("ack", "done", "failed")]
    story.say("sam", f"ack {repair.number}")
    story.say("sam", f"done {repair.number} release 1.1 is out")
    assert repair.state is RepairState.SUCCEEDED
    assert "Owned by Sam Storeson" in notice(story, f"repair/{repair.number}")


@pytest.mark.parametrize(("words", "runs"), [("approve 1", True), ("approve 1 @sam", False)])
def test_a_signed_approval_that_names_a_person_lets_no_runner_run_it(told: Story, words: str, runs: bool) -> None:
    story = told()
    repair = proposed(story)
    meant = grammar.read(words, story.incident.policy)
    assert isinstance(meant, Approve)
    signed = json.loads(proof.of_command(story.incident.id, Said(meant.bound(story.incident), "bob", "1")))
    for number, digest in ((1, repair.digest), (2, repair.digest), (1, "0" * 64)):
        fits = (number, digest) == (1, repair.digest)
        assert repairs.lets_run(signed["verb"], signed["command"], number, digest) is (runs and fits)


def test_the_ic_cannot_be_the_named_owner(told: Story) -> None:
    story = told()
    repair = proposed(story)
    with pytest.raises(Refusal, match="The IC never repairs"):
        story.say("bob", f"approve {repair.number} @bob")


def test_approved_again_without_a_name_the_runner_has_it(told: Story) -> None:
    story = told()
    repair = proposed(story)
    story.say("bob", f"approve {repair.number} @sam")
    story.say("bob", "handover @kim")
    story.say("kim", "accept")
    story.say("kim", f"approve {repair.number}")
    assert claim(story, repair).go


def test_the_notice_offers_to_have_a_person_do_it(told: Story) -> None:
    story = told()
    repair = proposed(story)
    choices = notices.compose(story.incident, f"repair/{repair.number}").choices
    by_hand = [c for c in choices if c.label == "By hand …"]
    assert [(c.form, c.words.split()[0]) for c in by_hand] == [(True, "approve")]


# -- what changed since --------------------------------------------------------------------------------------


def test_a_changed_proposal_shows_what_changed_since_the_last_approval(told: Story) -> None:
    story = told()
    first = proposed(story)
    assert "Changed since" not in notice(story, f"repair/{first.number}")
    story.say("bob", f"approve {first.number}")
    second = proposed(story, "propose rollback service=shop-api release=1.0")
    text = notice(story, f"repair/{second.number}")
    assert f"Changed since repair {first.number}, approved at 14:02 UTC: release 1.1 → 1.0." in text
    assert "service" not in text.partition("Changed since")[2].splitlines()[0]


def test_a_changed_catalogue_is_shown_as_well(told: Story, policy: Policy) -> None:
    story = told()
    first = proposed(story)
    story.say("bob", f"approve {first.number}")
    hear(story.incident, Said(Reload(with_version(policy, "2")), "bob"), story.now)
    again = proposed(story)
    text = notice(story, f"repair/{again.number}")
    assert f"Changed since repair {first.number}, approved at 14:02 UTC: catalogue version 1 → 2." in text


def with_version(policy: Policy, version: str) -> Policy:
    entries = [e.model_copy(update={"version": version}) for e in policy.catalogue]
    return policy.model_copy(update={"catalogue": tuple(entries)})


def test_the_same_again_is_said_to_be_the_same(told: Story) -> None:
    story = told()
    first = proposed(story)
    story.say("bob", f"approve {first.number}")
    assert claim(story, first).go
    ended = RunEnded(first.number, RepairState.FAILED, "exit code 3")
    reports.take(story.incident, Report(f"repair-{first.number}", "ended", ended), story.now)
    again = proposed(story)
    assert f"The same as repair {first.number}, approved at 14:02 UTC." in notice(story, f"repair/{again.number}")


# -- a poll before a public message --------------------------------------------------------------------------


def draft(story: Told) -> int:
    story.say("bob", "customer-liaison @carla")
    story.say("bob", "announce yes")
    number = story.say("carla", "draft investigating We are looking into it.").number
    assert number is not None
    return number


def test_the_ic_may_poll_before_a_public_message(told: Story) -> None:
    story = told()
    n = draft(story)
    assert f"poll {n}" in [c.words for c in notices.compose(story.incident, f"draft/{n}").choices]
    story.say("bob", f"poll {n}")
    assert story.said[-1].startswith(f"The proposal is public message {n} (investigating)")
    assert "Are there any strong objections?" in story.said[-1] and "We are looking into it." in story.said[-1]
    story.say("U0GIL", f"object {n} we know the cause by now")
    clock(story, 0.5)
    assert "U0GIL: we know the cause by now" in story.said[-1] and "approves nothing" in story.said[-1]
    assert story.incident.drafts[n].state is DraftState.WAITING
    assert "U0GIL objected at 14:02 UTC: we know the cause by now" in notice(story, f"draft/{n}")
    story.say("bob", f"message approve {n}")
    assert any(
        "Objections were heard (U0GIL: we know the cause by now). The IC has decided: we are proceeding with public"
        f" message {n}" in line
        for line in story.said
    )


def test_approving_a_message_during_the_window_ends_it(told: Story) -> None:
    story = told()
    n = draft(story)
    story.say("bob", f"poll {n}")
    story.say("bob", f"message approve {n}")
    assert f"Hearing no objections, we are proceeding with public message {n} (investigating)." in story.said
    said = len(story.said)
    clock(story, 0.6)
    assert not any("The window" in line for line in story.said[said:])


def test_a_message_that_is_due_is_not_held_up_by_a_poll(told: Story) -> None:
    story = told()
    n = draft(story)
    story.now += 4 * MINUTE
    story.say("bob", f"poll {n}")
    story.say("dee", f"message approve {n}")
    assert story.incident.drafts[n].state is DraftState.APPROVED


def test_other_words_than_those_polled_are_not_said_to_be_without_objections(told: Story) -> None:
    story = told()
    n = draft(story)
    story.say("bob", f"poll {n}")
    story.say("carla", f"message edit {n} We have found the cause.")
    story.say("bob", f"message approve {n}")
    assert not any("Hearing no objections" in line for line in story.said)


def test_only_what_waits_is_polled(told: Story) -> None:
    story = told()
    n = draft(story)
    story.say("bob", f"poll {n}")
    with pytest.raises(Refusal, match="open already"):
        story.say("bob", f"poll {n}")
    story.say("bob", f"message approve {n}")
    with pytest.raises(Refusal, match="approved"):
        story.say("bob", f"poll {n}")
    with pytest.raises(Refusal, match="There is no repair action or public message 99"):
        story.say("bob", "poll 99")


# -- stopping ------------------------------------------------------------------------------------------------


def test_neither_abort_nor_stop_asks_for_confirmation(told: Story) -> None:
    story = told()
    repair = proposed(story)
    story.say("bob", f"approve {repair.number}")
    assert claim(story, repair).go
    found = notices.compose(story.incident, f"repair/{repair.number}")
    assert {c.words for c in found.choices} >= {f"abort {repair.number}", f"stop {repair.number}"}
    assert not any("confirm" in element for block in _blocks(found.text, found.choices) for element in block)
    story.say("U0GIL", f"stop {repair.number} that is production")
    assert any("says STOP" in tell.text for tell in tells(story, "bob"))
    story.say("dee", f"abort {repair.number}")
    assert repair.abort_asked


def _blocks(text: str, choices: tuple[Choice, ...]) -> list[list[Mapping[str, Any]]]:
    return [block["elements"] for block in blocks.message(text, "i", choices) if "elements" in block]


# -- the catalogue -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "entries"),
    [
        ("provider down", ["switch-provider"]),
        ("certificate", ["renew-credential"]),
        ("credential", ["renew-credential"]),
        ("disk full", ["free-disk", "add-capacity"]),
        ("capacity", ["free-disk", "add-capacity"]),
    ],
)
def test_the_catalogue_has_examples_for_providers_credentials_and_capacity(
    told: Story, policy: Policy, words: str, entries: list[str]
) -> None:
    story = told()
    number = story.say("anne", f"trouble {words}").number
    choices = notices.compose(story.incident, f"trouble/{number}").choices
    assert [choice.words.split()[1] for choice in choices] == entries
    for id in entries:
        entry = policy.entry(id)
        assert isinstance(entry, CatalogueEntry)
        assert entry.check and entry.verify and entry.fallback and entry.version
