"""What somebody declares, from their one sentence: how severe, of which service, and whether others may read it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from incident.choices import Choice
from incident.plain import straight
from incident.severity import Severity

_WORD = r"(?:sev(?:erity)?[\s-]*|(?<![\w])[sp])([1-5])"
_MENTIONED = re.compile(rf"(?<![\w-]){_WORD}(?![\w%/.-]*\w)", re.IGNORECASE)
_BEFORE_IT = re.compile(r"\b(?:not|no|was|were|isn't|isnt|wasn't|never)\b[\s\w]{0,12}$", re.IGNORECASE)
_AT_THE_START = re.compile(rf"[\[(]?{_WORD}[\])]?(?![\w%/-])\s*(?P<parted>[:;,.!-]+)?\s*", re.IGNORECASE)
_AT_THE_END = re.compile(rf"(?<![\s,;:.-])[\s,;:.-]{{1,5}}[\[(]?{_WORD}[\])]?[.!]*$", re.IGNORECASE)
_BARE = re.compile(r"([1-5])(?![\w%/.-])\s*(?P<parted>[:;,-]+)?\s*")
_COUNTS = frozenset(
    {"in", "of", "out", "x", "times", "percent", "more", "people", "data", "different", "new", "or", "and", "to"}
)
_VERBS = frozenset({"is", "was", "has", "does", "keeps", "returns", "answers", "fails"})
_AMAZON = re.compile(r"\b(?:is|bucket|storage|has|returns|not|un\w+)\b", re.IGNORECASE)

_SECURITY = re.compile(r"^\s*(?:--security\b|security\s*:)\s*", re.IGNORECASE)
_FLAG = re.compile(r"(?:^|\s)(?:--|—|–)security\b", re.IGNORECASE)
_HINTS = re.compile(
    r"\b(?:breach\w*|ransomware|intru(?:der|sion)\w*|phish\w*|stolen|hacked|hackers?|exfiltrat\w*|leaked)\b",
    re.IGNORECASE,
)
_LEAKS_OF_THEIR_OWN = re.compile(
    r"\b(?:memory|connections?|file descriptors?|handles?|threads?|sockets?|resources?|goroutines?|heap)\b[^.]{0,20}\bleak|"
    r"\bleak\w*\b[^.]{0,20}\b(?:memory|connections?|handles?|sockets?|threads?)\b",
    re.IGNORECASE,
)

SECURITY_OR_NOT = (Choice("No, it's not a security incident", "not-security"),)


@dataclass(frozen=True)
class Opening:
    """A new incident. `milder` is a severity that would wake fewer people and did not stand at the start: it is offered.

    `hinted`: nobody said that it is about security, but its words sound like it.
    """

    title: str
    severity: Severity | None = None
    service: str = ""
    security: bool = False
    milder: Severity | None = None
    hinted: bool = False


def opening(text: str, service: str = "") -> Opening:
    """What is declared by `text`, from which the service was taken already."""
    text, restricted = _restricted(text)
    title, severity, milder = severity_in(text)
    title, again = _restricted(title)
    restricted = restricted or again
    hinted = not restricted and sounds_like_security(title)
    return Opening(title, severity, service, restricted or hinted, milder, hinted)


def corrections(severity: Severity, milder: Severity | None) -> tuple[Choice, ...]:
    """Beside the answer, to correct what was read: the other major severity, and what was said in passing."""
    other = Severity.SEV2 if severity is not Severity.SEV2 else Severity.SEV1
    wanted = [other, milder] if milder is not None else [other]
    return tuple(Choice(f"Make it {each}", f"sev {each.value[-1]}") for each in wanted)


def severity_in(text: str) -> tuple[str, Severity | None, Severity | None]:
    """The title, its severity if one is said, and a milder one that is only offered.

    At the start it is taken out, and so it is at the end; a word within the sentence stays there. A number that belongs to the
    sentence (`3 nodes are down`, `1 in 3 checkouts`) is none.
    """
    plain = straight(text).strip()
    found = [match for match in _MENTIONED.finditer(plain) if not _BEFORE_IT.search(plain[: match.start()])]
    found = [match for match in found if match[0].lower() != "s3"]
    worst = min((int(match[1]) for match in found), default=None)
    title, first = plain, None
    if ((match := _AT_THE_START.match(plain)) is not None and not _is_amazons(plain, match)) or (
        (match := _BARE.match(plain)) is not None and not _counts(plain, match)
    ):
        title, first = plain[match.end() :].strip(), int(match[1])
    elif (match := _AT_THE_END.search(plain)) is not None and not _BEFORE_IT.search(plain[: match.start()]):
        title = plain[: match.start()].strip() if int(match[1]) <= 2 else plain
    said = min((n for n in (worst if worst is not None and worst <= 2 else None, first) if n is not None), default=None)
    milder = worst if said is None and worst is not None and worst > 2 else None
    if title == plain:
        title = text.strip()  # as it was typed
    return title, _severity(said), _severity(milder)


def sounds_like_security(text: str) -> bool:
    """Breach, ransomware, intruder, phishing, stolen, leaked; a program that leaks memory or connections is none."""
    plain = straight(text)
    return bool(_HINTS.search(plain)) and not _LEAKS_OF_THEIR_OWN.search(plain)


def _restricted(text: str) -> tuple[str, bool]:
    plain = text.strip()
    if (match := _SECURITY.match(straight(plain))) is not None and straight(plain)[: match.end()].strip():
        return straight(plain)[match.end() :].strip(), True
    if _FLAG.search(plain):
        return _FLAG.sub(" ", plain).strip(), True
    return plain, False


def _severity(number: int | None) -> Severity | None:
    return Severity(f"SEV-{number}") if number is not None else None


def _is_amazons(plain: str, match: re.Match[str]) -> bool:
    """`S3 is down` is about storage."""
    return plain[:2].lower() == "s3" and not match["parted"] and _AMAZON.match(plain[match.end() :]) is not None


def _counts(plain: str, match: re.Match[str]) -> bool:
    """Whether the number at the start counts something of the sentence."""
    if match["parted"]:
        return False
    words = plain[match.end() :].lower().split()
    if not words:
        return True
    if words[0] in _COUNTS or words[0].startswith(("minute", "hour", "second", "day")):
        return True
    if match[1] == "1":
        return False
    for word in words[:3]:
        if word in _VERBS:
            return False
        if word.rstrip(",.;:").endswith("s") and not word.endswith("ss"):
            return True
    return False
