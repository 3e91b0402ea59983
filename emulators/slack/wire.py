"""What people type, as Slack sends it on: three characters escaped, links, addresses and telephone numbers marked up.

A mention that was picked from Slack's menu, or a link that got its own words there, is written as such already (`<@U…>`,
`<#C…|name>`, `<!subteam^S…|@name>`, `<https://…|words>`) and stays. A slash command carries the names of whoever is mentioned as well; what is typed into a form arrives as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_PICKED = (
    r"<(?:[@#][A-Z0-9]+|!subteam\^[A-Z0-9]+|!(?:here|channel|everyone))(?:\|[^<>|]*)?>|<https?://[^\s<>|]+\|[^<>|]+>"
)
_ENDINGS = "com|org|net|edu|gov|io|dev|app|co|cloud|ai|sh|py|rs|md|me|de|fr|uk|eu|us|ch|at|nl|info|biz"
_LINKED = re.compile(
    rf"(?P<picked>{_PICKED})"
    r"|(?P<url>\b(?:https?|ftp)://[^\s<>|`]+)"
    r"|(?P<mail>\b(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b)"
    rf"|(?P<domain>(?<![\w./@-])(?:[a-z0-9-]+\.)+(?:{_ENDINGS})\b(?:/[^\s<>|`]*)?(?![\w-]))"
    r"|(?P<phone>(?<![\w+])\+\d[\d ().-]{6,18}\d\b)",
    re.IGNORECASE,
)
_CLOSING = ".,;:!?)'\""
_MENTION = re.compile(r"<@([A-Z0-9]+)>")


def wired(typed: str) -> str:
    """The `text` of a message that somebody typed."""
    sent, at = [], 0
    for match in _LINKED.finditer(typed):
        text = match[0]
        closing = "" if match["picked"] else text[len(text.rstrip(_CLOSING)) :]
        sent += [escaped(typed[at : match.start()]), _marked_up(match, text.removesuffix(closing)), closing]
        at = match.end()
    return "".join((*sent, escaped(typed[at:])))


def wired_command(typed: str, name: Callable[[str], str]) -> str:
    """The `text` of a slash command whose app asks for escaping."""
    return _MENTION.sub(lambda match: f"<@{match[1]}|{name(match[1])}>", wired(typed))


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _marked_up(match: re.Match[str], text: str) -> str:
    if match["picked"]:
        return text
    shown = escaped(text)
    if match["url"]:
        return f"<{shown}>"
    if match["mail"]:
        address = shown.removeprefix("mailto:")
        return f"<mailto:{address}|{address}>"
    if match["phone"]:
        return f"<tel:+{re.sub(r'[^0-9]', '', text)}|{shown}>"
    return f"<http://{shown}|{shown}>"
