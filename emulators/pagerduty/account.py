"""The PagerDuty account: incidents and what happens to them, apart from how they are asked for."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any

from emulators.pagerduty.webhooks import Webhooks, shown
from emulators.store import Document, Store
from emulators.world import EscalationPolicy, Named, User, World

OPEN = ("triggered", "acknowledged")
DUPLICATE = "Open incident with matching dedup key already exists on this service"


class Fault(Exception):
    """An HTTP status with PagerDuty's error object."""

    def __init__(self, status: int, message: str, code: int, *errors: str) -> None:
        self.status = status
        self.body = {"error": {"message": message, "code": code, "errors": list(errors)}}
        super().__init__(message)


class Account:
    def __init__(self, world: World, store: Store) -> None:
        self.world = world
        self.incidents = store.table("pagerduty.incidents")
        self.entries = store.table("pagerduty.log_entries")
        self.levels: dict[str, list[str]] = {}
        self.acknowledges_after: dict[str, float | None] = {}
        self.impacted: set[str] = set()
        self._numbers = itertools.count(len(self.incidents) + 1)
        self._by_key = {i["incident_key"]: i["id"] for i in self.incidents.values()}
        self._timers: set[asyncio.TimerHandle] = set()
        self.changed = asyncio.Event()
        self.webhooks = Webhooks()
        self.forget()

    def forget(self) -> None:
        """Back to who is on call, and who acknowledges by themselves, as in the file."""
        self.levels = {policy.id: list(policy.levels) for policy in self.world.escalation_policies}
        self.acknowledges_after = {u.pagerduty: u.acknowledges_after for u in self.world.users if u.pagerduty}
        self.impacted = set()
        self._by_key = {i["incident_key"]: i["id"] for i in self.incidents.values()}
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def note(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    # -- looking up -----------------------------------------------------------------------------------

    def incident(self, id: str) -> Document:
        found = self.incidents.get(id) or self.incidents.get(self._by_key.get(id, ""))
        if found is None:
            raise Fault(404, "Not Found", 2100)
        return found

    def user(self, id: str) -> User:
        found = self.world.by_pagerduty(id)
        if found is None:
            raise Fault(404, "Not Found", 2100)
        return found

    def policy(self, id: str) -> EscalationPolicy:
        found = next((p for p in self.world.escalation_policies if p.id == id), None)
        if found is None:
            raise Fault(404, "Not Found", 2100)
        return found

    def service(self, id: str) -> Named:
        found = next((s for s in self.world.services if s.id == id), None)
        if found is None:
            raise Fault(404, "Not Found", 2100)
        return found

    # -- what happens ---------------------------------------------------------------------------------

    def impact(self, business_service: str, *, impacted: bool) -> None:
        """Somebody says by hand whether it is impacted."""
        if business_service not in {service.id for service in self.world.business_services}:
            raise Fault(404, "Not Found", 2100)
        (self.impacted.add if impacted else self.impacted.discard)(business_service)
        self.note()

    def open(self, asked: Document, base: str) -> Document:
        """A new incident. A key that is open already is refused, as PagerDuty does."""
        key = str(asked.get("incident_key") or "")
        if key and self._by_key.get(key) and self.incident(key)["status"] in OPEN:
            raise Fault(400, "Invalid Input Provided", 2001, DUPLICATE)
        if not asked.get("title"):
            raise Fault(400, "Invalid Input Provided", 2001, "Title cannot be empty.")
        service = self._given(asked, "service", self.service)
        number = next(self._numbers)
        id = f"Q{number:013d}"
        policy = self.policy((asked.get("escalation_policy") or {}).get("id") or service.escalation_policy)
        assignees = [self._given(a, "assignee", self.user).pagerduty for a in asked.get("assignments") or ()]
        at = _now()
        incident: Document = {
            "id": id,
            "type": "incident",
            "summary": f"[#{number}] {asked['title']}",
            "self": f"{base}/incidents/{id}",
            "html_url": f"{base.removesuffix('/pagerduty')}/#pagerduty/{id}",
            "incident_number": number,
            "title": str(asked["title"]),
            "created_at": at,
            "updated_at": at,
            "status": "triggered",
            "incident_key": key or f"generated-{number}",
            "service": reference("service", service.id, service.name, base),
            "assignments": [],
            "assigned_via": "direct_assignment" if assignees else "escalation_policy",
            "last_status_change_at": at,
            "escalation_policy": reference("escalation_policy", policy.id, policy.name, base),
            "teams": [],
            "pending_actions": [],
            "acknowledgements": [],
            "urgency": asked.get("urgency") or "high",
            "is_mergeable": True,
            "alert_counts": {"all": 0, "triggered": 0, "resolved": 0},
            "notes": [],
            "subscribers": [],
            "responders": [],
            "body": (asked.get("body") or {}).get("details", ""),
        }
        if asked.get("priority"):
            incident["priority"] = self._priority(asked["priority"]["id"], base)
        self.incidents.put(id, incident)
        self._by_key[incident["incident_key"]] = id
        self.log(incident, "trigger", summary="Triggered")
        self.assign(incident, assignees or self.levels[policy.id][:1], base)
        self.webhooks.happened("incident.triggered", shown(incident))
        return incident

    def reply(self, id: str, user: str, *, accepted: bool, message: str = "") -> None:
        """Somebody who was asked to join answers."""
        incident = self.incident(id)
        who = reference("user", user, self.user(user).name, incident["self"].rpartition("/incidents/")[0])
        self.webhooks.happened(
            "incident.responder.replied",
            {
                "type": "incident_responder",
                "incident": {"id": id, "type": "incident_reference", "summary": incident["title"]},
                "user": who,
                "message": message,
                "state": "accepted" if accepted else "declined",
            },
            who,
        )

    def assign(self, incident: Document, users: list[str], base: str) -> None:
        at = _now()
        incident["assignments"] = [{"at": at, "assignee": reference("user", u, self.user(u).name, base)} for u in users]
        for user in users:
            self.log(incident, "notify", user=user, summary=f"Notified {self.user(user).name}")
            after = self.acknowledges_after.get(user)
            if after is not None:
                self._later(after, incident["id"], user)
        self.touch(incident)

    def acknowledge(self, id: str, user: str, base: str = "") -> Document:
        incident = self.incident(id)
        if incident["status"] == "resolved":
            raise Fault(400, "Invalid Input Provided", 2001, "Incident Already Resolved")
        if user not in [a["acknowledger"]["id"] for a in incident["acknowledgements"]]:
            base = base or incident["self"].rpartition("/incidents/")[0]
            who = reference("user", user, self.user(user).name, base)
            incident["acknowledgements"].append({"at": _now(), "acknowledger": who})
            self._move(incident, "acknowledged", user)
            self.webhooks.happened("incident.acknowledged", shown(incident), who)
        return incident

    def resolve(self, incident: Document, user: str = "") -> None:
        if incident["status"] == "resolved":
            raise Fault(400, "Invalid Input Provided", 2001, "Incident Already Resolved")
        incident["resolved_at"] = _now()
        incident["assignments"] = []
        self._move(incident, "resolved", user)

    def log(self, incident: Document, kind: str, *, user: str = "", summary: str = "") -> None:
        id = f"R{len(self.entries) + 1:013d}"
        entry = {
            "id": id,
            "type": f"{kind}_log_entry",
            "summary": summary,
            "created_at": _now(),
            "incident": incident["id"],
            "user": user,
        }
        self.entries.put(id, entry)
        self.note()

    def _move(self, incident: Document, status: str, user: str) -> None:
        incident["status"] = status
        incident["last_status_change_at"] = _now()
        self.log(incident, {"acknowledged": "acknowledge", "resolved": "resolve"}[status], user=user, summary=status)
        self.touch(incident)

    def touch(self, incident: Document) -> None:
        incident["updated_at"] = _now()
        self.incidents.changed(incident["id"])
        self.note()

    def _later(self, seconds: float, id: str, user: str) -> None:
        def acknowledge() -> None:
            self._timers.discard(timer)
            if id in self.incidents and self.incidents[id]["status"] != "resolved":
                self.acknowledge(id, user)

        timer = asyncio.get_running_loop().call_later(seconds, acknowledge)
        self._timers.add(timer)

    def _priority(self, id: str, base: str) -> Document:
        found = next((p for p in self.world.priorities if p.id == id), None)
        if found is None:
            raise Fault(400, "Invalid Input Provided", 2001, "Priority not found")
        return {
            "id": id,
            "type": "priority",
            "summary": found.name,
            "name": found.name,
            "self": f"{base}/priorities/{id}",
        }

    @staticmethod
    def _given(asked: Document, what: str, find: Any) -> Any:
        try:
            return find((asked.get(what) or {}).get("id", ""))
        except Fault:
            raise Fault(400, "Invalid Input Provided", 2001, f"{what.capitalize()} not found") from None


def reference(kind: str, id: str, name: str, base: str) -> Document:
    plural = {"escalation_policy": "escalation_policies"}.get(kind, f"{kind}s")
    return {
        "id": id,
        "type": f"{kind}_reference",
        "summary": name,
        "self": f"{base}/{plural}/{id}",
        "html_url": f"{base}/{plural}/{id}",
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
