from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from incident import identity


@given(st.text(min_size=1))
def test_the_same_key_is_the_same_incident_and_its_id_can_be_said(key: str) -> None:
    name = identity.incident_id(key)
    assert name == identity.incident_id(key)
    assert identity.ID.fullmatch(name)
    assert identity.incident_of(f"incident-{name}/repair-3") == name
    assert identity.repair_number_of(f"incident-{name}/repair-3") == 3


def test_a_longer_id_begins_with_the_shorter_one() -> None:
    assert identity.incident_id("k", 3).startswith(identity.incident_id("k", 2))
