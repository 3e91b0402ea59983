"""Process, 2: taking, passing and sharing command."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident import ending, leadership, notices, settling, wording
from incident.choices import Choice
from incident.commands import Refusal
from incident.duties import command, deputy
from incident.effects import Invite, SendPage, Tell
from incident.model import Page, Phase
from incident.paging import Paged
from incident.severity import Role
from tests.domain.conftest import NOW, Told
from tests.process.keeper import MINUTE, Keeper, whispers

Story = Callable[..., Told]


def tells(story: Told, person: str) -> list[Tell]:
    return [e for e in story.incident.effects.values() if isinstance(e, Tell) and e.person == person]


def invited(story: Told) -> set[str]:
    return {person for e in story.incident.effects.values() if isinstance(e, Invite) for person in e.people}


def paged(story: Told) -> list[Page]:
    """The pages that wait to be sent."""
    return [story.incident.pages[e.page] for e in story.incident.effects.values() if isinstance(e, SendPage)]


def clock(story: Told, minutes: float) -> None:
    """The incident's own clock, that much later."""
    ends = story.now + minutes * MINUTE
    while (due := command.next_deadline(story.incident)) is not None and due <= ends:
        story.now = max(due, story.now)
        command.let_fall_due(story.incident, story.now)
    story.now = ends


# -- deputies ------------------------------------------------------------------------------------------------


def test_an_untrained_deputy_is_confirmed_once_and_shown_as_such(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="`deputy @anne confirm`"):
        story.say("bob", "deputy @anne")
    story.say("bob", "deputy @anne confirm")
    assert story.said[-1].startswith("IC: Bob Boberson, Deputy: Anne Apison (not IC-trained), Scribe:")
    assert "Anne Apison (not IC-trained)" in story.incident.topic


def test_several_deputies_each_with_a_part(told: Story) -> None:
    story = told()
    story.say("bob", "deputy add @lee for timers")
    assert story.said[-1].startswith("IC: Bob Boberson, Deputy: Deputy Deputyson and Lee Leaderson (timers), Scribe:")
    assert "the timers" in tells(story, "lee")[-1].text and "lee" in invited(story)
    with pytest.raises(Refusal, match="`deputy add @anne confirm`"):
        story.say("bob", "deputy add @anne")
    story.say("bob", "deputy add @kim for paging")
    assert story.incident.deputies == ("dee", "lee", "kim")


def test_a_reminder_goes_to_one_deputy_and_unanswered_to_the_next(told: Story) -> None:
    story = told()
    story.say("bob", "deputy add @lee for timers")
    story.say("bob", "task @sam 30m look at the queries")
    did = whispers(Keeper(deputy, story).run(6), "is understood")
    assert did == [
        (3, ("sam", "lee")),
        (4, ("sam", "lee")),
        (5, ("dee",)),
        (6, ("bob",)),
    ]


def test_without_a_part_the_first_deputy_is_reminded(told: Story) -> None:
    story = told()
    story.say("bob", "deputy add @lee for paging")
    story.say("bob", "task @sam 30m look at the queries")
    story.say("bob", "need security")
    did = Keeper(deputy, story).run(8)
    assert whispers(did, "is understood")[0] == (3, ("sam", "dee"))
    assert whispers(did, "Nobody from Security") == [(7, ("bob", "lee"))]


def test_each_deputy_may_do_what_a_deputy_may(told: Story) -> None:
    story = told()
    story.say("bob", "deputy add @lee")
    story.say("bob", "task @sam 5m look at the queries")
    story.say("anne", "propose clear the cache risk: low")
    story.say("bob", "approve 2 @sam")
    story.say("lee", "abort 2")
    story.say("lee", "ack 1")
    story.say("lee", "command Bob dropped off the call")
    assert story.incident.commander == "lee" and story.incident.deputies == ("dee",)


def test_a_deputy_who_goes_leaves_the_others(told: Story) -> None:
    story = told()
    story.say("lee", "join")
    story.say("bob", "deputy add @lee for timers")
    story.say("dee", "leave")
    assert story.incident.deputies == ("lee",)
    assert story.said[-1].startswith("IC: Bob Boberson, Deputy: Lee Leaderson (timers), Scribe:")
    assert [(h.person, h.until) for h in story.incident.held if h.role is Role.DEPUTY] == [
        ("dee", story.now),
        ("lee", None),
    ]


# -- who is named --------------------------------------------------------------------------------------------


def test_the_usual_people_are_offered_with_one_press(told: Story) -> None:
    story = told()
    (offer,) = [t for t in tells(story, "bob") if "usual" in t.text]
    assert [c.words for c in offer.choices] == ["scribe @mac", "customer-liaison @carla", "internal-liaison @ines"]
    story.say("bob", offer.choices[0].words)
    assert story.incident.holder(Role.SCRIBE) == "mac"


def test_whoever_is_named_is_invited_and_told_what_the_role_does_next(told: Story) -> None:
    story = told()
    for words, person, next_ in (
        ("scribe @mac", "mac", "record"),
        ("customer-liaison @carla", "carla", "draft"),
        ("internal-liaison @ines", "ines", "executive summary"),
        ("deputy @lee", "lee", "timers"),
    ):
        story.say("bob", words)
        assert next_ in tells(story, person)[-1].text and person in invited(story)


# -- the IC is gone ------------------------------------------------------------------------------------------


def test_a_takeover_request_pages_and_succeeds_when_nobody_answers(told: Story) -> None:
    story = told()
    story.incident.effects.clear()
    story.say("kim", "command")
    assert story.incident.commander == "bob"
    assert "{person:bob} {person:dee} are you there?" in story.said[-1]
    assert sorted((p.target, p.round) for p in paged(story)) == [("backup", 1), ("next level", 2)]
    clock(story, 3)
    assert story.incident.commander == "kim"
    assert any("command passes to Kim Kommandson" in line for line in story.said)
    assert "hand it back" in tells(story, "bob")[-1].text


def test_a_takeover_from_somebody_who_is_not_the_primary_pages_the_primary_as_well(told: Story) -> None:
    story = told(commanded=False)
    story.say("kim", "command")
    story.incident.effects.clear()
    story.say("lee", "command", after=2)
    found = [(p.target, p.round) for p in paged(story)]
    assert sorted(found) == [("backup", 1), ("next level", 2), ("primary", 1)]
    assert len({p.key for p in story.incident.pages.values()}) == len(story.incident.pages)


def test_a_word_of_the_ic_or_of_any_deputy_answers_a_takeover_request(told: Story) -> None:
    story = told()
    story.say("bob", "deputy add @lee")
    story.say("kim", "command")
    story.say("lee", "note Bob is on the bridge", after=1)
    clock(story, 10)
    assert story.incident.commander == "bob"


def test_whoever_was_paged_for_it_hears_that_the_ic_is_there(told: Story) -> None:
    story = told()
    story.incident.effects.clear()
    story.say("kim", "command")
    for page in paged(story):
        who = {"backup": "dee", "next level": "lee"}[page.target]
        settling.paged(story.incident, page, Paged(page.key, f"Q{who}", "http://pd", (who,), (who,)), story.now)
    assert not tells(story, "lee")  # while the request is open they are needed
    story.say("bob", "note back on the call", after=1)
    assert "Bob Boberson answers. IC: Bob Boberson." in story.said
    assert [t.text for t in tells(story, "lee")] == [wording.not_needed(story.incident)]
    assert "Bob Boberson" in wording.not_needed(story.incident)
    assert not tells(story, "dee")  # paged as the backup, and is here as deputy


def test_whoever_was_paged_for_it_hears_who_took_command(told: Story) -> None:
    story = told()
    story.incident.effects.clear()
    story.say("kim", "command")
    for page in paged(story):
        answer = Paged(page.key, f"Q{page.target}", "http://pd", ("lee",), ("Lee",))
        settling.paged(story.incident, page, answer, story.now)
    story.say("dee", "command Bob dropped off the call")
    assert not any("answers" in line for line in story.said)
    assert [t.text for t in tells(story, "lee")] == [wording.not_needed(story.incident)]
    assert "Deputy Deputyson" in wording.not_needed(story.incident)


def test_with_nobody_trained_there_anyone_may_after_five_minutes_as_acting(told: Story) -> None:
    story = told()
    with pytest.raises(Refusal, match="Bob Boberson commands since 14:01 UTC"):
        story.say("anne", "command")
    story.say("anne", "command nobody hears him")
    assert story.incident.commander == "bob" and "are you there?" in story.said[-1]
    clock(story, 4)
    assert story.incident.commander == "bob"
    with pytest.raises(Refusal, match="in 1 min"):
        story.say("sam", "command")
    clock(story, 1)
    assert story.incident.commander == "bob" and "anyone" in story.said[-1]
    story.say("sam", "command")
    assert story.incident.commander == "sam" and story.incident.acting
    assert "This is Sam Storeson, I am the acting Incident Commander" in story.said


def test_a_trained_person_still_comes_first_after_an_untrained_ones_request(told: Story) -> None:
    story = told()
    story.say("anne", "command nobody hears him")
    clock(story, 3)
    story.say("kim", "command")
    assert story.incident.commander == "kim" and not story.incident.acting


# -- after a change of command -------------------------------------------------------------------------------


def test_who_holds_an_approval_that_expired_with_the_command_is_told_not_to_start(told: Story) -> None:
    story = told()
    for n, owner in enumerate(("sam", "kim"), 1):
        story.say("anne", f"propose clear cache {n} risk: low")
        story.say("bob", f"approve {n} @{owner}")
    story.incident.effects.clear()
    story.say("bob", "handover @kim")
    story.say("kim", "accept")
    assert [t.text for t in tells(story, "sam")] == [
        "Don't start repair 1 (clear cache 1): the new IC must approve it again."
    ]
    assert not any("Don't start" in t.text for t in tells(story, "kim"))


# -- somebody disrupts ---------------------------------------------------------------------------------------


def test_who_disrupts_is_asked_whether_they_wish_to_take_command(told: Story) -> None:
    story = told()
    story.say("bob", "challenge @vic")
    assert story.said[-1] == "{person:vic}, do you wish to take command?"
    (line,) = [line for line in story.incident.outbox if line.about.startswith("challenge/")]
    assert [c.words for c in notices.compose(story.incident, line.about).choices] == ["accept", "decline"]
    with pytest.raises(Refusal, match="Only the IC"):
        story.say("sam", "challenge @vic")


def test_yes_to_a_challenge_is_an_accepted_handover(told: Story) -> None:
    story = told()
    story.say("bob", "challenge @vic")
    assert story.incident.commander == "bob"
    story.say("vic", "accept")
    assert story.incident.commander == "vic" and story.incident.acting
    assert "Everyone, be advised: command passes to Vic Presidentson" in story.said


def test_no_to_a_challenge_is_answered_word_for_word_with_warn_and_remove_for_the_ic(told: Story) -> None:
    story = told()
    story.say("bob", "challenge @vic")
    story.say("vic", "decline")
    assert story.said[-1] == "{person:vic}: Then please cause no further interruptions"
    choices = tells(story, "bob")[-1].choices
    assert [c.words for c in choices] == ["warn @vic", "remove @vic"]
    assert choices[1] == Choice("Remove …", "remove @vic", "danger", form=True)
    story.say("bob", choices[0].words)
    assert "cause no further interruptions" in tells(story, "vic")[-1].text
    story.say("bob", choices[1].words)
    assert "vic" in story.incident.removed


def test_a_challenge_left_unanswered_lapses_and_says_nothing_by_itself(told: Story) -> None:
    story = told()
    story.say("bob", "challenge @vic")
    clock(story, 2)
    assert story.incident.handover is None and not any("no further interruptions" in line for line in story.said)
    assert [c.words for c in tells(story, "bob")[-1].choices] == ["warn @vic", "remove @vic"]


def test_an_offer_of_command_can_be_declined(told: Story) -> None:
    story = told()
    story.say("bob", "handover @kim")
    story.say("kim", "decline")
    assert story.incident.handover is None and story.said[-1] == "Kim Kommandson declines command. IC: Bob Boberson."


# -- fatigue -------------------------------------------------------------------------------------------------


def test_after_four_hours_the_other_roles_and_smes_are_advised_to_hand_over_once(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac", after=1)
    story.say("sam", "join as databases", after=1)
    story.say("vic", "join")
    did = Keeper(deputy, story).run(9 * 60)
    tired = whispers(did, "for 4 h")
    assert tired == [(242, ("dee",)), (243, ("mac",)), (244, ("sam",))]
    assert story.now > NOW + 242 * MINUTE


# -- what must not outlive its reason ------------------------------------------------------------------------


def test_who_disrupts_need_not_be_known_to_the_configuration(told: Story) -> None:
    story = told()
    story.say("bob", "challenge <@U0GIL>")
    assert story.said[-1] == "{person:U0GIL}, do you wish to take command?"
    story.say("U0GIL", "decline")
    story.say("bob", "warn <@U0GIL>")
    assert "cause no further interruptions" in tells(story, "U0GIL")[-1].text
    story.say("bob", "remove <@U0GIL> not now")
    assert "U0GIL" in story.incident.removed
    with pytest.raises(Refusal, match="nobody called 'gil'"):
        story.say("bob", "challenge @gil")


def test_a_takeover_request_ends_with_the_call_and_with_who_made_it(told: Story) -> None:
    story = told()
    story.say("kim", "command")
    leadership.vacate(story.incident, "kim", story.now)
    clock(story, 10)
    assert story.incident.commander == "bob"
    story.say("lee", "command")
    story.now += MINUTE
    ending.end(story.incident, Phase.RESOLVED, "bob", story.now)
    story.say("bob", "reopen it came back", after=10)
    clock(story, 10)
    assert story.incident.commander == "bob"
