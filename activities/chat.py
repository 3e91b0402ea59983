"""Slack: rooms, posts, private words.

The SDK's own retries are off: retrying is Temporal's. Only a short "wait" (429) is waited out here: an activity of
two calls would otherwise begin with its first one again, and with every second call put off never get to the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import again, asking, errors
from activities.on_call_book import now
from activities.placeholders import Placeholders
from chat import blocks as drawn
from incident import identity
from incident.choices import Choice
from incident.model import Room
from incident.texts import Text, shorten

EVENT = "dont_panic"
LONGEST = 39_000
LOOK_BACK = 200
NOT_DRAWN = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long")
_UNPRINTABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
_log = logging.getLogger(__name__)
WAITED_OUT = 3.0
WAITS = 3


@dataclass(frozen=True)
class RoomOrder:
    """A channel of that name; one that exists already is adopted."""

    name: str
    private: bool = False


@dataclass(frozen=True)
class Part:
    """One of several things said in one message; each is said once by its own key."""

    text: Text
    key: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Post:
    """`key` makes it be said once: it travels as the message's metadata and is looked for when it may have been said before.

    `also` are keys that this post covers: when one of them stands there already, nothing is posted. `here` lets
    `{here}` become @here. `thread` is the message it answers. `choices` and `more` are its buttons, for `incident`.
    `lines` are said in the same message, below `text`, each once by its own key.
    """

    channel: str
    text: Text
    key: str
    also: tuple[str, ...] = ()
    here: bool = False
    thread: str = ""
    incident: str = ""
    choices: tuple[Choice, ...] = ()
    more: tuple[Choice, ...] = ()
    lines: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Edit:
    """Another text and other buttons for a message that stands there."""

    channel: str
    ts: str
    text: Text
    incident: str
    choices: tuple[Choice, ...] = ()
    more: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Bookmarks:
    """At the top of a room: the bridge, and the history of the incident's workflow."""

    channel: str
    workflow: str


@dataclass(frozen=True)
class Posted:
    channel: str
    ts: str
    at: datetime


@dataclass(frozen=True)
class Topic:
    channel: str
    text: Text


@dataclass(frozen=True)
class Invitation:
    channel: str
    people: tuple[str, ...]


@dataclass(frozen=True)
class Uninvitation:
    channel: str
    person: str


@dataclass(frozen=True)
class Tell:
    """A direct message to one person (handle, or Slack id of a guest). `more` is said in the same message."""

    person: str
    text: Text
    key: str
    incident: str = ""
    choices: tuple[Choice, ...] = ()
    more: tuple[Part, ...] = ()


class Chat:
    """`client` has its retry handlers off; `places` fills in what must not stand in a history.

    `web_ui` is the address of Temporal's, if there is one.
    """

    def __init__(self, client: AsyncWebClient, places: Placeholders, web_ui: str = "") -> None:
        self._slack = client
        self._places = places
        self._web_ui = web_ui
        self._home = ""
        self._users: dict[str, str] = {}

    @activity.defn
    async def open_room(self, order: RoomOrder) -> Room:
        made = await self._call(
            self._slack.conversations_create, "name_taken", name=order.name, is_private=order.private
        )
        channel = made["channel"]["id"] if made["ok"] else await self._find_room(order.name)
        return Room(channel, order.name, f"{await self._address()}archives/{channel}")

    @activity.defn
    async def post(self, post: Post) -> Posted:
        if post.lines:
            return await self._post_lines(post)
        text = self._places.for_slack(post.text, here=post.here)
        draw = partial(drawn.message, text, post.incident, post.choices, post.more)
        blocks = _drawn(draw) if post.choices or post.more else None
        return await self._once(post.channel, text, (post.key, *post.also), post.thread, blocks)

    @activity.defn
    async def edit(self, edit: Edit) -> None:
        text = self._places.for_slack(edit.text)
        blocks = _drawn(partial(drawn.message, text, edit.incident, edit.choices, edit.more))
        place = {"channel": edit.channel, "ts": edit.ts}
        call: dict[str, Any] = {**place, "text": shorten(text, LONGEST), "blocks": blocks}
        await self._drawn_or_plainly(self._slack.chat_update, call, place)

    @activity.defn
    async def pin(self, post: Post) -> Posted:
        """Post it and pin it at the top of the room."""
        posted = await self.post(post)
        await self._call(self._slack.pins_add, "already_pinned", channel=posted.channel, timestamp=posted.ts)
        return posted

    @activity.defn
    async def tell(self, tell: Tell) -> None:
        """Privately. Somebody who is not in Slack cannot be told: that is given up with a sentence."""
        slack_id = await self._user(tell.person)
        if not slack_id:
            raise errors.rejected("Slack", f"{tell.person} is not known there")
        opened = await self._call(self._slack.conversations_open, users=[slack_id])
        channel = opened["channel"]["id"]
        parts = (Part(tell.text, tell.key, tell.choices), *tell.more)
        if tell.more or again.may_be_done():
            said = await self._said(channel)
            parts = tuple(part for part in parts if part.key not in said)
        if parts:
            texts = [self._places.for_slack(part.text) for part in parts]
            choices = [part.choices for part in parts]
            blocks = _drawn(partial(drawn.together, texts, tell.incident, choices)) if any(choices) else None
            await self._say(channel, "\n\n".join(texts), tuple(part.key for part in parts), blocks=blocks)

    @activity.defn
    async def bookmark(self, bookmarks: Bookmarks) -> None:
        """What is there already stays."""
        history = identity.history_url(self._web_ui, activity.info().namespace, bookmarks.workflow)
        there = await self._call(self._slack.bookmarks_list, channel_id=bookmarks.channel)
        links = {bookmark.get("link") for bookmark in there["bookmarks"]}
        for title, link in (("Bridge", self._places.bridge), ("History in Temporal", history)):
            if link and link not in links:
                await self._call(
                    self._slack.bookmarks_add, channel_id=bookmarks.channel, title=title, type="link", link=link
                )

    @activity.defn
    async def set_topic(self, topic: Topic) -> None:
        text = shorten(self._places.for_slack(topic.text), 250)
        await self._call(self._slack.conversations_setTopic, channel=topic.channel, topic=text)

    @activity.defn
    async def invite(self, invitation: Invitation) -> None:
        """Who is there already is fine; who is not in Slack is left out."""
        for slack_id in filter(None, [await self._user(person) for person in invitation.people]):
            await self._call(
                self._slack.conversations_invite,
                "already_in_channel",
                "cant_invite_self",
                "user_not_found",
                channel=invitation.channel,
                users=[slack_id],
            )

    @activity.defn
    async def uninvite(self, uninvitation: Uninvitation) -> None:
        """Who is not there is fine."""
        if slack_id := await self._user(uninvitation.person):
            await self._call(
                self._slack.conversations_kick,
                "not_in_channel",
                "cant_kick_self",
                "user_not_found",
                channel=uninvitation.channel,
                user=slack_id,
            )

    # -------------------------------------------------------------------------------------------------

    async def _post_lines(self, post: Post) -> Posted:
        """Those lines that do not stand there yet. They may stand there in other company."""
        lines = (Part(post.text, post.key), *post.lines)
        said = await self._said(post.channel) if again.may_be_done() else {}
        fresh = [line for line in lines if line.key not in said]
        if not fresh:
            return Posted(post.channel, said[lines[-1].key], now())
        text = "\n".join(self._places.for_slack(line.text) for line in fresh)
        return await self._say(post.channel, text, tuple(line.key for line in fresh))

    async def _once(
        self,
        channel: str,
        text: str,
        keys: tuple[str, ...],
        thread: str = "",
        blocks: list[dict[str, Any]] | None = None,
    ) -> Posted:
        """Unless one of `keys` stands there already."""
        if (again.may_be_done() or len(keys) > 1) and (ts := await self._find_post(channel, set(keys))) is not None:
            return Posted(channel, ts, now())
        return await self._say(channel, text, keys[:1], thread, blocks)

    async def _say(
        self,
        channel: str,
        text: str,
        keys: tuple[str, ...],
        thread: str = "",
        blocks: list[dict[str, Any]] | None = None,
    ) -> Posted:
        """`keys` are those of all that is in it."""
        more = {"says": list(keys)} if len(keys) > 1 else {}
        metadata = {"event_type": EVENT, "event_payload": {"key": keys[0], **more}}
        call: dict[str, Any] = {
            "channel": channel,
            "text": shorten(text, LONGEST),
            "metadata": metadata,
            "thread_ts": thread or None,
            "unfurl_links": False,
            "unfurl_media": False,
            "blocks": blocks,
        }
        place = {"channel": channel, "metadata": metadata}
        answer = await self._drawn_or_plainly(self._slack.chat_postMessage, call, place)
        return Posted(str(answer["channel"]), str(answer["ts"]), now())

    async def _drawn_or_plainly(
        self, method: Callable[..., Awaitable[Any]], call: dict[str, Any], place: dict[str, Any]
    ) -> Any:
        """Blocks that Slack cannot take are left out: the text says the same, and must not be lost with them.

        A message that it can never accept is tried once as plain text, without markup, with nothing but its `place` beside it.
        """
        try:
            if call["blocks"]:
                answer = await self._call(method, *NOT_DRAWN, **call)
                if answer["ok"]:
                    return answer
            return await self._call(method, **{**call, "blocks": None})
        except ApplicationError as error:
            if error.type != errors.REJECTED:
                raise
            _log.warning("said as plain text, because %s", error.message)
            if "metadata" in error.message:
                place = {name: value for name, value in place.items() if name != "metadata"}
            text = call["text"].translate(_UNPRINTABLE).strip() or "…"
            return await self._call(method, **place, text=text, mrkdwn=False)

    async def _find_post(self, channel: str, keys: set[str]) -> str | None:
        said = await self._said(channel)
        return next((ts for key, ts in said.items() if key in keys), None)

    async def _said(self, channel: str) -> dict[str, str]:
        """Key to message, of what we said there lately."""
        history = await self._call(
            self._slack.conversations_history, channel=channel, limit=LOOK_BACK, include_all_metadata=True
        )
        said: dict[str, str] = {}
        for message in history["messages"]:
            metadata = message.get("metadata", {})
            if metadata.get("event_type") == EVENT:
                payload = metadata.get("event_payload", {})
                said |= dict.fromkeys((payload.get("key", ""), *payload.get("says", ())), str(message["ts"]))
        return said

    async def _user(self, person: str) -> str:
        """Their Slack id: the organisation's word, else by their e-mail; empty for somebody Slack does not know."""
        if (id := self._places.slack_id(person) or self._users.get(person, "")) or not self._places.email(person):
            return id
        found = await self._call(self._slack.users_lookupByEmail, "users_not_found", email=self._places.email(person))
        if not found["ok"]:
            return ""
        self._users[person] = str(found["user"]["id"])
        return self._users[person]

    async def _find_room(self, name: str) -> str:
        cursor = ""
        while True:
            page = await self._call(
                self._slack.conversations_list,
                types="public_channel,private_channel",
                limit=500,
                cursor=cursor,
                exclude_archived=True,
            )
            for channel in page["channels"]:
                if channel["name"] == name:
                    return str(channel["id"])
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                raise errors.rejected("Slack", f"#{name} is taken and cannot be seen")

    async def _address(self) -> str:
        if not self._home:
            self._home = (await self._call(self._slack.auth_test))["url"]
        return self._home

    async def _call(self, method: Callable[..., Awaitable[Any]], *fine: str, **arguments: Any) -> Any:
        """Slack's answer, which has no one shape. A refusal with one of the `fine` codes is an answer too (not ok)."""
        asking.only_in_a_workflow()
        for waits in range(WAITS + 1):
            try:
                return (await method(**arguments)).data
            except (SlackClientError, aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
                if _code(error) in fine and isinstance(error, SlackApiError):
                    return error.response.data
                said = errors.from_slack(error)
                wait = said.next_retry_delay
                if wait is None or wait.total_seconds() > WAITED_OUT or waits == WAITS:
                    raise said from None
                await asyncio.sleep(wait.total_seconds())
        raise AssertionError("the last wait raises")


def _drawn(draw: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    """The blocks; none where slack_sdk's own models, or our use of them, say no. The text says the same."""
    try:
        return draw() or None
    except Exception as fault:  # noqa: BLE001  # whatever it is, words must not be lost for lack of a button
        _log.warning("a message has no blocks: %r", fault)
        return None


def _code(error: Exception) -> str:
    """Slack's word for a refusal; empty for everything else."""
    if isinstance(error, SlackApiError) and error.response.status_code == 200:
        return str(error.response.get("error", ""))
    return ""
