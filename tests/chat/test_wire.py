"""Slack's wire format, read where it comes in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.wire import Wire
from tests.configured import organisation
from tests.randomly import examples

WIRE = Wire(organisation())


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("<http://shop.example.com|shop.example.com> is down", "shop.example.com is down"),
        ("<https://shop.example.com/>", "https://shop.example.com/"),
        ("<https://shop.example.com/|shop.example.com>", "shop.example.com"),
        ("<https://g.example.com/d/1?orgId=1&amp;from=now-1h|the dashboard>", "the dashboard (https://g.example.com/d/1?orgId=1&from=now-1h)"),
        ("<https://g.example.com/d/1?orgId=1&amp;from=now-1h>", "https://g.example.com/d/1?orgId=1&from=now-1h"),
        ("write to <mailto:help@example.com|help@example.com>", "write to help@example.com"),
        ("call <tel:+15550199|+1 555 0199>", "call +1 555 0199"),
        ("call <tel:+15550199>", "call +15550199"),
        ("<@U0SAM> and <@U0SAM|sam>", "@sam and @sam"),
        ("<@U0NOBODY|nobody>", "@U0NOBODY"),
        ("<!subteam^S123|@oncall> <!subteam^S123>", "@oncall @S123"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<#C0GENERAL|general> <#C0GENERAL> <#C0GENERAL|>", "#general #C0GENERAL #C0GENERAL"),
        ("<!date^1392734382^{time}|14:39> or so", "14:39 or so"),
        ("a &amp; b &lt;c&gt; &amp;lt;", "a & b <c> &lt;"),
        ("&lt;@U0SAM&gt; &lt;https://x.example|x&gt;", "<@U0SAM> <https://x.example|x>"),
        ("List<String> <div> <> <!unknown> a < b > c", "List<String> <div> <> <!unknown> a < b > c"),
        ("\ufdd0phone\ufdd1bob\ufdd1x\ufdd2", "phonebobx"),
    ],
)  # fmt: skip
def test_what_was_typed(sent: str, typed: str) -> None:
    assert WIRE.typed(sent) == typed


@settings(max_examples=examples(300), deadline=None)
@given(st.text(st.one_of(st.characters(), st.sampled_from("<>@#!|^&;:/hmp")), max_size=40))
def test_nothing_that_slack_may_send_raises(sent: str) -> None:
    assert not set(WIRE.typed(sent)) & set("\ufdd0\ufdd1\ufdd2")
