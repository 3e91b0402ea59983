"""Slack's wire format, read once: from what Slack sends to what somebody typed.

Slack rewrites what is typed. A host name or an address becomes `<http://x|x>`, `<mailto:x|x>` or `<tel:x|x>`, a mention
`<@U…>`, `<!subteam^…|@x>` or `<#C…|x>`, and `&`, `<` and `>` become entities. None of that goes any further than here.
"""

from __future__ import annotations

import re

from incident import texts
from incident.policy import Organisation

_CONTROL = re.compile(r"<([^<>\n]*)>")
_LINK = re.compile(r"(?:https?|mailto|tel|ftp|slack|[a-z][a-z0-9+.-]*(?=://)):", re.IGNORECASE)
_EVERYBODY = ("here", "channel", "everyone", "group")


class Wire:
    """Knows people by their Slack ids, so that a mention reads as `@handle`."""

    def __init__(self, organisation: Organisation) -> None:
        self._handles = {p.slack: p.id for p in organisation.people if p.slack}

    def typed(self, sent: str) -> str:
        """Plain words. What only looks like Slack's format stays as it is; nothing raises."""
        found, end = [], 0
        for control in _CONTROL.finditer(sent):
            found += [unescaped(sent[end : control.start()]), self._read(control[1])]
            end = control.end()
        return texts.typed("".join([*found, unescaped(sent[end:])]))

    def _read(self, control: str) -> str:
        target, _, label = (unescaped(part) for part in control.partition("|"))
        match target[:1]:
            case "@" if target[1:].isalnum():
                return f"@{self._handles.get(target[1:], target[1:])}"
            case "#" if target[1:].isalnum():
                return f"#{label or target[1:]}"
            case "!":
                return _special(target[1:], label) or f"<{unescaped(control)}>"
        if _LINK.match(target):
            return _link(target, label)
        return f"<{unescaped(control)}>"


def _special(command: str, label: str) -> str:
    name, _, rest = command.partition("^")
    if name in _EVERYBODY:
        return f"@{name}"
    if name == "subteam":
        return label or f"@{rest}"
    return label if name == "date" else ""


def _link(target: str, label: str) -> str:
    """What was typed: Slack's own label, or the address. A label that somebody chose has the address beside it."""
    if not label:
        return target.removeprefix("mailto:").removeprefix("tel:")
    address = target.partition(":")[2].removeprefix("//")
    if target.startswith(("mailto:", "tel:")) or label.rstrip("/") in (target.rstrip("/"), address.rstrip("/")):
        return label
    return f"{label} ({target})"


def unescaped(sent: str) -> str:
    """Slack escapes &, < and >, and nothing else."""
    return sent.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
