"""The control address of the local PagerDuty: what people, monitors and administrators do there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from emulators.arguments import arguments
from emulators.pagerduty.account import Account
from emulators.pagerduty.refusals import assignees


class Doings:
    def __init__(self, account: Account) -> None:
        self._account = account

    def table(self) -> list[tuple[str, str, Callable[[web.Request], Any]]]:
        post = {
            "acknowledge": self._acknowledge,
            "acknowledgement": self._acknowledgement,
            "impact": self._impact,
            "mergeable": self._mergeable,
            "note": self._note,
            "oncall": self._on_call,
            "priorities": self._priorities,
            "rate": self._rate,
            "reassign": self._reassign,
            "reply": self._reply,
            "resolve": self._resolve,
            "merge": self._merge,
            "service": self._service,
            "trigger": self._trigger,
            "unacknowledge": self._unacknowledge,
            "user": self._user,
            "webhook": self._webhook,
            "webhook/again": self._webhook_again,
        }
        return [
            ("GET", "/control/pagerduty/incidents", self._incidents),
            ("GET", "/control/pagerduty/log", self._log),
            ("GET", "/control/pagerduty/notified", self._notified),
            *(("POST", f"/control/pagerduty/{name}", handler) for name, handler in post.items()),
        ]

    async def _incidents(self, request: web.Request) -> Any:
        return list(self._account.incidents.values())

    async def _log(self, request: web.Request) -> Any:
        return list(self._account.entries.values())

    async def _notified(self, request: web.Request) -> Any:
        """Everybody whose phone has rung."""
        entries = self._account.entries.values()
        return list(dict.fromkeys(e["user"] for e in entries if e["type"] == "notify_log_entry"))

    # -- people ---------------------------------------------------------------------------------------

    async def _acknowledge(self, request: web.Request) -> Any:
        given = await arguments(request)
        return self._account.acknowledge(given["incident"], given["user"])

    async def _unacknowledge(self, request: web.Request) -> Any:
        """An acknowledgement timeout, or somebody's press."""
        given = await arguments(request)
        incident = self._account.incident(given["incident"])
        self._account.unacknowledge(incident, given.get("user", ""))
        return incident

    async def _acknowledgement(self, request: web.Request) -> Any:
        given = await arguments(request)
        after = given.get("after_seconds")
        self._account.acknowledges_after[given["user"]] = None if after in (None, "never") else float(after)
        return {}

    async def _reply(self, request: web.Request) -> Any:
        given = await arguments(request)
        accepted = given.get("state", "accepted") == "accepted"
        self._account.reply(given["incident"], given["user"], accepted=accepted, message=given.get("message", ""))
        return {}

    async def _resolve(self, request: web.Request) -> Any:
        given = await arguments(request)
        incident = self._account.incident(given["incident"])
        self._account.resolve(incident, given.get("user", ""))
        return incident

    async def _merge(self, request: web.Request) -> Any:
        given = await arguments(request)
        target, source = self._account.incident(given["into"]), self._account.incident(given["incident"])
        self._account.merge(target, [source], given.get("user", ""))
        return target

    async def _reassign(self, request: web.Request) -> Any:
        given = await arguments(request)
        incident = self._account.incident(given["incident"])
        asked = {"assignments": [{"assignee": {"id": id, "type": "user_reference"}} for id in given["to"]]}
        self._account.reassign(incident, [self._account.assignable(u) for u in assignees(asked)], given.get("user", ""))
        return incident

    async def _note(self, request: web.Request) -> Any:
        given = await arguments(request)
        incident = self._account.incident(given["incident"])
        return self._account.annotate(incident, given["text"], given["user"], f"http://{request.host}/pagerduty")

    # -- monitors and administrators ------------------------------------------------------------------

    async def _trigger(self, request: web.Request) -> Any:
        """A monitor of the company's opens an incident of its own in PagerDuty."""
        given = await arguments(request)
        service = {"id": given.get("service", "PSVCAPI"), "type": "service_reference"}
        asked: dict[str, Any] = {"type": "incident", "title": given["title"], "service": service}
        if given.get("priority"):
            asked["priority"] = {"id": given["priority"], "type": "priority_reference"}
        return self._account.open(asked, f"http://{request.host}/pagerduty")

    async def _on_call(self, request: web.Request) -> Any:
        """Who is on call on each level, as after an override; an empty text is nobody."""
        given = await arguments(request)
        self._account.levels[self._account.policy(given["escalation_policy"]).id] = list(given["levels"])
        return {}

    async def _user(self, request: web.Request) -> Any:
        """Somebody is deleted, or their contact methods are gone; or all is as it was."""
        given = await arguments(request)
        for name, those in (("deleted", self._account.deleted), ("contacts", self._account.without_contacts)):
            if name in given:
                gone = given[name] in (True, "true") if name == "deleted" else given[name] in (False, "false")
                (those.add if gone else those.discard)(given["user"])
        return {}

    async def _priorities(self, request: web.Request) -> Any:
        self._account.priorities_on = (await arguments(request))["on"] in (True, "true")
        return {}

    async def _mergeable(self, request: web.Request) -> Any:
        """Whether incidents that are opened from now on can be merged."""
        self._account.mergeable = (await arguments(request))["on"] in (True, "true")
        return {}

    async def _rate(self, request: web.Request) -> Any:
        self._account.rates.reset()
        self._account.rates.limit = int((await arguments(request))["limit"])
        return {}

    async def _service(self, request: web.Request) -> Any:
        given = await arguments(request)
        return self._account.set_service(given.pop("service"), **given)

    async def _impact(self, request: web.Request) -> Any:
        given = await arguments(request)
        self._account.impact(given["business_service"], impacted=given["impacted"] in (True, "true"))
        return sorted(self._account.impacted)

    async def _webhook(self, request: web.Request) -> Any:
        given = await arguments(request)
        self._account.webhooks.url, self._account.webhooks.secret = given["url"], given["secret"]
        return {}

    async def _webhook_again(self, request: web.Request) -> Any:
        self._account.webhooks.again()
        return {}
