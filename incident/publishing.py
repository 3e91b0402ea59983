"""Public messages between the draft and the outlet (process, 5)."""

from __future__ import annotations

import re
from datetime import datetime

from incident import wording
from incident.model import Announcement, Draft, DraftState, Incident, Phase
from incident.policy import Policy
from incident.proof import Signed

LONGEST = 5000
"""Characters that the status page takes."""
_PROMISED_TIME = re.compile(
    r"\b(by|before|within|at|in)\s+(\d{1,2}[:.]\d{2}|\d+\s*(min|minutes|h|hours?))\b", re.IGNORECASE
)
_NEXT_MESSAGE = re.compile(r"\b(more|news|updates?)\s+(by|at|before)\s+[^.]*", re.IGNORECASE)
_HOST = re.compile(
    r"\b[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.(?:internal|local|lan|corp|example\.(?:com|net))\b", re.IGNORECASE
)


def decide_to_announce(incident: Incident, person: str, now: datetime) -> None:
    incident.announcement = Announcement.YES
    incident.announced_at = now
    incident.log("decision", "announce publicly", now, who=person)
    incident.say("The IC decides: we announce it publicly.", now)


def outlets(policy: Policy) -> list[tuple[str, int]]:
    """Where a public message goes, and how many characters each takes."""
    return [("Status page", LONGEST)] if policy.status_page.page else []


def refuse_text(text: str) -> str | None:
    """Too long is refused, never cut."""
    if not text.strip():
        return "There is nothing in it."
    return f"That has {len(text)} characters; the status page takes {LONGEST}." if len(text) > LONGEST else None


def marked(incident: Incident, text: str) -> str:
    """In practice every public message begins PRACTICE."""
    if incident.practice and not text.startswith("PRACTICE"):
        return f"PRACTICE {text}"
    return text


def warning(text: str) -> str:
    """Promised times and host names in a draft: a warning, not a refusal."""
    found = []
    body = _NEXT_MESSAGE.sub("", text)
    if match := _PROMISED_TIME.search(body):
        found.append(f"it promises a time ({match[0]!r})")
    if match := _HOST.search(body):
        found.append(f"it names a host ({match[0]!r})")
    return f" Mind: {' and '.join(found)}." if found else ""


def offer(incident: Incident, stage: str, text: str, made_by: str, now: datetime, due_at: datetime | None) -> Draft:
    """A draft for the IC. An older one that still waits is superseded: its facts are older."""
    for older in incident.drafts.values():
        if older.state is DraftState.WAITING:
            older.state = DraftState.SUPERSEDED
    number = incident.next_number()
    draft = Draft(number, stage, marked(incident, text), now, made_by, due_at)
    incident.drafts[number] = draft
    incident.say(wording.draft_offer(incident, draft) + warning(draft.text), now, about=f"draft/{number}")
    incident.log("message", f"draft {number} ({stage})", now, who=made_by)
    return draft


def approve(incident: Incident, draft: Draft, person: str, now: datetime, signed: Signed | None = None) -> None:
    """From here on the text is fixed; the customer liaison sends it, with the approval as it was `signed`."""
    draft.approval = signed
    draft.state = DraftState.APPROVED
    draft.approved_by = person
    draft.approved_at = now
    incident.log("message", f"{draft.number} approved: {draft.text}", now, who=person)


def wanted(incident: Incident, stage: str) -> bool:
    """A draft that was under way when the call ended is wanted only if it is the last one."""
    return incident.open or (incident.phase is Phase.RESOLVED and stage in ("resolved", "monitoring"))


def next_promise(incident: Incident, out_at: datetime) -> datetime:
    """When the next message is due if one goes out at `out_at`: the scope after the first, then the rhythm."""
    rules = incident.policy.customers
    first = not any(draft.published_at for draft in incident.drafts.values())
    return out_at + (rules.scope_within if first else rules.every)
