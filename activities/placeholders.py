"""Texts as they leave: for Slack, for a terminal. Here is filled in what must not stand in a history: phones, PIN."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial

from activities.on_call_book import OnCallBook, now
from incident import texts
from incident.policy import Organisation
from incident.texts import Kind, Place
from incident.times import minutes

FENCE = "```"


class Placeholders:
    """Fills in the places of a text (`incident.texts`). Words stay as they are, whatever they look like."""

    def __init__(self, organisation: Organisation, book: OnCallBook) -> None:
        self._organisation = organisation
        self._book = book

    def for_terminal(self, said: str) -> str:
        return texts.render(said, str, self._on_a_terminal)

    def for_slack(self, said: str, *, here: bool = False) -> str:
        """In Slack's mrkdwn. `@here` only where the product itself means it."""
        return texts.render(said, escaped, partial(self._in_slack, here=here))

    @property
    def bridge(self) -> str:
        """The address of the call."""
        return self._organisation.bridge.url

    def mention(self, person: str, name: str = "") -> str:
        slack = self.slack_id(person)
        return f"<@{slack}>" if slack else escaped(name or self._book.name(person))

    def slack_id(self, person: str) -> str:
        """Empty for somebody who has no Slack id."""
        contact = self._organisation.contact(person)
        if contact is not None:
            return contact.slack
        return person if re.fullmatch(r"[UW][A-Z0-9]+", person) else ""

    def email(self, person: str) -> str:
        contact = self._organisation.contact(person)
        return contact.email if contact else ""

    def _on_a_terminal(self, place: Place) -> str:
        match place.kind:
            case Kind.HERE:
                return ""
            case Kind.SINCE:
                return f"{minutes(now() - place.at)} ago" if place.at else place.words
            case Kind.PHONE | Kind.BRIDGE:
                return self._secret(place)
            case _:
                return texts.plain(str(place))

    def _in_slack(self, place: Place, *, here: bool) -> str:
        match place.kind:
            case Kind.PERSON:
                return self.mention(place.of, place.words)
            case Kind.CHANNEL:
                return f"<#{place.of}>" if re.fullmatch(r"[CG][A-Z0-9]+", place.of) else escaped(place.words)
            case Kind.HERE:
                return "<!here>" if here else ""
            case Kind.PHONE | Kind.BRIDGE:
                return escaped(self._secret(place))
            case Kind.MOMENT:
                return _local(place.at, place.words) if place.at else escaped(place.words)
            case Kind.SINCE:
                return _counting(place.at, place.words) if place.at else escaped(place.words)
            case Kind.QUOTED:
                return texts.lines_of(escaped(place.of), "> ")
            case Kind.EXACT:
                return _to_the_letter(place.of)

    def _secret(self, place: Place) -> str:
        if place.kind is Kind.PHONE:
            return self._book.phone(place.of)
        known = {name: getattr(self._organisation.bridge, name) for name in ("url", "phone", "pin")}
        return known.get(place.of) or f"(no bridge {place.of} configured)"


def escaped(words: str) -> str:
    """Words that Slack shows as they are, but for its own *bold* and the like."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _to_the_letter(words: str) -> str:
    """As code, where Slack formats nothing; as a quotation where that would end the code."""
    if FENCE in words:
        return texts.lines_of(escaped(words), "> ", below=False)
    return f"{FENCE}\n{escaped(words)}\n{FENCE}"


def _local(at: datetime, utc: str) -> str:
    """Slack's own date, in the reader's zone, then UTC."""
    return f"<!date^{at.timestamp():.0f}^{{time}}|{at:%H:%M}> ({escaped(utc)})"


def _counting(at: datetime, utc: str) -> str:
    """Slack's own date, which goes on counting in the reader's app."""
    return f"<!date^{at.timestamp():.0f}^{{ago}}|{escaped(utc)}>"
