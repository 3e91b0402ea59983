"""The Slack app's manifest: as Slack describes manifests, and with exactly what the code uses."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from chat.listener import Listener
from emulators.world import read_world
from entrypoints.doctor import SCOPES
from tests.conftest import CONFIG, ROOT
from tests.contract.descriptions import needed, text

MANIFEST: dict[str, Any] = yaml.safe_load((CONFIG / "slack-manifest.yaml").read_text())
ROOMS = ("activities", "chat", "entrypoints")

# What Slack's documentation asks for, by Web API method.
BY_METHOD: dict[str, set[str]] = {
    "auth_test": set(),
    "bookmarks_add": {"bookmarks:write"},
    "bookmarks_list": {"bookmarks:read"},
    "chat_getPermalink": set(),
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write", "chat:write.public"},  # the announcement: also where the app was not invited
    "chat_update": {"chat:write"},
    "conversations_create": {"channels:manage", "groups:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_join": {"channels:join"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "conversations_invite": {"channels:manage", "groups:write"},
    "conversations_kick": {"channels:manage", "groups:write"},
    "conversations_list": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "conversations_setTopic": {"channels:manage", "groups:write"},
    "pins_add": {"pins:write"},
    "usergroups_users_list": {"usergroups:read"},
    "users_info": {"users:read"},
    "users_lookupByEmail": {"users:read.email"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}
BY_EVENT: dict[str, set[str]] = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "channel_archive": {"channels:read"},
    "channel_left": {"channels:read"},
    "group_archive": {"groups:read"},
    "group_left": {"groups:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
}
# users.info shows an e-mail only with this; people are matched by it.
BESIDES = {"commands", "users:read.email"}


def methods_in_use() -> set[str]:
    code = "\n".join(file.read_text() for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    return set(
        re.findall(
            r"\b(?:_?slack|client)\.((?:auth|bookmarks|chat|conversations|pins|usergroups|users|views)_[A-Za-z_]+)\b",
            code,
        )
    )


def test_the_scopes_are_exactly_those_that_the_code_uses() -> None:
    used = methods_in_use()
    assert used == set(BY_METHOD), "a Web API method came or went: say here what it asks for"
    subscribed = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    assert set(subscribed) == set(BY_EVENT)
    needed = BESIDES.union(*BY_METHOD.values(), *BY_EVENT.values())
    listed = MANIFEST["oauth_config"]["scopes"]["bot"]
    assert listed == sorted(needed)
    assert list(SCOPES) == listed, "`ic doctor` asks for the same"


def test_the_local_slack_grants_the_same() -> None:
    assert list(read_world(CONFIG / "emulators.toml").slack_scopes) == MANIFEST["oauth_config"]["scopes"]["bot"]


def test_what_the_manifest_offers_is_listened_to() -> None:
    heard: dict[str, list[Any]] = {"event": [], "command": [], "action": [], "view": [], "shortcut": []}

    class Bolt:
        def __getattr__(self, kind: str) -> Any:
            def registered(what: Any) -> Any:
                heard[kind].append(what)
                return lambda listener: listener

            return registered

    Listener.register(Listener.__new__(Listener), Bolt())  # type: ignore[arg-type]  # only asks what is registered
    features = MANIFEST["features"]
    assert {command["command"] for command in features["slash_commands"]} == set(heard["command"])
    assert {shortcut["callback_id"] for shortcut in features["shortcuts"]} == set(heard["shortcut"])
    events = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in events} == set(heard["event"])


@needed
@pytest.mark.parametrize("version", [1, 2])
def test_it_is_a_manifest_as_slack_describes_them(version: int) -> None:
    schema = json.loads(text(f"slack-manifest-v{version}.schema.json"))
    jsonschema.validate(MANIFEST, schema)
