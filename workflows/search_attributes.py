"""What incidents can be searched by. Keywords only: SQL visibility holds ten of them.

They are readable by everybody who may list workflows; nothing stands in them that a security incident must hide.
"""

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from incident.declaring import Declaration
from incident.model import Incident

SEVERITY = SearchAttributeKey.for_keyword("DpSeverity")
STATUS = SearchAttributeKey.for_keyword("DpStatus")
COMMANDER = SearchAttributeKey.for_keyword("DpCommander")
SERVICE = SearchAttributeKey.for_keyword("DpService")
ROOM = SearchAttributeKey.for_keyword("DpRoom")
KIND = SearchAttributeKey.for_keyword("DpKind")

ALL = (SEVERITY, STATUS, COMMANDER, SERVICE, ROOM, KIND)


def of_incident(incident: Incident) -> TypedSearchAttributes:
    pairs = [
        SearchAttributePair(KIND, "incident"),
        SearchAttributePair(SEVERITY, incident.severity.value),
        SearchAttributePair(STATUS, incident.phase.value),
        SearchAttributePair(COMMANDER, incident.commander or "nobody"),
    ]
    if incident.service:
        pairs.append(SearchAttributePair(SERVICE, incident.service))
    if incident.room:
        pairs.append(SearchAttributePair(ROOM, incident.room.name))
    return TypedSearchAttributes(pairs)


def of_declaration(declaration: Declaration) -> TypedSearchAttributes:
    """What stands there before a worker has seen it, so that `list` shows it at once."""
    pairs = [
        SearchAttributePair(KIND, "incident"),
        SearchAttributePair(SEVERITY, declaration.severity.value),
        SearchAttributePair(STATUS, "open"),
        SearchAttributePair(COMMANDER, "nobody"),
    ]
    if declaration.service:
        pairs.append(SearchAttributePair(SERVICE, declaration.service))
    return TypedSearchAttributes(pairs)


def of_kind(kind: str) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(KIND, kind)])
