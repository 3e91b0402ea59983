"""The sections of a postmortem that people write: what they wrote, and what is known without them (process, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from incident import figures, wording
from incident.model import Incident, RepairState


@dataclass(frozen=True)
class Section:
    """`one` text, of which the newest counts, or a list of them. `asked` is what its writer answers."""

    id: str
    heading: str
    asked: str
    one: bool = False
    required: bool = True


SECTIONS = (
    Section("overview", "Overview", "the incident in two sentences", one=True, required=False),
    Section("what", "What happened", "what happened, for somebody who was not there", one=True),
    Section("factor", "Contributing factors", "something that contributed to it"),
    Section("resolution", "Resolution", "what ended it", one=True),
    Section("impact", "Impact in numbers", "who was affected, how many, for how long"),
    Section("well", "What went well", "something that went well"),
    Section("badly", "What did not go so well", "something that did not go so well"),
    Section("lesson", "What we learned", "something we learned"),
    Section("external", "External message", "what customers read about it afterwards", one=True, required=False),
)
BY_ID = {section.id: section for section in SECTIONS}


def texts(incident: Incident, section: Section) -> list[str]:
    """What people wrote; where they wrote nothing, or it is a list, what is known as well."""
    written = [entry.text for entry in incident.sections.get(section.id, [])]
    if section.one:
        return written[-1:] or list(_known(incident, section.id))
    return list(dict.fromkeys([*_known(incident, section.id), *written]))


def missing(incident: Incident) -> list[Section]:
    """What has to be in it and is not known yet."""
    return [section for section in SECTIONS if section.required and not texts(incident, section)]


def _known(incident: Incident, id: str) -> Iterator[str]:
    facts = incident.facts
    match id:
        case "overview":
            yield wording.executive_summary(wording.picture(incident), incident.ended_at or incident.declared_at)
        case "what" if facts.cause:
            seen = "; ".join(facts.symptoms) or incident.title
            yield f"{seen.rstrip('.')}. The cause: {facts.cause.rstrip('.')}."
        case "factor" if facts.cause:
            yield facts.cause
        case "resolution":
            worked = [r.title for r in incident.repairs.values() if r.state is RepairState.VERIFIED]
            if worked:
                yield f"{'; '.join(worked)}."
        case "impact":
            yield from _impact(incident)
        case "external":
            out = [draft for draft in incident.drafts.values() if draft.out_at and draft.stage == "resolved"]
            if out:
                yield out[-1].text


def _impact(incident: Incident) -> Iterator[str]:
    facts, times = incident.facts, figures.times(incident)
    if facts.impact:
        yield facts.impact
    if facts.customers_reporting:
        yield f"{facts.customers_reporting} customers reported it."
    if incident.lost:
        yield f"Lost: {incident.lost}."
    if (facts.impact or facts.customers_reporting) and incident.ended_at is not None:
        yield f"It lasted {wording.minutes(incident.ended_at - incident.declared_at)}."
    first = times.public
    if first is not None:
        yield f"Customers first heard of it after {wording.minutes(first)}."
