from __future__ import annotations

from tests.domain.conftest import organisation, policy, told

__all__ = ["organisation", "policy", "told"]
