"""Filling in, as a text leaves the house, what must not stand in a history: phones, PIN, bridge, mentions."""

from __future__ import annotations

import re

from activities.on_call_book import OnCallBook
from incident.policy import Organisation

_PLACE = re.compile(r"\{(phone|person):([A-Za-z0-9_-]+)\}|\{(bridge)\.(url|phone|pin)\}|\{(here)\}")
_KEPT = re.compile(r"&lt;(@[UW][A-Z0-9]+|#C[A-Z0-9]+|https?://[^\s&|]+)(\|[^&]*)?&gt;")


class Placeholders:
    """`{phone:bob}`, `{person:bob}`, `{bridge.url}`, `{bridge.phone}`, `{bridge.pin}`; anything else stays as it is."""

    def __init__(self, organisation: Organisation, book: OnCallBook) -> None:
        self._organisation = organisation
        self._book = book

    def for_terminal(self, text: str) -> str:
        return _PLACE.sub(lambda m: self._value(m, here="", mention=self._book.name), text)

    def for_slack(self, text: str, *, here: bool = False) -> str:
        """Escaped as Slack wants it. Mentions and links survive; `@here` only where the product itself means it."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        escaped = re.sub(r"^&gt; ", "> ", escaped, flags=re.MULTILINE)
        escaped = _KEPT.sub(lambda m: f"<{m[1]}{m[2] or ''}>", escaped)
        return _PLACE.sub(lambda m: self._value(m, here="<!here>" if here else "", mention=self.mention), escaped)

    def mention(self, person: str) -> str:
        slack = self.slack_id(person)
        return f"<@{slack}>" if slack else self._book.name(person)

    def slack_id(self, person: str) -> str:
        """Empty for somebody who has no Slack id."""
        contact = self._organisation.contact(person)
        if contact is not None:
            return contact.slack
        return person if re.fullmatch(r"[UW][A-Z0-9]+", person) else ""

    def _value(self, match: re.Match[str], *, here: str, mention: object) -> str:
        assert callable(mention)
        if match[5]:
            return here
        if match[3]:
            return getattr(self._organisation.bridge, match[4]) or f"(no bridge {match[4]} configured)"
        return self._book.phone(match[2]) if match[1] == "phone" else str(mention(match[2]))
