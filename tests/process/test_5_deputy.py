"""Process, 5: the deputy; and who is spoken to."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from incident import publishing, reports
from incident.commands import Refusal
from incident.duties import deputy
from incident.duties.base import Remark
from incident.model import Reading, Status, SubTeam
from incident.outlets import Outlet
from incident.reports import Report, StatusSeen
from tests.domain.conftest import NOW, Told
from tests.process.keeper import MINUTE, Did, Keeper, whispers
from tests.process.test_5_internal_liaison import begin
from tests.randomly import examples

Story = Callable[..., Told]


def reads(story: Told, state: str, times: int = 1, value: str = "0.4", *, flapping: bool = False) -> None:
    """The scribe reports a status."""
    status = Status(state, f"error-rate {state}", story.now, [Reading("error-rate", state, value)], times)
    seen = StatusSeen(status, "", flapping=flapping)
    reports.take(story.incident, Report("scribe", f"{story.now}/{state}/{times}", seen), story.now)


LOOKING = {Outlet.STATUS_PAGE: "We are looking."}


def drafted(story: Told) -> int:
    """The customer liaison has drafted the first message."""
    draft = publishing.offer(story.incident, "investigating", LOOKING, "customer-liaison", story.now, None)
    return draft.number


def buttons(did: list[Did], words: str) -> list[str]:
    return [c.words for one in did if words in one.text for c in getattr(one.deed, "choices", ())]


# -- marks and task clocks -----------------------------------------------------------------------------------


def test_a_mark_every_ten_minutes_every_thirty_after_two_hours(told: Story) -> None:
    did = Keeper(deputy, told()).run(238)
    marks = [(one.minute, one.text) for one in did if isinstance(one.deed, Remark)]
    assert [at for at, _ in marks] == [*range(10, 121, 10), 150, 180, 210, 240]
    assert marks[4][1] == "IC, be advised: the incident is now at the 50 minute mark"


def test_a_task_not_understood_is_said_once_repeated_once_then_to_the_next_person_then_silence(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 60m look at the queries")
    assert whispers(Keeper(deputy, story).run(50), "has not said") == [
        (3, ("sam", "dee")),
        (4, ("sam", "dee")),
        (5, ("dee",)),
        (6, ("bob",)),
    ]


def test_nothing_more_is_said_of_a_task_that_was_understood(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 60m look at the queries")
    keeper = Keeper(deputy, story)
    keeper.run(1)
    story.say("sam", "ack")
    assert whispers(keeper.run(20), "has not said") == []


def test_the_ic_hears_that_the_time_of_a_task_is_up_and_once_more(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 6m look at the queries")
    story.say("sam", "ack")
    up = whispers(Keeper(deputy, story).run(60), "IC, be advised: the timer for Sam Storeson's investigation is up")
    assert up == [(8, ("bob", "sam", "dee")), (13, ("bob", "sam", "dee"))]


def test_several_reminders_that_an_outage_swallowed_are_one(told: Story) -> None:
    story = told()
    story.say("bob", "task @sam 60m look at the queries")
    keeper = Keeper(deputy, story)
    assert len(whispers(keeper.outage(30), "has not said")) == 1


# -- what nobody answered ------------------------------------------------------------------------------------


def test_a_need_that_nobody_filled_comes_back_with_paging_offered(told: Story) -> None:
    story = told()
    story.say("bob", "need database")
    did = Keeper(deputy, story).run(60)
    assert whispers(did, "Nobody from Database is here yet") == [(7, ("bob", "dee")), (12, ("bob", "dee"))]
    assert set(buttons(did, "Nobody from Database")) == {"page database"}


def test_a_need_counts_anew_from_the_page_and_is_gone_when_somebody_came(told: Story) -> None:
    story = told()
    story.say("bob", "need database")
    keeper = Keeper(deputy, story)
    keeper.run(3)
    story.say("bob", "page database")
    assert [at for at, _ in whispers(keeper.run(6), "`!ic page database` pages them again")] == [10]
    story.say("sam", "join as database")
    assert whispers(keeper.run(60), "Nobody from") == []


def test_a_proposal_waits_for_the_ic_who_comes_late(told: Story) -> None:
    story = told(commanded=False)
    story.say("anne", "propose clear the cache")
    keeper = Keeper(deputy, story)
    keeper.run(10)
    story.say("bob", "command")
    story.say("dee", "join")
    assert whispers(keeper.run(30), "Waiting for the IC") == [(12, ("bob",)), (15, ("bob",)), (18, ("dee",))]


# -- status worse --------------------------------------------------------------------------------------------


def test_one_reading_of_a_worse_status_is_not_enough(told: Story) -> None:
    story = told()
    reads(story, "down")
    assert whispers(Keeper(deputy, story).run(5), "the status is worse") == []


def test_two_readings_tell_the_ic_the_severity_it_would_mean_and_the_evidence(told: Story) -> None:
    story = told()
    story.say("bob", "sev 2")
    reads(story, "down", 2)
    did = Keeper(deputy, story).run(5)
    assert whispers(did, "the status is worse, read twice: error-rate down (0.4)") == [(2, ("bob", "dee"))]
    assert buttons(did, "That would mean SEV-1") == ["sev 1"]
    story.say("bob", buttons(did, "worse")[0])
    assert story.incident.severity == "SEV-1"


def test_what_it_means_already_brings_no_button(told: Story) -> None:
    story = told()
    reads(story, "degraded", 2)
    did = Keeper(deputy, story).run(5)
    assert len(whispers(did, "That would mean SEV-2; this is a SEV-1 already")) == 1 and not buttons(did, "worse")


def test_once_per_worsening(told: Story) -> None:
    keeper = Keeper(deputy, told())
    heard = []
    for state, times in [("degraded", 2), ("down", 2), ("degraded", 2), ("ok", 1), ("down", 1), ("down", 2)]:
        reads(keeper.story, state, times)
        heard.append(len(whispers(keeper.run(1), "status is worse")))
    assert heard == [1, 1, 0, 0, 0, 1]


def test_a_status_that_flaps_is_one_worsening(told: Story) -> None:
    keeper = Keeper(deputy, told())
    heard = 0
    for n in range(6):
        reads(keeper.story, "ok" if n % 2 else "down", 1 if n % 2 else 2, flapping=True)
        heard += len(whispers(keeper.run(1), "status is worse"))
    assert heard == 1


def test_a_status_that_is_well_again_before_somebody_commands_is_dropped(told: Story) -> None:
    story = told(commanded=False)
    reads(story, "down", 2)
    reads(story, "ok")
    story.say("bob", "command", after=1)
    assert whispers(Keeper(deputy, story).run(5), "status is worse") == []


# -- announce publicly? --------------------------------------------------------------------------------------


def test_it_is_asked_as_soon_as_there_is_an_ic_with_the_first_message_attached(told: Story) -> None:
    story = told()
    number = drafted(story)
    did = Keeper(deputy, story).run(0)
    assert whispers(did, "announce publicly? With this message:\n> PRACTICE We are looking.") == [(2, ("bob",))]
    pressed = buttons(did, "announce publicly?")[0]
    assert pressed.startswith(f"announce yes {number} #")  # with the mark of what it shows
    story.say("bob", pressed)
    assert story.incident.drafts[number].state == "approved"


def test_at_the_latest_two_minutes_after_there_is_an_ic_also_when_one_comes_late(told: Story) -> None:
    story = told(commanded=False)
    keeper = Keeper(deputy, story)
    assert whispers(keeper.run(20), "announce publicly?") == []
    story.say("bob", "command")
    assert whispers(keeper.run(3), "announce publicly?") == [(22, ("bob",))]


def test_unanswered_it_is_asked_once_more_and_then_brought_to_the_deputy(told: Story) -> None:
    story = told()
    drafted(story)
    assert whispers(Keeper(deputy, story).run(60), "announce publicly?") == [
        (2, ("bob",)),
        (4, ("bob",)),
        (6, ("dee",)),
    ]


def test_it_is_asked_again_at_each_rise_in_severity_not_at_a_fall(told: Story) -> None:
    story = told()
    drafted(story)
    keeper = Keeper(deputy, story)
    keeper.run(10)
    heard = []
    for words in ("sev 3", "sev 2", "sev 1", "sev 2"):
        story.say("bob", words)
        heard.append(len(whispers(keeper.run(0.5), "announce publicly?")))
    assert heard == [0, 1, 1, 0]


def test_after_a_no_it_is_asked_again_when_impact_changes_or_the_severity_rises(told: Story) -> None:
    story = told()
    drafted(story)
    story.say("bob", "impact a few customers notice")
    keeper = Keeper(deputy, story)
    keeper.run(1)
    story.say("bob", "announce no")
    assert whispers(keeper.run(30), "announce publicly?") == []
    story.say("bob", "impact nobody can pay")
    assert len(whispers(keeper.run(1), "announce publicly?")) == 1
    story.say("bob", "announce no")
    story.say("bob", "sev 2", after=1)
    assert whispers(keeper.run(30), "announce publicly?") == []
    story.say("bob", "sev 1")
    assert len(whispers(keeper.run(1), "announce publicly?")) == 1


def test_never_after_a_yes_and_unsure_means_yes(told: Story) -> None:
    story = told()
    number = drafted(story)
    story.say("bob", f"announce unsure {number}")
    keeper = Keeper(deputy, story)
    for words in ("sev 2", "sev 1", "impact nobody can pay"):
        story.say("bob", words)
        assert whispers(keeper.run(10), "announce publicly?") == []


# -- span of control -----------------------------------------------------------------------------------------


def crowd(story: Told, count: int, first: int = 0) -> None:
    for n in range(first, first + count):
        story.say(f"U{n}", "join")


def test_above_seven_direct_reports_sub_teams_are_advised_once(told: Story) -> None:
    story = told()
    crowd(story, 7)
    keeper = Keeper(deputy, story)
    assert whispers(keeper.run(10), "Form sub-teams") == []
    crowd(story, 1, 7)
    assert whispers(keeper.run(10), "8 people report to the IC") == [(12, ("bob", "dee"))]
    crowd(story, 5, 8)
    assert whispers(keeper.run(100), "Form sub-teams") == []


def test_who_is_in_a_sub_team_does_not_count(told: Story) -> None:
    story = told()
    crowd(story, 9)
    team = SubTeam("alpha", "alpha", "U0", "find it", story.now, story.now + 20 * MINUTE, "C0ALPHA")
    team.members = ["U1", "U2", "U3"]
    story.incident.teams["alpha"] = team
    keeper = Keeper(deputy, story)
    assert whispers(keeper.run(10), "Form sub-teams") == []
    team.closed_at = story.now
    assert len(whispers(keeper.run(10), "9 people report to the IC")) == 1


def test_several_teams_on_several_symptoms_are_a_cause_of_their_own(told: Story) -> None:
    story = told()
    keeper = Keeper(deputy, story)
    for words in ("symptom pages are slow", "task @anne 60m look at the API", "task @sam 60m look at the database"):
        story.say("bob", words)
    assert whispers(keeper.run(5), "several symptoms") == []
    story.say("bob", "symptom checkout fails")
    assert whispers(keeper.run(5), "API and Database work on several symptoms at once") == [(7, ("bob", "dee"))]
    story.say("bob", "symptom mail is late")
    assert whispers(keeper.run(60), "several symptoms") == []


# -- three hours in command, and whatever happens ---------------------------------------------------------------


def test_after_three_hours_one_private_suggestion_with_a_briefing_ready(told: Story) -> None:
    story = told()
    story.say("bob", "impact nobody can pay")
    did = Keeper(deputy, story).run(6 * 60)
    assert whispers(did, "Hand over?") == [(181, ("bob",))]
    text = next(one.text for one in did if "Hand over?" in one.text)
    assert "The briefing: SEV-1 PRACTICE checkout is down" in text and "nobody can pay" in text


WORDS = (
    *("sev 1", "sev 2", "task @sam 10m look", "ack", "more 5m", "done", "need database", "join", "page database"),
    *("impact nobody can pay", "announce no", "propose clear the cache", "symptom slow", "brief", "leave"),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.sampled_from(["1", "4", "16", "31"])),
        st.tuples(st.just("outage"), st.sampled_from(["2", "9", "45"])),
        st.tuples(st.just("status"), st.sampled_from(["ok 1", "degraded 2", "down 1", "down 2", "unreadable 1"])),
        st.tuples(
            st.sampled_from(["bob", "sam", "dee"]),
            st.sampled_from(WORDS),
        ),
    ),
    max_size=25,
)


@settings(max_examples=examples(200), deadline=None)
@given(steps=STEPS)
def test_whatever_happens_no_duty_is_due_twice_and_none_after_the_end(steps: list[tuple[str, str]]) -> None:
    keeper = Keeper(deputy, begin())
    story = keeper.story
    drafted(story)
    for who, what in steps:
        match who:
            case "run":
                keeper.run(float(what))
            case "outage":
                keeper.outage(float(what))
            case "status":
                state, times = what.split()
                reads(story, state, int(times))
                keeper.wake()
            case _:
                try:
                    story.say(who, what)
                except Refusal:
                    continue
                keeper.wake()
        assert all(one.people or isinstance(one.deed, Remark) for one in keeper.did), "said to nobody"
    marks = [one for one in keeper.did if isinstance(one.deed, Remark)]
    assert len({one.minute for one in marks}) == len(marks), "two marks at once"
    if (story.now - NOW) >= 10 * MINUTE:
        assert marks, "a mark was skipped"
    story.say("bob", "resolve --insist")
    assert keeper.run(300) == []
