"""What is said with buttons beside it, before anybody knows what a button looks like."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Choice:
    """A button. Pressed, it says `words`, as if they had been typed in the incident's room.

    With `form`, it first asks for the rest of that command.
    """

    label: str
    words: str
    style: Literal["", "primary", "danger"] = ""
    form: bool = False


@dataclass(frozen=True)
class Notice:
    """A text with choices; `more` are those that are wanted seldom, behind a menu."""

    text: str
    choices: tuple[Choice, ...] = ()
    more: tuple[Choice, ...] = ()

    @property
    def mark(self) -> str:
        """Equal marks: the message that stands there needs no edit."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]
