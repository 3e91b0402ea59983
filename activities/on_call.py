"""The people on call now: PagerDuty is asked, so that an override counts at once; the on-call book is for when it does not answer."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from temporalio.exceptions import ApplicationError

from activities.on_call_book import AHEAD, OnCallBook, Shift, now, turn
from activities.pagerduty import AT_ONCE, Api, Sessions
from incident.policy import Organisation

A_PAGE = 100
_log = logging.getLogger(__name__)


class OnCall:
    """Reads PagerDuty's schedules, and keeps the book."""

    def __init__(self, sessions: Sessions, book: OnCallBook, organisation: Organisation) -> None:
        self._sessions = sessions
        self._book = book
        self._organisation = organisation

    def in_round(
        self, escalation_policy: str, round: int, busy: Collection[str] = ()
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The people that round pages (handles), and those who would have been, had they not been `busy`.

        A level whose people are all busy is passed over. If all are, they are paged all the same.
        """
        levels = self._levels(escalation_policy)
        spared: list[str] = []
        for ahead in range(len(levels)):
            people = turn(levels, round + ahead)
            spared += [person for person in people if person in busy and person not in spared]
            if free := tuple(person for person in people if person not in busy):
                return free, tuple(spared)
        return turn(levels, round), ()

    def _levels(self, escalation_policy: str) -> Sequence[tuple[str, ...]]:
        """The people of each level that has somebody, the lowest first."""
        try:
            answer = self._sessions.here.answer(
                "GET",
                "/oncalls",
                params={"escalation_policy_ids[]": [escalation_policy], "limit": A_PAGE},
                within=AT_ONCE,
            )
            turns = answer.read()["oncalls"]
            levels: dict[int, dict[str, None]] = {}
            for one in turns:
                levels.setdefault(one["escalation_level"], {})[self._book.handle(one["user"]["id"])] = None
        except (ApplicationError, KeyError, TypeError):
            return self._book.levels(escalation_policy, now())
        return [tuple(levels[level]) for level in sorted(levels)]

    def refresh_book(self) -> None:
        """Read a day of shifts of every escalation policy the organisation names, and keep them.

        Whatever it raises, the last good copy stays, and its age grows.
        """
        at, api = now(), self._sessions.here
        turns: list[dict[str, Any]] = []
        offset, more = 0, True
        while more:
            page = api.ask(
                "GET",
                "/oncalls",
                params={
                    "escalation_policy_ids[]": escalation_policies(self._organisation),
                    "since": at.isoformat(),
                    "until": (at + AHEAD).isoformat(),
                    "limit": A_PAGE,
                    "offset": offset,
                },
            )
            turns += page["oncalls"]
            more, offset = bool(page.get("more") and page["oncalls"]), offset + A_PAGE
        phones = {user: self._phone(api, user) for user in dict.fromkeys(turn["user"]["id"] for turn in turns)}
        self._book.keep([_shift(turn, phones) for turn in turns], at)

    def _phone(self, api: Api, user: str) -> str:
        """Their number; the one known before when it cannot be read, none when they have none. It never stops the others."""
        try:
            reply = api.answer("GET", f"/users/{user}/contact_methods")
            if reply.status == 404:
                return ""
            return _number(reply.read()["contact_methods"])
        except (ApplicationError, KeyError, TypeError, AttributeError) as fault:
            _log.warning("the contact methods of %s could not be read: %s", user, fault)
            return self._book.known_phone(user)


def _number(methods: Sequence[dict[str, Any]]) -> str:
    phone = next((m for m in methods if m["type"].startswith("phone")), None)
    return f"+{phone.get('country_code', '')} {phone['address']}" if phone else ""


def _shift(turn: dict[str, Any], phones: dict[str, str]) -> Shift:
    user = turn["user"]
    return Shift(
        escalation_policy=turn["escalation_policy"]["id"],
        level=turn["escalation_level"],
        pagerduty_user=user["id"],
        name=user.get("summary") or user["id"],
        phone=phones[user["id"]],
        start=datetime.fromisoformat(turn["start"]) if turn.get("start") else None,
        end=datetime.fromisoformat(turn["end"]) if turn.get("end") else None,
    )


def escalation_policies(organisation: Organisation) -> list[str]:
    """Every escalation policy that may be paged."""
    paging = organisation.paging
    rungs = [paging.primary, paging.backup, *([paging.shadow] if paging.shadow else [])]
    teams = [team.escalation_policy for team in organisation.teams if team.escalation_policy]
    return list(dict.fromkeys([rung.escalation_policy for rung in rungs] + teams))
