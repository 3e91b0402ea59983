"""The PagerDuty account: its settings, its incidents and what happens to them, apart from how they are asked for."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime

from emulators.pagerduty.rates import Rates
from emulators.pagerduty.refusals import Fault, assignees, check_values, invalid, not_found, referred, text
from emulators.pagerduty.webhooks import Webhooks, note_shown, shown
from emulators.store import Document, Store
from emulators.world import EscalationPolicy, Named, User, World

OPEN = ("triggered", "acknowledged")
DUPLICATE = "Open incident with matching dedup key already exists on this service"
CREATES_NOTHING = ("disabled", "maintenance")


class Account:
    """`levels` say who is on call, an empty text nobody; `deleted` are users that are gone, `without_contacts` those whose
    contact methods are."""

    def __init__(self, world: World, store: Store) -> None:
        self.world = world
        self.incidents = store.table("pagerduty.incidents")
        self.entries = store.table("pagerduty.log_entries")
        self._numbers = itertools.count(len(self.incidents) + 1)
        self._timers: set[asyncio.TimerHandle] = set()
        self.changed = asyncio.Event()
        self.webhooks = Webhooks()
        self.rates = Rates()
        self.forget()

    def forget(self) -> None:
        """Back to who is on call, who acknowledges by themselves and what is set, as in the file."""
        self.levels = {policy.id: list(policy.levels) for policy in self.world.escalation_policies}
        self.acknowledges_after = {u.pagerduty: u.acknowledges_after for u in self.world.users if u.pagerduty}
        self.impacted: set[str] = set()
        self.deleted: set[str] = set()
        self.without_contacts: set[str] = set()
        self.priorities_on = True
        self.mergeable = True
        self._settings: dict[str, Document] = {}
        self._by_key = {i["incident_key"]: i["id"] for i in self.incidents.values()}
        self.rates.reset()
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
            raise not_found()
        return found

    def there(self, id: str) -> bool:
        return bool(id) and id not in self.deleted and self.world.by_pagerduty(id) is not None

    def user(self, id: str) -> User:
        found = self.world.by_pagerduty(id) if self.there(id) else None
        if found is None:
            raise not_found()
        return found

    def named(self, id: str) -> str:
        """What a user is called, or was."""
        found = self.world.by_pagerduty(id)
        return found.name if found else id

    def sender(self, email: str) -> str:
        """The user whom the From header names."""
        if "@" not in email:
            raise Fault(
                400, 'You must specify a user\'s email address in the "From" header to perform this action', 2016
            )
        found = next((u for u in self.world.users if u.email == email and self.there(u.pagerduty)), None)
        if found is None:
            raise Fault(400, "Requester User Not Found", 1008)
        return found.pagerduty

    def policy(self, id: str) -> EscalationPolicy:
        found = next((p for p in self.world.escalation_policies if p.id == id), None)
        if found is None:
            raise not_found()
        return found

    def service(self, id: str) -> Named:
        found = next((s for s in self.world.services if s.id == id), None)
        if found is None:
            raise not_found()
        return found

    def on_call(self, policy: str) -> list[str]:
        """Those on the first level that has somebody."""
        return next(([user] for user in self.levels[policy] if self.there(user)), [])

    def settings(self, service: str) -> Document:
        return {"status": "active", **self._settings.get(service, {})}

    def assignable(self, id: str) -> str:
        if not self.there(id):
            raise Fault(400, "Assigned To User Not Found", 1007)
        return id

    def assignable_policy(self, asked: Document) -> EscalationPolicy | None:
        """The escalation policy that is asked for, if one is; somebody must be on call for it."""
        if not asked.get("escalation_policy"):
            return None
        try:
            policy = self.policy(referred(asked["escalation_policy"], "escalation_policy"))
        except Fault as fault:
            if fault.status != 404:
                raise
            raise Fault(400, "Escalation Policy Not Found", 1014) from None
        return self._somebody(policy)

    def priority_of(self, asked: Document, base: str) -> Document | None:
        if not asked.get("priority"):
            return None
        id = referred(asked["priority"], "priority")
        found = next((p for p in self.world.priorities if p.id == id and self.priorities_on), None)
        if found is None:
            raise Fault(400, "Invalid Priority", 1020)
        place = {"self": f"{base}/priorities/{id}"}
        return {"id": id, "type": "priority", "summary": found.name, "name": found.name, **place}

    def may_subscribe(self, subscriber_id: str, subscriber_type: str) -> bool:
        if subscriber_type == "user":
            return self.there(subscriber_id)
        return subscriber_id in {team.id for team in self.world.teams}

    # -- what administrators and monitors do ----------------------------------------------------------

    def impact(self, business_service: str, *, impacted: bool) -> None:
        """Somebody says by hand whether it is impacted."""
        if business_service not in {service.id for service in self.world.business_services}:
            raise not_found()
        (self.impacted.add if impacted else self.impacted.discard)(business_service)
        self.note()

    def set_service(self, service: str, **settings: object) -> Document:
        self._settings.setdefault(self.service(service).id, {}).update(settings)
        return self._settings[service]

    # -- what happens to an incident ------------------------------------------------------------------

    def open(self, asked: Document, base: str, sender: str = "") -> Document:
        """A new incident. A key that is open already is refused, as PagerDuty does."""
        if asked.get("type") != "incident":
            raise invalid("Type is required")
        text(asked, "title")
        check_values(asked)
        service = self._service_of(asked)
        key = str(asked.get("incident_key") or "")
        if key and self._by_key.get(key) and self.incident(key)["status"] in OPEN:
            raise invalid(DUPLICATE)
        priority = self.priority_of(asked, base)
        users = [self.assignable(user) for user in assignees(asked)]
        if len(users) > 1:
            raise invalid("Only one assignee is supported")
        policy = self.assignable_policy(asked) or self.policy(service.escalation_policy)
        if not users:
            self._somebody(policy)
        number = next(self._numbers)
        id = f"Q{number:013d}"
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
            "assigned_via": "direct_assignment" if users else "escalation_policy",
            "last_status_change_at": at,
            "escalation_policy": reference("escalation_policy", policy.id, policy.name, base),
            "teams": [],
            "pending_actions": [],
            "acknowledgements": [],
            "urgency": asked.get("urgency") or "high",
            "is_mergeable": self.mergeable,
            "alert_counts": {"all": 0, "triggered": 0, "resolved": 0},
            "notes": [],
            "status_updates": [],
            "subscribers": [],
            "responders": [],
            "body": (asked.get("body") or {}).get("details", ""),
        }
        incident |= {"conference_bridge": asked["conference_bridge"]} if asked.get("conference_bridge") else {}
        incident |= {"priority": priority} if priority is not None else {}
        self.incidents.put(id, incident)
        self._by_key[incident["incident_key"]] = id
        self.log(incident, "trigger", summary="Triggered")
        if users == [sender]:  # somebody's own incident: they know of it
            self.give(incident, users)
            self.acknowledge(id, sender)
        else:
            self.assign(incident, users or self.on_call(policy.id))
        self.webhooks.happened("incident.triggered", shown(incident), self._who(incident, sender))
        return incident

    def reply(self, id: str, user: str, *, accepted: bool, message: str = "") -> None:
        """Somebody who was asked to join answers."""
        incident = self.incident(id)
        who = self._who(incident, user)
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

    def assign(self, incident: Document, users: list[str]) -> None:
        """Assigned, and notified; whoever has it already is not notified again."""
        had = [a["assignee"]["id"] for a in incident["assignments"]]
        self.give(incident, users)
        for user in [user for user in users if user not in had]:
            self.log(incident, "notify", user=user, summary=f"Notified {self.named(user)}")
            after = self.acknowledges_after.get(user)
            if after is not None:
                self._later(after, incident["id"], user)
        self.touch(incident)

    def reassign(self, incident: Document, users: list[str], by: str) -> None:
        """To others, in place of those who had it."""
        if not {a["assignee"]["id"] for a in incident["assignments"]} <= set(users):
            self._untouched(incident)
        self.assign(incident, users)
        self.webhooks.happened("incident.reassigned", shown(incident), self._who(incident, by))

    def delegate(self, incident: Document, policy: EscalationPolicy, by: str) -> None:
        self._untouched(incident)
        incident["escalation_policy"] = reference("escalation_policy", policy.id, policy.name, _base(incident))
        self.assign(incident, self.on_call(policy.id))
        self.webhooks.happened("incident.delegated", shown(incident), self._who(incident, by))

    def acknowledge(self, id: str, user: str) -> Document:
        incident = self.incident(id)
        if incident["status"] == "resolved":
            raise Fault(400, "Incident Already Resolved", 1001)
        if user in [a["acknowledger"]["id"] for a in incident["acknowledgements"]]:
            raise Fault(400, "Incident Already Acknowledged", 1002)
        who = self._who(incident, user)
        incident["acknowledgements"].append({"at": _now(), "acknowledger": who})
        self._move(incident, "acknowledged", user)
        self.webhooks.happened("incident.acknowledged", shown(incident), who)
        return incident

    def unacknowledge(self, incident: Document, user: str = "") -> None:
        if incident["status"] != "acknowledged":
            raise Fault(400, "Incident is not Acknowledged", 1012)
        self._untouched(incident)
        self.log(incident, "unacknowledge", user=user, summary="triggered again")
        users = [a["assignee"]["id"] for a in incident["assignments"]]
        self.give(incident, [])
        self.assign(incident, users)
        self.webhooks.happened("incident.unacknowledged", shown(incident), self._who(incident, user))

    def prioritise(self, incident: Document, priority: Document, by: str) -> None:
        incident["priority"] = priority
        self.touch(incident)
        self.webhooks.happened("incident.priority_updated", shown(incident), self._who(incident, by))

    def resolve(self, incident: Document, user: str = "", into: Document | None = None) -> None:
        """`into` is the incident that it is merged into."""
        if incident["status"] == "resolved":
            raise Fault(400, "Incident Already Resolved", 1001)
        incident["resolved_at"] = _now()
        incident["assignments"] = []
        if into is not None:
            target = reference("incident", into["id"], into["summary"], _base(into))
            incident["resolve_reason"] = {"type": "merge_resolve_reason", "incident": target}
        self._move(incident, "resolved", user)
        self.webhooks.happened("incident.resolved", shown(incident), self._who(incident, user))

    def reopen(self, incident: Document, by: str, *, acknowledged: bool) -> None:
        """A resolved one goes on: to whoever acknowledges it, else to its escalation policy."""
        self._untouched(incident)
        del incident["resolved_at"]
        incident.pop("resolve_reason", None)
        if acknowledged:
            self.acknowledge(incident["id"], by)
            self.give(incident, [by])
        else:
            self.assign(incident, self.on_call(incident["escalation_policy"]["id"]))
        self.webhooks.happened("incident.reopened", shown(incident), self._who(incident, by))

    def merge(self, target: Document, sources: list[Document], by: str) -> None:
        if target["status"] == "resolved":
            raise Fault(400, "Incident Already Resolved", 1001)
        for source in sources:
            if source.get("resolve_reason"):
                raise Fault(400, "Incident Already Merged", 1019)
            if not source["is_mergeable"] or not target["is_mergeable"]:
                raise invalid("Only incidents that have alerts or were created manually can be merged")
        for source in sources:
            if source["status"] != "resolved":
                self.resolve(source, by, target)
        self.touch(target)

    def annotate(self, incident: Document, content: str, user: str, base: str) -> Document:
        who = reference("user", user, self.named(user), base)
        note = {
            "id": f"N{incident['incident_number']:04d}{len(incident['notes']) + 1:03d}",
            "user": who,
            "channel": {"summary": "The PagerDuty website or APIs"},
            "content": content,
            "created_at": _now(),
        }
        incident["notes"].append(note)
        self.touch(incident)
        self.webhooks.happened("incident.annotated", note_shown(incident, note), who)
        return note

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

    def touch(self, incident: Document) -> None:
        incident["updated_at"] = _now()
        self.incidents.changed(incident["id"])
        self.note()

    # -------------------------------------------------------------------------------------------------

    def _service_of(self, asked: Document) -> Named:
        try:
            service = self.service(referred(asked.get("service"), "service"))
        except Fault as fault:
            if fault.status != 404:
                raise
            raise invalid("Service not found") from None
        if self.settings(service.id)["status"] in CREATES_NOTHING:
            raise Fault(400, "Incident could not be created", 2001, "The service takes no incidents now")
        return service

    def _somebody(self, policy: EscalationPolicy) -> EscalationPolicy:
        if not self.on_call(policy.id):
            raise Fault(400, "Escalation Policy Has No User On Call", 1015)
        return policy

    def give(self, incident: Document, users: list[str]) -> None:
        base, at = _base(incident), _now()
        incident["assignments"] = [{"at": at, "assignee": reference("user", u, self.named(u), base)} for u in users]
        self.touch(incident)

    def _untouched(self, incident: Document) -> None:
        """Nobody has it any more."""
        incident["acknowledgements"] = []
        incident["status"] = "triggered"

    def _move(self, incident: Document, status: str, user: str) -> None:
        incident["status"] = status
        incident["last_status_change_at"] = _now()
        self.log(incident, {"acknowledged": "acknowledge", "resolved": "resolve"}[status], user=user, summary=status)
        self.touch(incident)

    def _who(self, incident: Document, user: str) -> Document | None:
        return reference("user", user, self.named(user), _base(incident)) if user else None

    def _later(self, seconds: float, id: str, user: str) -> None:
        def acknowledge() -> None:
            self._timers.discard(timer)
            acknowledged = [a["acknowledger"]["id"] for a in self.incidents.get(id, {}).get("acknowledgements", ())]
            if id in self.incidents and self.incidents[id]["status"] != "resolved" and user not in acknowledged:
                self.acknowledge(id, user)

        timer = asyncio.get_running_loop().call_later(seconds, acknowledge)
        self._timers.add(timer)


def reference(kind: str, id: str, name: str, base: str) -> Document:
    plural = {"escalation_policy": "escalation_policies"}.get(kind, f"{kind}s")
    return {
        "id": id,
        "type": f"{kind}_reference",
        "summary": name,
        "self": f"{base}/{plural}/{id}",
        "html_url": f"{base}/{plural}/{id}",
    }


def _base(incident: Document) -> str:
    base: str = incident["self"].rpartition("/incidents/")[0]
    return base


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
