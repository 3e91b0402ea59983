"""PagerDuty's error object, and what a request must look like before it is looked at any further."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from emulators.store import Document

INVALID = "Invalid Input Provided"
MOST_A_PAGE = 100
FURTHEST = 10_000
URGENCIES = ("high", "low")
STATUSES = ("triggered", "acknowledged", "resolved")


class Fault(Exception):
    """An HTTP status with PagerDuty's error object."""

    def __init__(self, status: int, message: str, code: int, *errors: str) -> None:
        self.status = status
        self.body = {"error": {"message": message, "code": code, "errors": list(errors)}}
        super().__init__(message)


def invalid(*errors: str) -> Fault:
    return Fault(400, INVALID, 2001, *errors)


def not_found() -> Fault:
    return Fault(404, "Not Found", 2100)


def wrapped(given: Document, name: str) -> Document:
    """The object under `name`, in which PagerDuty wraps what is sent."""
    found = given.get(name)
    if not isinstance(found, dict):
        raise invalid(f"{name.capitalize()} is required")
    return found


def listed(given: Document, name: str) -> list[Any]:
    found = given.get(name)
    if not isinstance(found, list) or not found:
        raise invalid(f"{name.capitalize()} must be a list that is not empty")
    return found


def text(given: Document, name: str) -> str:
    found = given.get(name)
    if not isinstance(found, str) or not found.strip():
        raise invalid(f"{name.capitalize()} cannot be empty.")
    return found


def referred(given: object, kind: str) -> str:
    """The id in a reference, which says its type."""
    if not isinstance(given, dict) or given.get("type") not in (kind, f"{kind}_reference"):
        raise invalid(f"{kind.capitalize()} must be a reference with its type")
    return str(given.get("id") or "")


def assignees(asked: Document) -> list[str]:
    given = asked.get("assignments") or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise invalid("Assignments must be a list of assignees")
    return [referred(one.get("assignee"), "user") for one in given]


def check_values(asked: Document) -> None:
    """What an incident may be given, whether it is opened or changed."""
    if asked.get("urgency") not in (None, *URGENCIES):
        raise invalid("Urgency must be high or low")
    if asked.get("assignments") and asked.get("escalation_policy"):
        raise invalid("Assignments and an escalation policy cannot be given together")
    if "title" in asked:
        text(asked, "title")
    bridge = asked.get("conference_bridge")
    if bridge is not None and not (isinstance(bridge, dict) and all(isinstance(v, str) for v in bridge.values())):
        raise invalid("Conference bridge must have a number, an URL, or both")
    body = asked.get("body")
    if body is not None and not (
        isinstance(body, dict) and body.get("type") == "incident_body" and isinstance(body.get("details", ""), str)
    ):
        raise invalid("Body must be an incident body with a text")


def page_of(request: web.Request, name: str, items: list[Any]) -> Document:
    """Classic pagination."""
    try:
        limit, offset = int(request.query.get("limit", 25)), int(request.query.get("offset", 0))
    except ValueError:
        raise Fault(400, "Arguments Caused Error", 2002, "Limit and offset must be numbers") from None
    if limit < 1 or offset < 0 or limit + offset > FURTHEST:
        raise Fault(400, "Arguments Caused Error", 2002, f"Offset and limit together cannot exceed {FURTHEST}")
    limit = min(limit, MOST_A_PAGE)
    more = len(items) > offset + limit
    return {name: items[offset : offset + limit], "limit": limit, "offset": offset, "more": more, "total": None}
