"""What stands in Slack with buttons beside it, as its matter moves on."""

from __future__ import annotations

from collections.abc import Callable

from incident import grammar, notices
from incident.choices import Notice
from tests.domain.conftest import Told, shown

Story = Callable[..., Told]


def labels(notice: Notice) -> list[str]:
    return [choice.label for choice in notice.choices]


def test_a_proposal_shows_who_pressed_what_and_when(told: Story) -> None:
    story = told()
    n = story.say("anne", "propose clear the cache risk: low").number
    about = f"repair/{n}"
    assert labels(notices.compose(story.incident, about)) == ["Approve", "Poll", "Reject …", "Object …"]
    story.say("bob", f"poll {n}")
    story.say("sam", f"object {n} it is peak hour")
    story.say("bob", f"approve {n} @sam", after=1)
    approved = notices.compose(story.incident, about)
    assert "Sam Storeson objected at 14:02 UTC: it is peak hour" in shown(approved.text)
    assert "Approved by Bob Boberson at 14:03 UTC. Owned by Sam Storeson." in shown(approved.text)
    assert labels(approved) == ["I begin", "Abort", "Stop …"]
    story.say("sam", f"ack {n}")
    story.say("sam", f"done {n} cleared", after=2)
    assert labels(notices.compose(story.incident, about)) == ["It worked", "It did not work"]
    story.say("bob", f"verified {n}")
    verified = notices.compose(story.incident, about)
    assert "*Verified* by Bob Boberson at 14:05 UTC." in shown(verified.text)
    assert not verified.choices and notices.settled(about, verified)


def test_a_rejected_proposal_says_why(told: Story) -> None:
    story = told()
    n = story.say("anne", "propose restart it risk: high").number
    story.say("bob", f"reject {n} we do not know that it helps", after=1)
    notice = notices.compose(story.incident, f"repair/{n}")
    assert "*Rejected* by Bob Boberson at 14:03 UTC: we do not know that it helps" in shown(notice.text)
    assert not notice.choices


def test_whoever_opens_the_card_first_can_take_command(told: Story) -> None:
    story = told(commanded=False)
    assert labels(notices.compose(story.incident, "card"))[:2] == ["I take command", "Page the ICs again"]
    story.say("bob", "command")
    card = notices.compose(story.incident, "card")
    assert "I take command" not in labels(card)
    assert "IC: resolve …" in [choice.label for choice in card.more]


def test_a_task_is_understood_then_done(told: Story) -> None:
    story = told()
    n = story.say("bob", "task @sam 5m look at the slow queries").number
    assert labels(notices.compose(story.incident, f"task/{n}")) == ["Understood", "Done …", "More time"]
    story.say("sam", f"ack {n}")
    assert labels(notices.compose(story.incident, f"task/{n}")) == ["Done …", "More time"]
    story.say("sam", f"done {n} an index was missing", after=3)
    done = notices.compose(story.incident, f"task/{n}")
    assert "Done at 14:05 UTC: an index was missing" in shown(done.text) and not done.choices


def test_a_further_trigger_is_the_same_or_another(told: Story) -> None:
    story = told()
    n = story.say("sam", "further the queue stands still").number
    assert labels(notices.compose(story.incident, f"trigger/{n}")) == ["The same", "Separate"]
    story.say("bob", f"same {n}")
    settled = notices.compose(story.incident, f"trigger/{n}")
    assert "Bob Boberson said at 14:02 UTC: the same." in shown(settled.text) and not settled.choices
    assert "the queue stands still" in story.incident.facts.symptoms


def test_every_button_is_a_word_of_the_vocabulary(told: Story) -> None:
    story = told()
    n = story.say("anne", "propose clear the cache risk: low").number
    story.say("bob", "task @sam 5m look")
    story.say("sam", "further more trouble")
    story.say("bob", "handover @kim")
    abouts = [line.about for line in story.incident.outbox if line.about]
    assert f"repair/{n}" in abouts and any(about.startswith("handover/") for about in abouts)
    for about in [*abouts, "card", "command"]:
        notice = notices.compose(story.incident, about)
        for choice in (*notice.choices, *notice.more):
            if not choice.form:
                grammar.read(choice.words, story.incident.policy)
