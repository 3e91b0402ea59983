"""`make bench`: the table of measured times, each beside what it has to reach or its floor in the same run.

Everything runs on real parts, each measurement on a copy of its own. `python -m bench NAME…` measures only those.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import measurements, repairing
from bench.measurements import Row

TABLE: dict[str, Callable[[Path], Awaitable[list[Row]]]] = {
    "declare": measurements.declare,
    "show": measurements.show,
    "command": measurements.command,
    "burst": measurements.burst,
    "killed": measurements.killed,
    "repair": repairing.repair,
    "quiet-hour": measurements.quiet_hour,
    "memory": measurements.memory,
}


async def measure(names: list[str]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bench-") as state:
            found = await TABLE[name](Path(state))
        rows += found
        print(f"{name}: {time.monotonic() - begun:.0f} s", *found, sep="\n  ", file=sys.stderr, flush=True)
    return rows


def main() -> None:
    names = sys.argv[1:] or list(TABLE)
    unknown = [name for name in names if name not in TABLE]
    if unknown:
        sys.exit(f"{unknown[0]!r} is not measured; known are {', '.join(TABLE)}")
    rows = asyncio.run(measure(names))
    widths = [max(len(str(row[n])) for row in (("what", "measured", "reach", "floor"), *rows)) for n in range(4)]
    for line in (("what", "measured", "reach", "floor"), tuple("-" * w for w in widths), *rows):
        print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")


if __name__ == "__main__":
    main()
