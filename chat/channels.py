"""Whose channel one is: by its id, as the incidents' snapshots have it."""

from __future__ import annotations

import asyncio
import time

from slack_sdk.web.async_client import AsyncWebClient

from chat.telling import LOST
from entrypoints.gateway import Gateway
from entrypoints.problems import Unreachable, reaching

NEW_FOR = 120.0
"""Seconds in which a channel that our app made may not stand in a snapshot yet."""
AWAITED_FOR, LOOKED_AGAIN = 2.0, 0.1
ASKED_FOR = 0.5
"""Seconds for Slack to say who made a channel: a page waits for nothing of Slack's."""


class Channels:
    def __init__(self, slack: AsyncWebClient, gateway: Gateway) -> None:
        self._slack = slack
        self._gateway = gateway
        self._incidents: dict[str, str] = {}
        self._made_by_us: dict[str, float] = {}
        self._us = ""

    async def incident(self, channel: str) -> str:
        """The incident whose channel this is; empty for any other.

        Raises Unreachable where that cannot be read, or is not known yet: nothing is said in the wrong place.
        """
        if channel in self._incidents:
            return self._incidents[channel]
        ends = time.monotonic() + AWAITED_FOR
        while True:
            with reaching():
                found = await self._gateway.incident_in(channel)
            if found:
                self._incidents[channel] = found
                return found
            if not await self._is_new(channel):
                return ""
            if time.monotonic() > ends:
                raise Unreachable("It isn't known yet which incident this channel belongs to.")
            await asyncio.sleep(LOOKED_AGAIN)

    async def _is_new(self, channel: str) -> bool:
        """Whether our app made it a moment ago."""
        if channel not in self._made_by_us:
            try:
                self._made_by_us[channel] = await asyncio.wait_for(self._made(channel), ASKED_FOR)
            except LOST:
                return False
        return time.time() - self._made_by_us[channel] < NEW_FOR

    async def _made(self, channel: str) -> float:
        """When our app made it; 0 for a channel that it did not make."""
        if not self._us:
            self._us = str((await self._slack.auth_test())["user_id"])
        found = (await self._slack.conversations_info(channel=channel))["channel"]
        return float(found.get("created") or 0) if found.get("creator") == self._us else 0.0
