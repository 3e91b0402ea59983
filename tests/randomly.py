"""How long random tests try: briefly in `make test`, for long in `make soak`, which prints the seed."""

from __future__ import annotations

import os

TIMES = int(os.environ.get("SOAK", "1"))
SEED = int(os.environ.get("SEED", "5"))


def examples(number: int) -> int:
    """So many of Hypothesis's examples, or as many times more as is asked for."""
    return number * TIMES
