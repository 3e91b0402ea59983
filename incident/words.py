"""A line of words, read from the left.

Shared by the grammar and the commands' own `read`. Words keep what was typed: quotes, code and line breaks inside
the rest of a line stay as they are.
"""

from __future__ import annotations

import re
from datetime import timedelta

from incident.names import Names
from incident.plain import straight
from incident.severity import Severity

MARK = 8
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
_MARK = re.compile(r"#([0-9a-f]{8,64})")
_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)"
_DURATION = re.compile(rf"(\d{{1,4}})\s*({_UNIT})?", re.IGNORECASE)
_FIRST = re.compile(rf"(?:in\s+|for\s+)?(\d{{1,4}}\s*{_UNIT}?)(?=[\s,.:!]|$)[\s,.:]*", re.IGNORECASE)
_LAST = re.compile(rf"(?<![\s,])[\s,]{{1,5}}(?:(?:in|for|within)\s{{1,3}})?(\d{{1,4}}\s*{_UNIT})[.!]*$", re.IGNORECASE)
_NUMBER = re.compile(r"#?([0-9]{1,6})(?=[\s:,;.!]|$)[:,;.!]*")
_COUNTED = re.compile(
    r"(?<![0-9])#?[0-9]{1,9}\s{0,3}(?:[/%x×]|(?:of|out|in|hosts?|nodes?|pods?|servers?|instances?|replicas?|shards?|services?|percent|times|more)\b)",
    re.IGNORECASE,
)


class Unreadable(ValueError):
    """The words do not make this command. The text says what is missing."""


class Several(Unreadable):
    """One name fits several people."""

    def __init__(self, who: tuple[str, ...]) -> None:
        super().__init__(f"That name fits several people: {', '.join(f'@{person}' for person in who)}.")
        self.who = who


class Words:
    """What is left of a line. `take_*` removes one thing from the left and returns it.

    `known` are the handles of people, teams and catalogue entries: some commands read a word differently when it
    is one of them.
    """

    def __init__(self, text: str, known: frozenset[str] = frozenset(), names: Names | None = None) -> None:
        self.left = text.strip()
        self.known = known
        self.names = names

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
        if (number := self.maybe_number()) is None:
            raise Unreadable(f"{what} must be a number, not {self.take(what)!r}.")
        return number

    def maybe_number(self) -> int | None:
        """`3`, `#3`, `3:`."""
        if (match := _NUMBER.match(straight(self.peek()))) is None or match.end() < len(straight(self.peek())):
            return None
        self.take("the number")
        return int(match[1])

    def maybe_items_number(self) -> int | None:
        """The number of something; not of `2 of 4 hosts`, `3 hosts`, `50%`, which belong to what is told."""
        return None if _COUNTED.match(straight(self.left)) else self.maybe_number()

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
        if match := _MENTION.fullmatch(word.rstrip(",:")):
            return match[1]
        return word.removeprefix("@").rstrip(",:")

    def take_named(self, what: str = "a person") -> str:
        """As `take_person`; a first name or a team's will do as well, where nothing ends or is decided by it."""
        word = self.take_person(what)
        return (self.names.one(word) if self.names is not None else None) or word

    def maybe_person(self) -> str | None:
        if self.peek().startswith("@") or _MENTION.fullmatch(self.peek()):
            return self.take_person()
        return None

    def take_minutes(self) -> int:
        """`5m`, `5 min`, `in 5 minutes`, at the beginning."""
        if (minutes := self.maybe_minutes()) is None:
            word = self.take("a number of minutes such as 5m")
            raise Unreadable(f"{word!r} is not a number of minutes such as 5m.")
        return minutes

    def maybe_minutes(self) -> int | None:
        match = _FIRST.match(straight(self.left))
        minutes = duration(match[1]) if match and not _COUNTED.match(straight(self.left)) else None
        if match is not None and minutes is not None:
            self.left = _behind(self.left, match)
        return minutes

    def maybe_minutes_last(self) -> int | None:
        """`check the disk, 5 minutes`: at the end, and with its unit."""
        match = _LAST.search(self.left)
        minutes = duration(match[1]) if match else None
        if match is not None and minutes is not None:
            self.left = self.left[: match.start()].rstrip()
        return minutes

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
    match = re.fullmatch(r"(?:sev-?|s|p)?([1-5])[.:!,]*", straight(word).strip().lower())
    return Severity(f"SEV-{match[1]}") if match else None


def mark(digest: str) -> str:
    """What a button adds to its words, so that what is approved is what it showed; empty when there is none."""
    return f" #{digest[:MARK]}" if digest else ""


def duration_words(minutes: int) -> str:
    return f"{minutes}m"


def duration(text: str) -> int | None:
    """`5m`, `5 minutes`, `90s` as whole minutes; None for what is none, or longer than a day."""
    match = _DURATION.fullmatch(straight(text).strip())
    if match is None:
        return None
    unit = (match[2] or "m").lower()
    seconds = int(match[1]) * {"s": 1, "m": 60, "h": 3600}[unit[0]]
    whole = max(1, round(timedelta(seconds=seconds).total_seconds() / 60))
    return whole if 0 < seconds <= 24 * 3600 else None


def _behind(text: str, match: re.Match[str]) -> str:
    """What follows, as it was typed. Where plain characters are fewer or more than what was typed, in plain ones."""
    whole = straight(text)
    return text[match.end() :] if len(whole) == len(text) else whole[match.end() :]
