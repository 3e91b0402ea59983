"""The organisation's file: read once, validated, with exact errors; what must not stand in a history is cut."""

from __future__ import annotations

import pytest

from incident.policy import BadPolicy, Organisation, read_organisation
from tests.configured import example


def read(text: str) -> Organisation:
    return read_organisation(text, "org.toml")


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ('every = "30m"', 'every = "soon"', r"org.toml: executives.every: must be a duration such as 30s.*'soon'"),
        ('team = "api"', 'team = "apis"', r"org.toml: .*service 'shop-api' belongs to 'apis'"),
        ('executive = "C0EXEC"', 'boss = "C0EXEC"', r"org.toml: rooms.executive: Field required"),
        ("span_of_control = 7", "span_of_control = 0", r"org.toml: deputy.span_of_control: .*there stands 0"),
        ("$lost", "$losses", r"names \$losses; known are \$impact"),
        (
            'SEV-1 = "3 calendar days"',
            'SEV-1 = "3 days"',
            r"ending.meeting_days.SEV-1: must read like 3 calendar.*'3 days'",
        ),
        ('reminded_at = "10:00"', 'reminded_at = "ten"', r"ending.reminded_at: .*'ten'"),
        ("holidays = []", 'holidays = ["Easter"]', r"ending.holidays.0: .*'Easter'"),
        ('id = "bob"\nname', 'id = "bob"\ntime_zone = "Berlin"\nname', r"time_zone: must be a time zone .*'Berlin'"),
        ("[rooms]", "[rooms", "not valid TOML"),
    ],
)
def test_an_error_names_file_key_what_stands_there_and_what_may(wrong: str, right: str, said: str) -> None:
    text = example()
    assert wrong in text
    with pytest.raises(BadPolicy, match=said):
        read(text.replace(wrong, right, 1))


def test_phones_pin_and_addresses_are_cut_from_what_travels(organisation: Organisation) -> None:
    travels = organisation.policy().model_dump_json()
    assert "555" not in travels and "4711" not in travels and "@example.com" not in travels
    assert "Bob Boberson" in travels


def test_it_is_frozen(organisation: Organisation) -> None:
    with pytest.raises(ValueError, match="frozen"):
        organisation.organisation = "other"  # type: ignore[misc]  # that it cannot be is the point


def test_the_cut_reads_back_as_it_was(organisation: Organisation) -> None:
    policy = organisation.policy()
    assert type(policy).model_validate_json(policy.model_dump_json()) == policy
