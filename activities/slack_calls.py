"""Slack's Web API as the activities call it: short waits are waited out, refusals become errors of the one table.

The SDK's own retries are off: retrying is Temporal's. Only a short "wait" (429) is waited out here: an activity of
two calls would otherwise begin with its first one again, and with every second call put off never get to the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import asking, errors
from chat import blocks as drawn

EVENT = "dont_panic"
LONGEST_POST = 39_000
LONGEST_EDIT = 3_900
LONGEST_AT_LAST = 2_900
LOOK_BACK = 200
INVITED_AT_ONCE = 100
THERE_ALREADY = ("already_in_channel", "cant_invite_self")
OF_ONE_USER = (
    *THERE_ALREADY,
    "app_cannot_join_channel",
    "cant_invite",
    "invitee_cant_see_channel",
    "no_external_invite_permission",
    "org_user_not_in_team",
    "ura_max_channels",
    "user_is_restricted",
    "user_is_ultra_restricted",
    "user_not_found",
    "user_team_not_in_channel",
)
"""Refusals of conversations.invite that are one user's matter."""
WAITED_OUT = 3.0
WAITS = 3
_UNPRINTABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
_log = logging.getLogger(__name__)


class SlackCalls:
    """`client` has its retry handlers off."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client
        self._direct: dict[str, str] = {}

    async def call(self, method: Callable[..., Awaitable[Any]], *fine: str, **arguments: Any) -> Any:
        """Slack's answer, which has no one shape. A refusal with one of the `fine` codes is an answer too (not ok)."""
        asking.only_in_a_workflow()
        for waits in range(WAITS + 1):
            try:
                return (await method(**arguments)).data
            except (SlackClientError, aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
                if isinstance(error, SlackApiError) and refusal(error) in fine:
                    return error.response.data
                said = errors.from_slack(error, _refused_for())
                wait = said.next_retry_delay
                if wait is None or wait.total_seconds() > WAITED_OUT or waits == WAITS:
                    raise said from None
                await asyncio.sleep(wait.total_seconds())
        raise AssertionError("the last wait raises")

    async def said(self, channel: str, thread: str = "") -> dict[str, str]:
        """Key to message, of what we said there lately. Nothing where Slack does not let us look.

        Then what may stand there already is said again: twice is better than never.
        """
        look: dict[str, Any] = {"channel": channel, "limit": LOOK_BACK, "include_all_metadata": True}
        try:
            if thread:
                found = await self.call(self.client.conversations_replies, "thread_not_found", ts=thread, **look)
            else:
                found = await self.call(self.client.conversations_history, **look)
        except ApplicationError as error:
            if not error.non_retryable:
                raise
            _log.warning("what was said in %s cannot be read: %s", channel, error.message)
            return {}
        said: dict[str, str] = {}
        for message in found.get("messages", ()):
            metadata = message.get("metadata", {})
            if metadata.get("event_type") == EVENT:
                payload = metadata.get("event_payload", {})
                said |= dict.fromkeys((payload.get("key", ""), *payload.get("says", ())), str(message["ts"]))
        return said

    async def direct(self, user: str) -> str:
        """The channel of direct messages with this user, which never changes: asked for once."""
        if user not in self._direct:
            opened = await self.call(self.client.conversations_open, users=[user])
            self._direct[user] = str(opened["channel"]["id"])
        return self._direct[user]

    async def invite(self, channel: str, users: list[str]) -> dict[str, str]:
        """All in one call; why each of those who may not come may not. Who is there already is fine."""
        left_out: dict[str, str] = {}
        for begin in range(0, len(users), INVITED_AT_ONCE):
            left_out |= await self._invite(channel, users[begin : begin + INVITED_AT_ONCE])
        return {user: why for user, why in left_out.items() if why not in THERE_ALREADY}

    async def _invite(self, channel: str, users: list[str]) -> dict[str, str]:
        """With `force` the others come. A call in which nobody comes is refused, as one without `force`."""
        call = {"channel": channel, "force": True}
        found = await self.call(self.client.conversations_invite, *OF_ONE_USER, users=users, **call)
        if found["ok"] or found.get("errors"):
            return {str(one["user"]): str(one["error"]) for one in found.get("errors") or () if one.get("user")}
        if len(users) == 1:
            return {users[0]: str(found["error"])}
        left_out: dict[str, str] = {}
        for user in users:
            left_out |= await self._invite(channel, [user])
        return left_out

    async def post(
        self, channel: str, text: str, metadata: dict[str, Any], blocks: list[dict[str, Any]] | None, thread: str = ""
    ) -> Any:
        """The answer. In a thread that is gone it is posted in the channel."""
        more = {"metadata": metadata, "unfurl_links": False, "unfurl_media": False, "thread_ts": thread or None}
        plainly = {"channel": channel, "metadata": metadata}
        method, longest = self.client.chat_postMessage, LONGEST_POST
        try:
            return await self._send(method, {"channel": channel, **more}, plainly, text, blocks, longest)
        except ApplicationError as error:
            if not (thread and error.type == errors.MESSAGE_GONE):
                raise
            more["thread_ts"] = None
            return await self._send(method, {"channel": channel, **more}, plainly, text, blocks, longest)

    async def edit(self, channel: str, ts: str, text: str, blocks: list[dict[str, Any]] | None) -> None:
        place = {"channel": channel, "ts": ts}
        await self._send(self.client.chat_update, place, place, text, blocks, LONGEST_EDIT)

    async def _send(
        self,
        method: Callable[..., Awaitable[Any]],
        call: dict[str, Any],
        plainly: dict[str, Any],
        text: str,
        blocks: list[dict[str, Any]] | None,
        longest: int,
    ) -> Any:
        """With its blocks; else as a text; else without markup and with nothing beside it, a short one.

        Beside blocks a text is no more than the notification. A text alone takes away the blocks that were there.
        """
        if blocks:
            try:
                return await self.call(method, **call, text=drawn.headline(text), blocks=blocks)
            except ApplicationError as error:
                if error.type not in (errors.REJECTED, errors.TOO_LONG):
                    raise
                _log.warning("said without blocks, because %s", error.message)
        try:
            return await self.call(method, **call, text=drawn.cut(text, longest), blocks=[])
        except ApplicationError as error:
            if error.type not in (errors.REJECTED, errors.TOO_LONG):
                raise
            _log.warning("said as plain text, because %s", error.message)
            if "metadata" in error.message:
                plainly = {name: value for name, value in plainly.items() if name != "metadata"}
            most = LONGEST_AT_LAST if error.type == errors.TOO_LONG else longest
            last = drawn.cut(text.translate(_UNPRINTABLE).strip() or "…", most)
            return await self.call(method, **plainly, text=last, blocks=[], mrkdwn=False)


def refusal(error: Exception) -> str:
    """Slack's word for a refusal; empty for everything else."""
    if isinstance(error, SlackApiError) and error.response.status_code == 200:
        return str(error.response.get("error", ""))
    return ""


def _refused_for() -> timedelta:
    """How long ago this was asked for first."""
    return datetime.now(UTC) - activity.info().scheduled_time if activity.in_activity() else timedelta(0)
