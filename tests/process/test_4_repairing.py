"""Process, 4: repair actions. What needs real processes is in tests/stories: test_troubles, test_runner, test_attacks."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from incident import ending, leadership, notices, repairs, reports
from incident.choices import Choice
from incident.commands import Refusal
from incident.commands.ending import Reload
from incident.duties import deputy
from incident.duties.base import Duty, Whisper
from incident.effects import Tell
from incident.model import Phase, Repair, RepairState
from incident.policy import Policy
from incident.repairs import Claim, Verdict
from incident.reports import CheckAnswered, OutputSeen, PollOver, Report, RunEnded, VerifyAnswered
from incident.texts import plain
from tests import configured
from tests.conftest import CONFIG
from tests.domain.conftest import Told

Story = Callable[..., Told]


@pytest.fixture(scope="session")
def policy() -> Policy:
    """With the catalogue that comes with it."""
    return configured.organisation(configured.example(CONFIG / "catalogue")).policy()


def proposed(story: Told, words: str = "propose rollback service=shop-api", by: str = "anne") -> Repair:
    number = story.say(by, words).number
    assert number is not None
    repair = story.incident.repairs[number]
    repair.run_id = f"run-{number}"
    return repair


def claim(story: Told, repair: Repair, token: str = "t1", **more: Any) -> Verdict:
    id = f"incident-lusab-babad/repair-{repair.number}"
    asked = Claim(repair.number, repair.digest, id, repair.run_id, token, **more)
    return repairs.claim(story.incident, asked, story.now)


def hears(story: Told, repair: Repair, what: Any, key: str = "k") -> None:
    reports.take(story.incident, Report(f"repair-{repair.number}", f"{key}/{what.kind}", what), story.now)


def running(told: Story, words: str = "propose rollback service=shop-api") -> tuple[Told, Repair]:
    story = told()
    repair = proposed(story, words)
    story.say("bob", f"approve {repair.number}")
    assert claim(story, repair).go
    return story, repair


def ended(story: Told, repair: Repair, state: RepairState, outcome: str = "exit code 0") -> None:
    hears(story, repair, RunEnded(repair.number, state, outcome))


def tells(story: Told, person: str) -> list[Tell]:
    return [e for e in story.incident.effects.values() if isinstance(e, Tell) and e.person == person]


def buttons(story: Told, repair: Repair) -> list[str]:
    """What they say, but for the mark of what was shown."""
    return [
        re.sub(r" #[0-9a-f]+", "", choice.words)
        for choice in notices.compose(story.incident, f"repair/{repair.number}").choices
    ]


def due(story: Told, minutes: float) -> list[Duty]:
    now = story.now + timedelta(minutes=minutes)
    return [d for d in deputy.duties(deputy.view(story.incident, over=False), {}, now) if d.due_at <= now]


def whispers(duties: list[Duty], about: str) -> list[Whisper]:
    return [d.deed for d in duties if isinstance(d.deed, Whisper) and about in plain(d.deed.text)]


# -- proposing -----------------------------------------------------------------------------------------------


def test_anyone_may_propose_one_from_the_catalogue_or_in_their_own_words_with_its_risk_and_a_fallback(
    told: Story,
) -> None:
    story = told()
    from_catalogue = proposed(story, by="U0GIL")
    own = proposed(story, "propose drain the queue risk: low fallback: restart it", by="vic")
    assert (from_catalogue.automated, from_catalogue.fallback) == (True, "deploy the release before it by hand")
    assert (own.automated, own.risk, own.fallback) == (False, "low", "restart it")


def test_nothing_runs_before_that(told: Story) -> None:
    story = told()
    repair = proposed(story)
    assert not claim(story, repair).go
    story.say("bob", f"reject {repair.number} not now")
    assert not claim(story, repair).go


def test_what_somebody_already_did_is_recorded_never_refused_or_blamed(told: Story) -> None:
    story = told()
    story.say("U0GIL", "did block the address at the edge")
    assert story.incident.timeline[-1].kind == "did"


@pytest.mark.parametrize(
    ("trouble", "entries"),
    [
        ("bad deployment", ["rollback"]),
        ("stuck", ["rolling-restart"]),
        ("event flood", ["throttle"]),
        ("data centre outage", ["force-out", "drain-by-hand"]),
        ("degraded without load", ["heap-dump", "restart-after-dump"]),
    ],
)
def test_the_catalogue_knows_for_each_kind_of_trouble_what_to_try(
    told: Story, trouble: str, entries: list[str]
) -> None:
    story = told()
    number = story.say("anne", f"trouble {trouble}").number
    notice = notices.compose(story.incident, f"trouble/{number}")
    assert [choice.words.split()[1] for choice in notice.choices] == entries
    assert story.incident.repairs == {}


def test_a_trouble_that_nobody_knows_is_refused_with_those_that_are_known(told: Story) -> None:
    with pytest.raises(Refusal, match="Did you mean `trouble event flood`"):
        told().say("anne", "trouble event floods")
    with pytest.raises(Refusal, match="It knows: bad deployment, data centre outage"):
        told().say("anne", "trouble xyz")


def test_its_answer_stands_beside_the_proposal(told: Story) -> None:
    story = told()
    repair = proposed(story)
    hears(story, repair, CheckAnswered(repair.number, "release 1.2\nall workers answer 500"))
    text = notices.compose(story.incident, f"repair/{repair.number}").text
    assert "Check: release 1.2; all workers answer 500." in text


def test_an_offer_that_lacks_a_parameter_asks_for_it_in_a_form(told: Story) -> None:
    story = told()
    number = story.say("anne", "trouble event flood").number
    assert number is not None
    (choice,) = notices.compose(story.incident, f"trouble/{number}").choices
    assert choice == Choice("Propose throttle …", "propose throttle", form=True)
    assert story.incident.troubles[number].offers[0].checked  # its check does not need the parameter


def test_the_approver_sees_to_the_letter_what_would_be_done_and_the_digest(told: Story) -> None:
    story = told()
    repair = proposed(story, "propose rollback release=1.0 service=shop-api")
    text = notices.compose(story.incident, f"repair/{repair.number}").text
    assert "`python3 -m emulators.shop.ctl rollback 1.0`" in text and repair.digest[:8] in text


def test_a_word_that_is_no_parameter_is_not_swallowed(told: Story) -> None:
    from incident.words import Unreadable

    with pytest.raises(Unreadable, match="'quickly' is not NAME=VALUE"):
        told().say("anne", "propose rollback service=shop-api quickly")


# -- polling and deciding ------------------------------------------------------------------------------------


def test_before_a_large_action_the_ic_polls(told: Story) -> None:
    story = told()
    repair = proposed(story, "propose rolling-restart")
    assert repair.risk == "high"
    n = repair.number
    assert buttons(story, repair)[:2] == [f"poll {n}", f"approve {n}"]
    assert f"High risk: `poll {n}` asks for strong objections first." in story.said[-1]
    story.say("bob", f"poll {n}")
    assert "Are there any strong objections?" in story.said[-1]


def test_for_30_s_anyone_may_object_with_a_reason_and_the_end_of_the_window_approves_nothing(told: Story) -> None:
    story = told()
    repair = proposed(story)
    story.say("bob", f"poll {repair.number}")
    assert repair.polled_until == story.now + timedelta(seconds=30)
    story.say("U0GIL", f"object {repair.number} the schema changed")
    hears(story, repair, PollOver(repair.number))
    assert "U0GIL: the schema changed" in story.said[-1] and "approves nothing" in story.said[-1]
    assert repair.state is RepairState.PROPOSED and not claim(story, repair).go


def test_a_late_objection_on_a_running_action_is_shown_at_once(told: Story) -> None:
    story, repair = running(told)
    story.incident.effects.clear()
    story.say("sam", f"object {repair.number} wrong host")
    (tell,) = tells(story, "bob")
    assert "wrong host" in tell.text and tell.choices[0].words == f"abort {repair.number}"


def test_two_actions_on_one_service_at_a_time_only_if_the_ic_says_so(told: Story) -> None:
    story, first = running(told)
    second = proposed(story, "propose rolling-restart")
    with pytest.raises(
        Refusal, match=rf"repair {first.number}.*is running on shop-api.*approve {second.number} --also"
    ):
        story.say("bob", f"approve {second.number}")
    assert f"approve {second.number} --also" in buttons(story, second)
    elsewhere = proposed(story, "propose rollback service=orders-db")
    story.say("bob", f"approve {elsewhere.number}")
    story.say("bob", f"approve {second.number} --also")
    assert claim(story, second).go


# -- the approval --------------------------------------------------------------------------------------------


def test_an_approval_is_for_exactly_what_was_proposed(told: Story) -> None:
    story = told()
    repair = proposed(story)
    story.say("bob", f"approve {repair.number}")
    other = Claim(repair.number, "0" * 64, "x", repair.run_id, "t")
    assert repairs.claim(story.incident, other, story.now).why == "it is not what was approved"


def test_it_is_void_when_the_catalogue_changes_and_has_to_be_proposed_again(told: Story, policy: Policy) -> None:
    story = told()
    repair = proposed(story)
    story.say("bob", f"approve {repair.number}")
    entries = [e.model_copy(update={"version": "2"}) for e in policy.catalogue]
    newer = policy.model_copy(update={"catalogue": tuple(entries)})
    reload_(story, newer)
    assert repair.state is RepairState.VOID and "the catalogue has changed" in "\n".join(story.said)
    with pytest.raises(Refusal, match="The catalogue has changed since"):
        story.say("bob", f"approve {repair.number}")
    assert not claim(story, repair).go


def reload_(story: Told, policy: Policy) -> None:
    from incident.commands import Said, hear

    hear(story.incident, Said(Reload(policy), "bob"), story.now)


def test_it_is_void_when_command_passes_to_another_first_and_one_press_approves_it_again(told: Story) -> None:
    story = told()
    repair = proposed(story)
    story.say("bob", f"approve {repair.number}")
    story.say("bob", "handover @dee")
    story.say("dee", "accept")
    assert repair.state is RepairState.VOID and not claim(story, repair).go
    (told_dee,) = [t for t in tells(story, "dee") if "void" in t.text]
    assert [c.words for c in told_dee.choices] == [f"approve {repair.number}"]
    story.say("dee", f"approve {repair.number}")
    assert claim(story, repair).go


def test_it_is_void_when_the_incident_ends(told: Story) -> None:
    story = told()
    repair = proposed(story)
    story.say("bob", f"approve {repair.number}")
    ending.end(story.incident, Phase.RESOLVED, "bob", story.now)
    assert repair.state is RepairState.VOID and not claim(story, repair).go


def test_a_proposal_waits_without_limit_the_ic_is_reminded_after_2_and_5_minutes_then_the_deputy(told: Story) -> None:
    story = told()
    repair = proposed(story)
    about = f"Waiting for the IC: repair {repair.number}"
    assert [w.people for w in whispers(due(story, 1.9), about)] == []
    assert [w.people for w in whispers(due(story, 2), about)] == [("bob",)]
    assert [w.people for w in whispers(due(story, 5), about)] == [("bob",), ("bob",)]
    assert [w.people for w in whispers(due(story, 60), about)] == [("bob",), ("bob",), ("dee",)]
    assert repair.state is RepairState.PROPOSED


def test_a_practice_gives_no_real_runner_its_word_nor_the_other_way_round(told: Story) -> None:
    story = told()
    repair = proposed(story)
    story.say("bob", f"approve {repair.number}")
    assert claim(story, repair, practice=False).why == "the incident is a practice and the runner's machine is real"
    assert claim(story, repair, practice=True).go


# -- running -------------------------------------------------------------------------------------------------


def test_the_last_lines_of_its_output_stand_in_the_notice_while_it_runs(told: Story) -> None:
    story, repair = running(told)
    hears(story, repair, OutputSeen(repair.number, "restarting east-1 …"))
    about = f"repair/{repair.number}"
    assert "\n> restarting east-1 …" in plain(notices.compose(story.incident, about).text)
    said = len(story.said)
    hears(story, repair, OutputSeen(repair.number, "restarting east-2 …"), "k2")
    text = notices.compose(story.incident, about).text
    assert "east-2" in text and "east-1" not in text and len(story.said) == said


def test_what_is_not_idempotent_is_never_begun_twice_under_one_approval(told: Story) -> None:
    story, repair = running(told)
    assert claim(story, repair, "t2").why == "it is running, not approved"
    story, again = running(told, "propose throttle percent=20")
    assert claim(story, again, "t2").go
    again.abort_asked = True
    assert claim(story, again, "t3").why == "it is being aborted"


def test_unknown_the_ic_is_asked_what_to_do_with_the_output_so_far(told: Story) -> None:
    story, repair = running(told)
    story.incident.effects.clear()
    ended(story, repair, RepairState.UNKNOWN, "the runner was lost. Last output: half of it")
    n = repair.number
    (tell,) = tells(story, "bob")
    assert "half of it" in tell.text
    again = "propose rollback service=shop-api release=previous"
    assert buttons(story, repair) == [f"verified {n}", f"unverified {n}", again, f"undo {n}"]
    assert not claim(story, repair, "t9").go


def test_a_run_that_was_refused_after_another_was_told_go_leaves_it_unknown(told: Story) -> None:
    story, repair = running(told)
    hears(story, repair, RunEnded(repair.number, RepairState.FAILED, "Not run: another run.", refused=True))
    assert repair.state is RepairState.UNKNOWN


def test_verified_by_the_ic_who_sees_what_the_verify_step_says(told: Story) -> None:
    story, repair = running(told)
    ended(story, repair, RepairState.SUCCEEDED)
    story.incident.effects.clear()
    hears(story, repair, VerifyAnswered(repair.number, "HTTP 200: status ok"))
    assert story.said[-1].startswith(f"Verify of repair {repair.number}") and "status ok" in story.said[-1]
    (tell,) = tells(story, "bob")
    assert [c.words for c in tell.choices] == [f"verified {repair.number}", f"unverified {repair.number}"]
    assert repair.state is RepairState.SUCCEEDED  # only the IC says that it worked


def test_failed_or_not_verified_back_to_the_ic_with_what_is_known_and_the_fallback(told: Story) -> None:
    story, repair = running(told)
    ended(story, repair, RepairState.FAILED, "exit code 3\nno such release")
    assert "no such release" in story.said[-1] and "Fallback: deploy the release before it by hand" in story.said[-1]
    answer = story.say("bob", f"unverified {repair.number}")
    assert "Fallback: deploy the release before it by hand" in answer.text and "undo" in answer.text


def test_an_undo_is_itself_to_be_approved(told: Story) -> None:
    story, repair = running(told)
    with pytest.raises(Refusal, match="is running"):
        story.say("bob", f"undo {repair.number}")
    ended(story, repair, RepairState.SUCCEEDED)
    story.say("bob", f"unverified {repair.number}")
    number = story.say("bob", f"undo {repair.number}").number
    assert number is not None
    undo = story.incident.repairs[number]
    undo.run_id = "run-u"
    assert (undo.step, undo.undoes, undo.state) == ("undo", repair.number, RepairState.PROPOSED)
    assert undo.digest != repair.digest and not claim(story, undo).go
    with pytest.raises(Refusal, match=f"Repair {number} undoes it: proposed"):
        story.say("bob", f"undo {repair.number}")
    story.say("bob", f"approve {number}")
    assert claim(story, undo).go


def test_what_has_no_undo_or_has_not_run_cannot_be_undone(told: Story) -> None:
    story = told()
    repair = proposed(story)
    with pytest.raises(Refusal, match="has not run"):
        story.say("bob", f"undo {repair.number}")
    story, restarted = running(told, "propose rolling-restart")
    ended(story, restarted, RepairState.SUCCEEDED)
    with pytest.raises(Refusal, match="no undo for it"):
        story.say("bob", f"undo {restarted.number}")


def test_who_proposed_objected_approved_what_ran_with_which_parameters_what_came_out_all_in_the_timeline(
    told: Story,
) -> None:
    story, repair = running(told)
    story.say("sam", f"object {repair.number} too late")
    ended(story, repair, RepairState.SUCCEEDED, "exit code 0\nreleased 1.1")
    story.say("bob", f"verified {repair.number}")
    lines = [f"{e.who}: {e.text}" for e in story.incident.timeline if e.kind == "repair"]
    n = repair.number
    assert lines == [
        f"anne: proposed {n}: Roll back the last deployment service=shop-api release=previous",
        f"bob: approved {n}, owned by the runner",
        f": {n} started",
        f"sam: objection to {n}: too late",
        f"repair-{n}: {n} succeeded: exit code 0\nreleased 1.1",
        f"bob: {n} worked",
    ]


# -- manual steps, stopping ----------------------------------------------------------------------------------


def manual(told: Story) -> tuple[Told, Repair]:
    story = told()
    repair = proposed(story, "propose drain-by-hand centre=east")
    story.say("bob", f"approve {repair.number}")
    return story, repair


def test_a_manual_step_is_owned_by_one_person_who_gets_the_instructions_and_does_it_and_says_so(told: Story) -> None:
    story, repair = manual(told)
    (tell,) = tells(story, "sam")
    assert "Set the weight of east to 0 in the traffic manager" in tell.text
    assert [c.words for c in tell.choices] == [f"{verb} {repair.number}" for verb in ("ack", "done", "failed")]
    with pytest.raises(Refusal, match="belongs to Sam Storeson"):
        story.say("anne", f"ack {repair.number}")
    story.say("sam", f"ack {repair.number}")
    story.say("sam", f"done {repair.number} it drains")
    assert repair.state is RepairState.SUCCEEDED
    assert "Requests of east are 0 for two minutes" in story.said[-1]  # how the IC sees that it worked


def test_its_owner_is_reminded_as_for_a_task_and_may_ask_for_more_time(told: Story) -> None:
    story, repair = manual(told)
    n = repair.number
    assert [w.people for w in whispers(due(story, 1), f"has not begun repair {n}")] == [("sam", "dee")]
    story.say("sam", f"ack {n}")
    assert whispers(due(story, 5), f"repair {n}") == []
    (box,) = whispers(due(story, 10), f"The time-box of repair {n}")
    assert box.people == ("bob", "sam", "dee")
    assert [c.words for c in box.choices] == [f"done {n}", f"failed {n}", f"abort {n}"]
    story.say("sam", f"more 5m {n}")
    assert whispers(due(story, 14), f"The time-box of repair {n}") == []
    assert whispers(due(story, 15), f"The time-box of repair {n}") != []
    assert repair.state is RepairState.RUNNING  # the time-box asks, and no more


def test_ic_deputy_and_owner_may_abort(told: Story) -> None:
    for who in ("bob", "dee", "sam"):
        story, repair = manual(told)
        story.say("sam", f"ack {repair.number}")
        with pytest.raises(Refusal, match="IC, deputy and owner abort"):
            story.say("anne", f"abort {repair.number}")
        story.say(who, f"abort {repair.number}")
        assert repair.state is RepairState.ABORTED


def test_anyone_may_say_stop_which_reaches_ic_and_owner_at_once(told: Story) -> None:
    story, repair = manual(told)
    story.incident.effects.clear()
    story.say("U0GIL", f"stop {repair.number} that is production")
    assert {e.person for e in story.incident.effects.values() if isinstance(e, Tell)} == {"bob", "dee", "sam"}


def test_after_a_change_of_command_the_new_ic_gets_one_list_of_the_approvals_that_became_void(told: Story) -> None:
    story = told()
    numbers = [proposed(story, words).number for words in ("propose a risk: low", "propose b risk: low")]
    for number in numbers:
        story.say("bob", f"approve {number} @sam")
    leadership.take(story.incident, "dee", "Deputy Deputyson", story.now, acting=False)
    (tell,) = [t for t in tells(story, "dee") if "became void" in t.text]
    assert [c.words for c in tell.choices] == [f"approve {number}" for number in numbers]
