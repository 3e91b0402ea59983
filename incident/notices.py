"""What stands in Slack with buttons beside it: how a matter stands, and what may be done about it now.

A notice is posted once and edited in place as its matter moves on; who did what, and when, stays readable in it. It is
composed anew from the incident each time, so it can never say less than is known. `about` names the matter:
`card`, `command`, `checklist`, `announced/CHANNEL`, `repair/N`, `trouble/N`, `draft/N`, `task/N`, `handover/WHO/WHEN`, `challenge/WHO/WHEN`, `need/TEAM`, `team/KEY`, `trigger/N`, `roll-call/WHEN`.
"""

from __future__ import annotations

from typing import Literal

from incident import card, declaring, publishing, repairs, roll_call, sub_teams, wording
from incident.choices import Choice, Notice
from incident.model import (
    Announcement,
    Draft,
    DraftState,
    Incident,
    Phase,
    Repair,
    RepairState,
    SubTeam,
    Task,
    Trigger,
    Trouble,
    Version,
)
from incident.outlets import Outlet
from incident.texts import exact, moment, plain
from incident.words import mark

TAKE_COMMAND = Choice("I take command", "command", "primary")
PAGE_AGAIN = Choice("Page the ICs again", "page")
MOST_OFFERED = 5
ACCEPT = Choice("Accept command", "accept", "primary")
_AFTERWARDS = {
    DraftState.HELD: "held back by the IC.",
    DraftState.SUPERSEDED: "a newer one took its place.",
    DraftState.FAILED: "it could not be published; approving it tries again.",
    DraftState.RETRACTED: "taken down.",
    DraftState.DROPPED: "it was not out when the incident closed.",
}
REOPEN = Choice("Reopen", "reopen", "danger")


def compose(incident: Incident, about: str) -> Notice:
    """The notice as it should stand now."""
    kind, _, rest = about.partition("/")
    match kind:
        case "card":
            return Notice(card.mrkdwn(incident), *card_choices(incident))
        case "command":
            return _command(incident)
        case "announced":
            return _announced(incident)
        case "owed" | "worse":
            return _owed(incident) if kind == "owed" else _worse_after(incident)
        case "checklist":
            return Notice(wording.checklist(incident))
        case "repair" | "trouble" | "draft" | "task" | "trigger":
            return _numbered(incident, kind, int(rest))
        case "handover" | "challenge":
            return _handover(incident, rest)
        case "roll-call":
            over = incident.roll_call is None or incident.roll_call.closed_at is not None or not incident.open
            return Notice(roll_call.text(incident, rest), () if over else (roll_call.REPORT,))
        case "team":
            return _team(incident, incident.teams[rest])
        case "need":
            return _need(incident, rest)
        case _:
            raise AssertionError(about)


def _numbered(incident: Incident, kind: str, number: int) -> Notice:
    """Of something that people name by its number."""
    match kind:
        case "repair":
            repair = incident.repairs[number]
            text = _lines(wording.repair_offer(incident, repair), *_life(incident, repair))
            return Notice(text, of_repair(incident, repair))
        case "trouble":
            trouble = incident.troubles[number]
            return Notice(wording.trouble(incident, trouble), of_trouble(incident, trouble))
        case "draft":
            draft = incident.drafts[number]
            return Notice(_draft(incident, draft), of_draft(incident, draft))
        case "task":
            task = incident.tasks[number]
            return Notice(_task(incident, task), of_task(task))
        case _:
            trigger = incident.triggers[number]
            return Notice(_trigger(incident, trigger), _of_trigger(incident, trigger))


def card_choices(incident: Incident) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    """What somebody who looks at the card is likely to want next; the IC's behind the menu."""
    if not incident.open:
        note = Choice("Note …", "note", form=True)
        return ((REOPEN, note), ()) if incident.phase.value in ("resolved", "cancelled") else ((), ())
    speak = (
        Choice("Check in …", "join", form=True),
        Choice("Report a finding …", "finding", form=True),
        Choice("Propose a repair …", "propose", form=True),
    )
    if incident.commander is None:
        return (TAKE_COMMAND, PAGE_AGAIN, *speak[:2]), ()
    return (*speak, Choice("Severity …", "sev", form=True)), (
        Choice("IC: give a task …", "task", form=True),
        Choice("IC: hand over …", "handover", form=True),
        Choice("IC: resolve …", "resolve", form=True),
        Choice("Customer message …", "draft", form=True),
        Choice("Executive summary …", "update", form=True),
    )


def of_repair(incident: Incident, repair: Repair) -> tuple[Choice, ...]:
    """What may be done about a repair action in its present state."""
    n = repair.number
    asks_for_owner = not repair.automated and repairs.usual_owner(incident, repair) is None
    if not incident.open:
        return ()
    stop = Choice("Stop …", f"stop {n}", "danger", form=True)
    undo = (Choice("Undo", f"undo {n}"),) if repairs.may_be_undone(incident, repair) else ()
    match repair.state:
        case RepairState.PROPOSED | RepairState.VOID:
            asked = repair.polled_until is not None
            first = repair.risk == "high" and not asked  # large: the IC polls before (process, 4)
            poll = (
                () if asked and not repair.poll_closed else (Choice("Poll", f"poll {n}", "primary" if first else ""),)
            )
            other = repairs.in_the_way(incident, repair)
            label, also = (f"Approve, beside repair {other.number}", " --also") if other else ("Approve", "")
            style: Literal["", "primary"] = "" if first or other else "primary"
            approve = (Choice(label, f"approve {n}{mark(repair.digest)}{also}", style, form=asks_for_owner),)
            hand = Choice("By hand …", f"approve {n}{mark(repair.digest)}{also}", form=True)
            by_hand = (hand,) if repairs.by_runner(incident, repair) else ()
            return (
                *(poll + approve if first else approve + poll),
                Choice("Reject …", f"reject {n}", "danger", form=True),
                Choice("Object …", f"object {n}", form=True),
                *by_hand,
            )
        case RepairState.APPROVED:
            begin = () if repair.automated else (Choice("I begin", f"ack {n}", "primary"),)
            return (*begin, Choice("Abort", f"abort {n}", "danger"), stop)
        case RepairState.RUNNING:
            report = (Choice("Done …", f"done {n}", "primary", form=True), Choice("Failed …", f"failed {n}", form=True))
            return (*(() if repair.automated else report), Choice("Abort", f"abort {n}", "danger"), stop)
        case RepairState.UNKNOWN:
            return (*repairs.unknown_choices(repair), *undo)
        case RepairState.SUCCEEDED | RepairState.FAILED:
            return (
                Choice("It worked", f"verified {n}", "primary"),
                Choice("It did not work", f"unverified {n}", "danger"),
                *undo,
            )
        case RepairState.NOT_VERIFIED | RepairState.ABORTED:
            return undo
        case _:
            return ()


def of_trouble(incident: Incident, trouble: Trouble) -> tuple[Choice, ...]:
    """A button for each entry; one that lacks parameters asks for them."""
    if not incident.open:
        return ()
    choices = []
    for offer in trouble.offers[:MOST_OFFERED]:
        with_ = "".join(f" {k}={v}" for k, v in offer.parameters.items())
        if offer.missing:
            choices.append(Choice(f"Propose {offer.entry} …", f"propose {offer.entry}", form=True))
        else:
            choices.append(Choice(f"Propose {offer.entry}", f"propose {offer.entry}{with_}"))
    return tuple(choices)


def of_draft(incident: Incident, draft: Draft) -> tuple[Choice, ...]:
    """What may be done about a public message."""
    n = draft.number
    if not draft.open:
        return ()
    decided = incident.announcement is Announcement.YES
    anyway = " anyway" if publishing.warnings(incident, draft) else ""
    approve = (
        Choice(f"Approve{anyway}", f"message approve {n}{mark(draft.digest)}", "primary")
        if decided
        else Choice(f"Announce, and approve this{anyway}", f"announce yes {n}{mark(draft.digest)}", "primary")
    )
    hold = (Choice("Hold", f"message hold {n}"),) if draft.waits else ()
    no = (Choice("No announcement", "announce no"),) if incident.announcement is Announcement.UNDECIDED else ()
    poll = (Choice("Poll", f"poll {n}"),) if draft.waits and decided and draft.polled_until is None else ()
    return (approve, Choice("Edit …", f"message edit {n}", form=True), *hold, *poll, *no)


def of_task(task: Task) -> tuple[Choice, ...]:
    """What its person may say about it."""
    n = task.number
    if task.done_at is not None:
        return ()
    understood = () if task.understood_at else (Choice("Understood", f"ack {n}", "primary"),)
    standby = () if task.spoke_at else (Choice("Standby", f"standby {n}"),)
    return (*understood, Choice("Done …", f"done {n}", form=True), Choice("More time", f"more 5m {n}"), *standby)


def story(incident: Incident, repair: Repair) -> str:
    """One repair action from the words to how it stands, for whoever reads its history."""
    head = f"### {wording.repair_line(repair)}: {repair.state}"
    lines = [*wording.repair_offer(incident, repair).splitlines(), *map(plain, _life(incident, repair))]
    return "\n".join((head, *(f"- {line}" if not line.startswith("> ") else f"\n{line}" for line in lines)))


def _command(incident: Incident) -> Notice:
    text = wording.opening(incident)
    if incident.commander is not None and incident.commanded_since is not None:
        commands = wording.this_is(incident.name(incident.commander), acting=incident.acting)
        return Notice(_lines(text, f"{commands} (since {moment(incident.commanded_since)})"))
    return Notice(text, (TAKE_COMMAND, PAGE_AGAIN) if incident.open else ())


def _announced(incident: Incident) -> Notice:
    """The answer where it was declared: a line per person, then the links, then how it went on."""
    text = declaring.announcement(incident)
    if incident.silent:
        return Notice(text)
    if not incident.open and incident.ended_at is not None:
        return Notice(_lines(text, f"{incident.phase.value.capitalize()} at {moment(incident.ended_at)}."))
    if incident.commander is not None:
        return Notice(_lines(text, wording.roles(incident)))
    return Notice(text, (TAKE_COMMAND,))


def _owed(incident: Incident) -> Notice:
    """What customers are to hear after the call, in sight until it is out or dropped."""
    if incident.open:
        return Notice("Customers hear from us again: the incident is open.")
    if owed := publishing.still_owed(incident):
        drop = Choice("Nothing more …", "customers drop", form=True)
        recovered = () if incident.recovered else (Choice("Everything works again", "recovered", "primary"),)
        lines = "\n".join(f"• {what}" for what in owed)
        return Notice(f"Customers are still owed:\n{lines}", (*recovered, drop))
    if incident.owed_dropped:
        return Notice(
            f"{incident.name(incident.owed_dropped_by)}: customers need nothing more: {incident.owed_dropped}"
        )
    told = any(draft.stage == "resolved" and draft.out_at for draft in incident.drafts.values())
    return Notice("Customers have been told that it is resolved." if told else "Nothing more goes out to customers.")


def _worse_after(incident: Incident) -> Notice:
    """Everybody who responded may go on with it at one press."""
    if incident.open:
        return Notice(f"{incident.worse_after} The incident was reopened.")
    choices = (REOPEN,) if incident.phase in (Phase.RESOLVED, Phase.CANCELLED) else ()
    return Notice(f"{incident.worse_after} Everybody who responded can reopen the incident: `!ic reopen WHY`.", choices)


def _life(incident: Incident, repair: Repair) -> list[str]:
    """Who pressed what, and when."""
    lines = [f"{o.who} objected at {moment(o.at)}: {o.why}" for o in repair.objections]
    if repair.approved_at is not None:
        by = "the runner" if repair.automated else incident.name(repair.owner)
        void = f" Void: {repair.why}." if repair.state is RepairState.VOID else f" Owned by {by}."
        lines.append(f"Approved by {incident.name(repair.approved_by)} at {moment(repair.approved_at)}.{void}")
    if repair.started_at is not None:
        until = repair.time_box_ends if repair.state is RepairState.RUNNING else None
        box = f", time-box until {moment(until)}" if until else ""
        lines.append(f"Running since {moment(repair.started_at)}{box}.")
    if repair.live:
        lines.append(exact(repair.live))
    if repair.ended_at is not None and repair.started_at is not None:
        lines += _said(f"Ended at {moment(repair.ended_at)}", repair.outcome)
    if repair.kept_in:
        lines.append(f"All of its output: {repair.kept_in}")
    if repair.verification:
        lines += _said("Verify", repair.verification)
    if (undone := repairs.undoing(incident, repair.number)) is not None:
        lines.append(f"Repair {undone.number} undoes it: {undone.state}.")
    if repair.state.settled:
        who = f" by {incident.name(repair.settled_by)}" if repair.settled_by else ""
        at = f" at {moment(repair.settled_at)}" if repair.settled_at else ""
        why = f": {repair.why}" if repair.why else "."
        lines.append(f"*{repair.state.value.capitalize()}*{who}{at}{why}")
    return lines


def _said(head: str, text: str) -> list[str]:
    """What a program said: its first line is how it ended, the rest is its output."""
    first, _, output = text.partition("\n")
    return [f"{head}: {first}" if first else f"{head}.", *([exact(output)] if output else [])]


def _draft(incident: Incident, draft: Draft) -> str:
    mind = publishing.warnings(incident, draft) if draft.open else ""
    lines = [_life_on(incident, draft, outlet, version) for outlet, version in draft.versions.items()]
    against = [f"{o.who} objected at {wording.clock(o.at)}: {o.why}" for o in draft.objections]
    return _lines(wording.draft_offer(incident, draft) + mind, *against, *lines)


def _life_on(incident: Incident, draft: Draft, outlet: Outlet, version: Draft | Version) -> str:
    """Who decided what about it on that outlet, and what became of it."""
    on = f"{outlet.label.capitalize()}: " if draft.also else ""
    parts = []
    if version.approved_at is not None:
        parts.append(f"approved by {incident.name(version.approved_by)} at {moment(version.approved_at)}.")
    if version.published_at is not None:
        parts.append(f"out since {moment(version.published_at)}: {version.url}".rstrip(": "))
    if version.state is DraftState.APPROVED and version.delayed:
        parts.append("not out yet: it cannot be reached, and is tried on.")
    parts.append(_AFTERWARDS.get(version.state, ""))
    said = " ".join(part[0].upper() + part[1:] for part in parts if part)
    return f"{on}{said}" if said else ""


def _task(incident: Incident, task: Task) -> str:
    lines = [wording.task_offer(incident, task)]
    if task.done_at is not None:
        lines.append(f"Done at {moment(task.done_at)}{f': {task.result}' if task.result else '.'}")
    elif task.understood_at is not None:
        lines.append(f"Understood at {moment(task.understood_at)}; until {moment(task.due_at)}.")
    return _lines(*lines)


def _handover(incident: Incident, rest: str) -> Notice:
    offer = incident.handover
    if offer is not None and rest == f"{offer.to}/{offer.offered_at:%H%M%S}":
        no = Choice("No", "decline") if offer.asks_a_disrupter else Choice("Decline", "decline")
        yes = Choice("Yes", "accept", "danger") if offer.asks_a_disrupter else ACCEPT
        return Notice(wording.handover_offer(incident, offer), (yes, no))
    person = rest.rpartition("/")[0]
    return Notice(f"Command was offered to {incident.name(person)}; that is settled.")


def _team(incident: Incident, team: SubTeam) -> Notice:
    line = wording.team_line(incident, team)
    if team.closed_at is not None:
        return Notice(_lines(line, f"Closed at {moment(team.closed_at)}{f': {team.result}' if team.result else '.'}"))
    return Notice(line, sub_teams.answers(team))


def _need(incident: Incident, team_id: str) -> Notice:
    team = incident.policy.team(team_id)
    assert team is not None
    if team_id in incident.needs:
        return Notice(f"Somebody from {team.name} is needed.", (Choice(f"Page {team.name}", f"page {team_id}"),))
    return Notice(f"Somebody from {team.name} was needed, and is here.")


def _trigger(incident: Incident, trigger: Trigger) -> str:
    text = f"A further trigger while this incident is open: {trigger.text} ({trigger.source})."
    if trigger.decided_at is None:
        return f"{text} The same trouble, or a separate one? `!ic same {trigger.number}` or `!ic separate {trigger.number}`."
    became = f"incident {trigger.became}" if trigger.became else "the same"
    return f"{text} {incident.name(trigger.decided_by)} said at {moment(trigger.decided_at)}: {became}."


def _of_trigger(incident: Incident, trigger: Trigger) -> tuple[Choice, ...]:
    if trigger.decided_at is not None or not incident.open:
        return ()
    n = trigger.number
    return (Choice("The same", f"same {n}", "primary"), Choice("Separate", f"separate {n}", "danger"))


def settled(about: str, notice: Notice) -> bool:
    """Nothing more will be edited in it."""
    if about == "card" or about.startswith(("announced/", "command", "draft/", "checklist", "owed/")):
        return False  # a message that was approved has still to get out, and may be taken down
    return not notice.choices


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
