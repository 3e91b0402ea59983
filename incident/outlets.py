"""Where a public message stands, and how long it may be there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum

_Weigh = Callable[[str], int]


class Outlet(StrEnum):
    STATUS_PAGE = "status-page"
    X = "x"

    @property
    def label(self) -> str:
        return "status page" if self is Outlet.STATUS_PAGE else "X"

    @property
    def limit(self) -> int:
        """Characters that it takes."""
        return 5000 if self is Outlet.STATUS_PAGE else 280

    def length(self, text: str) -> int:
        """How long `text` is there, counted as it counts."""
        return len(text) if self is Outlet.STATUS_PAGE else x_length(text)

    def fits(self, text: str) -> bool:
        return len(text) <= LONGEST and self.length(text) <= self.limit


LONGEST = 5000
"""Characters, however they are counted; more fits nowhere."""
LINK = 23
"""Every link is replaced by one of t.co, which is this long."""
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?!(?:internal|local|lan|corp)\b)[a-z]{2,24}\b"
_REST = r"(?::\d+)?(?:[/?#][a-z0-9!*';:=+,.$/%#\[\]_~&?@|-]*[a-z0-9=_#/+-])?/?"
_LINKED = re.compile(rf"https?://{_HOST}{_REST}", re.IGNORECASE | re.ASCII)
_MAYBE_LINKED = re.compile(rf"(?<![\w@#.$/-]){_HOST}{_REST}", re.IGNORECASE | re.ASCII)
_PICTURE = (
    "[\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
    "\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*"
)
_EMOJI = re.compile(
    rf"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|[\u00a9\u00ae]\ufe0f|{_PICTURE}(?:\u200d{_PICTURE})*"
    "|[\U0001f3fb-\U0001f3ff]"
)


def x_length(text: str) -> int:
    """As X counts (docs.x.com/fundamentals/counting-characters; twitter-text's configuration, version 3).

    In NFC; a link is 23, an emoji 2 however many code points it is made of, a code point of the four light ranges 1,
    any other 2. A host without `https://` may become a link or not, which depends on a list of domains that changes:
    the longer reading counts, so that what passes here passes there.
    """
    text = unicodedata.normalize("NFC", text)
    return _sum(_LINKED, text, lambda link: LINK, lambda between: _sum(_MAYBE_LINKED, between, _longer, _plain))


def _sum(pattern: re.Pattern[str], text: str, found: _Weigh, otherwise: _Weigh) -> int:
    """`found` for each match, `otherwise` for what stands between."""
    total, at = 0, 0
    for match in pattern.finditer(text):
        total += otherwise(text[at : match.start()]) + found(match[0])
        at = match.end()
    return total + otherwise(text[at:])


def _longer(host: str) -> int:
    return max(LINK, _plain(host))


def _plain(text: str) -> int:
    return _sum(_EMOJI, text, lambda emoji: 2, _letters)


def _letters(text: str) -> int:
    return sum(1 if any(low <= ord(letter) <= high for low, high in _LIGHT) else 2 for letter in text)
