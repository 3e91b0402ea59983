"""The answers to commands, for as long as somebody may wait for one.

A command is a Signal, which has no result. Its answer stands in the workflow's memo, a field an answer, where a client
reads it without asking the workflow anything. A memo is small: an answer too long for its field, and every answer of
a restricted incident, is only marked there and stands whole in the incident's snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from incident import texts
from incident.texts import Text

KEPT_FOR = timedelta(minutes=2)
LONGEST_ID = 100
FIELD_BYTES = 300
VERDICT_BYTES = 3_000
"""A runner's claim is answered with the IC's signed approval, which the runner verifies; there is one at a time."""
MEMO_BYTES = 18_000
TEXT_BYTES = 100_000
PREFIX = "answer/"
VERSION = "version"
"""The memo's field with the incident's version (`snapshots.Version`) at the last answer."""


class Outcome(StrEnum):
    """What became of a command. `ELSEWHERE`: the incident's other workflow takes it."""

    DONE = "done"
    REFUSED = "refused"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Reply:
    """The answer to one command. A refusal is an answer like others; its text says why and what to do."""

    outcome: Outcome
    text: Text = ""
    number: int | None = None
    whole: bool = True
    """False in a memo field whose text stands in the snapshot only."""
    version: str = ""
    """Of the incident, at least as new as what the command changed; known to whoever reads the memo."""


@dataclass(frozen=True)
class Kept:
    """A reply, and when it was given."""

    reply: Reply
    at: datetime


@dataclass
class Answers:
    """The replies of the last two minutes, by `field_of` the command; bounded in number and size."""

    kept: dict[str, Kept] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    """The memo's fields as JSON; `unsent` are the changes that are not in the memo yet."""
    unsent: dict[str, str | None] = field(default_factory=dict)

    def give(
        self, name: str, reply: Reply, now: datetime, *, restricted: bool = False, most: int = FIELD_BYTES
    ) -> None:
        """Keep the reply under `name`, and have it shown in the memo."""
        self.expire(now)
        self.kept.pop(name, None)
        self.kept[name] = Kept(reply, now)
        self._show(name, _written(reply, 0 if restricted else most))
        while len(self.kept) > 1 and self._too_much():
            self._forget(next(iter(self.kept)))

    def expire(self, now: datetime) -> None:
        """Forget what is older than two minutes."""
        for name in [name for name, kept in self.kept.items() if kept.at + KEPT_FOR <= now]:
            self._forget(name)

    def next_expiry(self) -> datetime | None:
        return min((kept.at for kept in self.kept.values()), default=None)

    def cut(self, name: str) -> bool:
        """Whether the memo has the outcome alone."""
        return '"text"' not in self.shown.get(name, "")

    def show_again(self) -> None:
        """In a new history, whose memo may begin empty."""
        self.unsent = dict(self.shown)

    def take_unsent(self) -> dict[str, str | None]:
        """The memo's changes since the last call; None removes a field."""
        changes, self.unsent = self.unsent, {}
        return changes

    def _show(self, name: str, written: str) -> None:
        self.shown[name] = self.unsent[name] = written

    def _forget(self, name: str) -> None:
        del self.kept[name]
        if self.shown.pop(name, None) is not None:
            self.unsent[name] = None

    def _too_much(self) -> bool:
        memo = sum(len(name) + len(written.encode()) for name, written in self.shown.items())
        return memo > MEMO_BYTES or sum(len(kept.reply.text.encode()) for kept in self.kept.values()) > TEXT_BYTES


def field_of(verb: str, id: str) -> str:
    """The memo field of a command's answer. With the verb: an id used for a note cannot swallow a decision."""
    return f"{PREFIX}{verb}/{id}"


def read(memo: Mapping[str, Any], verb: str, id: str) -> Reply | None:
    """The answer in a workflow's memo; None while there is none."""
    written = memo.get(field_of(verb, id))
    if not isinstance(written, str):
        return None
    try:
        found = json.loads(written)
        return Reply(
            Outcome(found["outcome"]),
            texts.read(found.get("text", "")),
            found.get("number"),
            "text" in found,
            str(memo.get(VERSION, "")),
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def _written(reply: Reply, most: int) -> str:
    short: dict[str, Any] = {"outcome": reply.outcome}
    if reply.number is not None:
        short["number"] = reply.number
    whole = json.dumps({**short, "text": texts.written(reply.text)}, ensure_ascii=False)
    return whole if len(whole.encode()) <= most else json.dumps(short)
