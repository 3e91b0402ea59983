"""What the product says, as one type for every outlet.

A text is words, and between them places: a person, a phone number, the bridge, a moment, somebody's exact words. A place
is made here and nowhere else; each outlet fills it in in its own way, where the text leaves. What people type is words
whatever it looks like, `{phone:bob}`, `<@U0BOB>` and `12:05 UTC` too.

In memory a text is a `str`, so that sentences are composed like any others: a place stands in it between noncharacters
(U+FDD0 to U+FDD2), which `typed` takes out of whatever comes from outside. Beyond this process, in a workflow's history
too, it is a list of words and places (`Text`), so that no string that somebody sends can be a place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

_BEGIN, _BETWEEN, _END = "\ufdd0", "\ufdd1", "\ufdd2"
_RESERVED = dict.fromkeys([*map(ord, (_BEGIN, _BETWEEN, _END)), *range(0xD800, 0xE000)])
_TOKEN = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}")


class Kind(StrEnum):
    """What a place stands for. Its `of` is in brackets."""

    PERSON = "person"
    """Somebody (their handle), mentioned where the outlet can mention people."""
    PHONE = "phone"
    """The phone number of somebody (their handle). It is never in a text before it leaves."""
    BRIDGE = "bridge"
    """The `url`, `phone` or `pin` of the call."""
    HERE = "here"
    """Everybody who is there now."""
    MOMENT = "moment"
    """A time of day (ISO 8601), in the reader's own zone where the outlet knows it."""
    SINCE = "since"
    """How long ago something was (ISO 8601), counting on where the outlet can."""
    CHANNEL = "channel"
    """A Slack channel (its id)."""
    QUOTED = "quoted"
    """Somebody's words, marked as theirs line by line."""
    EXACT = "exact"
    """A text that stands elsewhere, or will, shown to the letter."""


_KINDS = frozenset(map(str, Kind))


@dataclass(frozen=True)
class Place:
    """`words` are what it reads as where an outlet has nothing better."""

    kind: Kind
    of: str = ""
    words: str = ""

    def __str__(self) -> str:
        return f"{_BEGIN}{_BETWEEN.join((self.kind, typed(self.of), typed(self.words)))}{_END}"

    def __format__(self, spec: str) -> str:
        return str(self)

    @property
    def at(self) -> datetime | None:
        """Of a moment; None where it is none that a calendar has."""
        try:
            found = datetime.fromisoformat(self.of)
        except ValueError:
            return None
        return found if found.tzinfo is not None else None


# -- places, as they stand in a sentence ------------------------------------------------------------------


def person(handle: str, name: str) -> str:
    return str(Place(Kind.PERSON, handle, name))


def phone(handle: str) -> str:
    return str(Place(Kind.PHONE, handle, "the number in `ic responders`"))


def bridge(what: str) -> str:
    """`url`, `phone` or `pin`."""
    return str(Place(Kind.BRIDGE, what, f"the bridge's {what}"))


def here() -> str:
    return str(Place(Kind.HERE))


def moment(at: datetime) -> str:
    """A time of day: `15:05 UTC`, and in Slack the reader's own before it."""
    return _at(Kind.MOMENT, at)


def since(at: datetime) -> str:
    return _at(Kind.SINCE, at)


def channel(id: str, name: str = "") -> str:
    return str(Place(Kind.CHANNEL, id, f"#{name}" if name else f"channel {id}"))


def quoted(words: str) -> str:
    """Somebody's words at the end of a sentence. More than one line of them begins below it."""
    words = words.strip()
    return str(Place(Kind.QUOTED, words)) if len(words.splitlines()) > 1 else words


def exact(words: str) -> str:
    """Lines of their own."""
    return str(Place(Kind.EXACT, words))


def _at(kind: Kind, at: datetime) -> str:
    utc = at.astimezone(UTC)
    return str(Place(kind, f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%H:%M} UTC"))


# -- what comes from outside ------------------------------------------------------------------------------


def typed(words: str) -> str:
    """What comes from outside, without the characters that places are made with, and those that are half of one."""
    return words.translate(_RESERVED)


def all_typed(found: Any) -> Any:
    """The same for every string in a JSON document."""
    match found:
        case str():
            return typed(found)
        case list():
            return [all_typed(one) for one in found]
        case dict():
            return {typed(key): all_typed(value) for key, value in found.items()}
        case _:
            return found


def one_line(words: str) -> str:
    """Somebody's words in the middle of a sentence: no line of theirs looks like one of ours."""
    lines = words.splitlines()
    return words if lines in ([], [words]) else " / ".join(filter(None, map(str.strip, lines)))


# -- out of a text ----------------------------------------------------------------------------------------


def parts(text: str) -> Iterator[str | Place]:
    """Words and places in their order. What is left of a place that was cut in two is left out."""
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() > end:
            yield typed(text[end : token.start()])
        if (place := _place(token[1])) is not None:
            yield place
        end = token.end()
    if rest := typed(text[end:].partition(_BEGIN)[0]):
        yield rest


def _place(token: str) -> Place | None:
    kind, *rest = token.split(_BETWEEN)
    return Place(Kind(kind), *rest) if kind in _KINDS and len(rest) == 2 else None


def render(text: str, words: Callable[[str], str], place: Callable[[Place], str]) -> str:
    """The text in an outlet's format: `words` writes what is to be read as it is, `place` fills in a place."""
    found: list[str] = []
    for part in parts(text):
        if isinstance(part, str):
            found.append(words(part))
            continue
        if part.kind is Kind.QUOTED and found:
            found[-1] = found[-1].rstrip(" ")  # it begins below
        found.append(place(part))
    return "".join(found)


def plain(text: str) -> str:
    """For whatever knows neither people nor zones: the record, the Web UI, PagerDuty."""
    return render(text, str, _plainly) if _BEGIN in text else text


def _plainly(place: Place) -> str:
    if place.kind in (Kind.QUOTED, Kind.EXACT):
        return lines_of(place.of, "> ", below=place.kind is Kind.QUOTED)
    return place.words


def lines_of(words: str, before: str, *, below: bool = True) -> str:
    """Each line with `before` in front of it, `below` what stands there already."""
    return ("\n" if below else "") + "\n".join(f"{before}{line}" for line in words.splitlines())


def shorten(text: str, at_most: int) -> str:
    """`text`, ended at a word with an ellipsis when it reads longer than `at_most` characters. No place is cut."""
    if len(plain(text)) <= at_most:
        return text
    kept, left = "", at_most - 1
    for part in parts(text):
        reads = part if isinstance(part, str) else _plainly(part)
        if len(reads) > left:
            kept += part[:left].rpartition(" ")[0] if isinstance(part, str) else ""
            break
        kept, left = f"{kept}{part}", left - len(reads)
    return (kept or plain(text)[: at_most - 1]).rstrip(" ,;:") + "…"


# -- beyond this process ----------------------------------------------------------------------------------


def written(text: str) -> Any:
    """As JSON: a string, or where there are places a list of strings and places."""
    if _BEGIN not in text:
        return text
    return [part if isinstance(part, str) else [part.kind.value, part.of, part.words] for part in parts(text)]


def read(found: Any) -> Any:
    """The text of its JSON. What is no place of ours is left out: a text never fails for what stands in it."""
    if not isinstance(found, list):
        return found
    return "".join(_read(found))


def _read(found: Iterable[Any]) -> Iterator[str]:
    for part in found:
        match part:
            case str():
                yield typed(part)
            case [str() as kind, str() as of, str() as words] if kind in _KINDS:
                yield str(Place(Kind(kind), of, words))


Text = Annotated[str, BeforeValidator(read), PlainSerializer(written, return_type=Any, when_used="json")]
"""A field that holds a text with its places. Every other string of a message is words."""
