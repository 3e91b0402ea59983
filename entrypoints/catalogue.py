"""`ic catalogue`: look at the repair actions of the organisation, and try their checks, without an incident."""

from __future__ import annotations

from incident.catalogue import STEPS, CatalogueEntry, Step
from incident.policy import Organisation
from incident.times import minutes


class NotTried(Exception):
    """The check cannot be tried; the text says why."""


def overview(organisation: Organisation) -> str:
    """A line an entry, by trouble."""
    lines: list[str] = []
    for trouble in dict.fromkeys(entry.trouble for entry in organisation.catalogue):
        lines.append(trouble)
        for entry in (e for e in organisation.catalogue if e.trouble == trouble):
            steps = ", ".join(name for name in STEPS if entry.step(name) is not None)
            lines.append(f"  {entry.id:<20} {entry.title} ({entry.risk} risk; {steps}; runner {entry.runner})")
    return "\n".join(lines) or "The catalogue is empty. docs/repair-actions.md says how to write an entry."


def explained(entry: CatalogueEntry) -> str:
    """One entry in full, as it will be done."""
    lines = [f"{entry.id}: {entry.title}", f"  for        {entry.trouble}", f"  risk       {_risk(entry)}"]
    lines += [f"  owner      {entry.owner}"] if entry.owner else []
    lines += [f"  touches    {entry.service}"] if entry.service else []
    lines.append(f"  runner     {entry.runner}: python -m worker --role runner --environment {entry.runner}")
    lines += [f"  version    {entry.version}"] if entry.version else []
    lines.append(f"  practice   {'carried out' if entry.practice else 'only says what it would do'}")
    for name, parameter in entry.parameters.items():
        usual = f", {parameter.default} if nobody says" if parameter.default is not None else ""
        lines.append(f"  {name:<10} {parameter.may}{usual}")
    for step_name in STEPS:
        step = entry.step(step_name)
        if step is not None:
            lines += [f"  {step_name:<10} {step.shown({})}", *(f"{'':13}{line}" for line in _terms(step))]
    lines += [f"  fallback   {entry.fallback}"] if entry.fallback else []
    return "\n".join(lines)


def _risk(entry: CatalogueEntry) -> str:
    return "high: the IC polls for strong objections first" if entry.risk == "high" else "low"


def _terms(step: Step) -> list[str]:
    if not step.automated:
        return ["by a named person, who says `done N …` or `failed N why`"]
    lines = [f"killed after {minutes(step.time_limit)}" if step.time_limit else "no time limit"]
    if step.environment:
        lines.append(f"may read {', '.join(step.environment)}")
    if step.directory:
        lines.append(f"in {step.directory}")
    if step.expect:
        lines.append("is a success when " + " and ".join(f"{path} is {value}" for path, value in step.expect.items()))
    if step.tries > 1:
        lines.append(f"is tried up to {step.tries} times")
    return lines


async def tried(organisation: Organisation, entry_id: str, given: dict[str, str]) -> tuple[bool, str]:
    """The entry's check, carried out on this machine: whether all is well, and what it said. Raises NotTried."""
    from activities.repair import CHECK_WITHIN  # only here: it imports the SDK of the activities
    from activities.steps import Place, carry_out, machine

    entry = organisation.entry(entry_id)
    if entry is None:
        raise NotTried(f"The catalogue has no {entry_id!r}. `ic catalogue show` lists it.")
    filled = entry.filled(given)
    unknown = {name: value for name, value in given.items() if name not in entry.parameters}
    services = frozenset(service.id for service in organisation.services)
    if (why := entry.refuse({**filled, **unknown}, services)) is not None:
        raise NotTried(why)
    if entry.check is None:
        raise NotTried(f"{entry.id} has no check. Only checks can be tried: everything else needs an incident's IC.")
    if not entry.check.automated:
        raise NotTried(f"The check of {entry.id} is done by hand: {entry.check.shown(filled)}")
    limit = entry.check.time_limit or CHECK_WITHIN
    outcome = await carry_out(entry.check, filled, Place(machine()), limit, lambda _: None)
    return outcome.ok, outcome.text
