"""What `ic doctor` says about PagerDuty: whether it knows what the configuration names, and which of its settings undo the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from temporalio.exceptions import ApplicationError

from activities.on_call import escalation_policies
from activities.pagerduty import Reply, Sessions
from entrypoints.findings import Finding
from incident.policy import Organisation

AT_ONCE = 8
NOTHING_CREATED = ("disabled", "maintenance")
FIX_ID = "Fix the id in the configuration."
FIX_SERVICE = "Change it in PagerDuty, in the settings of this service."


def findings(sessions: Sessions, organisation: Organisation, sender: str) -> list[Finding]:
    """Raises ApplicationError when PagerDuty does not answer, or refuses the key."""
    sessions.here.ask("GET", "/abilities")
    service = f"/services/{organisation.paging.service}"
    wanted = {service: "paging.service"}
    wanted |= {f"/escalation_policies/{id}": f"escalation policy {id}" for id in escalation_policies(organisation)}
    wanted |= {f"/users/{p.pagerduty}": f"people.{p.id}.pagerduty" for p in organisation.people if p.pagerduty}
    others = ("/priorities", "/teams", "/users", "/oncalls")
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="doctor") as threads:
        asked = {path: threads.submit(_ask, sessions, path, organisation, sender) for path in (*wanted, *others)}
        replies = {path: future.result() for path, future in asked.items()}
    found = [Finding("PagerDuty", "ok", f"as {sender or 'nobody'}")]
    found += [finding for path, name in wanted.items() if (finding := _there(name, path, replies[path]))]
    found += _service(replies[service])
    found += _sender(replies["/users"], replies["/oncalls"], sender)
    found += _priorities(replies["/priorities"], organisation)
    found += _stakeholders(replies["/teams"], organisation)
    found += _on_call(replies["/oncalls"], organisation)
    return found


def _ask(sessions: Sessions, path: str, organisation: Organisation, sender: str) -> Reply | ApplicationError:
    params: dict[str, object] = {"limit": 100}
    if path == "/oncalls":
        params["escalation_policy_ids[]"] = escalation_policies(organisation)
    if path == "/users":
        params["query"] = sender
    try:
        return sessions.here.answer("GET", path, params=params if path.count("/") == 1 else None)
    except ApplicationError as error:
        return error


def _there(name: str, path: str, reply: Reply | ApplicationError) -> Finding | None:
    """Only PagerDuty's own word that it is not there says so; what could not be read may be well."""
    if isinstance(reply, ApplicationError):
        return Finding(name, "broken", f"{path} could not be read: {reply.message}", "Try again.")
    if reply.status == 404:
        return Finding(name, "missing", f"PagerDuty knows no {path}", FIX_ID)
    if not reply.ok:
        return Finding(name, "broken", f"{path} could not be read: {reply.status} {reply.why}".rstrip(), "Try again.")
    return None


def _read(reply: Reply | ApplicationError, name: str) -> Any:
    """What is under `name` in an answer; None when it could not be read."""
    if isinstance(reply, ApplicationError) or not reply.ok or reply.document is None:
        return None
    return reply.document.get(name)


def _service(reply: Reply | ApplicationError) -> Iterator[Finding]:
    """Settings that undo the process (docs/pagerduty.md)."""
    service = _read(reply, "service")
    if not isinstance(service, dict):
        return
    if (status := service.get("status")) in NOTHING_CREATED:
        what = "disabled" if status == "disabled" else "in maintenance"
        yield Finding("paging.service", "broken", f"the service is {what}: nobody can be paged", FIX_SERVICE)
    if seconds := service.get("acknowledgement_timeout"):
        what = f"an acknowledged page rings again after {int(seconds) // 60} min (acknowledgement timeout)"
        yield Finding("paging.service", "broken", what, FIX_SERVICE)
    if seconds := service.get("auto_resolve_timeout"):
        what = f"pages are resolved by themselves after {int(seconds) // 60} min (auto-resolve)"
        yield Finding("paging.service", "broken", what, FIX_SERVICE)
    rule = service.get("incident_urgency_rule") or {}
    parts = [rule, rule.get("during_support_hours") or {}, rule.get("outside_support_hours") or {}]
    if any(part.get("urgency") == "low" for part in parts):
        what = "its urgency is low, at least at times: low urgency wakes nobody and never escalates"
        yield Finding("paging.service", "broken", what, FIX_SERVICE)


def _sender(users: Reply | ApplicationError, on_call: Reply | ApplicationError, sender: str) -> Iterator[Finding]:
    if not sender:
        yield Finding("PAGERDUTY_FROM", "missing", "the e-mail the pages come from", "Set it to a PagerDuty user's.")
        return
    known = _read(users, "users")
    if known is None:
        return
    mine = next((user for user in known if str(user.get("email")).casefold() == sender.casefold()), None)
    if mine is None:
        yield Finding("PAGERDUTY_FROM", "missing", f"{sender} is no user of PagerDuty", "Set it to a PagerDuty user's.")
    elif mine["id"] in [turn["user"]["id"] for turn in _read(on_call, "oncalls") or ()]:
        what = f"{sender} is on call: PagerDuty does not notify whoever pages themselves"
        yield Finding("PAGERDUTY_FROM", "broken", what, "Make a PagerDuty user for the pages alone.")


def _priorities(reply: Reply | ApplicationError, organisation: Organisation) -> Iterator[Finding]:
    known = _read(reply, "priorities")
    ids = {priority["id"] for priority in known or ()}
    missing = [f"{sev} ({id})" for sev, id in organisation.paging.priorities.items() if id not in ids]
    if known is not None and missing:
        what = "priorities are switched off" if not ids else f"PagerDuty knows no {', '.join(missing)}"
        yield Finding("paging.priorities", "missing", what, "Pages go out without. Switch them on, or fix the ids.")


def _stakeholders(reply: Reply | ApplicationError, organisation: Organisation) -> Iterator[Finding]:
    known = _read(reply, "teams")
    if known is None or (isinstance(reply, Reply) and reply.document and reply.document.get("more")):
        return
    names = {team["id"] for team in known} | {str(team.get("name")).casefold() for team in known}
    wanted = dict.fromkeys(team for teams in organisation.paging.stakeholders.values() for team in teams)
    for team in [team for team in wanted if team not in names and team.casefold() not in names]:
        yield Finding(
            "paging.stakeholders", "missing", f"PagerDuty has no team {team}", "Name it by its name or its id."
        )


def _on_call(reply: Reply | ApplicationError, organisation: Organisation) -> Iterator[Finding]:
    turns = _read(reply, "oncalls")
    if turns is None:
        return
    for policy in escalation_policies(organisation):
        if not any(turn["escalation_policy"]["id"] == policy for turn in turns):
            yield Finding(f"escalation policy {policy}", "missing", "nobody is on call", "Put somebody on call.")
    yield from _both(turns, organisation)


def _both(turns: Sequence[dict[str, Any]], organisation: Organisation) -> Iterator[Finding]:
    """Whoever commands does no repairs: an IC on call should not be on call for a team as well."""
    paging = organisation.paging
    ics = (paging.primary.escalation_policy, paging.backup.escalation_policy)
    on_call = {turn["user"]["id"] for turn in turns if turn["escalation_policy"]["id"] in ics}
    for team in [team for team in organisation.teams if team.escalation_policy and team.escalation_policy not in ics]:
        first = [
            t for t in turns if t["escalation_policy"]["id"] == team.escalation_policy and t["escalation_level"] == 1
        ]
        for turn in [turn for turn in first if turn["user"]["id"] in on_call]:
            who = turn["user"].get("summary") or turn["user"]["id"]
            yield Finding(
                "on call", "broken", f"{who} is on call as IC and for {team.name}", "Change one of the schedules."
            )
