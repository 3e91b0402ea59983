"""Words to command, for chat and shell alike.

`read` takes what follows `!ic`, `/ic` or `ic`, `!status` lines come as `status …`. What a door answers by itself
(who is on call, the list, the timeline …) is a `Question`; declaring is an `Opening`; the rest is a command.

The commands are imported when one is read: of a short-lived `ic` that only asks they would be a fifth.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from incident import exactly
from incident.exactly import Inexact
from incident.names import Names
from incident.opening import Opening, opening
from incident.plain import FORMATTING, plain, straight
from incident.policy import Policy
from incident.words import Unreadable, Words

if TYPE_CHECKING:
    from incident.commands import Command


class Unknown(Unreadable):
    """No such command; the text names the nearest one and its usage. `near` is what was typed, with that one's name."""

    def __init__(self, text: str, near: str = "") -> None:
        super().__init__(text)
        self.near = near


@dataclass(frozen=True)
class Question:
    """Something to be looked up and shown; it changes nothing."""

    about: str
    rest: str = ""


@dataclass(frozen=True)
class Entered:
    """What somebody said on the bridge, typed by another: `for @bob done 3 found it`."""

    command: Command
    person: str


Meaning: TypeAlias = "Command | Question | Opening | Entered | Inexact"


QUESTIONS: dict[str, tuple[str, str]] = {
    "oncall": ("oncall", "who is incident commander on call, their phones, how to page"),
    "responders": ("responders", "everyone on call"),
    "who": ("who USER", "who somebody is, and how to reach them"),
    "status": ("status", "the status of the system and of the incident, at once"),
    "changes": ("changes", "what changed lately: deployments, traffic"),
    "show": ("show [ID] [--live]", "the incident: severity, roles, what is known, tasks, repair actions"),
    "timeline": ("timeline", "what happened, line by line"),
    "summary": ("summary", "the executive summary as it would go out now"),
    "list": ("list [--all]", "the open incidents; with --all those that are over, too"),
    "help": ("help [COMMAND]", "what can be said"),
}
QUESTIONS_AND_COMMANDS = ("status", "summary")
"""Which of them begin commands as well: `status stalk`, `summary send`."""
ALONE = ("oncall", "responders", "status", "changes")
STALKING = ("status stalk", "status unstalk")
FOR = ("for @USER ack|done|more|finding …", "IC, deputy and scribe: enter what somebody said on the bridge")
DECLARE = (
    "declare [SEV-N] [security:] WHAT [service: NAME]",
    "declare an incident; SEV-2 if no severity is given; SEV-3 to SEV-5 page the service's team instead of the ICs",
)
OTHER_NAMES = {
    "understood": "ack",
    "wilco": "ack",
    "rog": "ack",
    "roger": "ack",
    "problem": "trouble",
    "found": "finding",
}
_SEVERITY = re.compile(r"(?:sev-?|p)([1-5])\b", re.IGNORECASE)
_ENDINGS = ("end", "close", "finish", "terminate", "shutdown")
_IC = r"(?:the\s+)?(?:acting\s+)?(?:ic|incident\s+commander)"
_PHRASES = tuple(
    (verb, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for verb, pattern in (
        ("command", rf"(?:this is [^,]+,\s*)?(?:i'?m|i am|im)\s+{_IC}"),
        ("command", r"(?:i'?m\s+|i am\s+|i'?ll\s+|i will\s+|i\s+)?(?:take|taking)\s+(?:over\s+)?command"),
        ("handover", r"hand\s+over\b(?P<rest>.*)"),
        ("approve", r"approved\b(?P<rest>.*)"),
        ("resolve", r"resolved\b(?P<rest>.*)"),
        ("sev", r"severity\b(?P<rest>.*)"),
    )
)


def read(text: str, policy: Policy, *, exact: bool = False) -> Meaning:
    """What somebody said. Raises Unreadable (known, but incomplete) or Unknown (nearest command named).

    `exact`: it comes from a button, or was confirmed: what ends, removes, reveals or decides is not asked about again.
    """
    words = Words(_without_manners(text), known_names(policy), Names(policy))
    if not words:
        return Question("oncall")
    if (meant := _other_words(words.left)) is not None:
        return meant
    head = _head(words.peek())
    if head in ("?", "??"):
        return Question("help")
    if head == "declare":
        words.take("the command")
        return _opening(words, policy)
    if head == "for":
        words.take("the command")
        return _entered(words, policy)
    if head not in QUESTIONS or head in QUESTIONS_AND_COMMANDS:
        try:
            command = _command(words, exact)
        except Unreadable as fault:
            raise (Unreadable(f"{fault}\n{_severities(policy)}") if head == "sev" else fault) from fault
        if isinstance(command, Inexact) and head == "sev" and re.fullmatch(r"\d+", command.rest):
            raise Unreadable(f"Which severity? `!ic sev N why`, 1 is the worst.\n{_severities(policy)}")
        if command is not None:
            return command
    if head in QUESTIONS:
        words.take("the question")
        rest = words.maybe_rest().rstrip("?").strip()
        if rest and head in ALONE:
            import difflib

            near = difflib.get_close_matches(f"{head} {rest}".lower(), STALKING, n=1, cutoff=0.8)
            raise Unreadable(f"`{head}` takes no more words. " + (f"Did you mean `!{near[0]}`?" if near else ""))
        return Question(head, rest)
    raise unknown(words.left)


def _entered(words: Words, policy: Policy) -> Entered:
    from incident.commands import Command

    person = words.take_person("whose word it is")
    meant = read(words.rest(f"what they said (`!ic {FOR[0]}`)"), policy)
    if not isinstance(meant, Command):
        raise Unreadable(f"Only a command can be entered for somebody. Say `!ic {FOR[0]}`.")
    return Entered(meant, person)


def _command(words: Words, exact: bool) -> Command | Inexact | None:
    """The command that the words are; None, and nothing taken, when they begin with no command's name."""
    for length in (2, 1):
        parts = tuple(_head(word) for word in words.left.split()[:length])
        kind = _by_words().get(parts) if len(parts) == length else None
        if kind is not None:
            asked = "?" in [words.take("the command").rstrip(".!:")[-1:] for _ in parts]
            if asked:
                words.left = f"? {words.left}".strip()
            return exactly.read(kind, words, exact)
    return None


def _head(word: str) -> str:
    """A command's name as it was typed: capitals, full-width letters, formatting, a colon behind it."""
    return straight(word).strip(FORMATTING).lower().rstrip(":,.!?") or straight(word).lower()


def _without_manners(text: str) -> str:
    """`please page sam` is `page sam`; a line that is nothing but formatted words is those words."""
    bare = re.sub(r"^(?:please|pls|kindly)[\s,]+", "", text.strip(), flags=re.IGNORECASE)
    bare = _SEVERITY.sub(r"sev \1", bare) if _SEVERITY.match(straight(bare)) else bare
    if len(bare) > 2 and bare[0] in FORMATTING and bare.endswith(bare[0]) and "\n" not in bare:
        bare = bare.strip(FORMATTING)
    return bare


def _other_words(text: str) -> Inexact | None:
    """Other words for a command that decides: what they may mean is asked."""
    for verb, pattern in _PHRASES:
        if match := pattern.fullmatch(plain(text)):
            return Inexact(verb, match["rest"] or "" if "rest" in pattern.groupindex else "")
    return None


@functools.cache
def _by_words() -> dict[tuple[str, ...], type[Command]]:
    from incident.commands import VOCABULARY

    found = {tuple(kind.verb.split("-")): kind for kind in VOCABULARY} | {(kind.verb,): kind for kind in VOCABULARY}
    return found | {(other,): found[(verb,)] for other, verb in OTHER_NAMES.items()}


@functools.cache
def verbs() -> frozenset[str]:
    """Every word with which something that can be said begins."""
    return frozenset({"declare", "for", *QUESTIONS, *OTHER_NAMES, *(parts[0] for parts in _by_words())})


def phrase(text: str) -> Inexact | None:
    """A sentence that says nothing but that somebody takes command."""
    meant = _other_words(text)
    return meant if meant is not None and meant.verb == "command" else None


def known_names(policy: Policy) -> frozenset[str]:
    """Handles that some commands read differently: people (by handle and Slack id), teams, catalogue entries."""
    people = {p.id for p in policy.people} | {p.slack for p in policy.people if p.slack}
    return frozenset(people | {t.id for t in policy.teams} | {e.id for e in policy.catalogue})


def usage_lines() -> list[tuple[str, str, str]]:
    """All that can be said: usage, help, who may say it."""
    from incident.commands import VOCABULARY

    lines = [(*DECLARE, "anyone"), (*FOR, "command staff")]
    lines += [(usage, text, "anyone") for usage, text in QUESTIONS.values()]
    return lines + [(kind.usage, kind.help, str(kind.who)) for kind in VOCABULARY]


def help_text(about: str = "", policy: Policy | None = None) -> str:
    """The help as chat shows it; about one command, its usage and who may say it, with what its words mean to `policy`."""
    name = about.strip().lower()
    if name:
        for usage, text, who in usage_lines():
            if usage.lower().startswith(name):
                line = f"`!ic {usage}`: {text} ({who})"
                return f"{line}\n{_severities(policy)}" if policy and usage.startswith("sev ") else line
        raise Unknown(nearest(name.split()[0]))
    return "\n".join(
        f"`!ic {usage}` — {text}{'' if who == 'anyone' else f' ({who})'}" for usage, text, who in usage_lines()
    )


def _severities(policy: Policy) -> str:
    from incident import wording

    return wording.severities(policy)


def _opening(words: Words, policy: Policy) -> Opening:
    text = words.maybe_rest()
    service = ""
    if match := re.search(r"(?<!\s)\s*\bservice:\s*(\S+)", text):
        service, text = match[1], (text[: match.start()] + text[match.end() :]).strip()
        if policy.service(service) is None:
            known = ", ".join(s.id for s in policy.services)
            raise Unreadable(f"There is no service {service!r}. Known are {known}.")
    return opening(text, service)


def nearest(word: str) -> str:
    """What to say of a word that is no command."""
    return str(unknown(word))


def unknown(text: str) -> Unknown:
    """Of words that are no command: the nearest one. What acts on the incident as a whole is explained, never offered."""
    import difflib

    from incident.commands import VOCABULARY

    word, _, rest = text.partition(" ")
    head = _head(word)
    if head in _ENDINGS:
        return Unknown(f"{word!r} is no command. `!ic resolve` closes the call; `!ic cancel` ends a false alarm.")
    usages = {usage.split()[0]: usage for usage, _, _ in reversed(usage_lines())} | dict.fromkeys(OTHER_NAMES, "")
    near = difflib.get_close_matches(head, usages, n=1, cutoff=0.5)
    if not near:
        return Unknown(f"{word!r} is no command. `!ic help` shows what can be said.")
    verb = OTHER_NAMES.get(near[0], near[0])
    usage = usages[verb]
    kind = next((kind for kind in VOCABULARY if kind.verb == verb), None)
    if kind is not None and kind.verb in exactly.WHOLE:
        return Unknown(f"{word!r} is no command. The nearest is `!ic {usage}`, which would {kind.help}.")
    likely = bool(difflib.get_close_matches(head, [near[0]], n=1, cutoff=0.7))
    return Unknown(
        f"{word!r} is no command. Did you mean `{'!' if verb == 'status' else '!ic '}{usage}`?",
        f"{verb} {rest}".strip() if likely else "",
    )
