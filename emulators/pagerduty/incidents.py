"""PagerDuty's incidents, as the REST API shows and changes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from emulators.arguments import arguments
from emulators.pagerduty.account import Account, reference
from emulators.pagerduty.directory import Handler, base_of, iso
from emulators.pagerduty.refusals import (
    STATUSES,
    Fault,
    assignees,
    check_values,
    invalid,
    listed,
    page_of,
    referred,
    text,
    wrapped,
)
from emulators.pagerduty.webhooks import status_update_shown
from emulators.store import Document


class Incidents:
    def __init__(self, account: Account) -> None:
        self._account = account

    def table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/incidents", self._list),
            ("POST", "/incidents", self._open),
            ("GET", "/incidents/{id}", self._show),
            ("PUT", "/incidents/{id}", self._change),
            ("PUT", "/incidents/{id}/merge", self._merge),
            ("GET", "/incidents/{id}/log_entries", self._log_entries),
            ("GET", "/incidents/{id}/notes", self._notes),
            ("POST", "/incidents/{id}/notes", self._note),
            ("POST", "/incidents/{id}/responder_requests", self._request_responders),
            ("POST", "/incidents/{id}/status_updates", self._status_update),
            ("GET", "/incidents/{id}/status_updates/subscribers", self._subscribers),
            ("POST", "/incidents/{id}/status_updates/subscribers", self._subscribe),
        ]

    async def _open(self, request: web.Request) -> Document:
        asked = wrapped(await self._given(request), "incident")
        return {"incident": _shown(self._account.open(asked, base_of(request), self._sender(request)))}

    async def _list(self, request: web.Request) -> Document:
        key = request.query.get("incident_key")
        statuses = request.query.getall("statuses[]", [])
        services = request.query.getall("service_ids[]", [])
        found = [
            i
            for i in reversed(list(self._account.incidents.values()))
            if (not key or i["incident_key"] == key)
            and (not statuses or i["status"] in statuses)
            and (not services or i["service"]["id"] in services)
        ]
        return page_of(request, "incidents", [_shown(i) for i in found])

    async def _show(self, request: web.Request) -> Document:
        with_bridge = "conference_bridge" in request.query.getall("include[]", [])
        return {"incident": _shown(self._incident(request), with_bridge=with_bridge)}

    async def _change(self, request: web.Request) -> Document:
        incident, account, sender = self._incident(request), self._account, self._sender(request)
        asked = wrapped(await self._given(request), "incident")
        if asked.get("type") not in ("incident", "incident_reference"):
            raise invalid("Type is required")
        check_values(asked)
        status = asked.get("status")
        if status not in (None, *STATUSES):
            raise Fault(400, "Invalid Status Provided", 1003)
        if incident["status"] == "resolved" and status not in ("triggered", "acknowledged"):
            raise Fault(400, "Incident Already Resolved", 1001)
        users = [account.assignable(user) for user in assignees(asked)]
        policy = account.assignable_policy(asked)
        priority = account.priority_of(asked, base_of(request))
        match status:
            case "triggered" | "acknowledged" if incident["status"] == "resolved":
                account.reopen(incident, sender, acknowledged=status == "acknowledged")
            case "resolved":
                account.resolve(incident, sender)
            case "acknowledged":
                account.acknowledge(incident["id"], sender)
                account.give(incident, [sender])  # whoever acknowledges owns it
            case "triggered":
                account.unacknowledge(incident, sender)
        if asked.get("title"):
            incident["title"] = asked["title"]
            incident["summary"] = f"[#{incident['incident_number']}] {asked['title']}"
        incident |= {key: asked[key] for key in ("urgency", "conference_bridge") if key in asked}
        if priority is not None:
            account.prioritise(incident, priority, sender)
        if users:
            account.reassign(incident, users, sender)
        elif policy is not None:
            account.delegate(incident, policy, sender)
        account.touch(incident)
        return {"incident": _shown(incident)}

    async def _merge(self, request: web.Request) -> Document:
        target = self._incident(request)
        asked = listed(await self._given(request), "source_incidents")
        sources = [self._account.incident(referred(one, "incident")) for one in asked]
        self._account.merge(target, sources, self._sender(request))
        return {"incident": reference("incident", target["id"], target["summary"], base_of(request))}

    async def _log_entries(self, request: web.Request) -> Document:
        incident, base = self._incident(request), base_of(request)
        entries = [
            {
                "id": e["id"],
                "type": e["type"],
                "summary": e["summary"],
                "self": f"{base}/log_entries/{e['id']}",
                "html_url": None,
                "created_at": e["created_at"],
                "agent": self._agent(e["user"], incident, base),
                "incident": reference("incident", incident["id"], incident["summary"], base),
                "teams": [],
                "contexts": [],
            }
            for e in self._account.entries.values()
            if e["incident"] == incident["id"]
        ]
        return page_of(request, "log_entries", entries)

    def _agent(self, user: str, incident: Document, base: str) -> Document:
        if user:
            return reference("user", user, self._account.named(user), base)
        service: Document = incident["service"]
        return service

    async def _notes(self, request: web.Request) -> Document:
        return {"notes": self._incident(request)["notes"]}

    async def _note(self, request: web.Request) -> Document:
        incident = self._incident(request)
        content = text(wrapped(await self._given(request), "note"), "content")
        return {"note": self._account.annotate(incident, content, self._sender(request), base_of(request))}

    async def _request_responders(self, request: web.Request) -> Document:
        incident, base = self._incident(request), base_of(request)
        asked = await self._given(request)
        requester = self._account.world.by_pagerduty(str(asked.get("requester_id") or ""))
        if requester is None:
            raise Fault(400, "Requester User Not Found", 1008)
        targets = [wrapped(one, "responder_request_target") for one in listed(asked, "responder_request_targets")]
        for target in targets:
            kind = "user" if str(target.get("type")).startswith("user") else "escalation_policy"
            id = referred(target, kind)
            users = [id] if kind == "user" else self._account.on_call(self._account.policy(id).id)
            incident["responders"] += [u for u in users if u not in incident["responders"]]
            for user in users:
                self._account.log(incident, "responder_notify", user=user, summary=str(asked.get("message", "")))
        self._account.touch(incident)
        return {
            "responder_request": {
                "incident": reference("incident", incident["id"], incident["summary"], base),
                "requester": reference("user", requester.pagerduty, requester.name, base),
                "requested_at": iso(datetime.now(UTC)),
                "message": str(asked.get("message", "")),
                "responder_request_targets": [
                    {"responder_request_target": {**t, "incidents_responders": []}} for t in targets
                ],
            }
        }

    async def _status_update(self, request: web.Request) -> Document:
        """Told to the subscribers; subscribing alone tells nobody anything."""
        incident, base, sender = self._incident(request), base_of(request), self._sender(request)
        message = text(await self._given(request), "message")
        told = [subscriber["subscriber_id"] for subscriber in incident["subscribers"]]
        update: Document = {
            "id": f"S{len(self._account.entries):07d}",
            "message": message,
            "created_at": iso(datetime.now(UTC)),
            "sender": reference("user", sender, self._account.named(sender), base),
        }
        incident.setdefault("status_updates", []).append({**update, "told": told})
        self._account.log(incident, "status_update", user=sender, summary=message)
        self._account.touch(incident)
        self._account.webhooks.happened(
            "incident.status_update_published", status_update_shown(incident, update), update["sender"]
        )
        return {"status_update": update}

    async def _subscribers(self, request: web.Request) -> Document:
        return page_of(request, "subscribers", self._incident(request)["subscribers"]) | {"account_id": "PACCNT1"}

    async def _subscribe(self, request: web.Request) -> Document:
        """A set: whoever is in it is answered as a duplicate, whoever is not known as unauthorized. The others are subscribed."""
        incident = self._incident(request)
        results = []
        for asked in listed(await self._given(request), "subscribers"):
            if not isinstance(asked, dict) or asked.get("subscriber_type") not in ("user", "team"):
                raise invalid("Subscriber type must be user or team")
            subscriber = {"subscriber_id": str(asked.get("subscriber_id")), "subscriber_type": asked["subscriber_type"]}
            result = "success"
            if subscriber in incident["subscribers"]:
                result = "duplicate"
            elif not self._account.may_subscribe(**subscriber):
                result = "unauthorized"
            else:
                incident["subscribers"].append(subscriber)
            results.append(
                {**subscriber, "subscribable_id": incident["id"], "subscribable_type": "incident", "result": result}
            )
        self._account.touch(incident)
        return {"subscriptions": results}

    def _incident(self, request: web.Request) -> Document:
        return self._account.incident(request.match_info["id"])

    def _sender(self, request: web.Request) -> str:
        return self._account.sender(request.headers.get("From", ""))

    @staticmethod
    async def _given(request: web.Request) -> dict[str, Any]:
        try:
            return await arguments(request)
        except web.HTTPBadRequest:
            raise Fault(400, "Arguments Caused Error", 2002, "The body is not JSON") from None


def _shown(incident: Document, *, with_bridge: bool = False) -> Document:
    hidden = {"notes", "subscribers", "responders", "body", "status_updates"} | (
        set() if with_bridge else {"conference_bridge"}
    )
    return {key: value for key, value in incident.items() if key not in hidden}
