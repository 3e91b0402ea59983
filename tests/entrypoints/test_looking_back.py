"""`ic at`: which moment is meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from entrypoints.looking_back import moment
from incident.words import Unreadable

DECLARED = datetime(2026, 11, 28, 23, 50, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("+35m", "2026-11-29T00:25:20"),
        ("+1h20m", "2026-11-29T01:10:20"),
        ("+90S", "2026-11-28T23:51:50"),
        ("23:55", "2026-11-28T23:55:00"),
        ("23:50", "2026-11-28T23:50:00"),
        ("0:10", "2026-11-29T00:10:00"),
        ("0:10:05 UTC", "2026-11-29T00:10:05"),
        ("00:10z", "2026-11-29T00:10:00"),
        ("2026-11-29T01:00", "2026-11-29T01:00:00"),
        ("2026-11-29 01:00", "2026-11-29T01:00:00"),
        ("2026-11-29T02:00+01:00", "2026-11-29T01:00:00"),
    ],
)
def test_a_moment_is_read_as_people_write_it(said: str, meant: str) -> None:
    assert moment(said, DECLARED, NOW) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "is not a time. Write 14:05"),
        ("+", "is not a time"),
        ("yesterday", "is not a time"),
        ("25:00", "is not a time of day"),
        ("14:05", "is still to come"),
        ("+99999m", "is still to come"),
        ("+9999h99999m", "is still to come"),
    ],
)
def test_what_is_no_moment_is_refused_with_what_to_write(said: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        moment(said, DECLARED, NOW)
