"""A PagerDuty incident is opened whatever PagerDuty refuses of it: somebody must be woken (process, 1).

What is optional is left out: the priority, the bridge, the urgency. Somebody who is not there any more is named, and the
others are paged; then the escalation policy of the page, then the service's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio.exceptions import ApplicationError

from activities import senders
from activities.pagerduty import Api, Reply
from activities.pages import PageOrder

REFUSED = (400, 402, 404, 422)
NO_SUCH_USER = 1007
NO_SUCH_PRIORITY = 1020
NOBODY_THERE = (1014, 1015)
PRIORITY, BRIDGE, URGENCY = "priority", "conference_bridge", "urgency"
CALLED = {PRIORITY: "the priority", BRIDGE: "the conference bridge", URGENCY: "the low urgency"}


@dataclass
class Opening:
    """`people` are handles with their PagerDuty ids, `bridge` PagerDuty's conference bridge, `sender` an e-mail."""

    api: Api
    order: PageOrder
    people: list[tuple[str, str]]
    bridge: dict[str, str]
    sender: str = ""
    unpaged: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    _optional: dict[str, Any] = field(default_factory=dict)
    _policy: str = ""
    _another: bool = False

    def __post_init__(self) -> None:
        self._policy = self.order.escalation_policy
        if self.order.priority:
            self._optional[PRIORITY] = {"id": self.order.priority, "type": "priority_reference"}
        if self.bridge and not self.order.secret:
            self._optional[BRIDGE] = self.bridge
        if self.order.urgency != "high":
            self._optional[URGENCY] = self.order.urgency

    def first(self) -> Reply:
        """All that was asked for, once."""
        return self.api.answer("POST", "/incidents", self._body(), sender=self.sender)

    def then(self, refused: Reply) -> dict[str, Any]:
        """With less and less of it, after a refusal. Raises the last one when nothing is left that could be left out."""
        reply = refused
        while not reply.ok:
            if reply.status not in REFUSED or not self._leave_out(reply):
                reply.read()
            reply = self.first()
        found: dict[str, Any] = reply.read()["incident"]
        return found

    def complete(self, incident: dict[str, Any]) -> dict[str, Any]:
        """It rings, and for all of them: PagerDuty takes one assignee at first, and does not notify who assigns themselves."""
        if incident["status"] == "acknowledged" and not self.order.known_to:
            incident = self._changed(incident, {"status": "triggered"}) or incident
        assigned = [id for _, id in self.people[:1]]
        for person, id in self.people[1:]:
            changed = self._changed(incident, {"assignments": _assignments([*assigned, id])})
            if changed is None:
                self.unpaged.append(person)
            else:
                incident = changed
                assigned.append(id)
        return incident

    def _changed(self, incident: dict[str, Any], change: dict[str, Any]) -> dict[str, Any] | None:
        """None when it could not be: somebody is paged already, and nobody is to wait for the rest."""
        body = {"incident": {"type": "incident_reference", **change}}
        try:
            reply = senders.change(self.api, "PUT", f"/incidents/{incident['id']}", body, sender=self.sender)
            return reply.read()["incident"] if reply.ok else None
        except ApplicationError:
            return None

    def _body(self) -> dict[str, object]:
        order = self.order
        incident: dict[str, object] = {
            "type": "incident",
            "title": order.title,
            "incident_key": order.key,
            "urgency": "high",
            "service": {"id": order.service, "type": "service_reference"},
            "body": {"type": "incident_body", "details": order.details},
            **self._optional,
        }
        if self.people:
            incident["assignments"] = _assignments([self.people[0][1]])
        elif self._policy:
            incident["escalation_policy"] = {"id": self._policy, "type": "escalation_policy_reference"}
        return {"incident": incident}

    def _leave_out(self, reply: Reply) -> bool:
        """What the refusal is about, else what can be spared best. False when nothing is left."""
        if reply.code in senders.NOBODY:
            return self._another_sender()
        if reply.code == NO_SUCH_PRIORITY and self._drop(PRIORITY, reply):
            return True
        if reply.code == NO_SUCH_USER and self.people:
            return self._drop_person()
        if reply.code in NOBODY_THERE and not self.people and self._policy:
            return self._drop_policy(reply)
        if any(self._drop(part, reply) for part in (BRIDGE, PRIORITY, URGENCY)):
            return True
        if self.people:
            return self._drop_person()
        return self._drop_policy(reply) if self._policy else False

    def _another_sender(self) -> bool:
        if self._another:
            return False
        self._another = True
        self.sender = senders.another(self.api, [id for _, id in self.people])
        self.dropped.append("the sender (PAGERDUTY_FROM is no user of PagerDuty)")
        return bool(self.sender)

    def _drop(self, part: str, reply: Reply) -> bool:
        if self._optional.pop(part, None) is None:
            return False
        self.dropped.append(f"{CALLED[part]} ({reply.why or reply.status})")
        return True

    def _drop_person(self) -> bool:
        self.unpaged.append(self.people.pop(0)[0])
        return True

    def _drop_policy(self, reply: Reply) -> bool:
        self.dropped.append(f"the escalation policy {self._policy} ({reply.why or reply.status})")
        self._policy = ""
        return True


def _assignments(ids: Sequence[str]) -> list[dict[str, object]]:
    return [{"assignee": {"id": id, "type": "user_reference"}} for id in ids]
