"""Slack: channels, posts, direct messages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import again, errors
from activities.on_call_book import now
from activities.placeholders import Placeholders
from activities.slack_calls import EVENT, SlackCalls
from chat import blocks as drawn
from incident import identity
from incident.choices import Choice
from incident.model import Room
from incident.texts import Text, shorten

NAMES_TRIED = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RoomOrder:
    """A channel of that name, or of that name with a number where somebody else has one of it."""

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
    """`not_pinned` is why it could not be pinned, if that was asked for."""

    channel: str
    ts: str
    at: datetime
    not_pinned: str = ""


@dataclass(frozen=True)
class Topic:
    channel: str
    text: Text


@dataclass(frozen=True)
class Invitation:
    channel: str
    people: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """Somebody whom Slack does not let into a channel. `why` is Slack's word."""

    person: str
    why: str


@dataclass(frozen=True)
class Invited:
    left_out: tuple[LeftOut, ...] = ()


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
        self._calls = SlackCalls(client)
        self._call = self._calls.call
        self._places = places
        self._web_ui = web_ui
        self._home: tuple[str, str] | None = None
        self._users: dict[str, str] = {}

    @activity.defn
    async def open_room(self, order: RoomOrder) -> Room:
        """A channel of our own. One of that name that we made is ours, from an attempt whose answer was lost.

        Whoever else made one of it might read along.
        """
        home, us = await self._who_we_are()
        for n in range(1, NAMES_TRIED + 1):
            name = order.name if n == 1 else f"{order.name}-{n}"
            made = await self._call(self._slack.conversations_create, "name_taken", name=name, is_private=order.private)
            channel = made["channel"]["id"] if made["ok"] else await self._find_ours(name, us, private=order.private)
            if channel:
                return Room(channel, name, f"{home}archives/{channel}")
        raise errors.rejected("Slack", f"#{order.name} is taken")

    @activity.defn
    async def join_room(self, channel: str) -> None:
        """After our app was removed. Into a private channel somebody has to invite it."""
        await self._call(self._slack.conversations_join, channel=channel)

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
        await self._calls.edit(edit.channel, edit.ts, text, blocks)

    @activity.defn
    async def pin(self, post: Post) -> Posted:
        """Post it, and pin it at the top of the channel if Slack lets us: it stands there in any case."""
        posted = await self.post(post)
        try:
            await self._call(self._slack.pins_add, "already_pinned", channel=posted.channel, timestamp=posted.ts)
        except ApplicationError as error:
            if not error.non_retryable:
                raise
            return replace(posted, not_pinned=error.message)
        return posted

    @activity.defn
    async def tell(self, tell: Tell) -> None:
        """Privately. Somebody who is not in Slack cannot be told: that is given up with a sentence."""
        slack_id = await self._user(tell.person)
        if not slack_id:
            raise errors.rejected("Slack", f"{tell.person} is not known there")
        channel = await self._calls.direct(slack_id)
        parts = (Part(tell.text, tell.key, tell.choices), *tell.more)
        if tell.more or again.may_be_done():
            said = await self._calls.said(channel)
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
    async def invite(self, invitation: Invitation) -> Invited:
        """All in one call. Who is there already is fine, who is not in Slack is left out; who may not come keeps out nobody."""
        ids: dict[str, str] = {}
        left_out: list[LeftOut] = []
        for person in invitation.people:
            try:
                if id := await self._user(person):
                    ids[id] = person
            except ApplicationError as error:
                if not error.non_retryable:
                    raise
                left_out.append(LeftOut(person, error.message))
        for user, why in (await self._calls.invite(invitation.channel, list(ids))).items():
            left_out.append(LeftOut(ids[user], why))
        return Invited(tuple(left_out))

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
        said = await self._calls.said(post.channel) if again.may_be_done() else {}
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
        if (again.may_be_done() or len(keys) > 1) and (
            ts := await self._find_post(channel, set(keys), thread)
        ) is not None:
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
        answer = await self._calls.post(channel, text, metadata, blocks, thread)
        return Posted(str(answer["channel"]), str(answer["ts"]), now())

    async def _find_post(self, channel: str, keys: set[str], thread: str) -> str | None:
        said = await self._calls.said(channel, thread)
        return next((ts for key, ts in said.items() if key in keys), None)

    async def _user(self, person: str) -> str:
        """Their Slack id: the organisation's word, else by their e-mail; empty for somebody Slack does not know."""
        if (id := self._places.slack_id(person) or self._users.get(person, "")) or not self._places.email(person):
            return id
        found = await self._call(self._slack.users_lookupByEmail, "users_not_found", email=self._places.email(person))
        if not found["ok"]:
            return ""
        self._users[person] = str(found["user"]["id"])
        return self._users[person]

    async def _find_ours(self, name: str, us: str, *, private: bool) -> str:
        """The channel of that name, if we made it and it is as it was to be; else nothing."""
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
                    ours = channel.get("creator") == us and bool(channel.get("is_private")) == private
                    return str(channel["id"]) if ours else ""
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                return ""

    async def _who_we_are(self) -> tuple[str, str]:
        """The workspace's address, and our app's own user."""
        if self._home is None:
            found = await self._call(self._slack.auth_test)
            self._home = (str(found["url"]), str(found["user_id"]))
        return self._home


def _drawn(draw: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    """The blocks; none where slack_sdk's own models, or our use of them, say no. The text says the same."""
    try:
        return draw() or None
    except Exception as fault:  # noqa: BLE001  # whatever it is, words must not be lost for lack of a button
        _log.warning("a message has no blocks: %r", fault)
        return None
