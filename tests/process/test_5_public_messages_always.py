"""Whatever the commands and the clock: what customers read was approved, word for word, and none of it is forgotten."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import example as for_example
from hypothesis import given, settings
from hypothesis import strategies as st

from incident import declaring
from incident.commands import Refusal
from incident.declaring import Declaration
from incident.model import DraftState, Phase
from incident.outlets import Outlet
from incident.policy import read_organisation
from incident.severity import Severity
from tests.configured import example
from tests.domain.conftest import NOW, Told
from tests.process.customers import MINUTE, Customers
from tests.randomly import examples

POLICY = read_organisation(example(), "example.toml").policy()
SAYS = st.sampled_from(
    [
        *(("bob", f"message {what}") for what in ("approve {n}", "approve {n} x", "approve {n} status-page")),
        *(("bob", f"message {what}") for what in ("hold {n}", "retract {n}", "retract {n} --insist", "approve {old}")),
        *(("carla", f"message edit {{n}} {where}Other words {{count}}.") for where in ("", "x ", "status-page ")),
        *(("carla", f"draft {what}") for what in ("investigating", "identified", "We are on it {count}.", "resolved")),
        *(("bob", words) for words in ("announce yes", "announce no", "announce yes {n}", "impact it is {count}")),
        *(("bob", words) for words in ("resolve --insist", "resolve --insist recovered", "recovered", "reopen again")),
        ("bob", "rhythm 60m"),
        ("bob", "cause a change"),
        ("dee", "message approve {n}"),
        ("carla", "component checkout major_outage"),
        ("carla", "component checkout operational"),
        ("bob", "cancel"),
    ]
)
HAPPENS = st.one_of(
    SAYS,
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1, 3, 9, 25, 70])),
    st.tuples(st.just("down"), st.sampled_from(Outlet)),
    st.tuples(st.just("refusing"), st.sampled_from(Outlet)),
    st.tuples(st.just("well"), st.sampled_from(Outlet)),
)

EDITED_WHEN_OUT = [
    ("wait", 0.1),
    ("bob", "message approve {n} status-page"),
    ("carla", "message edit {n} Other words {count}."),
    ("bob", "message approve {n}"),
]
"""It went out twice on the status page: it could be edited there because it was still open for X."""


def begun() -> Customers:
    declaration = Declaration("lusab-babad", "checkout is down", "anne", "Anne Apison", NOW, POLICY, Severity.SEV1)
    story = Told(declaring.declare(declaration, NOW), NOW)
    story.paged()
    story.say("bob", "command")
    story.say("dee", "join")
    story.say("bob", "customer-liaison @carla")
    return Customers(story)


def happens(customers: Customers, what: str, how: str | float, count: int) -> None:
    match what:
        case "wait":
            customers.waits(float(how))
        case "down" | "refusing":
            getattr(customers, what).add(how)
        case "well":
            customers.down.discard(Outlet(str(how)))
            customers.refusing.discard(Outlet(str(how)))
        case _:
            numbers = [*customers.story.incident.drafts, 1]
            words = str(how).format(n=max(numbers), old=min(numbers), count=count)
            try:
                customers.story.say(what, words)
            except Refusal:
                return
            customers.looks()


@settings(max_examples=examples(300), deadline=None)
@for_example(EDITED_WHEN_OUT)
@given(st.lists(HAPPENS, max_size=40))
def test_what_is_out_was_approved_word_for_word_for_that_outlet_and_is_out_once(
    story: list[tuple[str, str | float]],
) -> None:
    customers = begun()
    for count, (what, how) in enumerate(story):
        happens(customers, what, how, count)
    customers.waits(1)
    incident = customers.story.incident
    approvals = [e.text for e in incident.timeline if e.kind == "message" and "approved" in e.text]
    for post in customers.out:
        the = "X" if post.outlet is Outlet.X else "the status page"
        assert f"{post.number} approved for {the}: {post.text}" in approvals
        assert post.outlet.fits(post.text) and post.text.startswith("PRACTICE ")
    places = [(post.outlet, post.number) for post in customers.out]
    assert len(places) == len(set(places))
    for outlet in Outlet:
        numbers = [post.number for post in customers.on(outlet)]
        assert numbers == sorted(numbers), "an older message stands behind a newer one"
    if any("resolved" in post.text for post in customers.out):
        assert any(e.kind == "resolved" or e.kind == "cancelled" for e in incident.timeline)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(HAPPENS, max_size=25))
def test_no_promise_is_forgotten(story: list[tuple[str, str | float]]) -> None:
    """When customers wait for the next message, one is drafted before it is due, or somebody is reminded of what is in the way."""
    customers = begun()
    for count, (what, how) in enumerate(story):
        happens(customers, what, how, count)
    customers.down.clear()
    customers.refusing.clear()
    incident = customers.story.incident
    if not incident.open:
        return
    if incident.announcement != "yes":
        customers.story.say("bob", "announce yes")
    for draft in list(incident.drafts.values()):
        for outlet, version in draft.versions.items():
            if version.state is DraftState.HELD and outlet.fits(version.text):
                customers.story.say("bob", f"message approve {draft.number} {outlet}")
    since = customers.minute
    with customers.approving():
        customers.waits(100)
    out = [post.minute for post in customers.on(Outlet.STATUS_PAGE) if post.minute >= since]
    every = (incident.rhythm or POLICY.customers.every) / MINUTE
    assert out and all(b - a <= every for a, b in zip([since, *out], [*out, since + 100], strict=True)), out


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(HAPPENS, max_size=25))
def test_nothing_is_due_after_the_end(story: list[tuple[str, str | float]]) -> None:
    customers = begun()
    for count, (what, how) in enumerate(story):
        happens(customers, what, how, count)
    incident = customers.story.incident
    if incident.open:
        customers.story.say("bob", "resolve --insist")
    customers.story.now += timedelta(hours=30)
    customers.looks()
    assert incident.phase is Phase.CLOSED
    out, heard = len(customers.out), len(customers.heard)
    customers.waits(120)
    assert (len(customers.out), len(customers.heard)) == (out, heard)
