"""Words to command, for chat and shell alike.

`read` takes what follows `!ic`, `/ic` or `ic`, `!status` lines come as `status …`. What a door answers by itself
(who is on call, the list, the timeline …) is a `Question`; declaring is an `Opening`; the rest is a command.

The commands are imported when one is read: of a short-lived `ic` that only asks they would be a fifth.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from incident.policy import Policy
from incident.severity import Severity
from incident.words import Unreadable, Words, severity_from

if TYPE_CHECKING:
    from incident.commands import Command


class Unknown(Unreadable):
    """No such command; the text names the nearest one and its usage."""


@dataclass(frozen=True)
class Question:
    """Something to be looked up and shown; it changes nothing."""

    about: str
    rest: str = ""


@dataclass(frozen=True)
class Opening:
    """A new incident."""

    title: str
    severity: Severity | None = None
    service: str = ""
    security: bool = False


@dataclass(frozen=True)
class Entered:
    """What somebody said on the bridge, typed by another: `for @bob done 3 found it`."""

    command: Command
    person: str


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
    "declare [N] [--security] WHAT [service: NAME]",
    "declare an incident; SEV-2 if no severity is given; SEV-3 to SEV-5 page the service's team instead of the ICs",
)
_MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})


def read(text: str, policy: Policy) -> Command | Question | Opening | Entered:
    """What somebody said. Raises Unreadable (known, but incomplete) or Unknown (nearest command named)."""
    words = Words(text, known_names(policy))
    if not words:
        return Question("oncall")
    head = words.peek().lower().translate(_MARKS)
    if head == "declare":
        words.take("the command")
        return _opening(words, policy)
    if head == "for":
        from incident.commands import Command

        words.take("the command")
        person = words.take_person("whose word it is")
        meant = read(words.rest(f"what they said (`{FOR[0]}`)"), policy)
        if not isinstance(meant, Command):
            raise Unreadable(f"Only a command can be entered for somebody. Say `{FOR[0]}`.")
        return Entered(meant, person)
    if head not in QUESTIONS or head in QUESTIONS_AND_COMMANDS:
        try:
            command = _command(words)
        except Unreadable as fault:
            raise (Unreadable(f"{fault}\n{_severities(policy)}") if head == "sev" else fault) from fault
        if command is not None:
            return command
    if head in QUESTIONS:
        words.take("the question")
        rest = words.maybe_rest()
        if rest and head in ALONE:
            import difflib

            near = difflib.get_close_matches(f"{head} {rest}".lower(), STALKING, n=1, cutoff=0.8)
            raise Unreadable(f"`{head}` takes no more words. " + (f"Did you mean `{near[0]}`?" if near else ""))
        return Question(head, rest)
    raise Unknown(nearest(head))


def _command(words: Words) -> Command | None:
    """The command that the words are; None, and nothing taken, when they begin with no command's name."""
    for length in (2, 1):
        parts = tuple(words.left.lower().translate(_MARKS).split()[:length])
        kind = _by_words().get(parts) if len(parts) == length else None
        if kind is not None:
            for _ in parts:
                words.take("the command")
            try:
                command = kind.read(words)
                words.no_more()
            except Unreadable as fault:
                raise Unreadable(
                    f"{str(fault).capitalize() if str(fault)[0].isalpha() else fault} Say `{kind.usage}`."
                ) from fault
            return command
    return None


@functools.cache
def _by_words() -> dict[tuple[str, ...], type[Command]]:
    from incident.commands import VOCABULARY

    return {tuple(kind.verb.split("-")): kind for kind in VOCABULARY} | {(kind.verb,): kind for kind in VOCABULARY}


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
                line = f"`{usage}`: {text} ({who})"
                return f"{line}\n{_severities(policy)}" if policy and usage.startswith("sev ") else line
        raise Unknown(nearest(name.split()[0]))
    return "\n".join(
        f"`{usage}` — {text}{'' if who == 'anyone' else f' ({who})'}" for usage, text, who in usage_lines()
    )


def _severities(policy: Policy) -> str:
    from incident import wording

    return wording.severities(policy)


def _opening(words: Words, policy: Policy) -> Opening:
    text = words.maybe_rest()
    service = ""
    secret = re.compile(r"(?:--|—|–)security\b")
    security = bool(secret.search(text))
    text = secret.sub(" ", text).strip()
    if match := re.search(r"(?<!\s)\s*\bservice:\s*(\S+)", text):
        service, text = match[1], (text[: match.start()] + text[match.end() :]).strip()
        if policy.service(service) is None:
            known = ", ".join(s.id for s in policy.services)
            raise Unreadable(f"There is no service {service!r}. Known are {known}.")
    head, _, rest = text.partition(" ")
    severity = severity_from(head)
    return Opening((rest if severity else text).strip(), severity, service, security)


def nearest(word: str) -> str:
    """What to say of a word that is no command."""
    import difflib

    usages = {usage.split()[0]: usage for usage, _, _ in reversed(usage_lines())}
    near = difflib.get_close_matches(word, usages, n=1, cutoff=0.5)
    hint = f"Did you mean `{usages[near[0]]}`?" if near else "`help` shows what can be said."
    return f"{word!r} is no command. {hint}"
