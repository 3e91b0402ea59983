"""How views are numbered that an incident shows its children, so that the newest always wins.

A number is the time at which it was given, in milliseconds, and always more than the one before. The time alone would do
for a run that was reset: its counter went back, and what it shows must count as newer than all that it showed before.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

AHEAD = timedelta(minutes=10)
"""How far the clocks of two of the server's hosts may be apart. What is numbered further ahead was made by somebody else,
and would keep out all that follows."""


def next_version(versions: dict[str, int], child: str) -> int:
    """Number the next view that `child` is shown."""
    versions[child] = max(versions.get(child, 0) + 1, _milliseconds(timedelta()))
    return versions[child]


def newer(version: int, than: int) -> bool:
    return than < version <= _milliseconds(AHEAD)


def _milliseconds(ahead: timedelta) -> int:
    return int((workflow.now() + ahead).timestamp() * 1000)
