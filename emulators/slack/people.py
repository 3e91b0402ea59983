"""Who somebody is to Slack: a member, a guest, deactivated, of another workspace, or elsewhere in the organisation."""

from __future__ import annotations

from emulators.slack.workspace import BOT_USER, TEAM, Workspace
from emulators.store import Document
from emulators.world import User

ENTERPRISE = "E0EXAMPLE"


def refusal_to_invite(space: Workspace, channel: Document, id: str) -> str:
    """Slack's word for why this user cannot be invited there; empty for somebody who can."""
    if id == BOT_USER:
        return "cant_invite_self"
    user = space.world.by_slack(id)
    if user is None:
        return "user_not_found"
    if id in channel["members"]:
        return "already_in_channel"
    if user.deactivated:
        return "cant_invite"
    if user.workspace:
        return "no_external_invite_permission"
    if user.teams and TEAM not in user.teams:
        return "org_user_not_in_team"
    if user.guest == "single-channel" and space.channels_of(id):
        return "ura_max_channels"
    return "user_is_restricted" if user.guest else ""


def shown(user: User, *, email: bool) -> Document:
    """As `users.info` has them. With Enterprise Grid there may be no `team_id`, and `enterprise_user` names the teams."""
    profile = {"real_name": user.name, "display_name": user.name, "team": user.workspace or TEAM}
    found: Document = {
        "id": user.slack,
        "name": user.email.partition("@")[0],
        "deleted": user.deactivated,
        "is_bot": False,
        "profile": profile | ({"email": user.email} if email else {}),
    }
    if user.workspace:
        found |= {"team_id": user.workspace, "is_stranger": True}
    elif user.teams:
        grid = {"id": user.slack, "enterprise_id": ENTERPRISE, "enterprise_name": "Example", "teams": list(user.teams)}
        found |= {"enterprise_user": grid}
    else:
        found |= {"team_id": TEAM}
    if user.deactivated:
        return found
    restricted = {"is_restricted": bool(user.guest), "is_ultra_restricted": user.guest == "single-channel"}
    return found | {"real_name": user.name, "tz": "UTC", **restricted}
