"""Process, 5: the scribe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from incident import reports
from incident.duties import scribe
from incident.model import Reading, Status
from incident.policy import Stalk
from incident.reports import Report, StatusSeen
from tests.domain.conftest import NOW, Told
from tests.process.keeper import MINUTE, Keeper, whispers
from tests.process.test_5_internal_liaison import begin
from tests.randomly import examples

Story = Callable[..., Told]


def status(at: float, times: int = 1, **readings: str) -> Status:
    """`shop="down 0.4"` is the state and the value of a source; at that minute."""
    found = [Reading(source, *said.split()) for source, said in readings.items()]
    rank = ("ok", "unreadable", "degraded", "down")
    worst = max((r.state for r in found), key=rank.index)
    return Status(worst, ", ".join(f"{r.source} {r.state}" for r in found), NOW + at * MINUTE, found, times)


class Ears:
    """What the room hears of each status that the stalk brings, as the scribe's workflow tells it."""

    def __init__(self, story: Told) -> None:
        self.story = story
        self.before: Status | None = None
        self.changes: list[datetime] = []
        self.flapping = False

    def hear(self, new: Status) -> str:
        rules = self.story.incident.policy.stalk
        if self.before is not None and scribe.is_change(self.before, new):
            self.changes = [at for at in self.changes if new.at - at <= rules.flapping_within] + [new.at]
        text, self.flapping = scribe.news(rules, self.before, new, self.changes, self.flapping)
        self.before, self.story.now = new, new.at
        seen = StatusSeen(new, text, flapping=self.flapping)
        reports.take(self.story.incident, Report("scribe", f"status/{new.at}", seen), new.at)
        return text


def test_reminds_once_that_the_call_be_recorded_and_asks_for_the_link_at_the_end(told: Story) -> None:
    story = told()
    story.say("bob", "scribe @mac")
    keeper = Keeper(scribe, story)
    assert whispers(keeper.run(120), "recorded") == [(2, ("mac", "dee"))]
    story.say("bob", "resolve --insist")
    assert whispers(keeper.run(120), "where is the recording") == [(122, ("mac", "dee"))]


def test_without_a_scribe_the_deputy_is_reminded_else_the_ic(told: Story) -> None:
    assert whispers(Keeper(scribe, told()).run(5), "recorded") == [(2, ("dee",))]
    assert whispers(Keeper(scribe, begin()).run(5), "recorded") == [(1, ("bob",))]


def test_the_stalk_reports_on_a_change_with_the_evidence(told: Story) -> None:
    ears = Ears(told())
    assert ears.hear(status(1, shop="ok", errors="ok 0.004")) == "Status: shop ok, errors ok (errors: 0.004)."
    assert (
        ears.hear(status(2, shop="ok", errors="down 0.4")) == "The status changed from ok to down: errors down (0.4)."
    )
    assert ears.hear(status(2.5, 2, shop="ok", errors="down 0.4")) == ""
    assert ears.hear(status(3, shop="down", errors="down 0.4")) == "The status changed: shop down, errors down (0.4)."


def test_stalking_says_how_often_with_the_present_status_and_unstalk_stops_it(told: Story) -> None:
    story = told()
    Ears(story).hear(status(2, shop="ok"))
    story.say("bob", "status unstalk")
    assert not scribe.view(story.incident, over=False).watching
    story.say("bob", "status stalk")
    assert story.said[-1] == "Now stalking status every 30 seconds. Now: shop ok."
    assert scribe.view(story.incident, over=False).watching


def test_that_the_status_cannot_be_read_is_a_sign_said_once_and_again_when_it_can(told: Story) -> None:
    ears = Ears(told())
    ears.hear(status(1, shop="ok"))
    assert "cannot be read" in (lost := ears.hear(status(2, shop="unreadable"))) and "itself a sign" in lost
    assert ears.hear(status(3, 2, shop="unreadable")) == ""
    assert ears.hear(status(20, shop="ok")).startswith("The status can be read again: shop ok")


def test_one_source_that_cannot_be_read_hides_nothing_of_the_others(told: Story) -> None:
    ears = Ears(told())
    ears.hear(status(1, shop="ok", errors="ok"))
    lost = ears.hear(status(2, shop="down", errors="unreadable"))
    assert lost.startswith("errors cannot be read. That is itself a sign.") and "shop down" in lost
    assert ears.story.incident.status is not None and ears.story.incident.status.state == "down"


def test_flapping_is_said_once_and_when_it_is_over(told: Story) -> None:
    story = told()
    ears, keeper = Ears(story), Keeper(scribe, story)
    texts = [ears.hear(status(2 + n / 2, shop="ok" if n % 2 else "down")) for n in range(8)]
    assert [text for text in texts if "flapping" in text] == [texts[4]]
    assert texts[5:] == ["", "", ""]
    over = [one for one in keeper.run(60) if "no longer flaps" in one.text]
    assert [(one.minute, one.text) for one in over] == [(10.5, "The status no longer flaps: shop ok.")]
    assert ears.hear(status(90, shop="down")) == "The status changed from ok to down: shop down."


def test_three_changes_in_five_minutes_are_not_yet_flapping(told: Story) -> None:
    ears = Ears(told())
    texts = [ears.hear(status(2 + n, shop="ok" if n % 2 else "down")) for n in range(4)]
    assert not any("flapping" in text for text in texts) and all(texts)


def test_the_status_stands_in_the_card(told: Story) -> None:
    from incident import card

    story = told()
    Ears(story).hear(status(3, shop="ok", errors="down 0.4"))
    assert "Status: shop ok, errors down (errors: 0.4)" in card.markdown(story.incident)


STEPS = st.lists(
    st.tuples(st.sampled_from(["ok", "degraded", "down", "unreadable"]), st.sampled_from([0.5, 1, 4, 20])), max_size=30
)


@settings(max_examples=examples(200), deadline=None)
@given(steps=STEPS)
def test_whatever_the_status_does_flapping_begins_and_ends_in_turn(steps: list[tuple[str, float]]) -> None:
    story = begin()
    ears, keeper, rules = Ears(story), Keeper(scribe, story), Stalk()
    heard: list[str] = []
    at = 1.0
    for state, later in steps:
        heard += [one.text for one in keeper.run(later) if "flap" in one.text]
        at += later
        if ears.before is None or ears.before.state != state:
            heard.append(ears.hear(status(at, shop=state)))
    heard += [one.text for one in keeper.run(60) if "flap" in one.text]
    turns = [text for text in heard if "flap" in text]
    assert all(("is flapping" in text) == (n % 2 == 0) for n, text in enumerate(turns))
    assert len(turns) % 2 == 0, "flapping was said and not that it is over"
    assert rules.flapping_changes == 3
    story.say("bob", "resolve --insist")
    assert [one.duty.key for one in keeper.run(300)] == ["recording-link"]
