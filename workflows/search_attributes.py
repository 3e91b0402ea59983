"""What incidents can be searched by. Keywords only: SQL visibility holds ten of them.

They are readable by everybody who may list workflows; nothing stands in them that a security incident must hide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

if TYPE_CHECKING:
    from incident.declaring import Declaration
    from incident.model import Incident

SEVERITY = SearchAttributeKey.for_keyword("DpSeverity")
STATUS = SearchAttributeKey.for_keyword("DpStatus")
COMMANDER = SearchAttributeKey.for_keyword("DpCommander")
SERVICE = SearchAttributeKey.for_keyword("DpService")
ROOM = SearchAttributeKey.for_keyword("DpRoom")
KIND = SearchAttributeKey.for_keyword("DpKind")

INCIDENT, SECRET = "incident", "security incident"
ALL = (SEVERITY, STATUS, COMMANDER, SERVICE, ROOM, KIND)


def of_incident(incident: Incident) -> TypedSearchAttributes:
    """Of a security incident neither service nor anybody's name."""
    pairs = [
        SearchAttributePair(KIND, SECRET if incident.silent else INCIDENT),
        SearchAttributePair(SEVERITY, incident.severity.value),
        SearchAttributePair(STATUS, incident.phase.value),
    ]
    if not incident.silent:
        pairs.append(SearchAttributePair(COMMANDER, incident.commander or "nobody"))
    if incident.service and not incident.silent:
        pairs.append(SearchAttributePair(SERVICE, incident.service))
    if incident.room:
        pairs.append(SearchAttributePair(ROOM, incident.room.name))
    return TypedSearchAttributes(pairs)


def changed(before: TypedSearchAttributes | None, after: TypedSearchAttributes) -> list[SearchAttributeUpdate[str]]:
    """What to upsert; a key that has no value any more is unset."""
    gone = [key for key in ALL if before is not None and before.get(key) is not None and after.get(key) is None]
    return [*(pair.key.value_set(pair.value) for pair in after), *(key.value_unset() for key in gone)]


def of_declaration(declaration: Declaration) -> TypedSearchAttributes:
    """What stands there before a worker has seen it, so that `list` shows it at once."""
    pairs = [
        SearchAttributePair(KIND, SECRET if declaration.security else INCIDENT),
        SearchAttributePair(SEVERITY, declaration.severity.value),
        SearchAttributePair(STATUS, "open"),
    ]
    if not declaration.security:
        pairs.append(SearchAttributePair(COMMANDER, "nobody"))
    if declaration.service:
        pairs.append(SearchAttributePair(SERVICE, declaration.service))
    return TypedSearchAttributes(pairs)


def of_kind(kind: str) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(KIND, kind)])
