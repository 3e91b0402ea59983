"""`ic` as a program of its own."""

from __future__ import annotations

import asyncio
import os
import resource
import sys

from tests.conftest import ROOT


async def ic(environment: dict[str, str], *words: str, full: bool = False) -> tuple[int, str, str]:
    """Exit code, stdout, stderr. `full`: no byte can be written to any file, as on a full disk."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "entrypoints.cli", *words),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))) if full else None,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
