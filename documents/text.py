"""Text that others wrote, made harmless: it can neither change the page it stands on, nor its direction, nor its length."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 4_000
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~$])")
_LINES = re.compile(r"\s*[\n\r\x0b\x0c\x85\u2028\u2029]+\s*")


def clean(text: object, longest: int = LONGEST) -> str:
    """Without control characters and marks of direction; line breaks and tabs stay."""
    kept = "".join(c for c in str(text) if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    return kept if len(kept) <= longest else f"{kept[: longest - 1]}…"


def markdown(text: object) -> str:
    """One line of Markdown that reads as `text` does, in a paragraph, a list or a table."""
    line = _LINES.sub(" / ", clean(text).strip())
    return _MARKDOWN.sub(r"\\\1", line.replace("&", "&amp;"))


def fenced(text: object) -> str:
    """A block of code around `text`, whatever stands in it."""
    body = clean(text).rstrip()
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{body}\n{fence}"
