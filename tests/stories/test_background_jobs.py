"""The jobs of real processes in the background outlive an odd answer."""

from __future__ import annotations

from pathlib import Path

from tests.configured import example
from tests.stories.copy import running


async def test_odd_answers_do_not_end_the_refreshing_of_the_on_call_cache(tmp_path: Path) -> None:
    async with running(tmp_path, example(), worker="none") as copy:
        await copy.fault("pagerduty", "GET /oncalls", fault="odd", body='{"oncalls": [{"user": null}]}', times=2)
        await copy.start_worker()
        try:

            async def read() -> bool:
                return copy.settings.on_call_book.exists()

            await copy.until(read, "the cache was read after all")
            assert len(await copy.received("pagerduty", "GET /oncalls")) == 3
        finally:
            await copy.stop_worker()
