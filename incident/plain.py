"""What was typed without what phones, Slack and manners add to it: full-width letters, curly quotes, formatting, "please"."""

from __future__ import annotations

import re
import unicodedata

_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "´": "'", "\u00a0": " "})
_MANNERS = re.compile(r"(?:^|(?<![\s,])[\s,]{1,3})(?:please|pls|plz)(?=[\s,.!]|$)", re.IGNORECASE)
_EMOJI = re.compile(r":[a-z0-9_+-]+:")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_CONDITION = re.compile(
    r"\?|\b(?:if|unless|when|once|after|until|not|never|no|without|don't|dont|do not|isn't|wasn't|won't|can't|cannot|shouldn't)\b",
    re.IGNORECASE,
)
FORMATTING = "*_`~"


def straight(text: str) -> str:
    """The same words in plain characters: full-width letters, curly quotes and long dashes are the usual ones. Its length may
    differ."""
    return unicodedata.normalize("NFKC", text.translate(_STRAIGHT)).replace("—", "--").replace("–", "--")


def plain(text: str) -> str:
    """What the exact form of a command is compared with: case, blanks, formatting, a final `.` or `!` and `please` left out."""
    bare = " ".join(straight(text).split()).strip(FORMATTING)
    bare = _MANNERS.sub(" ", bare).strip()
    return " ".join(bare.rstrip(".!").split()).strip(FORMATTING)


def folded(text: str) -> str:
    """For comparing names: no case, no diacritics, no apostrophes or quotes."""
    letters = unicodedata.normalize("NFKD", straight(text).casefold())
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"['\"`*_]", "", letters.translate(str.maketrans("łøđð", "lodd")))


def doubtful(text: str) -> bool:
    """Whether it asks, negates or makes a condition: `approve 3?`, `not yet`, `if sam agrees`."""
    return _CONDITION.search(straight(text)) is not None


def is_picture(word: str) -> bool:
    """An emoji, by name or as a character; or punctuation alone."""
    return bool(_EMOJI.fullmatch(word)) or not any(letter.isalnum() for letter in word)


def numbers(text: str) -> list[int]:
    """The whole numbers in it, in digits or up to ten in words, each once."""
    found = []
    for word in re.findall(r"\w+", straight(text).lower()):
        if word.isdecimal() and len(word) < 7:
            found.append(int(word))
        elif word in _NUMBERS:
            found.append(_NUMBERS.index(word))
    return list(dict.fromkeys(found))
