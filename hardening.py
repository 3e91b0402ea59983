"""What keeps this process's files and memory from the other users of its machine, and from what it starts itself."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

PRIVATE = 0o077
_PR_SET_DUMPABLE = 4


def keep_private() -> None:
    """Make files for this user alone, and keep other processes of this user out of this one's memory and environment.

    A repair action's command runs as a child of the runner: without it, `/proc` would show the runner's tokens to it.
    """
    os.umask(PRIVATE)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def keep_folder_private(folder: Path) -> None:
    """Make `folder`, or close one that an earlier version left open to others. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & PRIVATE:
        folder.chmod(0o700)
