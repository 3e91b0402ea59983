"""Files that are on disk when the call returns, whole or not at all."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path


def write(file: Path, content: bytes) -> None:
    """Replace `file` in one step, readable by its owner alone. Raises OSError, and then leaves nothing behind."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as part:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    _sync(file.parent)


def remove(file: Path) -> None:
    """Remove `file` for good; one that is gone is fine. Raises OSError."""
    file.unlink(missing_ok=True)
    _sync(file.parent)


def say_ready(file: Path) -> None:
    """Tell whoever waits for `file` that this process serves. It serves on a full disk, too."""
    try:
        file.write_text("ready\n")
    except OSError as fault:
        logging.getLogger(__name__).error("%s cannot be written: %s", file, fault)


def _sync(folder: Path) -> None:
    """A new name in a folder outlives a power cut only once the folder is on disk, too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
