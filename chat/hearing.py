"""From what somebody typed to the lines that were meant for us.

Outside an incident's channel only `!ic`, `!status`, `!note`, `!todo`, `!page` and a mention of the app are. In one, so is what a
phone made of them, a known command behind `!`, and a message that is nothing but a single word of ours.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace

from incident import grammar
from incident.plain import FORMATTING, plain, straight

OURS = ("status", "note", "todo", "page")
SPOKEN_SUBTYPES = frozenset({None, "", "file_share", "thread_broadcast", "me_message"})
_COMMAND = re.compile(r"!(ic|status|note|todo|page)\b(?!-)[ \t]*(.*)", re.IGNORECASE | re.DOTALL)
_NEARLY = re.compile(r"!(\w[\w-]*)\b[ \t]*(.*)", re.DOTALL)
_KEPT = re.compile(r"(?:(TODO|NOTE)[:\s]|([Tt]odo|[Nn]ote):)\s*(.+)", re.DOTALL)
_MENTION = re.compile(r"@([UW][A-Z0-9]+)\b[\s,:]*(.*)", re.DOTALL)
_AUTOCORRECTED = re.compile(
    r"(?:(?:please|pls)[\s,]+)?(?:!\s*(?:ic|i'd|i'c|in|ci|lc|1c|i\.c\.|ick|icc)|[¡1/]ic|ic)(?![\w'])[\s,:]*(.*)",
    re.IGNORECASE | re.DOTALL,
)
ASSENT = frozenset({"ack", "understood", "wilco", "rog", "roger", "done", "stop"})
"""Said alone they act, where exactly one thing can be meant."""
_ALONE = frozenset({"command", "approve", "approved", "resolve", "resolved", "verified"})
_DECIDED = re.compile(r"approve #?\d{1,6}", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One command as it was typed. `loose`: without the prefix as it should be; `bare`: without any."""

    words: str
    loose: bool = False
    bare: bool = False


def lines_of(text: str, *, in_channel: bool, app: str = "") -> list[Line]:
    """The commands in a message, in order: each line that begins with the prefix is one, other lines belong to the text above.

    `in_channel`: it stands in an incident's channel; `app` is the app's own user. Quotations and what stands inside a sentence
    are no commands.
    """
    typed = text.strip()
    if in_channel and (alone := _alone(typed)) is not None:
        return [alone]
    inside = _unwrapped(typed)
    found: list[Line] = []
    for line in inside.split("\n"):
        meant = None if line.startswith(">") else _line(line.strip(), in_channel, app)
        if meant is not None:
            found.append(replace(meant, loose=meant.loose or inside != typed))
        elif found:
            found[-1] = replace(found[-1], words=f"{found[-1].words}\n{line}")
    return [replace(line, words=line.words.strip()) for line in found]


def may_be_ours(text: str) -> bool:
    """Whether it is worth finding out where it was said, and who the app is."""
    typed = text.strip()
    return bool(lines_of(text, in_channel=True)) or _MENTION.match(typed) is not None


def _line(line: str, in_channel: bool, app: str) -> Line | None:
    prefixed = line.replace("！", "!", 1) if line.startswith("！") else line
    if match := _COMMAND.match(prefixed):
        head, rest = match[1].lower(), match[2].strip()
        if head == "ic":
            return Line(_once(rest.lstrip(",:").strip()), loose=rest[:1] in (",", ":"))
        return Line(f"{head} {rest}".strip())
    if app and (match := _MENTION.match(line)) and match[1] == app:
        return Line(_once(match[2].strip()), loose=True)
    if not in_channel:
        return None
    if match := _KEPT.match(line):
        return Line(f"{(match[1] or match[2]).lower()} {match[3]}")
    return _nearly(prefixed)


def _nearly(line: str) -> Line | None:
    """What a phone made of a prefix, before a word that is a command; and a command behind `!`."""
    if match := _AUTOCORRECTED.match(straight(line)):
        rest = match[1].strip()
        if _verb(rest) in grammar.verbs():
            return Line(rest if len(straight(line)) != len(line) else line[len(line) - len(rest) :], loose=True)
    if match := _NEARLY.match(line):
        head = match[1].lower()
        if head in grammar.verbs() or difflib.get_close_matches(head, OURS, cutoff=0.75):
            return Line(f"{match[1]} {match[2]}".strip(), loose=head not in OURS)
    return None


def _alone(typed: str) -> Line | None:
    """A message that is nothing but a word of ours."""
    word = plain(typed).lower()
    if "\n" in typed or "?" in typed or typed[:1] in ("!", "！", ">", "`"):
        return None
    named = grammar.phrase(typed)
    if word in ASSENT or word in _ALONE or _DECIDED.fullmatch(word) or named is not None:
        return Line(word if named is None else typed, loose=True, bare=True)
    return None


def _once(words: str) -> str:
    """`!ic !ic page` is `!ic page`."""
    match = _COMMAND.match(words)
    return match[2].strip() if match and match[1].lower() == "ic" else words


def _unwrapped(typed: str) -> str:
    """A message that is nothing but one line in backticks or bold, without them."""
    inner = typed.strip(FORMATTING).strip()
    wrapped = typed[:1] in FORMATTING and typed[-1:] == typed[:1] and len(typed) > 2
    return inner if wrapped and "\n" not in inner and typed[0] not in inner else typed


def _verb(words: str) -> str:
    return words.split(maxsplit=1)[0].lower().rstrip(":,.!") if words else ""
