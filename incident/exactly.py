"""The exact form of a command: what ends, removes, reveals, decides or hands over acts in that form alone (process, 7).

It allows for case, blanks, full-width and curly characters, Slack's formatting, a final `.` or `!`, and `please`; never for a
question mark, a negation or an "if". Anything less is `Inexact`, and becomes a question (`incident.confirming`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from incident.plain import doubtful, plain, straight
from incident.words import Several, Unreadable, Words

if TYPE_CHECKING:
    from incident.commands import Command

WHOLE = frozenset({"cancel", "resolve", "remove", "keep", "lift", "secure", "handover", "reload", "command", "reopen"})
"""What acts on the incident as a whole, or takes people out of it: explained to whoever mistypes it, never offered."""
_WHO = r"(?:@[\w.-]+|<@[A-Z0-9]+(?:\|[^>]*)?>)"
_N = r"#?[0-9]{1,6}"
_MARK = r"(?:\s+#[0-9a-f]{8,64})?"
_FORMS = {
    "cancel": r"",
    "resolve": r"(?:--insist ?)?(?:recovered(?:,? ?lost .+)?)?(?: ?--insist)?",
    "lift": r"",
    "not-security": r"",
    "reload": r"",
    "command": r"(?:--also)?",
    "accept": r"(?:--also)?",
    "remove": rf"{_WHO}",
    "keep": rf"{_WHO}(?:\s+{_WHO})*",
    "handover": rf"{_WHO}(?:\s+confirm)?",
    "voice": rf"(?:{_WHO}|nobody)",
    "approve": rf"{_N}{_MARK}(?:\s+{_WHO})?(?:\s*--also)?|{_N}{_MARK}\s*--also(?:\s+{_WHO})?",
    "verified": _N,
    "unverified": _N,
    "poll": _N,
    "announce": rf"(?:yes|no|unsure)(?:\s+{_N}{_MARK})?",
    "message-approve": rf"{_N}{_MARK}(?:\s+(?:x|status-page))?{_MARK}",
    "sev": r"(?:sev-?|[sp])?[1-5](?:[\s,:]+.+)?",
    "reject": rf"{_N}[\s:,]+\S.*",
}
_WITH_WORDS = frozenset({"sev", "reject"})
"""Behind their number stands why; a question there is no question whether to do it."""
_YES = re.compile(r"(?<!\S)--yes\b\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Inexact:
    """A command's verb with words that are not its exact form; `verb` as the vocabulary has it."""

    verb: str
    rest: str


def read(kind: type[Command], words: Words, exact: bool) -> Command | Inexact:
    """The command, or what has to be asked first. Raises Unreadable with the usage."""
    typed = words.left
    form = _FORMS.get(kind.verb)
    if form is not None:
        yes = _YES.search(straight(typed))
        if yes is not None:
            words.left = _YES.sub("", straight(typed), count=1).strip()
        elif not exact and not _is_exact(kind.verb, form, typed):
            return Inexact(kind.verb, typed)
        if (
            kind.verb not in _WITH_WORDS
            and yes is None
            and not (exact and kind.verb in ("cancel", "command", "remove"))
        ):
            words.left = plain(typed)
    elif kind.verb in ("ack", "secure"):
        words.left = _number_alone(words.left)
    elif kind.verb in ("join", "leave", "accept", "status-stalk", "status-unstalk", "summary-send", "more"):
        words.left = plain(words.left)
    try:
        command = kind.read(words)
        words.no_more()
    except Several:
        raise
    except Unreadable as fault:
        said = f"{str(fault).capitalize() if str(fault)[0].isalpha() else fault}"
        raise Unreadable(f"{said} Say `!ic {kind.usage}`.") from fault
    return command


def _is_exact(verb: str, form: str, typed: str) -> bool:
    bare = plain(typed)
    if re.fullmatch(form, bare, re.IGNORECASE | re.DOTALL) is None:
        return False
    if verb in _WITH_WORDS:
        head = re.match(r"[\w#-]+", bare)
        return head is not None and not bare[head.end() :].lstrip().startswith("?") and not bare.endswith("?")
    return (verb == "resolve" and "lost" in bare) or ("?" not in typed and not (doubtful(typed) and verb != "announce"))


def _number_alone(text: str) -> str:
    """`ack that`, `roger, thanks`: words of assent that say no more than the command does."""
    found = re.match(r"#?[0-9]{1,6}\b", plain(text))
    return found[0] if found else ""
