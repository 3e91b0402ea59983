"""Filling in, as a text leaves the house, what must not stand in a history: phones, PIN, bridge, mentions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from activities.on_call_book import OnCallBook, now
from incident.policy import Organisation
from incident.times import minutes

_PLACE = re.compile(
    r"\{(phone|person):([A-Za-z0-9_-]+)\}|\{(bridge)\.(url|phone|pin)\}|\{(here)\}"
    r"|\{(since):(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\}"
)
_CLOCK = re.compile(r"\b([01]\d|2[0-3]):([0-5]\d) UTC\b")
_CHANNEL = re.compile(r"<#(C[A-Z0-9]+)(?:\|([^>]*))?>")
_KEPT = re.compile(r"&lt;(@[UW][A-Z0-9]+|#C[A-Z0-9]+|https?://[^\s&|]+)(\|[^&]*)?&gt;")


class Placeholders:
    """`{phone:bob}`, `{person:bob}`, `{bridge.url}`, `{bridge.phone}`, `{bridge.pin}`, `{since:…Z}`; anything else stays.

    In Slack each `14:05 UTC` also reads in the reader's own time, but in what is quoted: that is somebody's exact text.
    """

    def __init__(self, organisation: Organisation, book: OnCallBook) -> None:
        self._organisation = organisation
        self._book = book

    def for_terminal(self, text: str) -> str:
        named = _CHANNEL.sub(lambda m: f"#{m[2]}" if m[2] else f"channel {m[1]}", text)
        return _PLACE.sub(lambda m: self._value(m, here="", mention=self._book.name, since=_ago), named)

    def for_slack(self, text: str, *, here: bool = False) -> str:
        """Escaped as Slack wants it. Mentions and links survive; `@here` only where the product itself means it."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        escaped = re.sub(r"^&gt; ", "> ", escaped, flags=re.MULTILINE)
        escaped = _KEPT.sub(lambda m: f"<{m[1]}{m[2] or ''}>", escaped)
        escaped = "\n".join(line if line.startswith("> ") else _CLOCK.sub(_local, line) for line in escaped.split("\n"))
        return _PLACE.sub(
            lambda m: self._value(m, here="<!here>" if here else "", mention=self.mention, since=_counting), escaped
        )

    @property
    def bridge(self) -> str:
        """The address of the call."""
        return self._organisation.bridge.url

    def mention(self, person: str) -> str:
        slack = self.slack_id(person)
        return f"<@{slack}>" if slack else self._book.name(person)

    def slack_id(self, person: str) -> str:
        """Empty for somebody who has no Slack id."""
        contact = self._organisation.contact(person)
        if contact is not None:
            return contact.slack
        return person if re.fullmatch(r"[UW][A-Z0-9]+", person) else ""

    def email(self, person: str) -> str:
        contact = self._organisation.contact(person)
        return contact.email if contact else ""

    def _value(
        self,
        match: re.Match[str],
        *,
        here: str,
        mention: Callable[[str], str],
        since: Callable[[datetime], str],
    ) -> str:
        if match[5]:
            return here
        if match[6]:
            return since(datetime.fromisoformat(match[7]))
        if match[3]:
            return getattr(self._organisation.bridge, match[4]) or f"(no bridge {match[4]} configured)"
        return self._book.phone(match[2]) if match[1] == "phone" else mention(match[2])


def _ago(at: datetime) -> str:
    return f"{minutes(now() - at)} ago"


def _counting(at: datetime) -> str:
    """Slack's own date, which goes on counting in the reader's app."""
    return f"<!date^{at.timestamp():.0f}^{{ago}}|{at:%H:%M} UTC>"


def _local(match: re.Match[str]) -> str:
    """The moment of that time of day that is nearest to now, as Slack's own date, then UTC."""
    here = now()
    at = here.astimezone(UTC).replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
    at = min((at + timedelta(days=days) for days in (-1, 0, 1)), key=lambda moment: abs(moment - here))
    return f"<!date^{at.timestamp():.0f}^{{time}}|{match[1]}:{match[2]}> ({match[0]})"
