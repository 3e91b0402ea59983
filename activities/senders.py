"""Whom a change in PagerDuty comes from: each needs the e-mail of a user, and that user may be deleted one day."""

from __future__ import annotations

from collections.abc import Collection

from activities.pagerduty import Api, Reply

NOBODY = (1008, 2016)
"""PagerDuty's codes for a From header that is no user's, and for none."""


def change(api: Api, method: str, path: str, body: object, *, sender: str = "") -> Reply:
    """As `sender`, else as whom the pages come from; as anybody when that is nobody any more."""
    reply = api.answer(method, path, body, sender=sender)
    if reply.code in NOBODY and (other := another(api)):
        return api.answer(method, path, body, sender=other)
    return reply


def another(api: Api, but: Collection[str] = ()) -> str:
    """The e-mail of some user whose id is not in `but`; empty when there is none."""
    users = api.ask("GET", "/users", params={"limit": 100})["users"]
    return next((str(u["email"]) for u in users if u.get("email") and u["id"] not in but), "")


def email(api: Api, user: str) -> str:
    """As PagerDuty has it; empty when it does not know them."""
    reply = api.answer("GET", f"/users/{user}") if user else None
    if reply is None or reply.status == 404:
        return ""
    return str(reply.read()["user"].get("email") or "")
