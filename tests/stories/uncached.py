"""The product's workers with another cache: python -m tests.stories.uncached, with the arguments of `python -m worker`.

`CACHED` is how many workflows each keeps; with 0 each task replays its whole history.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

import worker

_workers = worker.workers


def with_cache(client: Client, house: worker.House, roles: Collection[str], environment: str) -> list[Worker]:
    options: dict[str, Any] = {"max_cached_workflows": int(os.environ["CACHED"])}
    return _workers(client, house, roles, environment, **options)


if __name__ == "__main__":
    worker.workers = with_cache  # type: ignore[assignment]  # with fewer parameters than it has
    sys.exit(worker.main(sys.argv[1:]))
