"""Who is meant by names as people write them: handles, first or full names, teams, services, several at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from incident.plain import folded, is_picture, straight
from incident.policy import Policy

RESPONDERS = "responders"
_EVERYBODY = ("responders", "everyone", "everybody", "all responders", "everyone on call", "all")
_FILLERS = frozenset(
    {
        "the",
        "team",
        "teams",
        "on-call",
        "oncall",
        "on",
        "call",
        "please",
        "pls",
        "now",
        "both",
        "of",
        "for",
        "asap",
        "and",
    }
)
_JOINED = re.compile(r"[\s,;&+]+|\s+and\s+")
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
_USER_GROUP = re.compile(r"<!subteam\^[A-Z0-9]+(?:\|@?([^>]*))?>")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
LONGEST_NAME = 4


@dataclass(frozen=True)
class Meant:
    """Handles of people and teams, in the order in which they stand; `rest` is what is no name.

    `several` are the people whom one and the same name fits.
    """

    who: tuple[str, ...] = ()
    rest: str = ""
    several: tuple[str, ...] = ()


class Names:
    """All names of an organisation's people, teams and services; a service stands for the team that answers for it."""

    def __init__(self, policy: Policy) -> None:
        self._known: dict[str, list[str]] = {}
        self._slack = {person.slack: person.id for person in policy.people if person.slack}
        for person in policy.people:
            self._add(person.id, person.id, *_forms(person.name))
        for team in policy.teams:
            self._add(team.id, team.id, team.name)
        for service in policy.services:
            self._add(service.team, service.id, service.name)
        for name in _EVERYBODY:
            self._add(RESPONDERS, name)

    def _add(self, who: str, *names: str) -> None:
        for name in names:
            for form in {_key(name), _key(name.casefold().translate(_UMLAUTS))} - {""}:
                found = self._known.setdefault(form, [])
                if who not in found:
                    found.append(who)

    def alone(self, text: str) -> Meant:
        """The names when nothing else stands there: `Sam and Anne`, `the database team, please`."""
        words = _words(text)
        found = self._names(words)
        return found if not found.rest else Meant(rest=text.strip())

    def first(self, text: str) -> Meant:
        """The names that stand at the beginning with an `@`, and what follows them."""
        found: list[str] = []
        left = text.strip()
        while left.startswith("@") or _MENTION.match(left) or _USER_GROUP.match(left):
            parts = left.split()
            for length in range(min(LONGEST_NAME, len(parts)), 0, -1):
                who = self._fits(_words(" ".join(parts[:length])))
                if len(who) > 1:
                    return Meant(several=tuple(who))
                if who:
                    found += who
                    rest = left.split(maxsplit=length)[length:]
                    left = re.sub(r"^(?:and\b|&|\+|,)\s*", "", rest[0] if rest else "").strip()
                    break
            else:
                return Meant(rest=text.strip())
        return Meant(tuple(dict.fromkeys(found)), left)

    def one(self, word: str) -> str | None:
        """The one person or team of that name; None for nobody, and for several."""
        found = self._names(_words(word))
        return found.who[0] if len(found.who) == 1 and not found.rest and not found.several else None

    def _names(self, words: list[str]) -> Meant:
        found: list[str] = []
        at = 0
        while at < len(words):
            for length in range(min(LONGEST_NAME, len(words) - at), 0, -1):
                who = self._fits(words[at : at + length])
                if len(who) > 1:
                    return Meant(several=tuple(who))
                if who:
                    found += who
                    at += length
                    break
            else:
                if words[at].casefold() not in _FILLERS:
                    return Meant(rest=words[at])
                at += 1
        return Meant(tuple(dict.fromkeys(found)), "" if found else " ".join(words))

    def _fits(self, words: list[str]) -> list[str]:
        if len(words) == 1 and (mention := _MENTION.fullmatch(words[0])):
            return [self._slack[mention[1]]] if mention[1] in self._slack else []
        if len(words) == 1 and (group := _USER_GROUP.fullmatch(words[0])):
            words = [group[1] or ""]
        return self._known.get(_key(" ".join(words)), [])


def _words(text: str) -> list[str]:
    """Its words without what joins them, without emoji and formatting."""
    kept = re.sub(r"<[@!][^>]*>", lambda m: f" {m[0]} ", straight(text))
    return [
        word.strip('"`*_~()').removeprefix("@").rstrip(".!?:") for word in _JOINED.split(kept) if not is_picture(word)
    ]


def _key(name: str) -> str:
    return " ".join(re.split(r"[\s]+", folded(name).replace("@", "").strip()))


def _forms(name: str) -> Iterable[str]:
    """Full, the other way round, first and last."""
    parts = name.split()
    yield name
    if len(parts) > 1:
        yield from (" ".join((parts[-1], *parts[:-1])), parts[0], parts[-1])
