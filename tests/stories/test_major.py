"""One whole major incident on the embedded server and the emulators."""

from __future__ import annotations

from pathlib import Path

from tests.stories import major
from tests.stories.copy import running


async def test_a_major_incident_from_the_page_to_the_end(tmp_path: Path) -> None:
    async with running(tmp_path, major.CONFIG) as copy:
        await major.play(copy)
        await major.check(copy)
