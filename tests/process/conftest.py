"""The process, sentence by sentence: `docs/process.md` points from each to its tests here and elsewhere."""

from __future__ import annotations

from tests.domain.conftest import organisation, policy, told

__all__ = ["organisation", "policy", "told"]
