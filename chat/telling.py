"""What one person alone is told: where they said something, else as a direct message; long answers in pages."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from activities.placeholders import Placeholders
from chat import blocks
from incident.choices import Choice

MOST_PAGES = 10
ANSWERED_WITHIN = 120.0
LONGEST_WAIT = 5.0
WAITS = 5
LONG = "The answer is long: it's in your direct messages{link}."
LOST = (SlackApiError, SlackClientError, aiohttp.ClientError, OSError, asyncio.TimeoutError)
_log = logging.getLogger(__name__)


class Telling:
    def __init__(self, slack: AsyncWebClient, places: Placeholders) -> None:
        self._slack = slack
        self._places = places
        self._direct: dict[str, str] = {}

    async def tell(
        self, user: str, channel: str, text: str, thread: str = "", incident: str = "", choices: Sequence[Choice] = ()
    ) -> None:
        """Only to them, with buttons under the first message. What takes more than a few messages comes as direct messages, with a link to the first."""
        pages = self.pages(text)
        if len(pages) <= MOST_PAGES or (link := await self._in_private(user, pages)) is None:
            await self._show(user, channel, self.shown(pages[0], user, incident, choices), thread)
            await self.show(user, channel, pages[1:], thread)
        elif channel and not channel.startswith("D"):
            text = LONG.format(link=f": <{link}|read it>" if link else "")
            await self._show(user, channel, {"text": text}, thread)

    def pages(self, text: str) -> list[str]:
        """In Slack's format, as many messages as it takes; at least one."""
        return blocks.pieces(self._places.for_slack(text)) or [""]

    def shown(self, page: str, user: str, incident: str, choices: Sequence[Choice]) -> dict[str, Any]:
        """As Slack takes it, with buttons that work for them alone and for two minutes."""
        if not choices:
            return {"text": page}
        asked = blocks.Asked(user, int(time.time() + ANSWERED_WITHIN))
        return {"text": page, "blocks": blocks.message(page, incident, choices, asked=asked)}

    async def show(self, user: str, channel: str, pages: list[str], thread: str = "") -> None:
        for page in pages:
            await self._show(user, channel, {"text": page}, thread)

    async def settle(self, channel: str, ts: str, said: str, answer: str) -> None:
        """A private prompt that was accepted is settled where it stands."""
        text = f"{said}: {self._places.for_slack(answer)}"
        try:
            await self._slack.chat_update(
                channel=channel, ts=ts, text=blocks.headline(text), blocks=blocks.message(text)
            )
        except LOST as error:
            _log.warning("a prompt was not settled: %s", type(error).__name__)

    async def _show(self, user: str, channel: str, shown: dict[str, Any], thread: str) -> None:
        try:
            if channel:
                await self._slack.chat_postEphemeral(channel=channel, user=user, thread_ts=thread or None, **shown)
                return
        except SlackApiError as error:
            _log.info("not shown in %s (%s)", channel, error.response.get("error"))
        except LOST as error:
            _log.warning("could not answer in %s: %s", channel, type(error).__name__)
            return
        try:
            await self._slack.chat_postMessage(channel=await self._direct_with(user), **shown)
        except LOST as error:
            _log.warning("could not answer %s: %s", user, type(error).__name__)

    async def _in_private(self, user: str, pages: list[str]) -> str | None:
        """Each as a direct message; a link to the first, if Slack tells it. None when it could not be said there."""
        first = ""
        try:
            channel = await self._direct_with(user)
            for page in pages:
                answer = await _patiently(self._slack.chat_postMessage, channel=channel, text=page)
                first = first or str(answer["ts"])
        except LOST as error:
            _log.warning("a long answer did not reach %s: %s", user, type(error).__name__)
            return None
        try:
            found = await self._slack.chat_getPermalink(channel=channel, message_ts=first)
        except LOST:
            return ""
        return str(found["permalink"])

    async def _direct_with(self, user: str) -> str:
        """The channel of direct messages with them, which never changes: asked for once."""
        if user not in self._direct:
            opened = await self._slack.conversations_open(users=[user])
            self._direct[user] = str(opened["channel"]["id"])
        return self._direct[user]


async def _patiently(method: Callable[..., Awaitable[Any]], **call: Any) -> Any:
    """Slack takes a message a second and channel: the next part waits for it."""
    for waits in range(WAITS + 1):
        try:
            return await method(**call)
        except SlackApiError as error:
            if error.response.status_code != 429 or waits == WAITS:
                raise
            await asyncio.sleep(min(float(error.response.headers.get("Retry-After", 1)), LONGEST_WAIT))
    raise AssertionError("the last wait raises")
