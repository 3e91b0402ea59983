"""Practice and real never mix: what customers would read is of the same kind as Slack and PagerDuty, or not there."""

from __future__ import annotations

import pytest

from settings import Misconfigured, Settings

HERE = "http://127.0.0.1:7080"
TOKENS = {"X_API_KEY": "k", "X_API_SECRET": "s", "X_ACCESS_TOKEN": "t", "X_ACCESS_TOKEN_SECRET": "u"}
PRACTICE = {"SLACK_API_URL": f"{HERE}/slack/api/", "PAGERDUTY_API_URL": f"{HERE}/pagerduty"}
REAL = {"SLACK_BOT_TOKEN": "xoxb-1", "PAGERDUTY_API_KEY": "p", "PAGERDUTY_FROM": "bob@example.com"}


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({**PRACTICE, **TOKENS}, "X_API_URL is real"),
        ({**REAL, **TOKENS, "X_API_URL": f"{HERE}/x"}, "X_API_URL is an emulator"),
        ({**PRACTICE, "STATUSPAGE_API_KEY": "k"}, "STATUSPAGE_API_URL is real"),
        ({**REAL, "STATUSPAGE_API_KEY": "k", "STATUSPAGE_API_URL": HERE}, "STATUSPAGE_API_URL is an emulator"),
    ],
)
def test_an_outlet_of_the_other_kind_is_refused(environment: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=f"never mix: {named}"):
        assert Settings.model_validate(environment).practice


@pytest.mark.parametrize(
    ("environment", "practice"),
    [
        (PRACTICE, True),
        ({**PRACTICE, **TOKENS, "X_API_URL": f"{HERE}/x"}, True),
        (REAL, False),
        ({**REAL, **TOKENS, "STATUSPAGE_API_KEY": "k"}, False),
        ({**REAL, "X_API_URL": f"{HERE}/x"}, False),  # no tokens: there is no X
    ],
)
def test_one_of_the_same_kind_or_none_is_fine(environment: dict[str, str], practice: bool) -> None:
    assert Settings.model_validate(environment).practice is practice


def test_tokens_do_not_show_when_the_settings_are_printed() -> None:
    settings = Settings.model_validate({**REAL, **dict.fromkeys(TOKENS, "secret-of-x")})
    assert settings.x_tokens == ("secret-of-x",) * 4
    assert "secret-of-x" not in repr(settings) + str(settings)
