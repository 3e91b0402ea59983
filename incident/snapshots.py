"""The snapshot of an incident: what everybody reads, so that no reader asks a workflow anything.

The incident's workflow saves it after each change. What travels is a JSON Patch (RFC 6902) against the version saved
before, since a whole document at each change would fill the workflow's history.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jsonpatch
from pydantic import TypeAdapter

from incident import texts
from incident.answers import Answers
from incident.model import Incident, Phase

Document = dict[str, Any]
Patch = list[dict[str, Any]]
_INCIDENT = TypeAdapter(Incident)
_OF_THE_WORKFLOW = {"effects", "outbox", "heard", "reported", "spent", "refusals", "times_said"}


@dataclass(frozen=True)
class Version:
    """The workflow's run, and its history's length when the snapshot was taken.

    Within a run a longer history is newer. Event ids begin anew with each run, so a later run always wins.
    """

    run: str
    event: int

    def written(self) -> str:
        """As it stands in the workflow's memo at each answer."""
        return f"{self.run}/{self.event}"

    def knows_of(self, written: object, run: str) -> bool:
        """Whether this version is of `run`, the present one, and at least as new as the last answer there."""
        if self.run != run:
            return False
        of, _, event = str(written).partition("/")
        return of != run or not event.isdecimal() or self.event >= int(event)


@dataclass(frozen=True)
class Save:
    """A new version: the whole `document`, or the `patch` that makes it from version `base`."""

    incident: str
    version: Version
    closed: bool
    document: Document | None = None
    patch: Patch | None = None
    base: Version | None = None


@dataclass(frozen=True)
class Snapshot:
    """An incident as it stood at `version`, saved at `saved_at`; `answers` by their field in the memo."""

    incident: Incident
    answers: dict[str, str]
    version: Version
    saved_at: datetime


def document(incident: Incident, answers: Answers) -> Document:
    """The snapshot as JSON, with the answers that are too long for the memo."""
    whole: Document = _INCIDENT.dump_python(incident, mode="json", exclude=_OF_THE_WORKFLOW)
    long = {name: texts.written(kept.reply.text) for name, kept in answers.kept.items() if answers.cut(name)}
    return {"incident": whole, "answers": long}


def read(found: Document, version: Version, saved_at: datetime) -> Snapshot:
    """The snapshot of a document. Raises ValueError for one that no version of ours wrote."""
    incident = _INCIDENT.validate_python(found["incident"])
    answers = {name: str(texts.read(text)) for name, text in found["answers"].items()}
    return Snapshot(incident, answers, version, saved_at)


def closed(incident: Incident) -> bool:
    return incident.phase is Phase.CLOSED


def difference(before: Document, after: Document) -> Patch:
    patch: Patch = jsonpatch.make_patch(before, after).patch
    return patch


def whole(after: Document) -> Patch:
    """The patch that makes `after` from whatever was there."""
    return [{"op": "replace", "path": "", "value": after}]


def replayed(patches: Iterable[Patch]) -> Document:
    """What the patches make, the first of which is a `whole` one. Raises ValueError where they do not fit."""
    found: Document = {}
    try:
        for patch in patches:
            found = jsonpatch.JsonPatch(patch).apply(found, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as fault:
        raise ValueError(str(fault)) from None
    return found


def patched(before: Document, patch: Patch) -> Document:
    """Raises ValueError where the patch does not fit."""
    try:
        after: Document = jsonpatch.apply_patch(before, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as fault:
        raise ValueError(str(fault)) from None
    return after
