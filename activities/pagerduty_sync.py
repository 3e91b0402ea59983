"""PagerDuty's incidents are kept as the incident is: priority, notes, status updates, acknowledgements, merging, the end."""

from __future__ import annotations

import re
from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import again, asking, errors, senders
from activities.pagerduty import NAME, Reply, Sessions
from incident.policy import Organisation

ALREADY_RESOLVED = 1001
ALREADY_ACKNOWLEDGED = 1002
ALREADY_MERGED = 1019
NO_SUCH_PRIORITY = 1020
TEAM_ID = re.compile(r"[A-Z0-9]{4,20}")


@dataclass(frozen=True)
class UpdateOrder:
    """PagerDuty's ids, the title each shall have, and the priority (its id) of all. `urgent` are those of high urgency."""

    titles: dict[str, str]
    priority: str = ""
    urgent: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoteOrder:
    pagerduty_id: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class StatusUpdateOrder:
    """Told to everybody who is subscribed."""

    pagerduty_id: str
    text: str
    practice: bool


@dataclass(frozen=True)
class AcknowledgeOrder:
    """For `person` (a handle), who has shown elsewhere that they are here."""

    pagerduty_id: str
    person: str


@dataclass(frozen=True)
class MergeOrder:
    into: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class ResolveOrder:
    """PagerDuty's ids, and keys of pages whose answer never came; what stands in the first of them at last."""

    pagerduty_ids: tuple[str, ...]
    keys: tuple[str, ...] = ()
    priority: str = ""
    note: str = ""
    status_update: str = ""


@dataclass(frozen=True)
class SubscribeOrder:
    """Teams, by PagerDuty's id or by name, that shall hear of the PagerDuty incident."""

    pagerduty_id: str
    teams: tuple[str, ...]
    practice: bool


@dataclass(frozen=True)
class NotDone:
    """What PagerDuty did not accept, each with why; empty when it took everything."""

    what: tuple[str, ...] = ()


class Sync:
    """`practice` says whether `sessions` reach the emulators; an order for the other kind is refused."""

    def __init__(self, sessions: Sessions, organisation: Organisation, *, practice: bool) -> None:
        self._sessions = sessions
        self._organisation = organisation
        self._practice = practice

    @activity.defn
    def update_pages(self, order: UpdateOrder) -> NotDone:
        """The same twice is the same. A priority that is refused is left out; one that is gone has nothing to be told."""
        asking.only_in_a_workflow()
        refused: list[str] = []
        for pagerduty_id, title in order.titles.items():
            urgency = {"urgency": "high"} if pagerduty_id in order.urgent else {}
            refused += self._update(pagerduty_id, {"title": title, **urgency}, order.priority)
        return NotDone(tuple(dict.fromkeys(refused)))

    @activity.defn
    def note(self, order: NoteOrder) -> None:
        """Each once, in order: what an earlier attempt wrote is there to be seen."""
        asking.only_in_a_workflow()
        path = f"/incidents/{order.pagerduty_id}/notes"
        there: list[str] = []
        if again.may_be_done():
            there = [note["content"] for note in self._sessions.here.ask("GET", path)["notes"]]
        for text in order.texts:
            if text in there:
                continue
            senders.change(self._sessions.here, "POST", path, {"note": {"content": text}}).read()

    @activity.defn
    def post_status_update(self, order: StatusUpdateOrder) -> None:
        """PagerDuty tells the subscribers. It has no key for it, and shows none: after a lost answer it is sent again."""
        asking.only_in_a_workflow()
        self._same_world(order.practice)
        path = f"/incidents/{order.pagerduty_id}/status_updates"
        senders.change(self._sessions.here, "POST", path, {"message": order.text}).read()

    @activity.defn
    def subscribe(self, order: SubscribeOrder) -> NotDone:
        """PagerDuty keeps a set of subscribers, so that subscribing twice is subscribing once."""
        asking.only_in_a_workflow()
        self._same_world(order.practice)
        ids, refused = self._teams(order.teams)
        if not ids:
            return NotDone(tuple(refused))
        subscribers = [{"subscriber_id": id, "subscriber_type": "team"} for id in ids]
        path = f"/incidents/{order.pagerduty_id}/status_updates/subscribers"
        answer = self._sessions.here.ask("POST", path, {"subscribers": subscribers})
        for one in answer.get("subscriptions", ()):
            if one.get("result") == "unauthorized":
                refused.append(f"{ids.get(one['subscriber_id'], one['subscriber_id'])} (unauthorized)")
        return NotDone(tuple(refused))

    @activity.defn
    def acknowledge(self, order: AcknowledgeOrder) -> None:
        """In their name. One that is resolved is left alone: acknowledging it would open it again."""
        asking.only_in_a_workflow()
        api = self._sessions.here
        sender = self._email(order.person)
        if not sender:
            raise errors.not_configured(NAME, f"{order.person} has no PagerDuty user")
        incident = api.ask("GET", f"/incidents/{order.pagerduty_id}")["incident"]
        if incident["status"] == "resolved":
            return
        reply = self._put(order.pagerduty_id, {"status": "acknowledged"}, sender)
        if reply.code not in (ALREADY_ACKNOWLEDGED, ALREADY_RESOLVED):
            reply.read()

    @activity.defn
    def merge_pages(self, order: MergeOrder) -> NotDone:
        """Into one. What PagerDuty does not merge is resolved, with a note that says where it went."""
        asking.only_in_a_workflow()
        refused: list[str] = []
        for source in order.sources:
            body = {"source_incidents": [{"id": source, "type": "incident_reference"}]}
            reply = senders.change(self._sessions.here, "PUT", f"/incidents/{order.into}/merge", body)
            if reply.ok or reply.code == ALREADY_MERGED:
                continue
            if reply.status not in (400, 404):
                reply.read()
            refused += self._resolve_instead(source, order.into, reply)
        return NotDone(tuple(refused))

    @activity.defn
    def resolve(self, order: ResolveOrder) -> NotDone:
        """Final priority, last note, last status update, then resolved: each, whatever becomes of the others."""
        asking.only_in_a_workflow()
        doubtful = (self._open_under(key) for key in order.keys)
        ids = list(dict.fromkeys((*order.pagerduty_ids, *(found for found in doubtful if found))))
        refused: list[str] = []
        open_ones = [id for id in ids if self._is_open(id)]
        for id in open_ones[:1]:
            refused += self._update(id, {}, order.priority) if order.priority else []
            refused += self._say_last(id, order)
        for id in open_ones:
            reply = self._put(id, {"status": "resolved"})
            if reply.ok or reply.code == ALREADY_RESOLVED or reply.status == 404:
                continue
            if reply.status not in (400, 402, 422):
                reply.read()
            refused.append(f"resolving {id} ({reply.why or reply.status})")
        return NotDone(tuple(refused))

    # -------------------------------------------------------------------------------------------------

    def _same_world(self, practice: bool) -> None:
        if practice != self._practice:
            raise errors.practice_mix(practice)

    def _put(self, pagerduty_id: str, change: dict[str, object], sender: str = "") -> Reply:
        body = {"incident": {"type": "incident_reference", **change}}
        return senders.change(self._sessions.here, "PUT", f"/incidents/{pagerduty_id}", body, sender=sender)

    def _update(self, pagerduty_id: str, change: dict[str, object], priority: str) -> list[str]:
        wanted = change | ({"priority": {"id": priority, "type": "priority_reference"}} if priority else {})
        reply = self._put(pagerduty_id, wanted)
        refused: list[str] = []
        if reply.code == NO_SUCH_PRIORITY and priority:
            refused = [f"the priority ({reply.why})"]
            if not change:
                return refused
            reply = self._put(pagerduty_id, change)
        if reply.code != ALREADY_RESOLVED and reply.status != 404:
            reply.read()
        return refused

    def _say_last(self, pagerduty_id: str, order: ResolveOrder) -> list[str]:
        """The last note and the last status update. What is refused for good does not hold the end; the rest is tried again."""
        refused: list[str] = []
        if order.note:
            try:
                self.note(NoteOrder(pagerduty_id, (order.note,)))
            except ApplicationError as error:
                if not error.non_retryable:
                    raise
                refused.append(f"the last note ({error.message})")
        if order.status_update:
            body = {"message": order.status_update}
            path = f"/incidents/{pagerduty_id}/status_updates"
            reply = senders.change(self._sessions.here, "POST", path, body)
            if not reply.ok and reply.status not in (400, 402, 403, 404):
                reply.read()
            refused += [] if reply.ok else [f"the last status update ({reply.why or reply.status})"]
        return refused

    def _is_open(self, pagerduty_id: str) -> bool:
        reply = self._sessions.here.answer("GET", f"/incidents/{pagerduty_id}")
        return reply.status != 404 and bool(reply.read()["incident"]["status"] != "resolved")

    def _resolve_instead(self, source: str, into: str, merging: Reply) -> list[str]:
        reply = self._sessions.here.answer("GET", f"/incidents/{source}")
        if reply.status == 404 or reply.read()["incident"]["status"] == "resolved":
            return []
        path = f"/incidents/{source}/notes"
        senders.change(
            self._sessions.here, "POST", path, {"note": {"content": f"Goes on in PagerDuty incident {into}."}}
        )
        resolved = self._put(source, {"status": "resolved"})
        if not resolved.ok and resolved.code != ALREADY_RESOLVED:
            resolved.read()
        return [f"merging {source} ({merging.why or merging.status}): it was resolved instead"]

    def _open_under(self, key: str) -> str:
        found = self._sessions.here.ask("GET", "/incidents", params={"incident_key": key, "date_range": "all"})
        return found["incidents"][0]["id"] if found["incidents"] else ""

    def _teams(self, wanted: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
        """PagerDuty's ids, each with how it was asked for; and which names it does not know."""
        ids: dict[str, str] = {}
        unknown: list[str] = []
        for team in wanted:
            if TEAM_ID.fullmatch(team):
                ids[team] = team
                continue
            found = self._sessions.here.ask("GET", "/teams", params={"query": team, "limit": 100})["teams"]
            same = [one["id"] for one in found if one.get("name", "").casefold() == team.casefold()]
            if same:
                ids[same[0]] = team
            else:
                unknown.append(f"{team} (PagerDuty has no team of that name)")
        return ids, unknown

    def _email(self, person: str) -> str:
        contact = self._organisation.contact(person)
        return senders.email(self._sessions.here, contact.pagerduty if contact else person)
