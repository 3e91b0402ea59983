"""The people and places that exist from the start, from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class User:
    """One human, with their ids at Slack and PagerDuty (empty: not there).

    In Slack: `workspace` is another one than ours; `guest` is "multi-channel" or "single-channel"; `teams` are the
    workspaces of somebody in an Enterprise Grid organisation.
    """

    name: str
    slack: str = ""
    pagerduty: str = ""
    email: str = ""
    phone: str = ""
    acknowledges_after: float | None = None
    workspace: str = ""
    guest: str = ""
    deactivated: bool = False
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """Everybody is in it, but guests and whoever is deactivated; with `members` only those, and our app if it is named."""

    id: str
    name: str
    private: bool = False
    members: tuple[str, ...] | None = None


@dataclass(frozen=True)
class EscalationPolicy:
    id: str
    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """A thing with an id and a name; `escalation_policy` and `members` where it has them."""

    id: str
    name: str
    escalation_policy: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """Something that was changed in the monitored system, this long before the emulators started."""

    minutes_ago: float
    text: str
    url: str = ""


@dataclass(frozen=True)
class World:
    slack_token: str
    slack_app_token: str
    pagerduty_key: str
    pagerduty_integration: str
    statuspage_key: str
    statuspage_page: str
    x_account: str
    x_api_key: str
    x_api_secret: str
    x_access_token: str
    x_access_token_secret: str
    redeliver_after: tuple[float, ...] = (3.0, 60.0, 300.0)
    slack_scopes: tuple[str, ...] = ()
    wire_format: bool = True
    rate_limits: bool = False
    users: tuple[User, ...] = ()
    channels: tuple[Channel, ...] = ()
    escalation_policies: tuple[EscalationPolicy, ...] = ()
    services: tuple[Named, ...] = ()
    teams: tuple[Named, ...] = ()
    priorities: tuple[Named, ...] = ()
    components: tuple[Named, ...] = ()
    business_services: tuple[Named, ...] = ()
    systems: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    def by_slack(self, id: str) -> User | None:
        return next((u for u in self.users if id and u.slack == id), None)

    def by_pagerduty(self, id: str) -> User | None:
        return next((u for u in self.users if id and u.pagerduty == id), None)


def read_world(file: Path) -> World:
    data = tomllib.loads(file.read_text())
    slack = data.get("slack", {})
    return World(
        **data["keys"],
        redeliver_after=tuple(slack.get("redeliver_after", (3.0, 60.0, 300.0))),
        slack_scopes=tuple(slack.get("scopes", ())),
        wire_format=bool(slack.get("wire_format", True)),
        rate_limits=bool(slack.get("rate_limits", False)),
        users=tuple(User(**{**item, "teams": tuple(item.get("teams", ()))}) for item in data["users"]),
        channels=tuple(_channel(item) for item in data["channels"]),
        escalation_policies=tuple(
            EscalationPolicy(item["id"], item["name"], tuple(item["levels"])) for item in data["escalation_policies"]
        ),
        services=_named(data["services"]),
        teams=_named(data["teams"]),
        priorities=_named(data["priorities"]),
        components=_named(data["components"]),
        business_services=_named(data["business_services"]),
        systems=dict(data["systems"]),
        metrics={name: float(value) for name, value in data["metrics"].items()},
        changes=tuple(Change(**item) for item in data["changes"]),
    )


def _channel(item: dict[str, Any]) -> Channel:
    members = item.get("members")
    return Channel(**{**item, "members": None if members is None else tuple(members)})


def _named(items: list[dict[str, object]]) -> tuple[Named, ...]:
    return tuple(Named(**{**item, "members": tuple(item.get("members", ()))}) for item in items)  # type: ignore[arg-type]  # TOML's values; a wrong one fails at start
