"""PagerDuty's REST API v2: what the product asks, and what a responder's tools would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from emulators.arguments import arguments
from emulators.pagerduty.account import Account, Fault, reference
from emulators.store import Document
from emulators.world import EscalationPolicy, Named, User

PREFIX = "/pagerduty"
Answer = Document | None


class Rest:
    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        get, post, put = web.get, web.post, web.put
        table: list[tuple[Callable[..., web.RouteDef], str, Callable[[web.Request], Awaitable[Answer]]]] = [
            (get, "/abilities", self._abilities),
            (get, "/oncalls", self._on_calls),
            (get, "/users", self._users),
            (get, "/users/me", self._me),
            (get, "/users/{id}", self._user),
            (get, "/users/{id}/contact_methods", self._contact_methods),
            (get, "/teams", self._teams),
            (get, "/teams/{id}/members", self._members),
            (get, "/schedules", self._schedules),
            (get, "/schedules/{id}", self._schedule),
            (get, "/schedules/{id}/users", self._schedule_users),
            (get, "/escalation_policies", self._policies),
            (get, "/escalation_policies/{id}", self._policy),
            (get, "/services", self._services),
            (get, "/services/{id}", self._service),
            (get, "/priorities", self._priorities),
            (get, "/incidents", self._list),
            (post, "/incidents", self._open),
            (get, "/incidents/{id}", self._show),
            (put, "/incidents/{id}", self._change),
            (get, "/incidents/{id}/log_entries", self._log_entries),
            (get, "/incidents/{id}/notes", self._notes),
            (post, "/incidents/{id}/notes", self._note),
            (post, "/incidents/{id}/responder_requests", self._request_responders),
            (post, "/incidents/{id}/status_updates", self._status_update),
            (get, "/incidents/{id}/status_updates/subscribers", self._subscribers),
            (post, "/incidents/{id}/status_updates/subscribers", self._subscribe),
            (get, "/business_services", self._business_services),
            (get, "/business_services/impacts", self._impacts),
        ]
        return [verb(PREFIX + path, self._answering(handler)) for verb, path, handler in table]

    def _answering(
        self, handler: Callable[[web.Request], Awaitable[Answer]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                self._authorise(request)
                body = await handler(request)
            except Fault as fault:
                return web.json_response(fault.body, status=fault.status)
            status = 201 if request.method == "POST" and request.path == f"{PREFIX}/incidents" else 200
            return web.json_response(body, status=status)

        return answer

    def _authorise(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Token token={self._account.world.pagerduty_key}":
            raise Fault(401, "Unauthorized", 2006)
        changes = request.method in ("POST", "PUT") and "/incidents" in request.path
        if changes and not request.path.endswith("subscribers"):
            sender = request.headers.get("From", "")
            if "@" not in sender:
                raise Fault(400, "Invalid Input Provided", 2001, "From header is required")

    # -- incidents ------------------------------------------------------------------------------------

    async def _open(self, request: web.Request) -> Answer:
        asked = (await arguments(request)).get("incident")
        if not isinstance(asked, dict):
            raise Fault(400, "Invalid Input Provided", 2001, "Incident is required")
        return {"incident": _shown(self._account.open(asked, _base(request)))}

    async def _list(self, request: web.Request) -> Answer:
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
        return _paged(request, "incidents", [_shown(i) for i in found])

    async def _show(self, request: web.Request) -> Answer:
        return {"incident": _shown(self._incident(request))}

    async def _change(self, request: web.Request) -> Answer:
        incident = self._incident(request)
        asked = (await arguments(request)).get("incident") or {}
        match asked.get("status"):
            case "resolved":
                self._account.resolve(incident)
            case "acknowledged":
                sender = next(
                    (u.pagerduty for u in self._account.world.users if u.email == request.headers.get("From")), ""
                )
                if sender:
                    self._account.acknowledge(incident["id"], sender)
        if asked.get("title"):
            incident["title"] = str(asked["title"])
            incident["summary"] = f"[#{incident['incident_number']}] {asked['title']}"
        if asked.get("assignments"):
            users = [a["assignee"]["id"] for a in asked["assignments"]]
            self._account.assign(incident, users, _base(request))
        self._account.touch(incident)
        return {"incident": _shown(incident)}

    async def _log_entries(self, request: web.Request) -> Answer:
        incident, base = self._incident(request), _base(request)
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
        return _paged(request, "log_entries", entries)

    def _agent(self, user: str, incident: Document, base: str) -> Document:
        if user:
            return reference("user", user, self._account.user(user).name, base)
        service: Document = incident["service"]
        return service

    async def _notes(self, request: web.Request) -> Answer:
        return {"notes": self._incident(request)["notes"]}

    async def _note(self, request: web.Request) -> Answer:
        incident, base = self._incident(request), _base(request)
        content = ((await arguments(request)).get("note") or {}).get("content")
        if not content:
            raise Fault(400, "Invalid Input Provided", 2001, "Content cannot be empty")
        sender = next((u for u in self._account.world.users if u.email == request.headers.get("From")), None)
        who = sender or next(u for u in self._account.world.users if u.pagerduty)
        note = {
            "id": f"N{len(incident['notes']) + 1:07d}",
            "user": reference("user", who.pagerduty, who.name, base),
            "channel": {"summary": "The PagerDuty website or APIs"},
            "content": str(content),
            "created_at": _iso(datetime.now(UTC)),
        }
        incident["notes"].append(note)
        self._account.touch(incident)
        return {"note": note}

    async def _request_responders(self, request: web.Request) -> Answer:
        incident, base = self._incident(request), _base(request)
        asked = await arguments(request)
        requester = self._account.user(str(asked.get("requester_id")))
        targets = [t["responder_request_target"] for t in asked.get("responder_request_targets", ())]
        for target in targets:
            kind, id = target["type"].removesuffix("_reference"), target["id"]
            users = [id] if kind == "user" else self._account.levels[self._account.policy(id).id][:1]
            incident["responders"] += [u for u in users if u not in incident["responders"]]
            for user in users:
                self._account.log(incident, "responder_notify", user=user, summary=str(asked.get("message", "")))
        self._account.touch(incident)
        return {
            "responder_request": {
                "incident": reference("incident", incident["id"], incident["summary"], base),
                "requester": reference("user", requester.pagerduty, requester.name, base),
                "requested_at": _iso(datetime.now(UTC)),
                "message": str(asked.get("message", "")),
                "responder_request_targets": [
                    {"responder_request_target": {**t, "incidents_responders": []}} for t in targets
                ],
            }
        }

    async def _status_update(self, request: web.Request) -> Answer:
        incident, base = self._incident(request), _base(request)
        message = (await arguments(request)).get("message")
        if not message:
            raise Fault(400, "Invalid Input Provided", 2001, "Message cannot be empty")
        self._account.log(incident, "status_update", summary=str(message))
        who = next(u for u in self._account.world.users if u.pagerduty)
        return {
            "status_update": {
                "id": f"S{len(self._account.entries):07d}",
                "message": str(message),
                "created_at": _iso(datetime.now(UTC)),
                "sender": reference("user", who.pagerduty, who.name, base),
            }
        }

    async def _subscribers(self, request: web.Request) -> Answer:
        incident = self._incident(request)
        return _paged(request, "subscribers", incident["subscribers"]) | {"account_id": "PACCNT1"}

    async def _subscribe(self, request: web.Request) -> Answer:
        """A set: whoever is in it already is answered as a duplicate."""
        incident = self._incident(request)
        results = []
        for asked in (await arguments(request)).get("subscribers", ()):
            subscriber = {"subscriber_id": asked["subscriber_id"], "subscriber_type": asked["subscriber_type"]}
            known = subscriber in incident["subscribers"]
            if not known:
                incident["subscribers"].append(subscriber)
            results.append(
                {
                    **subscriber,
                    "subscribable_id": incident["id"],
                    "subscribable_type": "incident",
                    "result": "duplicate" if known else "success",
                }
            )
        self._account.touch(incident)
        return {"subscriptions": results}

    def _incident(self, request: web.Request) -> Document:
        return self._account.incident(request.match_info["id"])

    # -- people and places ----------------------------------------------------------------------------

    async def _abilities(self, request: web.Request) -> Answer:
        return {"abilities": ["sso", "teams", "urgencies", "coordinated_responding", "response_operations"]}

    async def _on_calls(self, request: web.Request) -> Answer:
        base = _base(request)
        wanted = request.query.getall("escalation_policy_ids[]", [])
        users = request.query.getall("user_ids[]", [])
        now = datetime.now(UTC)
        found = [
            {
                "user": self._user_document(self._account.user(user), base)
                if "users" in request.query.getall("include[]", [])
                else reference("user", user, self._account.user(user).name, base),
                "schedule": reference("schedule", _schedule_id(policy.id, level), f"{policy.name} {level}", base),
                "escalation_policy": reference("escalation_policy", policy.id, policy.name, base),
                "escalation_level": level,
                "start": _iso(now - timedelta(days=1)),
                "end": _iso(now + timedelta(days=6)),
            }
            for policy in self._account.world.escalation_policies
            if not wanted or policy.id in wanted
            for level, user in enumerate(self._account.levels[policy.id], 1)
            if not users or user in users
        ]
        return _paged(request, "oncalls", found)

    async def _users(self, request: web.Request) -> Answer:
        query = request.query.get("query", "").lower()
        people = [u for u in self._people() if not query or query in u.name.lower() or query in u.email.lower()]
        return _paged(request, "users", [self._user_document(u, _base(request)) for u in people])

    async def _me(self, request: web.Request) -> Answer:
        raise Fault(400, "Invalid Input Provided", 2001, "This endpoint needs a user's token, not an account's")

    async def _user(self, request: web.Request) -> Answer:
        user = self._account.user(request.match_info["id"])
        full = "contact_methods" in request.query.getall("include[]", [])
        return {"user": self._user_document(user, _base(request), full=full)}

    async def _contact_methods(self, request: web.Request) -> Answer:
        user = self._account.user(request.match_info["id"])
        return {"contact_methods": _methods(user, _base(request), full=True)}

    async def _teams(self, request: web.Request) -> Answer:
        base = _base(request)
        return _paged(request, "teams", [_named(t, "team", base) for t in self._account.world.teams])

    async def _members(self, request: web.Request) -> Answer:
        base, id = _base(request), request.match_info["id"]
        team = next((t for t in self._account.world.teams if t.id == id), None)
        if team is None:
            raise Fault(404, "Not Found", 2100)
        members = [
            {"user": reference("user", u, self._account.user(u).name, base), "role": "responder"} for u in team.members
        ]
        return _paged(request, "members", members)

    async def _schedules(self, request: web.Request) -> Answer:
        shown = [
            _schedule(p, level, _base(request)) for p in self._policies_of() for level in range(1, len(p.levels) + 1)
        ]
        return _paged(request, "schedules", shown)

    async def _schedule(self, request: web.Request) -> Answer:
        policy, level = self._level(request)
        return {"schedule": _schedule(policy, level, _base(request))}

    async def _schedule_users(self, request: web.Request) -> Answer:
        policy, level = self._level(request)
        user = self._account.user(self._account.levels[policy.id][level - 1])
        return {"users": [self._user_document(user, _base(request))]}

    def _level(self, request: web.Request) -> tuple[EscalationPolicy, int]:
        for policy in self._policies_of():
            for level in range(1, len(policy.levels) + 1):
                if _schedule_id(policy.id, level) == request.match_info["id"]:
                    return policy, level
        raise Fault(404, "Not Found", 2100)

    async def _policies(self, request: web.Request) -> Answer:
        shown = [self._policy_document(p, _base(request)) for p in self._policies_of()]
        return _paged(request, "escalation_policies", shown)

    async def _policy(self, request: web.Request) -> Answer:
        policy = self._account.policy(request.match_info["id"])
        return {"escalation_policy": self._policy_document(policy, _base(request))}

    async def _services(self, request: web.Request) -> Answer:
        shown = [self._service_document(s, _base(request)) for s in self._account.world.services]
        return _paged(request, "services", shown)

    async def _service(self, request: web.Request) -> Answer:
        return {"service": self._service_document(self._account.service(request.match_info["id"]), _base(request))}

    async def _priorities(self, request: web.Request) -> Answer:
        shown = [_named(p, "priority", _base(request)) for p in self._account.world.priorities]
        return _paged(request, "priorities", shown)

    async def _business_services(self, request: web.Request) -> Answer:
        shown = [_named(b, "business_service", _base(request)) for b in self._account.world.business_services]
        return _paged(request, "business_services", shown)

    async def _impacts(self, request: web.Request) -> Answer:
        """The impacted ones first, as the service sorts them; with `ids[]` only those."""
        wanted = request.query.getall("ids[]", [])
        services = [s for s in self._account.world.business_services if not wanted or s.id in wanted]
        shown = [
            {
                "id": service.id,
                "name": service.name,
                "type": "business_service",
                "status": "impacted" if service.id in self._account.impacted else "not_impacted",
            }
            for service in sorted(services, key=lambda s: (s.id not in self._account.impacted, s.name))
        ]
        return _paged(request, "services", shown)

    def _people(self) -> list[User]:
        return [u for u in self._account.world.users if u.pagerduty]

    def _policies_of(self) -> tuple[EscalationPolicy, ...]:
        return self._account.world.escalation_policies

    def _user_document(self, user: User, base: str, *, full: bool = False) -> Document:
        return {
            "id": user.pagerduty,
            "type": "user",
            "summary": user.name,
            "self": f"{base}/users/{user.pagerduty}",
            "html_url": f"{base}/users/{user.pagerduty}",
            "name": user.name,
            "email": user.email,
            "time_zone": "Etc/UTC",
            "role": "user",
            "contact_methods": _methods(user, base, full=full),
            "notification_rules": [],
            "teams": [],
        }

    def _policy_document(self, policy: EscalationPolicy, base: str) -> Document:
        return {
            "id": policy.id,
            "type": "escalation_policy",
            "summary": policy.name,
            "self": f"{base}/escalation_policies/{policy.id}",
            "html_url": f"{base}/escalation_policies/{policy.id}",
            "name": policy.name,
            "escalation_rules": [
                {
                    "id": f"{policy.id}R{level}",
                    "escalation_delay_in_minutes": 5,
                    "targets": [reference("schedule", _schedule_id(policy.id, level), f"{policy.name} {level}", base)],
                }
                for level in range(1, len(policy.levels) + 1)
            ],
            "num_loops": 0,
            "services": [],
            "teams": [],
        }

    def _service_document(self, service: Named, base: str) -> Document:
        policy = self._account.policy(service.escalation_policy)
        return {
            **_named(service, "service", base),
            "status": "active",
            "escalation_policy": reference("escalation_policy", policy.id, policy.name, base),
            "teams": [],
        }


def _methods(user: User, base: str, *, full: bool) -> list[Document]:
    methods = []
    for kind, address in (("phone", user.phone), ("email", user.email)):
        id = f"{user.pagerduty}{kind[0].upper()}"
        method: Document = {
            "id": id,
            "type": f"{kind}_contact_method" + ("" if full else "_reference"),
            "summary": "Default",
            "self": f"{base}/users/{user.pagerduty}/contact_methods/{id}",
            "html_url": None,
        }
        if full:
            method |= {"label": "Default", "address": address}
            method |= {"country_code": 1, "enabled": True, "blacklisted": False} if kind == "phone" else {}
            method |= {"send_short_email": False} if kind == "email" else {}
        if address:
            methods.append(method)
    return methods


def _schedule(policy: EscalationPolicy, level: int, base: str) -> Document:
    id = _schedule_id(policy.id, level)
    return {
        "id": id,
        "type": "schedule",
        "summary": f"{policy.name} {level}",
        "self": f"{base}/schedules/{id}",
        "html_url": f"{base}/schedules/{id}",
        "name": f"{policy.name} {level}",
        "time_zone": "Etc/UTC",
        "escalation_policies": [reference("escalation_policy", policy.id, policy.name, base)],
        "users": [],
        "teams": [],
    }


def _schedule_id(policy: str, level: int) -> str:
    return f"S{policy[1:]}{level}"


def _named(thing: Named, kind: str, base: str) -> Document:
    plural = {"priority": "priorities"}.get(kind, f"{kind}s")
    return {
        "id": thing.id,
        "type": kind,
        "summary": thing.name,
        "self": f"{base}/{plural}/{thing.id}",
        "html_url": None,
        "name": thing.name,
    }


def _shown(incident: Document) -> Document:
    hidden = ("notes", "subscribers", "responders", "body")
    return {key: value for key, value in incident.items() if key not in hidden}


def _paged(request: web.Request, name: str, items: list[Any]) -> Document:
    limit, offset = int(request.query.get("limit", 25)), int(request.query.get("offset", 0))
    more = len(items) > offset + limit
    return {name: items[offset : offset + limit], "limit": limit, "offset": offset, "more": more, "total": None}


def _base(request: web.Request) -> str:
    return f"http://{request.host}{PREFIX}"


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
