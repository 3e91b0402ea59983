"""The room, what is said and shown there, and the timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident.texts import Text


@dataclass
class Room:
    """A Slack channel."""

    channel: str
    name: str
    url: str = ""


@dataclass
class Line:
    """One thing said in the room. `key` makes it be said once; lines that gather are joined to one post.

    With `about` it is a post of its own, a notice, that shows how its matter stands and is edited in place.
    """

    key: str
    text: Text
    at: datetime
    about: str = ""


@dataclass
class Shown:
    """A notice as it stands in a channel: `mark` tells whether it is up to date, `at` when it was last written."""

    channel: str
    ts: str
    mark: str
    at: datetime


@dataclass
class Entry:
    """One line of the scribe's timeline. `source` says who or what it comes from; a note that was `struck` is kept."""

    at: datetime
    kind: str
    text: str
    who: str = ""
    source: str = ""
    struck: str = ""
    author: str = ""
    """Of a note: its author's handle or Slack id. `who` is a name then, since a guest has no other."""

    @property
    def shown(self) -> str:
        """As it is read: struck through where somebody struck it."""
        return f"~{self.text}~ (struck by {self.struck})" if self.struck else self.text
