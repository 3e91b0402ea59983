"""A line of words, read from the left.

Shared by the grammar and the commands' own `read`. Words keep what was typed: quotes, code and line breaks inside
the rest of a line stay as they are.
"""

from __future__ import annotations

import re
from datetime import timedelta

from incident.severity import Severity

MARK = 8
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
_MARK = re.compile(r"#([0-9a-f]{8,64})")
_DURATION = re.compile(r"(\d{1,4})\s*(s|sec|m|min|h)?", re.IGNORECASE)


class Unreadable(ValueError):
    """The words do not make this command. The text says what is missing."""


class Words:
    """What is left of a line. `take_*` removes one thing from the left and returns it.

    `known` are the handles of people, teams and catalogue entries: some commands read a word differently when it
    is one of them.
    """

    def __init__(self, text: str, known: frozenset[str] = frozenset()) -> None:
        self.left = text.strip()
        self.known = known

    def __bool__(self) -> bool:
        return bool(self.left)

    def peek(self) -> str:
        return self.left.split(maxsplit=1)[0] if self.left else ""

    def take(self, what: str) -> str:
        if not self.left:
            raise Unreadable(f"{what} is missing.")
        head, *rest = self.left.split(maxsplit=1)
        self.left = rest[0] if rest else ""
        return head

    def take_number(self, what: str = "the number") -> int:
        word = self.take(what).lstrip("#")
        if not re.fullmatch(r"[0-9]{1,6}", word):
            raise Unreadable(f"{what} must be a number, not {word!r}.")
        return int(word)

    def maybe_number(self) -> int | None:
        if re.fullmatch(r"#?[0-9]{1,6}", self.peek()):
            return self.take_number()
        return None

    def maybe_mark(self) -> str:
        """What a button adds: the beginning of the digest of what it showed."""
        match = _MARK.fullmatch(self.peek())
        if match is None:
            return ""
        self.take("the mark")
        return match[1]

    def take_person(self, what: str = "a person") -> str:
        """A handle, or the Slack id of a mention."""
        word = self.take(what)
        if match := _MENTION.fullmatch(word):
            return match[1]
        return word.removeprefix("@").rstrip(",:")

    def maybe_person(self) -> str | None:
        if self.peek().startswith("@") or _MENTION.fullmatch(self.peek()):
            return self.take_person()
        return None

    def take_minutes(self) -> int:
        word = self.take("a number of minutes such as 5m")
        minutes = _minutes(word)
        if minutes is None:
            raise Unreadable(f"{word!r} is not a number of minutes such as 5m.")
        return minutes

    def maybe_minutes(self) -> int | None:
        if _minutes(self.peek()) is not None:
            return self.take_minutes()
        return None

    def take_severity(self) -> Severity:
        word = self.take("a severity, 1 to 5,")
        severity = severity_from(word)
        if severity is None:
            raise Unreadable(f"{word!r} is not a severity; say 1 to 5, 1 is the worst.")
        return severity

    def rest(self, what: str) -> str:
        if not self.left:
            raise Unreadable(f"{what} is missing.")
        text, self.left = self.left, ""
        return text

    def maybe_rest(self) -> str:
        text, self.left = self.left, ""
        return text

    def no_more(self) -> None:
        if self.left:
            raise Unreadable(f"{self.left!r} is more than this takes.")


def severity_from(word: str) -> Severity | None:
    match = re.fullmatch(r"(?:sev-?)?([1-5])", word.strip().lower())
    return Severity(f"SEV-{match[1]}") if match else None


def mark(digest: str) -> str:
    """What a button adds to its words, so that what is approved is what it showed; empty when there is none."""
    return f" #{digest[:MARK]}" if digest else ""


def duration_words(minutes: int) -> str:
    return f"{minutes}m"


def _minutes(word: str) -> int | None:
    match = _DURATION.fullmatch(word)
    if match is None:
        return None
    unit = (match[2] or "m").lower()
    seconds = int(match[1]) * {"s": 1, "m": 60, "h": 3600}[unit[0]]
    whole = max(1, round(timedelta(seconds=seconds).total_seconds() / 60))
    return whole if 0 < seconds <= 24 * 3600 else None
