"""Words that are not exact: what they may mean, said with a button that does it (process, 7).

What ends, removes, reveals, decides or hands over acts in its exact form alone. Anything less becomes a question here:
it names what would happen and to whom, and its button carries the exact form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from incident import paging, repairs, triggers, wording
from incident.choices import Choice, Notice
from incident.commands import Command
from incident.commands.announcing import Announce
from incident.commands.base import Refusal, Speaker, speaking_for, why_not
from incident.commands.checking_in import Brief
from incident.commands.deciding import Abort, Approve, Poll, Reject, Unverified, Verified
from incident.commands.ending import Cancel, Reload, Resolve
from incident.commands.informing import OwnWords
from incident.commands.knowing import Finding, SetSeverity
from incident.commands.leading import Accept, Handover, NameVoice, TakeCommand
from incident.commands.messaging import ApproveMessage
from incident.commands.paging import PagePeople
from incident.commands.releasing import Keep, Remove
from incident.commands.reporting import Object
from incident.commands.securing import Lift, NotSecurity
from incident.commands.tasking import AssignTask, Done, More
from incident.exactly import Inexact
from incident.model import Announcement, Incident, Repair, RepairState
from incident.names import Names
from incident.people import find
from incident.plain import numbers, plain
from incident.severity import Role, Severity
from incident.words import mark

OFFERED_MINUTES = (5, 15, 30)
MOST_BUTTONS = 5
ENDS = (Resolve, Cancel, Remove, Keep, Lift, NotSecurity, Handover, TakeCommand, Reload, NameVoice, Accept)
DECIDES = (Approve, Verified, Unverified, Reject, Poll, Announce, ApproveMessage)
_OTHER_THINGS = {"task", "repair", "message", "proposal", "poll", "draft", "page"}


def ends_or_decides(command: Command) -> bool:
    """What acts in its exact form alone; lowering the severity decides, too."""
    return isinstance(command, (*ENDS, *DECIDES, SetSeverity))


def ask(incident: Incident, inexact: Inexact, speaker: Speaker, now: datetime) -> Notice | Command:
    """The question for what was typed; or the command, where the deputy says why they take command. Raises Refusal."""
    deputys = inexact.verb == TakeCommand.verb and incident.deputy == speaker.id and not _asks(inexact.rest)
    if deputys and not Names(incident.policy).first(inexact.rest).who:
        return TakeCommand(inexact.rest)
    found = [command for command in _candidates(incident, inexact, speaker, now) if command is not None]
    if not found:
        raise Refusal(_nothing(incident, inexact))
    allowed, whys = [], []
    for command in found:
        why = why_not(incident, _complete(incident, command), speaking_for(incident, speaker, command), now)
        (whys.append(why) if why is not None else allowed.append(command))
    if not allowed:
        raise Refusal(whys[0])
    return notice(incident, allowed)


def _complete(incident: Incident, command: Command) -> Command:
    """With what its form, or the entry point, will add."""
    if isinstance(command, Reject | Object) and not command.why:
        return replace(command, why="a reason")
    return Reload(incident.policy) if isinstance(command, Reload) else command


def ask_about(incident: Incident, command: Command, speaker: Speaker, now: datetime) -> Notice:
    """The question for an exact command that came without the prefix as it should be. Raises Refusal."""
    why = why_not(incident, _complete(incident, command), speaking_for(incident, speaker, command), now)
    if why is not None:
        raise Refusal(why)
    return notice(incident, [command.bound(incident) if command.of_shown else command])


def notice(incident: Incident, commands: Iterable[Command], before: str = "") -> Notice:
    """What each of them would do, and a button for each."""
    made = [(command, describe(incident, command)) for command in commands]
    heads = list(dict.fromkeys(text for _, (text, _) in made))
    text = "\n".join(([before] if before else []) + (heads if len(heads) == 1 else ["Which one?", *heads]))
    return Notice(text, tuple(_choice(command, label) for command, (_, label) in made)[:MOST_BUTTONS])


def describe(incident: Incident, command: Command) -> tuple[str, str]:
    """What would happen and to whom, as a sentence and on a button."""
    what = f"{incident.severity} {wording.shorten(incident.label, 60)}"
    match command:
        case Cancel():
            return f"`!ic {command.words()}` ends the whole incident ({what}) as a false alarm.", f"Cancel {what}"
        case Resolve():
            return f"`!ic {command.words()}` ends the response to {what}.", f"Resolve {what}"
        case Remove(person=person):
            name = incident.name(find(incident, person))
            return f"`!ic {command.words()}` takes {name} out of the incident and its channel.", f"Remove {name}"
        case Keep(people=people):
            return _keep(incident, command, people)
        case Handover(to=to):
            name = incident.name(find(incident, to))
            return f"`!ic {command.words()}` offers command of {what} to {name}.", f"Hand over to {name}?"
        case TakeCommand():
            return f"`!ic {command.words()}` makes you the incident commander of {what}.", f"Take command of {what}"
        case Accept():
            return f"`!ic {command.words()}` makes you the incident commander of {what}.", f"Accept command of {what}"
        case Lift():
            return (
                f"`!ic {command.words()}` ends the restriction: executives and customers may be told.",
                "End the restriction",
            )
        case NotSecurity():
            return (
                f"`!ic {command.words()}` makes it public: its title, and a channel for everybody.",
                "Not a security incident",
            )
        case Reload():
            return f"`!ic {command.words()}` applies the present configuration to {what}.", "Reload the configuration"
        case NameVoice(person=person):
            name = incident.name(find(incident, person))
            return f"`!ic {command.words()}` lets {name} enter your decisions.", f"Let {name} enter your decisions"
        case _:
            return _describe_decision(incident, command)


def _describe_decision(incident: Incident, command: Command) -> tuple[str, str]:
    match command:
        case Approve(number=n, owner=owner):
            by = f", carried out by {incident.name(find(incident, owner))}" if owner else ""
            return (
                f"`!ic {_shown(command)}` approves {_repair(incident, n)}{by}.",
                f"Approve {_repair(incident, n)}{by}",
            )
        case Verified(number=n):
            return f"`!ic {command.words()}`: {_repair(incident, n)} worked.", f"Worked: {_repair(incident, n)}"
        case Unverified(number=n):
            return (
                f"`!ic {command.words()}`: {_repair(incident, n)} did not work.",
                f"Did not work: {_repair(incident, n)}",
            )
        case Reject(number=n):
            return f"`!ic reject {n} why` rejects {_repair(incident, n)}.", f"Reject {_repair(incident, n)}"
        case Poll(number=n):
            return (
                f"`!ic {command.words()}` asks for strong objections to {_repair(incident, n)}.",
                f"Poll {_repair(incident, n)}",
            )
        case Abort(number=n) if n is not None:
            return f"`!ic {command.words()}` stops {_repair(incident, n)}.", f"Abort {_repair(incident, n)}"
        case Object(number=n) if n is not None:
            return f"`!ic object {n} why` objects to {_repair(incident, n)}.", f"Object to {_repair(incident, n)}"
        case ApproveMessage(number=n):
            return (
                f"`!ic {_shown(command)}` publishes public message {n}.",
                f"Publish message {n}: {_message(incident, n)}",
            )
        case Announce(answer=answer, draft=draft):
            if draft is not None:
                label = f"Announce, and publish message {draft}: {_message(incident, draft)}"
                return f"`!ic {_shown(command)}` announces it to customers with public message {draft}.", label
            told = "are told" if answer != "no" else "are not told"
            return f"`!ic {command.words()}`: customers {told}.", f"Announce: {answer}"
        case SetSeverity(severity=severity):
            means = incident.policy.means(severity)
            return f"`!ic {command.words()}` makes it a {severity}: {means}", f"Make it {severity}"
        case _:
            return f"`!ic {command.words()}`", command.words()


def _repair(incident: Incident, number: int) -> str:
    repair = incident.repairs.get(number)
    return f"repair {number} ({wording.shorten(repair.title, 50)})" if repair else f"repair {number}"


def _message(incident: Incident, number: int) -> str:
    draft = incident.drafts.get(number)
    return wording.shorten(draft.text, 50) if draft else ""


def _keep(incident: Incident, command: Command, people: tuple[str, ...]) -> tuple[str, str]:
    stay = {find(incident, person) for person in people} | set(incident.roles.values())
    stay |= {person for team in incident.teams.values() for person in team.everybody}
    go = ", ".join(r.name for r in incident.responders.values() if r.here and r.person not in stay) or "nobody"
    kept = " and ".join(incident.name(find(incident, person)) for person in people)
    return f"`!ic {command.words()}` keeps {kept} and releases {go}.", f"Keep {kept}, release {go}"


def _shown(command: Command) -> str:
    """Without the mark of what was shown, which nobody types."""
    words = command.words()
    return " ".join(word for word in words.split() if not (word.startswith("#") and len(word) > 7))


def _choice(command: Command, label: str) -> Choice:
    form = isinstance(command, Reject | Object) and not command.why
    words = command.words().strip()
    style = (
        "danger" if isinstance(command, (*ENDS, Abort)) and not isinstance(command, TakeCommand | Accept) else "primary"
    )
    return Choice(label, words, "danger" if style == "danger" else "primary", form=form)


# -- what may have been meant ---------------------------------------------------------------------------


def _candidates(incident: Incident, inexact: Inexact, speaker: Speaker, now: datetime) -> list[Command | None]:
    rest, text = plain(inexact.rest), inexact.rest.strip()
    match inexact.verb:
        case "cancel" | "resolve" | "lift" | "reload" | "not-security":
            return _whole(inexact.verb, rest, text)
        case "command":
            people = _people(incident, rest)
            if people and people[0] != speaker.id and incident.commander == speaker.id:
                return [Handover(people[0])]
            return [] if people and people[0] != speaker.id else [TakeCommand()]
        case "handover":
            return [Handover(person) for person in _people(incident, rest)[:1]]
        case "voice":
            return [NameVoice(person) for person in _people(incident, rest)[:1]]
        case "remove":
            people = _people(incident, rest)
            alone = Names(incident.policy).alone(rest).who
            return [Remove(person, "" if alone or len(people) > 1 else _behind_name(text)) for person in people]
        case "keep":
            people = _people(incident, rest)
            return [Keep(tuple(people))] if people else []
        case "sev":
            return _severities(incident, rest)
        case "announce":
            return [Announce("yes"), Announce("no")]
        case _:
            return _of_numbers(incident, inexact.verb, rest, text, speaker)


def _whole(verb: str, rest: str, text: str) -> list[Command | None]:
    """What concerns the incident as a whole is not offered to whoever means a part of it."""
    about = rest.lower().split()
    if about and (about[0] in _OTHER_THINGS or (about[0].isdecimal() and len(about) == 1)):
        return []
    match verb:
        case "cancel":
            return [Cancel("" if rest in ("", "?") else text)]
        case "resolve":
            return [Resolve()]
        case "lift":
            return [Lift()]
        case "not-security":
            return [NotSecurity()]
        case _:
            return [Reload()]


def _severities(incident: Incident, rest: str) -> list[Command | None]:
    named = [n for n in numbers(rest) if 1 <= n <= 5]
    wanted = named[:1] or [n for n in range(1, 6) if f"SEV-{n}" != incident.severity]
    return [SetSeverity(Severity(f"SEV-{n}")) for n in wanted]


def _of_numbers(incident: Incident, verb: str, rest: str, text: str, speaker: Speaker) -> list[Command | None]:
    """About repair actions and messages: those that were named, else all that wait for that."""
    make: dict[str, tuple[Callable[[Repair], bool], Callable[[Repair], Command]]] = {
        "verified": (lambda r: r.state in repairs.ENDED, lambda r: Verified(r.number)),
        "unverified": (lambda r: r.state in repairs.ENDED, lambda r: Unverified(r.number)),
        "poll": (lambda r: r.state.awaits_approval, lambda r: Poll(r.number)),
        "reject": (lambda r: r.state.awaits_approval, lambda r: Reject(r.number, _reason(text))),
        "approve": (lambda r: r.state.awaits_approval, lambda r: _approve(incident, r, rest)),
    }
    named = [n for n in numbers(rest) if n in incident.repairs or n in incident.drafts]
    found: list[Command | None] = []
    if verb in make:
        waits, command = make[verb]
        found += [command(r) for n, r in incident.repairs.items() if (n in named if named else waits(r))]
    if verb in ("approve", "message-approve"):
        open_drafts = [d for n, d in incident.drafts.items() if (n in named if named else d.open)]
        decided = incident.announcement is Announcement.YES or verb == "message-approve"
        for draft in open_drafts:
            digest = draft.digest[:8]
            found.append(
                ApproveMessage(draft.number, digest=digest) if decided else Announce("yes", draft.number, digest)
            )
    if verb == "approve" and not named and incident.handover is not None and incident.handover.to == speaker.id:
        found.append(Accept())
    return found


def _approve(incident: Incident, repair: Repair, rest: str) -> Approve:
    who = re.sub(r"#?\b[0-9]+\b", " ", rest)
    people = _people(incident, rest) if "@" in rest or Names(incident.policy).alone(who).who else []
    other = repairs.in_the_way(incident, repair)
    return Approve(repair.number, people[0] if people else None, other is not None, mark(repair.digest).strip(" #"))


def _people(incident: Incident, rest: str) -> list[str]:
    """Everybody whose name stands in it; a mention or an `@` first."""
    names, found = Names(incident.policy), []
    parts = rest.replace(",", " ").split()
    for at in range(len(parts)):
        if parts[at].startswith(("@", "<@")) and (who := names.first(" ".join(parts[at:])).who):
            found += [person for person in who if incident.policy.person(person)]
    if not found:
        for at in range(len(parts)):
            for length in (2, 1):
                who = names.alone(" ".join(parts[at : at + length])).who
                found += [person for person in who if incident.policy.person(person)]
    return list(dict.fromkeys(found))


def _behind_name(text: str) -> str:
    """`@sam from task 2`: what follows the name."""
    return text.split(maxsplit=1)[1] if " " in text else ""


def _reason(text: str) -> str:
    return "" if not text or (text.split()[0].lstrip("#").isdecimal() and len(text.split()) == 1) else text


def _asks(text: str) -> bool:
    return text.rstrip().endswith("?")


def _nothing(incident: Incident, inexact: Inexact) -> str:
    """Why none of it can be meant, and the line that works."""
    other = [word for word in plain(inexact.rest).lower().split() if word in _OTHER_THINGS]
    named = numbers(inexact.rest)
    n = str(named[0]) if named else "N"
    match inexact.verb:
        case "cancel" | "resolve":
            does = "as a false alarm" if inexact.verb == "cancel" else "because it's recovered"
            line = f" For repair {n}: `!ic reject {n} why` or `!ic abort {n}`." if "repair" in other else ""
            return f"`!ic {inexact.verb}` ends the whole incident, {does}. Nothing was ended.{line}"
        case "approve":
            return "Nothing is waiting for approval."
        case "verified" | "unverified":
            return "No repair action is waiting to be verified."
        case "poll" | "reject":
            return "No repair action is waiting for a decision."
        case "message-approve":
            return "No public message is waiting for approval."
        case "command":
            return "`!ic command` makes you the incident commander; `!ic handover @somebody`, from the IC, offers it to somebody else."
        case "remove":
            return "`!ic remove @somebody` takes a person out of the incident and its channel. Whom do you mean?"
        case "keep":
            return "`!ic keep @a @b` keeps these people and releases the others. Whom do you mean?"
        case "handover":
            return "Hand over to whom? `!ic handover @somebody`"
        case "voice":
            return "Who enters your decisions? `!ic voice @somebody`"
        case _:
            return f"`!ic {inexact.verb}` takes no more words."


# -- commands that leave something open -----------------------------------------------------------------


def leaves_something_open(command: Command) -> bool:
    """Whether it depends on how the incident stands what it means."""
    match command:
        case OwnWords() | Done() | More() | AssignTask(minutes=0) | Abort(number=None) | Object(number=None):
            return True
    return False


def settle(incident: Incident, command: Command, speaker: Speaker, now: datetime) -> Command | Notice:
    """The command, or the question that has to be answered first."""
    match command:
        case OwnWords() if incident.holder(Role.INTERNAL_LIAISON) != speaker.id:
            return _for_whom(incident, command, speaker)
        case Done() | More():
            return _of_own(incident, command, speaker)
        case AssignTask(minutes=0, person=person, text=text):
            if why_not(incident, AssignTask(person, OFFERED_MINUTES[0], text), speaker, now) is not None:
                return AssignTask(person, OFFERED_MINUTES[0], text)
            name = incident.name(find(incident, person))
            choices = [Choice(f"{m} minutes", AssignTask(person, m, text).words()) for m in OFFERED_MINUTES]
            return Notice(f"How long does {name} have? `!ic task @{person} 5m {text}`", tuple(choices))
        case Abort(number=None):
            return _abort(incident, command, speaker)
        case Object(number=None, why=why):
            open_ = [r for r in incident.repairs.values() if r.state.awaits_approval or r.state in repairs.BUSY]
            if len(open_) > 1:
                return notice(incident, [Object(r.number, why) for r in open_])
    return command


def _for_whom(incident: Incident, command: OwnWords, speaker: Speaker) -> Notice:
    here = Brief(command.text) if incident.commander == speaker.id else Finding(command.text)
    choices = [Choice("This channel", here.words(), "primary")]
    if incident.commander == speaker.id and not incident.silent:
        choices.append(Choice("Executives' next summary", command.words()))
    return Notice("For whom is that update?", tuple(choices))


def _of_own(incident: Incident, command: Done | More, speaker: Speaker) -> Command | Notice:
    """A number is the item's if its author owns that item; else it belongs to the text."""
    mine = own(incident, speaker.id)
    if isinstance(command, Done) and command.result.strip() == "?":
        n = command.number
        return notice_of_own(incident, [Done(each) for each in mine if n in (None, each)], "Is it done?")
    entered = speaker.id in {incident.holder(r) for r in (Role.COMMANDER, Role.DEPUTY, Role.SCRIBE)}
    if isinstance(command, More) and not command.minutes:
        return notice_of_own(incident, [More(m, n) for n in mine for m in (5, 10, 30)], "How much more time?")
    if command.number is not None:
        if isinstance(command, More) or command.number in mine or entered or command.number in incident.repairs:
            return command
        if command.number in incident.tasks or not mine or not command.result:
            return command  # it says whose it is
        command = Done(None, f"{command.number} {command.result}")
    if len(mine) < 2:
        return Done(mine[0], command.result) if mine and isinstance(command, Done) else command
    if isinstance(command, More):
        return notice_of_own(incident, [More(command.minutes, n) for n in mine], "More time for which?")
    return notice_of_own(incident, [Done(n, command.result) for n in mine], "Which one is done?")


def notice_of_own(incident: Incident, commands: list[Done | More], question: str) -> Notice | Command:
    """A button for each thing that is the author's."""
    if not commands:
        return More(OFFERED_MINUTES[0])  # which says that nothing of theirs is open
    choices = []
    for command in commands:
        n = command.number
        task = incident.tasks.get(n or 0)
        title = task.text if task else incident.repairs[n or 0].title
        much = f"{command.minutes} min: " if isinstance(command, More) else ""
        choices.append(Choice(f"{much}{n} ({wording.shorten(title, 50)})", command.words()))
    return Notice(question, tuple(choices))


def own(incident: Incident, person: str) -> list[int]:
    """The numbers of the tasks and manual repair steps that are theirs and open."""
    tasks = [t.number for t in incident.tasks.values() if t.person == person and t.done_at is None]
    steps = [
        r.number
        for r in incident.repairs.values()
        if not r.automated and r.owner == person and r.state in (RepairState.APPROVED, RepairState.RUNNING)
    ]
    return sorted([*tasks, *steps])


def _abort(incident: Incident, command: Abort, speaker: Speaker) -> Command | Notice:
    theirs = [r for r in repairs.busy(incident) if speaker.id in (incident.commander, incident.deputy, r.owner)]
    if len(theirs) < 2:
        return Abort(theirs[0].number) if theirs else command
    return notice(
        incident, [Abort(r.number) for r in theirs], "Several are running; STOP has been said to all of them."
    )


# -- what is offered with an answer ---------------------------------------------------------------------


def after_page(incident: Incident, command: PagePeople, now: datetime) -> tuple[Choice, ...]:
    """Beside the answer to a page for an IC: page all the same. `incident` is as it stood before."""
    if command.targets or command.again or not incident.open:
        return ()
    again = PagePeople(reason=command.reason, again=True).words()
    if incident.commander is not None:
        return (Choice(f"{incident.name(incident.commander)} doesn't answer: page", again, "danger"),)
    return (Choice("Page again anyway", again, "danger"),) if paging.lately(incident, now) else ()


def after_trigger(incident: Incident, command: PagePeople, number: int, now: datetime) -> tuple[Choice, ...]:
    """Beside the answer to a page from elsewhere, which joined this incident as trigger `number`."""
    same, separate = triggers.choices(number)
    if incident.commander is not None:
        return (same, separate)
    return (separate, *after_page(incident, command, now))
