"""What Slack refuses, as its documentation has it; each test names the page and, in our words, what it says.

"Reference" is a method's page, docs.slack.dev/reference/methods/METHOD, its table of errors.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from emulators.server import start
from emulators.slack import rate_limits
from emulators.world import Channel, User, World

ROOM, ELSEWHERE, PRIVATE = "C0GENERAL", "C0ELSEWHERE", "C0PRIVATE"
STRANGE = (
    User("Una Onlyhere", slack="U0UNA", email="una@example.com", guest="single-channel"),
    User("Mo Manyson", slack="U0MO", email="mo@example.com", guest="multi-channel"),
    User("Dan Departed", slack="U0DAN", email="dan@example.com", deactivated=True),
    User("Olga Otherteam", slack="U0OLGA", email="olga@example.com", teams=("T0SALES",)),
    User("Greta Gridson", slack="U0GRETA", email="greta@example.com", teams=("T0EXAMPLE", "T0SALES")),
)
CHANNELS = (
    Channel(ELSEWHERE, "elsewhere", members=("U0BOB", "U0UNA")),
    Channel(PRIVATE, "private", private=True, members=("U0BOB",)),
)


@dataclasses.dataclass
class Slack:
    """The unchanged SDK's client, and the control address."""

    url: str
    client: AsyncWebClient
    http: aiohttp.ClientSession

    async def control(self, path: str, **given: object) -> Any:
        async with self.http.post(f"{self.url}/control/{path}", json=given) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def refusal(self, call: Any) -> str:
        with pytest.raises(SlackApiError) as error:
            await call
        return str(error.value.response["error"])

    async def history(self, channel: str = ROOM) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.client.conversations_history(channel=channel))["messages"]
        return found


@pytest.fixture
async def slack(world: World) -> AsyncIterator[Slack]:
    async with serve(world) as found:
        yield found


def serve(world: World, **more: Any) -> Any:
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def served() -> AsyncIterator[Slack]:
        stricter = dataclasses.replace(
            world, users=(*world.users, *STRANGE), channels=(*world.channels, *CHANNELS), **more
        )
        async with start(stricter) as running, aiohttp.ClientSession() as http:
            api = f"{running.url}/slack/api/"
            yield Slack(running.url, AsyncWebClient(token="xoxb-practice", base_url=api, retry_handlers=[]), http)

    return served()


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(id: str) -> dict[str, Any]:
    return {"type": "button", "action_id": id, "text": {"type": "plain_text", "text": id}}


# -- what is said ---------------------------------------------------------------------------------------


async def test_an_edit_of_more_than_4000_characters(slack: Slack) -> None:
    """Reference, chat.update, `msg_too_long`: `text` may have 4,000 characters; a post may have more."""
    posted = await slack.client.chat_postMessage(channel=ROOM, text="x" * 4_001)
    place = {"channel": ROOM, "ts": posted["ts"]}
    await slack.client.chat_update(**place, text="x" * 4_000)
    assert await slack.refusal(slack.client.chat_update(**place, text="x" * 4_001)) == "msg_too_long"


async def test_a_text_counts_as_it_is_sent(slack: Slack) -> None:
    """docs.slack.dev/messaging/formatting-message-text: `&`, `<` and `>` are sent as entities. That those count is the
    behaviour reported by users; no page says so."""
    posted = await slack.client.chat_postMessage(channel=ROOM, text="x")
    call = slack.client.chat_update(channel=ROOM, ts=posted["ts"], text="&amp;" * 801)
    assert await slack.refusal(call) == "msg_too_long"


async def test_a_post_of_more_than_40000_characters(slack: Slack) -> None:
    """Reference, chat.postMessage, on long texts: cut at 40,000. Taken for a refusal here, so that nobody relies on it;
    of chat.postEphemeral the page only says that a text can be too long."""
    assert await slack.refusal(slack.client.chat_postMessage(channel=ROOM, text="x" * 40_001)) == "msg_too_long"
    call = slack.client.chat_postEphemeral(channel=ROOM, user="U0BOB", text="x" * 40_001)
    assert await slack.refusal(call) == "msg_too_long"


async def test_the_blocks_of_a_message_together(slack: Slack) -> None:
    """Reference, chat.postMessage, `msg_blocks_too_long`, without a number. github.com/slackapi/bolt-js/issues/2509
    measured about 13,200 characters, and fewer with a divider more."""
    most = [section("x" * 2_900)] * 4
    await slack.client.chat_postMessage(channel=ROOM, text="x", blocks=most)
    more = [*most, section("x" * 1_500)]
    assert await slack.refusal(slack.client.chat_postMessage(channel=ROOM, text="x", blocks=more)) == (
        "msg_blocks_too_long"
    )


async def test_with_a_text_alone_an_edit_takes_the_blocks_away(slack: Slack) -> None:
    """Reference, chat.update, `blocks`: they are kept only where no `text` is given."""
    posted = await slack.client.chat_postMessage(channel=ROOM, text="x", blocks=[section("x")])
    await slack.client.chat_update(channel=ROOM, ts=posted["ts"], text="y")
    assert "blocks" not in (await slack.history())[0]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param({"type": "actions", "elements": [button("a"), button("a")]}, id="one action_id twice in a block"),
        pytest.param({"type": "actions", "elements": [{"type": "lever", "action_id": "a"}]}, id="unknown element"),
        pytest.param({**section("x"), "colour": "red"}, id="unknown field of a block"),
        pytest.param({"type": "actions", "elements": [{**button("a"), "size": 2}]}, id="unknown field of an element"),
        pytest.param({"type": "actions", "elements": [{**button("a"), "style": "loud"}]}, id="unknown style"),
    ],
)
async def test_blocks_that_are_not_as_described(slack: Slack, block: dict[str, Any]) -> None:
    """Reference, chat.postMessage, `invalid_blocks`. docs.slack.dev/reference/block-kit lists types and fields, and says
    that an `action_id` is unique in its block; github.com/knacklabs/gantry/pull/458 saw that refused."""
    assert await slack.refusal(slack.client.chat_postMessage(channel=ROOM, text="x", blocks=[block])) == (
        "invalid_blocks"
    )


@pytest.mark.parametrize("values", [[f"v{n}" for n in range(101)], ["v", "v"]], ids=["101 options", "a value twice"])
async def test_options_of_a_menu(slack: Slack, values: list[str]) -> None:
    """That there are at most 100 of them, with different values, stands on no page that was found; slack_sdk's models refuse
    more than 100."""
    options = [{"text": {"type": "plain_text", "text": v}, "value": v} for v in values]
    block = {"type": "actions", "elements": [{"type": "static_select", "action_id": "a", "options": options}]}
    assert await slack.refusal(slack.client.chat_postMessage(channel=ROOM, text="x", blocks=[block])) == (
        "invalid_blocks"
    )


async def test_an_answer_in_the_thread_of_nothing(slack: Slack) -> None:
    """github.com/slackapi/bolt-js/issues/2307: `thread_not_found` where the parent was deleted meanwhile;
    github.com/jenkinsci/slack-plugin/issues/584: `invalid_thread_ts` for what is no `ts`. The method's page has neither."""
    post = slack.client.chat_postMessage
    assert await slack.refusal(post(channel=ROOM, text="x", thread_ts="1234567890.000100")) == "thread_not_found"
    assert await slack.refusal(post(channel=ROOM, text="x", thread_ts="0")) == "invalid_thread_ts"


async def test_what_is_not_there_or_not_ours_cannot_be_edited(slack: Slack) -> None:
    """Reference, chat.update: `message_not_found`, `cant_update_message`, `edit_window_closed`."""
    said = await slack.control("slack/message", user="U0BOB", channel=ROOM, text="mine")
    ours = await slack.client.chat_postMessage(channel=ROOM, text="x")
    update = slack.client.chat_update
    assert await slack.refusal(update(channel=ROOM, ts=said["ts"], text="y")) == "cant_update_message"
    await slack.control("slack/channel", channel=ROOM, edits_closed=True)
    assert await slack.refusal(update(channel=ROOM, ts=ours["ts"], text="y")) == "edit_window_closed"
    await slack.control("slack/channel", channel=ROOM, edits_closed=False)
    await slack.control("slack/delete", channel=ROOM, ts=ours["ts"])
    assert await slack.refusal(update(channel=ROOM, ts=ours["ts"], text="y")) == "message_not_found"


async def test_metadata_of_another_shape(slack: Slack) -> None:
    """Reference, chat.postMessage: `invalid_metadata_format`, `metadata_too_large`; the size is our guess."""
    post = slack.client.chat_postMessage
    assert await slack.refusal(post(channel=ROOM, text="x", metadata={"key": "1"})) == "invalid_metadata_format"
    large = {"event_type": "e", "event_payload": {"key": "x" * 20_000}}
    assert await slack.refusal(post(channel=ROOM, text="x", metadata=large)) == "metadata_too_large"


@pytest.mark.parametrize(
    "error",
    [
        "rate_limited",
        "message_limit_exceeded",
        "update_failed",
        "too_many_requests",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
    ],
)
async def test_what_passes_can_be_made_to_happen(slack: Slack, error: str) -> None:
    """Reference: chat.postMessage (`rate_limited`, `message_limit_exceeded`), chat.update (`update_failed`), bookmarks.add
    (`too_many_requests`); the others stand on every page. Each is answered with status 200."""
    await slack.control("faults", service="slack", call="*", fault="refused", error=error)
    assert await slack.refusal(slack.client.chat_postMessage(channel=ROOM, text="x")) == error
    await slack.client.chat_postMessage(channel=ROOM, text="x")


# -- where it is said -----------------------------------------------------------------------------------


async def test_an_archived_channel(slack: Slack) -> None:
    """Reference: `is_archived` of chat.postMessage, chat.postEphemeral, conversations.invite, .join and .setTopic;
    chat.update says `is_inactive`, conversations.archive `already_archived`. What pins, bookmarks and conversations.kick
    say there stands on no page: `is_archived` here."""
    posted, client = await slack.client.chat_postMessage(channel=ROOM, text="x"), slack.client
    await client.conversations_archive(channel=ROOM)
    calls: dict[str, list[Any]] = {
        "is_archived": [
            client.chat_postMessage(channel=ROOM, text="x"),
            client.chat_postEphemeral(channel=ROOM, user="U0BOB", text="x"),
            client.conversations_invite(channel=ROOM, users=["U0GRETA"]),
            client.conversations_join(channel=ROOM),
            client.conversations_setTopic(channel=ROOM, topic="x"),
            client.conversations_kick(channel=ROOM, user="U0BOB"),
            client.conversations_rename(channel=ROOM, name="other"),
            client.pins_add(channel=ROOM, timestamp=posted["ts"]),
            client.bookmarks_add(channel_id=ROOM, title="x", type="link", link="https://x.example"),
            client.reactions_add(channel=ROOM, name="eyes", timestamp=posted["ts"]),
        ],
        "is_inactive": [client.chat_update(channel=ROOM, ts=posted["ts"], text="y")],
        "already_archived": [client.conversations_archive(channel=ROOM)],
    }
    async with everything_granted(slack):
        for error, refused in calls.items():
            assert [await slack.refusal(call) for call in refused] == [error] * len(refused)


def everything_granted(slack: Slack) -> Any:
    """Some of those ask for scopes that the product has no use for."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def granted() -> AsyncIterator[None]:
        async with slack.http.post(f"{slack.url}/control/slack/scopes", json={"scopes": []}) as answer:
            assert answer.status == 200
        yield

    return granted()


async def test_a_public_channel_that_the_app_is_not_in(slack: Slack) -> None:
    """docs.slack.dev/reference/scopes/chat:write.public: messages to channels that the app is not a member of. Reference,
    conversations.history: `not_in_channel`, because only users read where they are no members."""
    await slack.client.chat_postMessage(channel=ELSEWHERE, text="x")
    assert await slack.refusal(slack.client.conversations_history(channel=ELSEWHERE)) == "not_in_channel"
    assert await slack.refusal(slack.client.conversations_invite(channel=ELSEWHERE, users=["U0SAM"])) == (
        "not_in_channel"
    )


async def test_without_its_scope_it_does_not_post_there(world: World) -> None:
    """Reference, chat.postMessage: `not_in_channel`."""
    without = tuple(scope for scope in world.slack_scopes if scope != "chat:write.public")
    async with serve(world, slack_scopes=without) as slack:
        assert await slack.refusal(slack.client.chat_postMessage(channel=ELSEWHERE, text="x")) == "not_in_channel"


async def test_a_private_channel_that_the_app_is_not_in(slack: Slack) -> None:
    """Reference, chat.postMessage and conversations.info, `channel_not_found`: to an app such a channel is not there."""
    assert await slack.refusal(slack.client.chat_postMessage(channel=PRIVATE, text="x")) == "channel_not_found"
    assert await slack.refusal(slack.client.conversations_info(channel=PRIVATE)) == "channel_not_found"
    listed = await slack.client.conversations_list(types="public_channel,private_channel")
    assert PRIVATE not in {channel["id"] for channel in listed["channels"]}


async def test_names_are_for_posts_alone(slack: Slack) -> None:
    """Reference: `channel` of chat.postMessage is an id or a name, that of conversations.info an id."""
    await slack.client.chat_postMessage(channel="#general", text="x")
    assert await slack.refusal(slack.client.conversations_info(channel="general")) == "channel_not_found"


async def test_a_channel_where_apps_may_not_post(slack: Slack) -> None:
    """Reference, chat.postMessage, `restricted_action`: a preference of the workspace prevents it."""
    await slack.control("slack/channel", channel=ROOM, restricted=True)
    assert await slack.refusal(slack.client.chat_postMessage(channel=ROOM, text="x")) == "restricted_action"


async def test_pins(slack: Slack) -> None:
    """Reference, pins.add: `restricted_action`, `already_pinned`, `too_many_pins`, `no_item_specified`,
    `message_not_found`. Which number is too many stands on no page that was found: 100 here."""
    client, posted = slack.client, [await slack.client.chat_postMessage(channel=ROOM, text="x") for _ in range(101)]
    await slack.control("slack/channel", channel=ROOM, pins_restricted=True)
    assert await slack.refusal(client.pins_add(channel=ROOM, timestamp=posted[0]["ts"])) == "restricted_action"
    await slack.control("slack/channel", channel=ROOM, pins_restricted=False)
    for one in posted[:100]:
        await client.pins_add(channel=ROOM, timestamp=one["ts"])
    assert await slack.refusal(client.pins_add(channel=ROOM, timestamp=posted[0]["ts"])) == "already_pinned"
    assert await slack.refusal(client.pins_add(channel=ROOM, timestamp=posted[100]["ts"])) == "too_many_pins"
    assert await slack.refusal(client.pins_add(channel=ROOM)) == "no_item_specified"
    assert await slack.refusal(client.pins_add(channel=ROOM, timestamp="1.2")) == "message_not_found"


async def test_bookmarks(slack: Slack) -> None:
    """Reference, bookmarks.add: `invalid_link` for what begins neither with http:// nor https://; `too_many_bookmarks`."""
    call = slack.client.bookmarks_add(channel_id=ROOM, title="x", type="link", link="x.example")
    assert await slack.refusal(call) == "invalid_link"
    for n in range(100):
        await slack.client.bookmarks_add(channel_id=ROOM, title="x", type="link", link=f"https://x.example/{n}")
    call = slack.client.bookmarks_add(channel_id=ROOM, title="x", type="link", link="https://x.example")
    assert await slack.refusal(call) == "too_many_bookmarks"


async def test_names_of_channels(slack: Slack) -> None:
    """Reference, conversations.create: `name_taken`, `invalid_name_specials`, `invalid_name_maxlength` (80 characters)."""
    assert await slack.refusal(slack.client.conversations_create(name="general")) == "name_taken"
    assert await slack.refusal(slack.client.conversations_create(name="Loud Name")) == "invalid_name_specials"
    assert await slack.refusal(slack.client.conversations_create(name="x" * 81)) == "invalid_name_maxlength"


# -- people ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "error"),
    [
        ("U0UNA", "ura_max_channels"),
        ("U0MO", "user_is_restricted"),
        ("U0DAN", "cant_invite"),
        ("U0OLGA", "org_user_not_in_team"),
        ("U0ZOE", "no_external_invite_permission"),
        ("U0PANIC", "cant_invite_self"),
        ("U0NOBODY", "user_not_found"),
        ("U0BOB", "already_in_channel"),
    ],
)
async def test_one_who_cannot_be_invited_keeps_the_others_out(slack: Slack, user: str, error: str) -> None:
    """Reference, conversations.invite: each error by kind of user, and `force`: go on with the valid ones. The example of
    a refusal there names each user in `errors`. What is said of somebody deactivated stands on no page."""
    room = (await slack.client.conversations_create(name="new"))["channel"]["id"]
    await slack.client.conversations_invite(channel=room, users=["U0BOB"])
    with pytest.raises(SlackApiError) as refused:
        await slack.client.conversations_invite(channel=room, users=[user, "U0SAM", "U0GRETA"])
    assert refused.value.response["error"] == error
    assert refused.value.response["errors"] == [{"user": user, "ok": False, "error": error}]
    members = (await slack.client.conversations_members(channel=room))["members"]
    assert not {"U0SAM", "U0GRETA"} & set(members)
    forced = await slack.client.conversations_invite(channel=room, users=[user, "U0SAM", "U0GRETA"], force=True)
    assert [one["error"] for one in forced["errors"]] == [error]
    members = (await slack.client.conversations_members(channel=room))["members"]
    assert {"U0SAM", "U0GRETA"} <= set(members)


async def test_more_than_a_hundred_invited_at_once(slack: Slack) -> None:
    """Reference, conversations.invite, `users`: up to 100 (older copies of the page say 1,000), `no_user` for none."""
    call = slack.client.conversations_invite(channel=ROOM, users=[f"U{n}" for n in range(101)])
    assert await slack.refusal(call) == "too_many_users"


async def test_somebody_deactivated(slack: Slack) -> None:
    """Reference, conversations.open, `user_disabled`. users.lookupByEmail finds no such user (`users_not_found`);
    users.info shows them with `deleted`."""
    assert await slack.refusal(slack.client.conversations_open(users=["U0DAN"])) == "user_disabled"
    assert await slack.refusal(slack.client.users_lookupByEmail(email="dan@example.com")) == "users_not_found"
    assert (await slack.client.users_info(user="U0DAN"))["user"]["deleted"]


async def test_who_somebody_is(slack: Slack) -> None:
    """No page was found; Slack's own samples (github.com/slackapi/java-slack-sdk, json-logs, users.info) have `is_restricted`,
    `is_ultra_restricted` and `enterprise_user` with its teams."""
    users = {id: (await slack.client.users_info(user=id))["user"] for id in ("U0UNA", "U0MO", "U0ZOE", "U0GRETA")}
    assert users["U0UNA"]["is_ultra_restricted"] and users["U0MO"]["is_restricted"]
    assert users["U0ZOE"]["is_stranger"] and users["U0ZOE"]["team_id"] == "T0OTHER"
    assert users["U0GRETA"]["enterprise_user"]["teams"] == ["T0EXAMPLE", "T0SALES"]
    assert "team_id" not in users["U0GRETA"]


async def test_a_stranger_speaks(slack: Slack) -> None:
    """No page was found; Slack's own samples of message events have `user_team` and `source_team`."""
    said = await slack.control("slack/message", user="U0ZOE", channel=ROOM, text="hello")
    assert (said["team"], said["user_team"]) == ("T0OTHER", "T0OTHER")


# -- views, scopes, rates -------------------------------------------------------------------------------


def modal(**more: Any) -> dict[str, Any]:
    title = {"type": "plain_text", "text": "A form"}
    return {"type": "modal", "title": title, "blocks": [section("x")], **more}


async def trigger(slack: Slack) -> str:
    """Of a slash command that nobody listens to; the journal of what was sent holds none, so it is asked for."""
    made: str = (await slack.control("slack/trigger", user="U0BOB"))["trigger_id"]
    return made


async def test_a_trigger_opens_one_view_within_three_seconds(slack: Slack) -> None:
    """Reference, views.open: `invalid_trigger_id`, `exchanged_trigger_id`, `expired_trigger_id`. That it lives for three
    seconds stands on no page that was found."""
    open_view = slack.client.views_open
    assert await slack.refusal(open_view(trigger_id="1.2.3", view=modal())) == "invalid_trigger_id"
    id, late = await trigger(slack), await trigger(slack)
    await open_view(trigger_id=id, view=modal())
    assert await slack.refusal(open_view(trigger_id=id, view=modal())) == "exchanged_trigger_id"
    await asyncio.sleep(3.1)
    assert await slack.refusal(open_view(trigger_id=late, view=modal())) == "expired_trigger_id"


async def test_a_view_that_is_too_large(slack: Slack) -> None:
    """Reference, views.open, `view_too_large`: more than 250 kB; titles have 24 characters, blocks 100."""
    open_view = slack.client.views_open
    large = modal(blocks=[section("x" * 3_000)] * 100)
    assert await slack.refusal(open_view(trigger_id=await trigger(slack), view=large)) == "view_too_large"
    titled = modal(title={"type": "plain_text", "text": "x" * 25})
    assert await slack.refusal(open_view(trigger_id=await trigger(slack), view=titled)) == "invalid_arguments"
    many = modal(blocks=[section("x")] * 101)
    assert await slack.refusal(open_view(trigger_id=await trigger(slack), view=many)) == "invalid_arguments"


async def test_a_method_without_its_scope(slack: Slack) -> None:
    """On every page, `missing_scope`; the answer names what is needed and what was granted."""
    with pytest.raises(SlackApiError) as refused:
        await slack.client.reactions_add(channel=ROOM, name="eyes", timestamp="1.2")
    answer = refused.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", "reactions:write")
    assert "chat:write" in answer["provided"].split(",")


async def test_each_method_has_its_rate(world: World) -> None:
    """docs.slack.dev/apis/web-api/rate-limits: tiers of 1, 20, 50 and 100 a minute, a message a second and channel; 429
    with Retry-After."""
    async with serve(world, rate_limits=True) as slack:
        for _ in range(50):
            await slack.client.conversations_info(channel=ROOM)
        with pytest.raises(SlackApiError) as refused:
            await slack.client.conversations_info(channel=ROOM)
        response = refused.value.response
        assert response.status_code == 429 and 1 <= int(response.headers["Retry-After"]) <= 60
        await slack.client.users_info(user="U0BOB")  # another method, another budget
    assert set(rate_limits.tiers().values()) == {1, 2, 3, 4}


# -- events ---------------------------------------------------------------------------------------------


async def test_an_app_that_was_removed_hears_nothing(slack: Slack) -> None:
    """No page that was found says it in a sentence; reference, conversations.history: an app reads where it is a member."""
    async with slack.http.ws_connect(await socket_of(slack)) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        await slack.control("slack/channel", channel=ROOM, remove=["U0PANIC"])
        await slack.control("slack/message", user="U0BOB", channel=ROOM, text="nobody hears")
        await slack.control("slack/message", user="U0BOB", channel="C0SUPPORT", text="heard")
        heard = await socket.receive_json(timeout=5)
        assert heard["payload"]["event"]["text"] == "heard"


async def test_a_deleted_message_is_told_of(slack: Slack) -> None:
    """docs.slack.dev/reference/events/message/message_deleted: `deleted_ts`, the channel, and what it was."""
    posted = await slack.client.chat_postMessage(channel=ROOM, text="x")
    async with slack.http.ws_connect(await socket_of(slack)) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        await slack.control("slack/delete", channel=ROOM, ts=posted["ts"])
        event = (await socket.receive_json(timeout=5))["payload"]["event"]
    assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", posted["ts"])
    assert event["previous_message"]["text"] == "x"


async def socket_of(slack: Slack) -> str:
    client = AsyncWebClient(token="xapp-practice", base_url=f"{slack.url}/slack/api/", retry_handlers=[])
    opened = await client.apps_connections_open(app_token="xapp-practice")
    return str(opened["url"]).replace("ws://", "http://")


# -- what people type -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("shop.example.com is down", "<http://shop.example.com|shop.example.com> is down"),
        ("https://g.example.com/d?a=1&b=2.", "<https://g.example.com/d?a=1&amp;b=2>."),
        ("ask bob@example.com", "ask <mailto:bob@example.com|bob@example.com>"),
        ("call +1 555 0199", "call <tel:+15550199|+1 555 0199>"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("<@U0BOB> in <#C0GENERAL|general>", "<@U0BOB> in <#C0GENERAL|general>"),
        ("<!subteam^S0DBA|@dba> look", "<!subteam^S0DBA|@dba> look"),
        ("10.5 of 14:05:33 in v1.2.3", "10.5 of 14:05:33 in v1.2.3"),
    ],
)
async def test_what_people_type_arrives_rewritten(slack: Slack, typed: str, sent: str) -> None:
    """docs.slack.dev/messaging/formatting-message-text, on text that is retrieved: links, mentions and special words stand
    between < and >, with a label behind a bar, and three characters are entities."""
    assert (await slack.control("slack/message", user="U0BOB", channel=ROOM, text=typed))["text"] == sent


async def test_a_slash_command_names_whoever_is_mentioned(slack: Slack) -> None:
    """docs.slack.dev/interactivity/implementing-slash-commands, on `should_escape`: mentions of people and channels, and
    links, are sent marked up, people with their name."""
    async with slack.http.ws_connect(await socket_of(slack)) as socket:
        await socket.receive_json()
        body = {"user": "U0ANNE", "channel": ROOM, "text": "task <@U0BOB> look at shop.example.com"}
        asked = asyncio.create_task(slack.control("slack/command", **body))
        envelope = await socket.receive_json(timeout=5)
        await socket.send_str(json.dumps({"envelope_id": envelope["envelope_id"]}))
        await asked
    assert envelope["payload"]["text"] == ("task <@U0BOB|bob> look at <http://shop.example.com|shop.example.com>")


async def test_the_wire_format_can_be_switched_off(world: World) -> None:
    """For whoever wants to see what was typed."""
    async with serve(world, wire_format=False) as slack:
        said = await slack.control("slack/message", user="U0BOB", channel=ROOM, text="a & shop.example.com")
        assert said["text"] == "a & shop.example.com"
