"""From what somebody typed to the words that were meant."""

from __future__ import annotations

import difflib
import re

COMMAND = re.compile(r"^!(ic|status|note|todo|page)\b[ \t]*(.*)$", re.IGNORECASE | re.DOTALL)
NEARLY = re.compile(r"^!(\w+)\b[ \t]*(.*)$", re.DOTALL)
OURS = ("status", "note", "todo", "page")
PREFIX = re.compile(r"^(TODO|NOTE)[:\s]\s*(.+)$", re.DOTALL)
_LINK = re.compile(r"<(?P<scheme>https?://|ftp://|mailto:|tel:)(?P<address>[^<>|]*)(?:\|(?P<shown>[^<>]*))?>")
SPOKEN_SUBTYPES = frozenset({None, "", "file_share", "thread_broadcast", "me_message"})


def words_of(text: str, *, in_room: bool) -> str | None:
    """The command in a message, or None. `!status`, `!note`, `!todo`, `!page` keep their word.

    In an incident's room a message that begins with TODO or NOTE, in capitals, is one too; what is nearly a word of
    ours there is meant for us, and its author hears which word that is. Other words behind `!` are another bot's.
    """
    typed = text.strip()
    if match := COMMAND.match(typed):
        head = match[1].lower()
        return match[2].strip() if head == "ic" else f"{head} {match[2]}".strip()
    if in_room and (match := PREFIX.match(typed)):
        return f"{match[1].lower()} {match[2]}"
    if in_room and (match := NEARLY.match(typed)) and difflib.get_close_matches(match[1].lower(), OURS, cutoff=0.75):
        return f"{match[1]} {match[2]}".strip()
    return None
