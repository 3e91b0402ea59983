"""What to mind in a public text before it is approved (process, 5). None of it refuses anything: one press overrules."""

from __future__ import annotations

import re

_PROMISED_TIME = re.compile(
    r"\b(by|before|within|at|in)\s+(\d{1,2}[:.]\d{2}|\d+\s*(min|minutes|h|hours?))\b", re.IGNORECASE
)
NEXT_MESSAGE = re.compile(r"\b(more|news|updates?)\s+(by|at|before)\s+[^.]*", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_RECOVERY = re.compile(
    r"\b(recover\w*|resolv\w*|resolution|restor\w*|fix(e[sd])?|fixing|expect\w*|(?<!go )(?<!come )(?<!check )back)\b",
    re.IGNORECASE,
)
_UNIT = r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|days?|weeks?)"
_SOME = (
    r"(\d+|an?|half an?|one|two|three|four|five|ten|fifteen|twenty|thirty|a few|a couple of|several|some|the|the next)"
)
_WHEN = re.compile(
    rf"\b(\d{{1,2}}[:.]\d{{2}}|\d{{1,2}}\s*[ap]\.?m\b|{_SOME}\s*{_UNIT}|noon|midnight|tonight|tomorrow|today|shortly|soon"
    r"|momentarily|(this|the) (morning|afternoon|evening)|end of (the )?day)\b",
    re.IGNORECASE,
)
_OUTAGE = re.compile(r"\boutages?\b", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*", re.IGNORECASE)
_OURS = (".internal.", ".local.", ".lan.", ".corp.", ".example.com.", ".example.net.")


def warning(text: str, *, all_down: bool = False) -> str:
    """Estimates, promised times, names of hosts, and "outage" while something still works; empty when all is well."""
    found = []
    body = NEXT_MESSAGE.sub("", text)
    if estimate := _estimate(body):
        found.append(f"it estimates when service recovers ({estimate!r})")
    elif match := _PROMISED_TIME.search(body):
        found.append(f"it promises a time ({match[0]!r})")
    if host := _own_host(body):
        found.append(f"it names a host ({host!r})")
    if not all_down and (match := _OUTAGE.search(body)):
        found.append(f"it says {match[0]!r}, and not everything is down")
    return f" Mind: {' and '.join(found)}." if found else ""


def _estimate(text: str) -> str:
    """The time or duration in the first sentence that speaks of recovery, too."""
    for sentence in _SENTENCE.split(text):
        if _RECOVERY.search(sentence) and (when := _WHEN.search(sentence)):
            return when[0]
    return ""


def _own_host(text: str) -> str:
    """The first name of a machine of ours; empty when there is none."""
    names = (match[0].rstrip(".-") for match in _NAME.finditer(text))
    return next((name for name in names if any(end in f"{name.lower()}." for end in _OURS)), "")
