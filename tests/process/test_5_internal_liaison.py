"""Process, 5: the internal liaison."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident import declaring
from incident.commands import Refusal
from incident.declaring import Declaration
from incident.duties import internal_liaison
from incident.duties.base import Subscribe
from incident.policy import Policy, read_organisation
from incident.severity import Severity
from incident.texts import here
from tests.conftest import CONFIG
from tests.domain.conftest import NOW, Told
from tests.process.keeper import MINUTE, Did, Keeper, summaries, whispers
from tests.randomly import examples

Story = Callable[..., Told]


def sent(did: list[Did]) -> list[float]:
    return [one.minute for one in summaries(did)]


def test_the_first_goes_out_five_minutes_after_declaring_then_every_thirty(told: Story) -> None:
    assert sent(Keeper(internal_liaison, told()).run(100)) == [5, 35, 65, 95]


def test_the_first_goes_out_earlier_if_the_ic_sends_it_and_the_rest_count_from_it(told: Story) -> None:
    story = told()
    story.say("bob", "summary send", after=1)
    assert sent(Keeper(internal_liaison, story).run(70)) == [3, 33, 63]


def test_a_change_of_severity_brings_one_of_its_own_and_replaces_a_regular_one_due_within_ten_minutes(
    told: Story,
) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(24)
    keeper.story.say("bob", "sev 2 only one region")
    assert sent(keeper.run(44)) == [26, 65]


def test_a_regular_one_due_later_than_that_still_comes(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(20)
    keeper.story.say("bob", "sev 2 only one region")
    assert sent(keeper.run(20)) == [22, 35]


def test_two_changes_within_five_minutes_join(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(10)
    for severity in ("2", "3", "2"):
        keeper.story.say("bob", f"sev {severity}")
        keeper.run(1)
    assert sent(keeper.run(10)) == [17]
    assert sent(keeper.did) == [5, 12, 17]


def test_a_regular_one_that_falls_due_while_changes_are_gathered_joins_them(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(30)
    keeper.story.say("bob", "sev 2")
    keeper.run(1)
    keeper.story.say("bob", "sev 1")
    assert sent(keeper.run(30)) == [37]


def test_one_at_the_end_and_nothing_after_it(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(10)
    keeper.story.say("bob", "resolve --insist")
    did = summaries(keeper.run(120))
    assert [one.minute for one in did] == [12]
    assert "resolved after 12 min" in did[0].text


def test_a_change_that_the_end_has_told_is_no_news_after_reopening(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(10)
    keeper.story.say("bob", "sev 2")
    keeper.run(1)
    keeper.story.say("bob", "sev 3")
    keeper.story.say("bob", "resolve --insist")
    keeper.run(5)
    keeper.story.say("bob", "reopen it came back")
    assert sent(keeper.run(20)) == [35]


def test_five_minutes_before_each_the_liaison_sees_what_would_be_sent(told: Story) -> None:
    story = told()
    story.say("bob", "internal-liaison @ines")
    shown = whispers(Keeper(internal_liaison, story).run(65), "would say")
    assert shown == [(2, ("ines",)), (30, ("ines",)), (60, ("ines",))]


def test_without_a_liaison_the_ic_sees_it(told: Story) -> None:
    assert whispers(Keeper(internal_liaison, told()).run(31), "would say")[-1] == (30, ("bob",))


def test_what_waits_for_another_change_is_shown_too(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(10)
    keeper.story.say("bob", "sev 2")
    keeper.run(1)
    keeper.story.say("bob", "sev 3")
    assert whispers(keeper.run(1), "would say") == [(13, ("bob",))]


def test_own_words_go_out_once_unanswered_it_goes_out_as_composed(told: Story) -> None:
    story = told()
    story.say("bob", "update The shop is slow but works.")
    texts = [one.text for one in summaries(Keeper(internal_liaison, story).run(40))]
    assert "The shop is slow but works." in texts[0]
    assert "The shop is slow" not in texts[1] and "SEV-1" in texts[1]


def test_after_an_outage_one_marked_late_with_present_facts(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.story.say("bob", "impact nobody can pay", after=60)
    did = summaries(keeper.outage(10))
    assert len(did) == 1
    assert "(late by 7 min)" in did[0].text and "nobody can pay" in did[0].text


def test_after_an_outage_a_change_and_a_regular_one_are_one(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.run(10)
    keeper.story.say("bob", "sev 2", after=8)
    assert len(summaries(keeper.outage(30))) == 1


def test_it_holds_state_actions_impact_and_expected_time_and_leaves_out_what_is_unknown(told: Story) -> None:
    story = told()
    bare = summaries(Keeper(internal_liaison, story).run(4))[0].text
    assert "impact" not in bare and "In progress" not in bare and "expected" not in bare
    story.say("bob", "impact nobody can pay")
    story.say("bob", "task @sam 10m look at the queries")
    story.say("bob", "eta within half an hour")
    full = summaries(Keeper(internal_liaison, story).run(30))[-1].text
    assert full.startswith("SEV-1 PRACTICE checkout is down: being investigated")
    assert "Customer impact: nobody can pay." in full and "look at the queries; expected: within half an hour" in full


def test_it_has_two_or_three_sentences_and_at_most_600_characters(told: Story) -> None:
    story = told()
    for fact in ("impact", "cause", "eta"):
        story.say("bob", f"{fact} " + "very long words " * 60)
    text = summaries(Keeper(internal_liaison, story).run(5))[0].text.replace(here(), "<!here>")
    assert len(text) <= 600
    assert len(re.findall(r"[.!?…](?: |$)", text)) in (2, 3)


def test_every_summary_calls_the_channel(told: Story) -> None:
    keeper = Keeper(internal_liaison, told())
    keeper.story.incident.practice = False
    keeper.run(40)
    keeper.story.say("bob", "update In my own words.")
    keeper.run(40)
    assert all(one.text.startswith(f"{here()} ") for one in summaries(keeper.did)) and len(summaries(keeper.did)) == 3


def test_stakeholders_are_subscribed_at_their_severity_and_at_each_escalation_once(told: Story) -> None:
    keeper = Keeper(internal_liaison, told(Severity.SEV2))
    keeper.run(10)
    for words in ("sev 1", "sev 2", "sev 1", "stakeholders PTEAMS1 PTEAMAP"):
        keeper.story.say("bob", words)
        keeper.run(10)
    teams = [team for one in keeper.did if isinstance(one.deed, Subscribe) for team in one.deed.teams]
    assert teams == ["PTEAMS2", "PTEAMS1", "PTEAMAP"]


def test_a_security_incident_tells_no_executive_and_no_stakeholder(told: Story, policy: Policy) -> None:
    declaration = Declaration("lusab-babad", "Quiet Otter", "anne", "Anne", NOW, policy, Severity.SEV1, security=True)
    story = Told(declaring.declare(declaration, NOW), NOW)
    story.paged()
    assert Keeper(internal_liaison, story).run(120) == []


# -- whatever happens ----------------------------------------------------------------------------------------

POLICY = read_organisation((CONFIG / "example.toml").read_text(), "example.toml").policy()
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.sampled_from([0.5, 1, 3, 6, 11, 29, 31])),
        st.tuples(st.just("outage"), st.sampled_from([2, 7, 33, 70])),
        st.tuples(st.just("say"), st.sampled_from(["sev 1", "sev 2", "sev 3", "summary send", "update Our words."])),
        st.tuples(st.just("say"), st.sampled_from(["impact nobody can pay", "internal-liaison @ines"])),
    ),
    max_size=25,
)


def begin() -> Told:
    declaration = Declaration("lusab-babad", "checkout is down", "anne", "Anne Apison", NOW, POLICY, Severity.SEV1)
    story = Told(declaring.declare(declaration, NOW), NOW)
    story.paged()
    story.say("bob", "command", after=1)
    return story


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_no_summary_is_skipped_or_doubled_whatever_happens(steps: list[tuple[str, object]]) -> None:
    keeper = Keeper(internal_liaison, begin())
    story, rules = keeper.story, POLICY.executives
    for kind, what in steps:
        asked, before = what == "summary send", len(summaries(keeper.did))
        match kind:
            case "run":
                keeper.run(float(str(what)))
            case "outage":
                keeper.outage(float(str(what)))
            case _:
                try:
                    story.say("bob", str(what))
                except Refusal:
                    continue
                keeper.wake()
        times = [NOW + one.minute * MINUTE for one in summaries(keeper.did)]
        assert len(times[before:]) == len(set(times[before:])), "two at once"
        if story.now >= NOW + rules.first_after:
            assert times and story.now - times[-1] <= rules.every + rules.replaces_within, "skipped"
        if asked:
            assert times[-1] == story.now, "asked for and not sent"
        _every_change_is_told(keeper, story.now, times)
    _own_ones_keep_their_distance(keeper, rules.joins_within)
    for one in summaries(keeper.did):
        assert len(one.text.replace(here(), "<!here>")) <= rules.at_most
        late = one.minute - (one.duty.due_at - NOW) / MINUTE >= 1
        assert ("(late by" in one.text) == late
    heard = bool(summaries(keeper.did))
    story.say("bob", "resolve --insist")
    assert len(summaries(keeper.run(300))) == heard, "one at the end to those who heard the beginning, nothing after it"


def _every_change_is_told(keeper: Keeper, now: datetime, times: list[datetime]) -> None:
    for change in keeper.story.incident.severities[1:]:
        if now - change.at > POLICY.executives.joins_within:
            assert any(at >= change.at for at in times), "a change of severity is not told"


def _own_ones_keep_their_distance(keeper: Keeper, joins_within: timedelta) -> None:
    own = [one.minute for one in summaries(keeper.did) if one.duty.key.startswith("summary/severity/")]
    for earlier, later in pairwise(own):
        assert (later - earlier) * MINUTE >= joins_within, "two changes within five minutes join"
