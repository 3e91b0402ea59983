"""Who is behind a Slack user: somebody of the organisation by id, else by e-mail, else a guest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from incident.policy import Organisation

REMEMBERED_FOR = 600.0
ASKED_FOR = 0.5
"""Seconds, where nothing depends on it: a page waits for nothing of Slack's."""


@dataclass(frozen=True)
class Speaker:
    """`by` is a handle of the organisation, or the Slack id of somebody it does not know."""

    by: str
    name: str


class NotTold(Exception):
    """Slack does not say who somebody is. They may be anybody: nothing is decided by them as a stranger."""


class People:
    """Remembers for ten minutes what Slack said, and for as long as it takes while Slack says nothing."""

    def __init__(self, slack: AsyncWebClient, organisation: Organisation) -> None:
        self._slack = slack
        self._organisation = organisation
        self._by_id = {p.slack: p for p in organisation.people if p.slack}
        self._by_email = {p.email.lower(): p for p in organisation.people if p.email}
        self._known: dict[str, tuple[float, Speaker]] = {}
        self._home = ""
        self._app = ""

    async def who(self, user: str) -> Speaker:
        """By id without asking anybody: that has to work with half of Slack down. Raises NotTold."""
        if person := self._by_id.get(user):
            return Speaker(person.id, person.name)
        known = self._known.get(user)
        if known is not None and time.monotonic() - known[0] <= REMEMBERED_FOR:
            return known[1]
        try:
            speaker = await self._ask(user)
        except (SlackApiError, SlackClientError, aiohttp.ClientError, OSError, TimeoutError, LookupError) as fault:
            if known is None:
                raise NotTold("Slack can't say who you are right now.") from fault
            return known[1]
        self._known[user] = (time.monotonic(), speaker)
        return speaker

    async def anybody(self, user: str) -> Speaker:
        """The same without waiting long; a guest while Slack does not say."""
        try:
            return await asyncio.wait_for(self.who(user), ASKED_FOR)
        except (NotTold, TimeoutError):
            return Speaker(user, user)

    async def _ask(self, user: str) -> Speaker:
        found = (await self._slack.users_info(user=user))["user"]
        home = await self._workspace()
        name = str(found.get("real_name") or found.get("name") or user)
        # Somebody of another workspace, in a shared channel, may carry any address.
        teams = (found.get("enterprise_user") or {}).get("teams") or [found.get("team_id")]
        ours = home in teams and not found.get("is_stranger")
        email = str(found.get("profile", {}).get("email") or "").lower()
        person = self._by_email.get(email) if ours and email else None
        return Speaker(person.id, person.name) if person else Speaker(user, name)

    async def app(self) -> str:
        """The app's own user; empty while Slack does not say."""
        with contextlib.suppress(SlackApiError, SlackClientError, OSError, TimeoutError):
            await self._workspace()
        return self._app

    async def _workspace(self) -> str:
        if not self._home:
            ours = await self._slack.auth_test()
            self._home, self._app = str(ours["team_id"]), str(ours.get("user_id") or "")
        return self._home
