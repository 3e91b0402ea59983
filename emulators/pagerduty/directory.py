"""PagerDuty's people and places: users, teams, schedules, escalation policies, services, who is on call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from aiohttp import web

from emulators.pagerduty.account import Account, reference
from emulators.pagerduty.refusals import Fault, invalid, not_found, page_of
from emulators.store import Document
from emulators.world import EscalationPolicy, Named, User

PREFIX = "/pagerduty"
FURTHEST = timedelta(days=90)
Handler = Callable[[web.Request], Awaitable[Document]]


class Directory:
    def __init__(self, account: Account) -> None:
        self._account = account

    def table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/abilities", self._abilities),
            ("GET", "/oncalls", self._on_calls),
            ("GET", "/users", self._users),
            ("GET", "/users/me", self._me),
            ("GET", "/users/{id}", self._user),
            ("GET", "/users/{id}/contact_methods", self._contact_methods),
            ("GET", "/teams", self._teams),
            ("GET", "/teams/{id}/members", self._members),
            ("GET", "/schedules", self._schedules),
            ("GET", "/schedules/{id}", self._schedule),
            ("GET", "/schedules/{id}/users", self._schedule_users),
            ("GET", "/escalation_policies", self._policies),
            ("GET", "/escalation_policies/{id}", self._policy),
            ("GET", "/services", self._services),
            ("GET", "/services/{id}", self._service),
            ("GET", "/priorities", self._priorities),
            ("GET", "/business_services", self._business_services),
            ("GET", "/business_services/impacts", self._impacts),
        ]

    async def _abilities(self, request: web.Request) -> Document:
        return {"abilities": ["sso", "teams", "urgencies", "coordinated_responding", "response_operations"]}

    async def _on_calls(self, request: web.Request) -> Document:
        base = base_of(request)
        wanted = request.query.getall("escalation_policy_ids[]", [])
        users = request.query.getall("user_ids[]", [])
        now = datetime.now(UTC)
        since, until = _moment(request, "since", now), _moment(request, "until", now)
        if until < since - timedelta(minutes=1) or until > now + FURTHEST + timedelta(minutes=1):
            raise Fault(400, "Invalid time values in 'since' and/or 'until' parameters", 2004)
        found = [
            {
                "user": self._user_document(self._account.user(user), base)
                if "users" in request.query.getall("include[]", [])
                else reference("user", user, self._account.user(user).name, base),
                "schedule": reference("schedule", _schedule_id(policy.id, level), f"{policy.name} {level}", base),
                "escalation_policy": reference("escalation_policy", policy.id, policy.name, base),
                "escalation_level": level,
                "start": iso(now - timedelta(days=1)),
                "end": iso(now + timedelta(days=6)),
            }
            for policy in self._account.world.escalation_policies
            if not wanted or policy.id in wanted
            for level, user in enumerate(self._account.levels[policy.id], 1)
            if self._account.there(user) and (not users or user in users)
        ]
        return page_of(request, "oncalls", found)

    async def _users(self, request: web.Request) -> Document:
        query = request.query.get("query", "").lower()
        people = [u for u in self._people() if not query or query in u.name.lower() or query in u.email.lower()]
        return page_of(request, "users", [self._user_document(u, base_of(request)) for u in people])

    async def _me(self, request: web.Request) -> Document:
        raise invalid("This endpoint needs a user's token, not an account's")

    async def _user(self, request: web.Request) -> Document:
        user = self._account.user(request.match_info["id"])
        full = "contact_methods" in request.query.getall("include[]", [])
        return {"user": self._user_document(user, base_of(request), full=full)}

    async def _contact_methods(self, request: web.Request) -> Document:
        user = self._account.user(request.match_info["id"])
        if user.pagerduty in self._account.without_contacts:
            raise not_found()
        return {"contact_methods": _methods(user, base_of(request), full=True)}

    async def _teams(self, request: web.Request) -> Document:
        base = base_of(request)
        return page_of(request, "teams", [_named(t, "team", base) for t in self._account.world.teams])

    async def _members(self, request: web.Request) -> Document:
        base, id = base_of(request), request.match_info["id"]
        team = next((t for t in self._account.world.teams if t.id == id), None)
        if team is None:
            raise not_found()
        members = [
            {"user": reference("user", u, self._account.user(u).name, base), "role": "responder"}
            for u in team.members
            if self._account.there(u)
        ]
        return page_of(request, "members", members)

    async def _schedules(self, request: web.Request) -> Document:
        shown = [
            _schedule(p, level, base_of(request)) for p in self._policies_of() for level in range(1, len(p.levels) + 1)
        ]
        return page_of(request, "schedules", shown)

    async def _schedule(self, request: web.Request) -> Document:
        policy, level = self._level(request)
        return {"schedule": _schedule(policy, level, base_of(request))}

    async def _schedule_users(self, request: web.Request) -> Document:
        policy, level = self._level(request)
        users = [u for u in self._account.levels[policy.id][level - 1 : level] if self._account.there(u)]
        return {"users": [self._user_document(self._account.user(u), base_of(request)) for u in users]}

    def _level(self, request: web.Request) -> tuple[EscalationPolicy, int]:
        for policy in self._policies_of():
            for level in range(1, len(policy.levels) + 1):
                if _schedule_id(policy.id, level) == request.match_info["id"]:
                    return policy, level
        raise not_found()

    async def _policies(self, request: web.Request) -> Document:
        shown = [self._policy_document(p, base_of(request)) for p in self._policies_of()]
        return page_of(request, "escalation_policies", shown)

    async def _policy(self, request: web.Request) -> Document:
        policy = self._account.policy(request.match_info["id"])
        return {"escalation_policy": self._policy_document(policy, base_of(request))}

    async def _services(self, request: web.Request) -> Document:
        shown = [self._service_document(s, base_of(request)) for s in self._account.world.services]
        return page_of(request, "services", shown)

    async def _service(self, request: web.Request) -> Document:
        return {"service": self._service_document(self._account.service(request.match_info["id"]), base_of(request))}

    async def _priorities(self, request: web.Request) -> Document:
        priorities = self._account.world.priorities if self._account.priorities_on else ()
        shown = [_named(p, "priority", base_of(request)) for p in priorities]
        return page_of(request, "priorities", shown)

    async def _business_services(self, request: web.Request) -> Document:
        shown = [_named(b, "business_service", base_of(request)) for b in self._account.world.business_services]
        return page_of(request, "business_services", shown)

    async def _impacts(self, request: web.Request) -> Document:
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
        return page_of(request, "services", shown)

    def _people(self) -> list[User]:
        return [u for u in self._account.world.users if self._account.there(u.pagerduty)]

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
            "incident_urgency_rule": {"type": "constant", "urgency": "high"},
            "alert_creation": "create_alerts_and_incidents",
            "escalation_policy": reference("escalation_policy", policy.id, policy.name, base),
            "teams": [],
            **self._account.settings(service.id),
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


def base_of(request: web.Request) -> str:
    return f"http://{request.host}{PREFIX}"


def _moment(request: web.Request, name: str, otherwise: datetime) -> datetime:
    given = request.query.get(name)
    if not given:
        return otherwise
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise Fault(400, "Invalid time values in 'since' and/or 'until' parameters", 2004) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
