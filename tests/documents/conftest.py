"""What the tests of the domain have."""

from tests.domain.conftest import organisation, policy, told

__all__ = ["organisation", "policy", "told"]
