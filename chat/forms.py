"""Slack's forms: each gathers one command, which is then judged like any other.

A form's fields are blocks whose `block_id` is the field's name; `meant` reads what was filled in. What cannot be read
raises `Wrong`, which is shown in the form.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    NumberInputElement,
    Option,
    RadioButtonsElement,
)
from slack_sdk.models.views import View

from chat.fields import (
    Given,
    Wrong,
    choice_field,
    first_input,
    input_field,
    needed,
    person_field,
    says,
    text_field,
    tick_field,
    values,
)
from incident import grammar, postmortem_sections, publishing, text_warnings, wording
from incident.catalogue import CatalogueEntry, Parameter
from incident.commands import Command
from incident.commands.correcting import SetService
from incident.commands.deciding import Approve
from incident.commands.disrupting import Challenge
from incident.commands.ending import NamePostmortemOwner, Resolve
from incident.commands.informing import OwnWords
from incident.commands.knowing import Can, SetSeverity
from incident.commands.leading import Handover
from incident.commands.messaging import STAGES, EditMessage, WriteDraft
from incident.commands.proposing import NameTrouble, Propose
from incident.commands.tasking import AssignTask
from incident.customers import Stage
from incident.model import Incident
from incident.opening import Opening
from incident.outlets import Outlet
from incident.policy import Policy
from incident.severity import Severity
from incident.words import Unreadable, Words

OWN_WORDS = "in-own-words"
FORM = "form"


@dataclass(frozen=True)
class About:
    """What a form is about; it travels in the form itself. `words` is the beginning of the command, e.g. `reject 3`."""

    form: str
    incident: str = ""
    words: str = ""
    channel: str = ""

    def written(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def read(text: str) -> About:
        return About(**json.loads(text))


class Form(ABC):
    """One command's form."""

    title: ClassVar[str]
    submit: ClassVar[str] = "Send"

    @abstractmethod
    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        """The blocks, with what is known of it (`given`) filled in."""

    @abstractmethod
    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        """What it says, in order. Raises Wrong, or Unreadable for the first field."""

    def known(self, about: About, incident: Incident) -> dict[str, str]:
        """What the incident already knows to fill in."""
        return {}


# -- the forms ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextForm(Form):
    """A command that is its beginning and a text."""

    title: str  # type: ignore[misc]  # each has its own
    label: str
    optional: bool = False
    between: str = ""

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        return [text_field("text", self.label, given.get("text", ""), lines=True, optional=self.optional)]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        text = given.get("text", "").strip()
        # The colon parts the number from a text such as "3 hosts restarted".
        begun = f"{about.words}:" if text and about.words[-1:].isdecimal() else about.words
        said = grammar.read(" ".join(w for w in (begun, self.between if text else "", text) if w), policy, exact=True)
        assert isinstance(said, Command)
        return [said]


class DeclareForm(Form):
    title = "Declare an incident"
    submit = "Declare"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        severities = _severities()
        services = {service.id: service.name for service in policy.services}
        chosen = [choice_field("service", "Service", services, optional=True)] if services else []
        return [
            text_field("title", "What is wrong?", given.get("title", ""), hint="One sentence is enough."),
            choice_field("severity", "Severity", severities, "SEV-2", hint="If unsure, pick the more severe."),
            says(wording.severities(policy)),
            *chosen,
            tick_field("security", "Security", "Keep it secret: an attack, or data that leaked"),
        ]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        title = needed(given, "title", "Say in a sentence what is wrong.")
        severity = Severity(given.get("severity", "SEV-2"))
        return [Opening(title, severity, given.get("service", ""), security="security" in given)]


def _severities() -> dict[str, str]:
    return {s.value: f"{s.value}{' (worst)' if s is Severity.SEV1 else ''}" for s in Severity}


class SeverityForm(Form):
    title = "Change the severity"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        return [
            choice_field("severity", "Severity", _severities(), given.get("severity", "")),
            says(wording.severities(policy)),
            text_field("why", "Why?", optional=True),
        ]

    def known(self, about: About, incident: Incident) -> dict[str, str]:
        return {"severity": incident.severity}

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        severity = Severity(needed(given, "severity", "Choose one."))
        return [SetSeverity(severity, given.get("why", "").strip())]


class ProposeForm(Form):
    title = "Propose a repair"
    submit = "Propose"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        entries = {entry.id: f"{entry.trouble}: {entry.title}" for entry in policy.catalogue}
        chosen = given.get("entry", OWN_WORDS if "text" in given or not entries else next(iter(entries)))
        entry = policy.entry(chosen)
        own = {OWN_WORDS: "In my own words"}
        blocks: list[Block] = [choice_field("entry", "From the catalogue", entries | own, chosen, live=True)]
        if entry is None:
            blocks.append(text_field("text", "What to do", given.get("text", ""), lines=True))
        else:
            services = {s.id: s.name for s in policy.services}
            # Another entry's parameter of the same name is another field.
            blocks += [
                self._parameter(f"{name}:{entry.id}", name, p, services, given) for name, p in entry.parameters.items()
            ]
        risk = given.get("risk", entry.risk if entry else "high")
        blocks += [
            choice_field("risk", "Risk", {"low": "low", "high": "high: the IC asks for objections"}, risk),
            text_field("fallback", "Fallback", given.get("fallback", entry.fallback if entry else ""), optional=True),
        ]
        return blocks

    def known(self, about: About, incident: Incident) -> dict[str, str]:
        """`propose ENTRY` begins with that entry; what is usual for the incident is filled in."""
        _, _, entry_id = about.words.partition(" ")
        entry = incident.policy.entry(entry_id)
        return {"entry": entry.id, **entry.filled({}, incident.service)} if entry else {}

    def _parameter(
        self, id: str, name: str, parameter: Parameter, services: Mapping[str, str], given: Given
    ) -> InputBlock:
        value = given.get(name, parameter.default or "")
        match parameter.kind:
            case "integer":
                element = NumberInputElement(
                    is_decimal_allowed=False,
                    min_value=str(parameter.minimum),
                    max_value=str(parameter.maximum),
                    initial_value=value or None,
                )
                return input_field(id, name, element, hint=f"{parameter.minimum} to {parameter.maximum}")
            case "one-of":
                return choice_field(id, name, {c: c for c in parameter.choices}, value)
            case "service":
                return choice_field(id, name, services, value)
            case _:
                return text_field(id, name, value)

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        risk, fallback = given.get("risk", ""), given.get("fallback", "").strip()
        entry = policy.entry(given.get("entry", ""))
        if entry is None:
            text = needed(given, "text", "Say what to do.")
            return [Propose("", {}, text, risk, fallback)]
        return [Propose(entry.id, self._parameters(entry, policy, given), "", risk, fallback)]

    def _parameters(self, entry: CatalogueEntry, policy: Policy, given: Given) -> dict[str, str]:
        filled = {}
        services = frozenset(service.id for service in policy.services)
        for name, parameter in entry.parameters.items():
            value = given.get(name, parameter.default or "").strip()
            fault = parameter.refuse(value, services) if value else "is missing"
            if fault:
                raise Wrong(f"{name}:{entry.id}", f"{name} {fault}.")
            filled[name] = value
        return filled


class TroubleForm(Form):
    title = "Name the trouble"
    submit = "Look"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        troubles = {entry.trouble: entry.trouble for entry in policy.catalogue} or {"none": "the catalogue is empty"}
        hint = "What the catalogue has for it is offered, with the answers of its checks. Nothing is repaired."
        return [choice_field("name", "What is the trouble?", troubles, given.get("name", ""), hint=hint)]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        return [NameTrouble(needed(given, "name", "Choose one."))]


class CanForm(Form):
    title = "CAN report"
    submit = "Report"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        return [
            text_field("conditions", "Conditions: what do you see?", given.get("conditions", ""), lines=True),
            text_field("actions", "Actions: what are you doing?", given.get("actions", ""), lines=True),
            text_field("needs", "Needs: what do you need?", given.get("needs", "nothing"), lines=True),
        ]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        parts = [needed(given, part, "Say something here.") for part in ("conditions", "actions", "needs")]
        return [Can(" / ".join(part.replace(" / ", "/") for part in parts))]


class ServiceForm(Form):
    title = "Which service is it?"
    submit = "Set it"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        services = {s.id: s.name for s in policy.services} or {"none": "none is known"}
        return [choice_field("service", "Service", services, given.get("service", ""))]

    def known(self, about: About, incident: Incident) -> dict[str, str]:
        return {"service": incident.service} if incident.service else {}

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        return [SetService(needed(given, "service", "Choose one."))]


class ChallengeForm(Form):
    title = "Somebody disrupts"
    submit = "Ask them"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        hint = "They're asked in the channel whether they wish to take command. Yes hands it over."
        return [person_field("person", "Who?", hint=hint)]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        return [Challenge(needed(given, "person", "Say who."))]


class TaskForm(Form):
    title = "Give a task"
    submit = "Give it"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        minutes = NumberInputElement(is_decimal_allowed=False, min_value="1", max_value="1440", initial_value="10")
        return [
            person_field("person", "To one named person"),
            input_field("minutes", "Minutes", minutes),
            text_field("text", "What to do, or to find out", given.get("text", ""), lines=True),
        ]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        minutes = given.get("minutes", "")
        if not minutes.isdecimal():
            raise Wrong("minutes", "Give it a whole number of minutes.")
        person = needed(given, "person", "A task goes to one named person.")
        return [AssignTask(person, int(minutes), needed(given, "text", "Say what to do."))]


class ApproveForm(Form):
    title = "Approve a repair"
    submit = "Approve"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        return [person_field("owner", "Who does it?", hint="A manual action has one owner, and that is never the IC.")]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        owner = needed(given, "owner", "A manual action needs an owner.")
        words = Words(about.words.removeprefix("approve").removesuffix("--also"))
        number, digest = words.take_number(), words.maybe_mark()
        return [Approve(number, owner, about.words.endswith("--also"), digest)]


class MessageForm(Form):
    """Counts each outlet's characters while one types, as that outlet counts: what is too long is refused, never cut."""

    title = "Customer message"
    submit = "To the IC"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        stage = given.get("stage", "")
        stages = (
            [choice_field("stage", "Stage", {s: s for s in STAGES}, stage or STAGES[0])] if not about.words[5:] else []
        )
        first, *others = publishing.outlets(policy)
        text = given.get("text", "")
        blocks: list[Block] = [
            *stages,
            text_field(
                "text", f"On {publishing.the(first)}, exactly as customers read it", text, lines=True, live=True
            ),
            says(_counted(first, text)),
        ]
        for outlet in others:
            short = given.get(outlet, "")
            label = f"On {publishing.the(outlet)}, exactly as customers read it"
            blocks += [
                text_field(outlet, label, short, lines=True, live=True, optional=True),
                says(_counted(outlet, short), outlet),
            ]
        return blocks

    def known(self, about: About, incident: Incident) -> dict[str, str]:
        if number := _number(about.words):
            draft = incident.drafts.get(number)
            if draft is None:
                return {}
            return {"text": draft.text, **{outlet: version.text for outlet, version in draft.also.items()}}
        stage: Stage = "identified" if incident.facts.cause else "investigating"
        due = publishing.next_promise(incident, incident.declared_at) if incident.drafts else None
        (_, text), *others = publishing.compose(incident, stage, due).items()
        return {"stage": stage, "text": text, **dict(others)}

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        text = needed(given, "text", "There is nothing in it.")
        first, *others = publishing.outlets(policy)
        texts: dict[str, tuple[Outlet, str]] = {"text": (first, text)}
        texts |= {o.value: (o, given[o].strip()) for o in others if given.get(o, "").strip()}
        for field, (outlet, words) in texts.items():
            if fault := publishing.refuse_text(outlet, words):
                raise Wrong(field, fault)
        if number := _number(about.words):
            return [EditMessage(number, words, outlet) for outlet, words in texts.values()]
        stage: Any = given.get("stage", STAGES[0])
        return [WriteDraft(stage, text, given.get(Outlet.X, "").strip() if Outlet.X in others else "")]


def _counted(outlet: Outlet, text: str) -> str:
    return f"{outlet.length(text)} of {outlet.limit} characters{text_warnings.warning(text)}"


class SummaryForm(Form):
    title = "Executive summary"
    submit = "Use my words"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        text, at_most = given.get("text", ""), policy.executives.own_words_at_most
        return [
            text_field("text", "What the next summary says", text, lines=True, live=True),
            says(
                f"{len(text)} of {at_most} characters, behind severity, impact and link. Left alone, it goes out as composed."
            ),
        ]

    def known(self, about: About, incident: Incident) -> dict[str, str]:
        return {"text": incident.own_words} if incident.own_words else {}

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        return [OwnWords(needed(given, "text", "There is nothing in it."))]


class HandoverForm(Form):
    title = "Hand over command"
    submit = "Offer it"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        return [
            person_field("to", "To whom?", hint="It passes when they accept; until then you command."),
            tick_field("confirmed", "Not IC-trained?", "I mean it all the same"),
        ]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        return [Handover(needed(given, "to", "Say who shall command."), "confirmed" in given)]


class ResolveForm(Form):
    title = "Resolve the incident"
    submit = "Resolve"

    def fields(self, about: About, policy: Policy, given: Given) -> list[Block]:
        states = [
            Option(value="recovered", label="Recovered"),
            Option(value="recovering", label="Recovering, nothing productive left to do"),
        ]
        return [
            input_field("state", "How does it stand?", RadioButtonsElement(options=states, initial_option=states[0])),
            text_field(
                "lost", "What was lost, if anything", optional=True, hint="It stands in the last public message."
            ),
            person_field("owner", "Who writes the postmortem?", optional=True),
            tick_field("insist", "Open ends", "Close it although something is still open"),
        ]

    def meant(self, about: About, policy: Policy, given: Given) -> list[Command | Opening]:
        recovered, lost = given.get("state") == "recovered", given.get("lost", "").strip()
        if lost and not recovered:
            raise Wrong("lost", "What was lost is said with the full recovery.")
        owner = given.get("owner")
        named: list[Command | Opening] = [NamePostmortemOwner(owner)] if owner else []
        return [Resolve("insist" in given, recovered, lost), *named]


FORMS: Mapping[str, Form] = {
    "declare": DeclareForm(),
    "propose": ProposeForm(),
    "trouble": TroubleForm(),
    "task": TaskForm(),
    "approve": ApproveForm(),
    "draft": MessageForm(),
    "message edit": MessageForm(),
    "update": SummaryForm(),
    "handover": HandoverForm(),
    "resolve": ResolveForm(),
    "sev": SeverityForm(),
    "reject": TextForm("Reject a repair", "Why?"),
    "object": TextForm("Object to a repair", "Why?"),
    "stop": TextForm("Stop a repair", "Why must it stop?"),
    "failed": TextForm("It failed", "Why?"),
    "can": CanForm(),
    "service": ServiceForm(),
    "challenge": ChallengeForm(),
    "title": TextForm("Correct the title", "What is it called?"),
    "started": TextForm("When did it begin?", "13:40, 2026-03-02 13:40 UTC, or 20m ago"),
    "workaround": TextForm("Workaround", "What can customers do meanwhile?"),
    "remove": TextForm("Remove from the incident", "Why? They read it.", optional=True),
    "team close": TextForm("Close the sub-team", "What came out?", optional=True),
    "done": TextForm("Done", "What came out?", optional=True),
    "join": TextForm("Check in", "What are you expert in?", optional=True, between="as"),
    "finding": TextForm("Report a finding", "What did you find out?"),
    "note": TextForm("Note", "For the timeline"),
    "todo": TextForm("Follow-up", "What has to be done after the incident?"),
    "customers drop": TextForm("Nothing more to say", "Why do customers need nothing more?"),
    "followup": TextForm("Follow-up", "What came out?", optional=True),
    **{
        f"postmortem {section.id}": TextForm(section.heading[:24], section.asked.capitalize())
        for section in postmortem_sections.SECTIONS
    },
    "retro": TextForm("Looking back", "What helped in the response, what hindered?"),
    "brief": TextForm("Brief the room", "Your update for the room", optional=True),
}


def named(words: str) -> str:
    """The name of the form that `words` begin; empty when there is none."""
    for length in (2, 1):
        name = " ".join(words.split()[:length])
        if name in FORMS:
            return name
    return ""


def typed(about: About) -> str:
    """The line that says the same, for whoever cannot open the form."""
    words = about.words.split()
    verb = " ".join(word for word in words if not word.lstrip("#").isdigit()) or about.form
    usages = [usage for usage, _, _ in grammar.usage_lines() if f"{usage} ".startswith(f"{verb} ")]
    if not usages:
        return about.words
    number = next((word for word in words if word.isdigit()), "")
    return usages[0].replace(" [N]", f" {number}", 1).replace(" N", f" {number}", 1) if number else usages[0]


def view(about: About, policy: Policy, given: Given | None = None) -> dict[str, Any]:
    """The form as Slack opens it."""
    form = FORMS[about.form]
    made = View(
        type="modal",
        callback_id=FORM,
        title=form.title,
        submit=form.submit,
        close="Cancel",
        private_metadata=about.written(),
        blocks=form.fields(about, policy, given or {}),
    )
    made.validate_json()
    return dict(made.to_dict())


def _number(words: str) -> int | None:
    last = words.split()[-1] if words else ""
    return int(last) if last.isdecimal() else None


Kind = Literal["modal"]
__all__ = ["FORMS", "About", "Form", "Unreadable", "Wrong", "first_input", "named", "values", "view"]
