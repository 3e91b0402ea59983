"""Section 5, "Customer liaison", and what section 6 says of the public end: a test for each sentence."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from incident import notices, reports, wording
from incident.commands import Refusal
from incident.duties import customer_liaison
from incident.duties.base import WriteDraft
from incident.model import Phase
from incident.outlets import Outlet
from incident.reports import Report
from incident.texts import plain
from tests.domain.conftest import NOW, Told
from tests.process.customers import MINUTE, Customers

Story = Callable[..., Told]
PAGE, X = Outlet.STATUS_PAGE, Outlet.X


def announced(told: Story) -> Customers:
    """A SEV-1 with a liaison, whose first message is out on both outlets at minute 4."""
    customers = Customers(told())
    customers.story.say("bob", "customer-liaison @carla")
    customers.waits(2)
    customers.story.say("bob", f"announce yes {customers.newest}")
    customers.looks()
    assert customers.minutes(PAGE) == customers.minutes(X) == [4]
    return customers


# -- drafts ------------------------------------------------------------------------------------------------


def test_drafts_by_templates_of_each_stage_for_each_outlet(told: Story) -> None:
    customers = Customers(told())
    for stage in ("investigating", "identified", "monitoring", "long"):
        n = customers.story.say("bob", f"draft {stage}").number
        draft = customers.story.incident.drafts[n or 0]
        page, x = draft.versions[PAGE].text, draft.versions[X].text
        assert page.startswith("PRACTICE ") and x.startswith("PRACTICE ") and page != x
        assert X.length(x) <= 280 and all("14:07 UTC" in text for text in (page, x))


def test_who_writes_a_draft_meanwhile_is_quicker_than_the_template(told: Story) -> None:
    customers = Customers(told())
    (late,) = customer_liaison.duties(customer_liaison.view(customers.story.incident, over=False), {}, NOW)
    n = customers.story.say("bob", "draft Our own words. More by 14:07 UTC.").number or 0
    reports.take(
        customers.story.incident, Report("customer-liaison", late.key, WriteDraft("investigating", NOW, 0)), NOW
    )
    assert list(customers.story.incident.drafts) == [n] and customers.story.incident.drafts[n].waits


def test_first_public_message_due_five_minutes_after_declaring_scope_five_later_then_every_twenty(told: Story) -> None:
    customers = Customers(told())
    customers.waits(1)
    customers.story.say("bob", "announce yes")
    with customers.approving():
        customers.waits(120)
    drafts = list(customers.story.incident.drafts.values())
    due = [(d.due_at - NOW) / MINUTE for d in drafts if d.due_at]
    assert due[:2] == [5, customers.minutes()[0] + 5]
    gaps = [b - a for a, b in itertools.pairwise(customers.minutes())]
    assert len(gaps) > 5 and all(gap <= 20 for gap in gaps)
    assert customers.minutes(X) == customers.minutes(PAGE)


def test_whenever_impact_changes_or_recovery_begins(told: Story) -> None:
    customers = announced(told)
    customers.story.say("bob", "impact nobody can pay", after=1)
    with customers.approving():
        customers.looks()
    assert customers.minutes()[-1] == 5 and "nobody can pay" in customers.on(PAGE)[-1].text
    story = customers.story
    n = story.say("anne", "propose clear the cache risk: low", after=2).number
    story.say("bob", f"approve {n} @sam")
    story.say("sam", f"ack {n}")
    story.say("sam", f"done {n} cleared", after=1)
    story.say("bob", f"verified {n}")
    customers.looks()
    assert story.incident.drafts[customers.newest].stage == "monitoring"


def test_each_says_when_the_next_is_due_and_the_next_is_not_later_than_that(told: Story) -> None:
    customers = announced(told)
    with customers.approving():
        customers.waits(150)
    out = customers.on(PAGE)
    for post, following in itertools.pairwise(out):
        promised = customers.story.incident.drafts[post.number].promised_at
        assert promised is not None and wording.clock(promised) in post.text
        assert following.minute <= (promised - NOW) / MINUTE


def test_a_text_that_does_not_say_when_the_next_is_due_is_warned_of(told: Story) -> None:
    customers = Customers(told())
    assert "does not say when the next one is due" in customers.story.say("bob", "draft We are on it.").text
    assert "does not say" not in customers.story.say("bob", "draft We are on it. More by 14:07 UTC.").text


def test_after_two_hours_the_ic_may_choose_a_slower_rhythm(told: Story) -> None:
    customers = announced(told)
    with pytest.raises(Refusal, match="For the first 2 h it is every 20 min at least"):
        customers.story.say("bob", "rhythm 60m")
    with customers.approving():
        customers.waits(118)
        with pytest.raises(Refusal, match="Only the IC decides that"):
            customers.story.say("carla", "rhythm 60m")
        said = customers.story.say("bob", "rhythm 60m").text
        promised = customers.story.incident.drafts[customers.on(PAGE)[-1].number].promised_at
        assert promised is not None and wording.clock(promised) in said
        customers.waits(200)
        later = [minute for minute in customers.minutes() if minute > 122]
        assert later[0] <= (promised - NOW) / MINUTE
        assert all(50 <= b - a <= 60 for a, b in itertools.pairwise(later)) and len(later) >= 3
        customers.story.say("bob", "rhythm 20m")
        customers.waits(100)
        latest = customers.minutes()[-3:]
    assert all(b - a <= 20 for a, b in itertools.pairwise(latest))
    assert any("a public message every 1 h" in line for line in customers.story.said)


def test_the_message_of_a_long_incident_after_two_hours(told: Story) -> None:
    customers = announced(told)
    with customers.approving():
        customers.waits(150)
    assert {d.stage for d in customers.story.incident.drafts.values()} == {"investigating", "long"}


# -- approval ----------------------------------------------------------------------------------------------


def test_the_ic_approves_each_text_for_each_outlet_as_it_will_stand_there(told: Story) -> None:
    customers = announced(told)
    n = customers.story.say("carla", "draft identified We found it. More by 14:24 UTC.\nX: Found it.").number or 0
    shown = plain(notices.compose(customers.story.incident, f"draft/{n}").text)
    assert "*Status page* (40 of 5000 characters):\n> PRACTICE We found it." in shown
    assert "*X* (18 of 280 characters):\n> PRACTICE Found it." in shown
    customers.story.say("carla", f"message edit {n} x Found.")
    customers.story.say("bob", f"message approve {n} x")
    customers.looks()
    assert [post.text for post in customers.on(X)][1:] == ["PRACTICE Found."] and len(customers.on(PAGE)) == 1
    customers.story.say("bob", f"message approve {n}")
    customers.looks()
    assert customers.on(PAGE)[-1].text == "PRACTICE We found it. More by 14:24 UTC."
    assert len(customers.on(X)) == 2


def test_too_long_is_refused_with_the_count_never_cut(told: Story) -> None:
    customers = announced(told)
    n = customers.story.say("carla", "draft We are on it. More by 14:24 UTC.").number
    with pytest.raises(Refusal, match="That has 290 characters; X takes 280"):
        customers.story.say("carla", f"message edit {n} x {'x' * 281}")
    with pytest.raises(Refusal, match="That has 5010 characters; the status page takes 5000"):
        customers.story.say("carla", f"message edit {n} {'x' * 5001}")


def test_a_template_that_facts_make_too_long_is_for_other_words_and_holds_nothing_else(told: Story) -> None:
    rules = told().incident.policy
    story = told()
    templates = {**rules.customers.templates_x, "investigating": "We look into it. $impact. More by $next."}
    customers = rules.customers.model_copy(update={"templates_x": templates})
    story.incident.policy = rules.model_copy(update={"customers": customers})
    story.say("bob", "impact " + "some customers cannot pay " * 12)
    n = story.say("bob", "draft investigating").number
    answer = story.say("bob", f"announce yes {n}").text
    assert f"`message edit {n} x TEXT`" in answer and "of 280" in answer
    with pytest.raises(Refusal, match="characters of 280"):
        story.say("bob", f"message approve {n} x")
    seen = Customers(story)
    seen.looks()
    assert len(seen.on(PAGE)) == 1 and seen.on(X) == []


def test_exactly_that_goes_out_though_it_is_edited_on_another_outlet(told: Story) -> None:
    customers = announced(told)
    n = customers.story.say("carla", "draft We are on it. More by 14:24 UTC.").number
    customers.story.say("bob", f"message approve {n} status-page")
    with pytest.raises(Refusal, match="approved public message"):
        customers.story.say("carla", f"message edit {n} status-page Something else.")
    customers.story.say("carla", f"message edit {n} x Shorter.")
    customers.looks()
    assert customers.on(PAGE)[-1].text == "PRACTICE We are on it. More by 14:24 UTC." and len(customers.on(X)) == 1


def test_one_failing_outlet_does_not_hold_the_other_and_is_tried_on(told: Story) -> None:
    customers = Customers(told())
    customers.waits(1)
    customers.down.add(X)
    customers.story.say("bob", f"announce yes {customers.newest}")
    customers.waits(1)
    assert len(customers.on(PAGE)) == 1 and customers.on(X) == []
    assert any("is not out on X yet: it cannot be reached." in line for line in customers.story.said)
    customers.down.clear()
    customers.waits(1)
    assert [post.number for post in customers.on(X)] == [post.number for post in customers.on(PAGE)]


def test_a_failed_outlet_is_said_with_what_to_do_and_is_tried_again_alone(told: Story) -> None:
    customers = Customers(told())
    customers.waits(1)
    customers.refusing.add(X)
    n = customers.newest
    customers.story.say("bob", f"announce yes {n}")
    customers.looks()
    assert any(f"`message approve {n} x` tries again" in line for line in customers.story.said)
    customers.refusing.clear()
    customers.story.say("bob", f"message approve {n} x")
    customers.looks()
    assert len(customers.on(PAGE)) == len(customers.on(X)) == 1


def test_what_an_outlet_missed_does_not_come_behind_a_newer_message(told: Story) -> None:
    customers = announced(told)
    customers.down.add(X)
    for text in ("One.", "Two."):
        n = customers.story.say("bob", f"draft {text} More by 15:00 UTC.", after=1).number
        customers.story.say("bob", f"message approve {n}")
        customers.looks()
    customers.down.clear()
    customers.waits(2)
    assert [post.text[:13] for post in customers.on(X)][1:] == ["PRACTICE Two."]
    assert [post.text[:13] for post in customers.on(PAGE)][1:] == ["PRACTICE One.", "PRACTICE Two."]


def test_what_was_held_is_not_approved_behind_a_newer_one(told: Story) -> None:
    customers = announced(told)
    customers.down.add(X)
    held = customers.story.say("bob", "draft One. More by 15:00 UTC.").number
    customers.story.say("bob", f"message hold {held}")
    newer = customers.story.say("bob", "draft Two. More by 15:00 UTC.").number
    customers.story.say("bob", f"message approve {newer}")
    customers.looks()
    assert newer is not None
    customers.story.say("bob", f"message hold {customers.story.say('bob', 'draft Three. More by 15:00 UTC.').number}")
    with pytest.raises(Refusal, match=rf"superseded on X\. Waiting: {newer + 1}\."):
        customers.story.say("bob", f"message approve {held} x")


def test_a_due_draft_that_the_ic_left_for_three_minutes_may_be_approved_by_the_deputy(told: Story) -> None:
    customers = Customers(told())
    customers.waits(1)
    n = customers.newest
    customers.story.say("bob", "announce yes")
    customers.waits(4)
    with pytest.raises(Refusal, match="The IC has 3 min from the moment it is due"):
        customers.story.say("dee", f"message approve {n}")
    customers.waits(2)
    customers.story.say("dee", f"message approve {n}")
    customers.looks()
    assert len(customers.on(PAGE)) == 1


def test_an_announcement_that_comes_late_gives_the_ic_the_same_three_minutes(told: Story) -> None:
    customers = Customers(told())
    customers.waits(30)
    n = customers.newest
    customers.story.say("bob", "announce yes")
    with pytest.raises(Refusal, match="The IC has 3 min"):
        customers.story.say("dee", f"message approve {n}", after=1)
    customers.story.say("dee", f"message approve {n}", after=2)


def test_a_due_draft_is_said_to_the_ic_once_and_once_more_then_to_the_deputy_then_silence(told: Story) -> None:
    customers = Customers(told())
    customers.waits(1)
    customers.story.say("bob", "announce yes")
    customers.waits(60)
    n = customers.newest
    assert customers.told("bob", f"message {n} is due and waits") == [5, 8]
    assert customers.told("dee", "The IC has left it; you may.") == [8]


def test_a_held_draft_is_said_to_liaison_twice_then_deputy_then_ic_then_silence(told: Story) -> None:
    customers = Customers(told())
    customers.story.say("bob", "customer-liaison @carla")
    customers.waits(1)
    customers.story.say("bob", "announce yes")
    customers.story.say("bob", f"message hold {customers.newest}")
    customers.waits(60)
    assert customers.told("carla", "the IC holds it back") == [5, 8]
    assert customers.told("dee", "the IC holds it back") == [5, 11]
    assert customers.told("bob", "the IC holds it back") == [14]


def test_a_draft_can_be_approved_while_an_older_one_failed(told: Story) -> None:
    customers = announced(told)
    customers.refusing.add(PAGE)
    first = customers.story.say("bob", "draft One. More by 15:00 UTC.").number or 0
    customers.story.say("bob", f"message approve {first}")
    customers.looks()
    customers.refusing.clear()
    second = customers.story.say("bob", "draft Two. More by 15:00 UTC.", after=1).number
    customers.story.say("bob", f"message approve {second}")
    customers.looks()
    assert customers.on(PAGE)[-1].text.startswith("PRACTICE Two.")
    with pytest.raises(Refusal, match="superseded on the status page"):
        customers.story.say("bob", f"message approve {first} status-page")


def test_a_message_that_failed_everywhere_is_followed_by_the_next_in_its_time(told: Story) -> None:
    customers = announced(told)
    customers.refusing |= {PAGE, X}
    with customers.approving():
        customers.waits(40)
    customers.refusing.clear()
    with customers.approving():
        customers.waits(25)
    assert len(customers.on(PAGE)) >= 2


# -- warnings, components, customers, taking down ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "warned"),
    [("It works by 15:30.", "it promises a time"), ("web-1.internal is slow.", "it names a host")],
)
def test_promised_times_and_host_names_in_a_draft_are_a_warning(told: Story, text: str, warned: str) -> None:
    assert warned in told().say("bob", f"draft {text}").text


def test_component_states_are_shown_approved_and_sent_and_set_back_with_resolved(told: Story) -> None:
    customers = announced(told)
    story = customers.story
    with pytest.raises(Refusal, match="Known are api, web, checkout"):
        story.say("carla", "component cellar major_outage")
    n = story.say("carla", "draft identified").number
    story.say("carla", "component checkout major outage")
    assert "Components: checkout major_outage." in notices.compose(story.incident, f"draft/{n}").text
    story.say("bob", f"message approve {n}")
    customers.looks()
    assert customers.on(PAGE)[-1].components == {"cmpcheckout": "major_outage"} and customers.on(X)[-1].components == {}
    story.say("bob", "component web degraded_performance", after=1)
    customers.looks()
    assert "web degraded_performance" in notices.compose(story.incident, f"draft/{customers.newest}").text
    story.say("bob", "resolve --insist recovered", after=1)
    with customers.approving():
        customers.waits(1)
    assert customers.on(PAGE)[-1].components == {"cmpcheckout": "operational", "cmpweb": "operational"}


def test_customers_reporting_are_told_to_the_ic(told: Story) -> None:
    story = told()
    story.say("carla", "customers 12")
    assert any(
        getattr(e, "person", "") == "bob" and "12 customers report" in getattr(e, "text", "")
        for e in story.incident.effects.values()
    )


def test_a_message_about_something_that_had_no_impact_is_taken_down_if_the_ic_says_so(told: Story) -> None:
    customers = announced(told)
    n = customers.on(PAGE)[0].number
    with pytest.raises(Refusal, match="Only the IC decides that"):
        customers.story.say("carla", f"message retract {n}")
    customers.story.say("bob", f"message retract {n}")
    customers.waits(30)
    assert sorted(customers.gone) == [(PAGE, f"status-page-{n}"), (X, f"x-{n}")]
    assert customers.story.incident.announcement == "no" and len(customers.on(PAGE)) == 1
    assert "Taken down." in notices.compose(customers.story.incident, f"draft/{n}").text
    with pytest.raises(Refusal, match="nothing to take down"):
        customers.story.say("bob", f"message retract {n}")


def test_the_status_page_takes_down_its_entry_as_a_whole_which_is_asked_first(told: Story) -> None:
    customers = announced(told)
    second = customers.story.say("bob", "draft Two. More by 15:00 UTC.").number
    customers.story.say("bob", f"message approve {second}")
    customers.looks()
    with pytest.raises(Refusal, match="takes down all of them"):
        customers.story.say("bob", f"message retract {second}")
    customers.story.say("bob", f"message retract {second} x")
    customers.looks()
    assert customers.gone == [(X, f"x-{second}")]
    customers.story.say("bob", f"message retract {second} --insist")
    customers.looks()
    assert customers.gone[1:] == [(PAGE, f"status-page-{second}")]
    assert {d.versions[PAGE].state for d in customers.story.incident.drafts.values()} == {"retracted"}


def test_nothing_is_public_of_a_security_incident(told: Story) -> None:
    story = told()
    story.incident.security = True
    customers = Customers(story)
    customers.waits(60)
    assert customers.out == [] and story.incident.drafts == {}
    for words in (
        "draft We are down.",
        "component web major_outage",
        "message approve 1",
        "announce yes",
        "rhythm 20m",
    ):
        with pytest.raises(Refusal, match="nothing goes out"):
            story.say("bob", words)


# -- section 6: the public end has its own truth ----------------------------------------------------------------


def test_resolved_needs_the_ics_word_of_full_recovery_and_says_what_was_lost(told: Story) -> None:
    customers = announced(told)
    with pytest.raises(Refusal, match="needs the IC's word of full recovery"):
        customers.story.say("carla", "draft resolved")
    customers.story.say("bob", "resolve --insist recovered lost two orders", after=5)
    with customers.approving():
        customers.waits(2)
    last = customers.on(PAGE)[-1].text
    assert "The problem is resolved" in last and "What was lost: two orders." in last


def test_until_then_it_is_monitoring_in_rhythm_and_recovered_after_the_end_brings_resolved(told: Story) -> None:
    customers = announced(told)
    with pytest.raises(Refusal, match="The call is still on"):
        customers.story.say("bob", "recovered")
    customers.story.say("bob", "resolve --insist", after=5)
    before = len(customers.out)
    with customers.approving():
        customers.waits(120)
        texts = [post.text for post in customers.on(PAGE)[1:]]
        assert len(texts) >= 6 and all("recovering" in text for text in texts) and len(customers.out) > before
        assert customers.story.incident.phase is Phase.RESOLVED  # though the hour's watch is over
        with pytest.raises(Refusal, match="Only the IC decides that"):
            customers.story.say("carla", "recovered")
        customers.story.say("bob", "recovered lost two orders")
        customers.looks()
    assert "What was lost: two orders." in customers.on(PAGE)[-1].text
    assert customers.on(X)[-1].text.startswith("PRACTICE The problem is resolved")


def test_the_customer_liaison_and_the_approvals_live_on_until_that_message_is_out(told: Story) -> None:
    customers = announced(told)
    customers.story.say("bob", "resolve --insist recovered", after=5)
    customers.waits(180)
    assert customers.story.incident.phase is Phase.RESOLVED
    customers.story.say("bob", f"message approve {customers.newest}")
    customers.waits(1)
    assert customers.on(PAGE)[-1].text.startswith("PRACTICE The problem is resolved")
    customers.waits(1)
    assert str(customers.story.incident.phase) == "closed"


def test_it_ends_at_last_though_nobody_ever_says_that_all_works_again(told: Story) -> None:
    customers = announced(told)
    customers.story.say("bob", "resolve --insist", after=5)
    customers.waits(24 * 60 + 1, step=10)
    assert str(customers.story.incident.phase) == "closed"


def test_a_reopened_incident_goes_on_telling_customers(told: Story) -> None:
    customers = announced(told)
    customers.story.say("bob", "resolve --insist recovered", after=5)
    customers.looks()
    last = customers.newest
    customers.story.say("bob", "reopen it came back", after=5)
    with pytest.raises(Refusal, match="superseded"):
        customers.story.say("bob", f"message approve {last}")
    with customers.approving():
        customers.waits(60)
    texts = [post.text for post in customers.on(PAGE)[1:]]
    assert len(texts) >= 3 and not any("resolved" in text for text in texts)


def test_after_a_false_alarm_the_ic_is_asked_about_what_customers_can_still_read(told: Story) -> None:
    customers = announced(told)
    customers.story.say("bob", "cancel it was the test system", after=1)
    asked = [
        e for e in customers.story.incident.effects.values() if "had it no impact" in getattr(e, "text", "").lower()
    ]
    assert [getattr(e, "person", "") for e in asked] == ["bob"]
    customers.story.say("bob", f"message retract {customers.newest}")
    customers.looks()
    assert len(customers.gone) == 2


def test_the_card_says_how_it_stands_on_each_outlet_and_when_the_next_is_due(told: Story) -> None:
    customers = announced(told)
    card = plain(notices.compose(customers.story.incident, "card").text)
    assert "status page: published, X: published" in card and "next due 14:09 UTC" in card


def test_an_organisation_with_only_one_outlet_has_drafts_for_that_one(told: Story) -> None:
    for page, account, only in (("", "examplestatus", X), ("pgexample", "", PAGE)):
        customers = Customers(told())
        rules = customers.story.incident.policy
        customers.story.incident.policy = rules.model_copy(
            update={
                "status_page": rules.status_page.model_copy(update={"page": page}),
                "x": rules.x.model_copy(update={"account": account}),
            }
        )
        customers.waits(1)
        customers.story.say("bob", f"announce yes {customers.newest}")
        customers.looks()
        assert [post.outlet for post in customers.out] == [only]
        n = customers.story.say("bob", "draft We are on it. More by 14:24 UTC.").number
        customers.story.say("bob", f"message edit {n} We are on it still. More by 14:24 UTC.")
        customers.story.say("bob", f"message approve {n}")
        customers.looks()
        assert customers.out[-1].text.startswith("PRACTICE We are on it still.")
