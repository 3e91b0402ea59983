"""Ids, made and read in one place.

An incident's id is two pronounceable words (proquints, 32 bits of the SHA-256 of the declaration's key): the same
key always names the same incident, and the id can be said on a phone at night. Nothing in an id tells what the
incident is about.
"""

from __future__ import annotations

import hashlib
import re

from incident.severity import Role

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
ID = re.compile(r"[a-z]{5}-[a-z]{5}(?:-[a-z]{5})*")


def incident_id(key: str, words: int = 2) -> str:
    """The id of the incident that is declared under `key`. More words only where two keys collide."""
    digest = hashlib.sha256(key.encode()).digest()
    return "-".join(_word(int.from_bytes(digest[2 * i : 2 * i + 2], "big")) for i in range(words))


_COLOURS = (
    "amber",
    "blue",
    "copper",
    "dusty",
    "early",
    "frosty",
    "golden",
    "hazel",
    "ivory",
    "jade",
    "lilac",
    "mellow",
    "olive",
    "quiet",
    "russet",
    "silver",
)
_BIRDS = (
    "avocet",
    "bunting",
    "curlew",
    "dunlin",
    "egret",
    "finch",
    "godwit",
    "heron",
    "ibis",
    "jay",
    "lark",
    "martin",
    "ouzel",
    "plover",
    "rail",
    "siskin",
)


def codename(incident: str) -> str:
    """What a security incident is called where others may read; it tells nothing (process, 1)."""
    digest = hashlib.sha256(f"codename/{incident}".encode()).digest()
    return f"{_COLOURS[digest[0] % 16]} {_BIRDS[digest[1] % 16]}"


def key_mark(key: str) -> str:
    """What is remembered of a key, to tell two keys with the same id apart."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def workflow_id(incident: str) -> str:
    return f"incident-{incident}"


def role_workflow_id(incident: str, role: Role) -> str:
    return f"incident-{incident}/{role}"


def repair_workflow_id(incident: str, number: int) -> str:
    return f"incident-{incident}/repair-{number}"


def sub_team_workflow_id(letter: str) -> str:
    """One for all incidents: a letter is taken while any of them uses it (process, 5)."""
    return f"sub-team-{letter}"


def after_workflow_id(incident: str) -> str:
    return f"incident-{incident}/after"


def history_url(web_ui: str, namespace: str, workflow: str) -> str:
    """Where Temporal's Web UI shows a workflow's history. Nothing without a Web UI."""
    return f"{web_ui.rstrip('/')}/namespaces/{namespace}/workflows/{workflow}" if web_ui else ""


def incident_of(any_workflow_id: str) -> str:
    """The incident's id from its own or any of its children's workflow ids. Raises ValueError for another's."""
    head = any_workflow_id.split("/", 1)[0]
    if not head.startswith("incident-") or not ID.fullmatch(head.removeprefix("incident-")):
        raise ValueError(f"{any_workflow_id!r} is not a workflow of an incident")
    return head.removeprefix("incident-")


def repair_number_of(repair_workflow: str) -> int:
    """3 from `incident-ID/repair-3`, or from `incident-ID/repair-3/…` where that was taken. Raises ValueError."""
    match = re.fullmatch(r"incident-[a-z-]+/repair-([0-9]{1,6})(?:/[0-9a-f]+)?", repair_workflow)
    if match is None:
        raise ValueError(f"{repair_workflow!r} is not a repair action's workflow")
    return int(match[1])


def room_name(incident: str, *, moved: bool = False) -> str:
    """`moved`: the private room that a security incident went to."""
    return f"inc-{incident}-private" if moved else f"inc-{incident}"


def page_key(incident: str, round_: str, target: str) -> str:
    """PagerDuty's `incident_key` of one page: one target, one round, one page."""
    return f"incident-{incident}/page/{round_}/{target}"


def _word(number: int) -> str:
    c, v = _CONSONANTS, _VOWELS
    return c[number >> 12 & 15] + v[number >> 10 & 3] + c[number >> 6 & 15] + v[number >> 4 & 3] + c[number & 15]
