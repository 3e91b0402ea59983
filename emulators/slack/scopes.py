"""Which scope each Web API method asks for, by the kind of channel it is about."""

from __future__ import annotations

from emulators.store import Document

_BY_KIND: dict[str, tuple[str, str, str]] = {
    # public channels, private channels, direct messages
    "read": ("channels:read", "groups:read", "im:read"),
    "history": ("channels:history", "groups:history", "im:history"),
    "manage": ("channels:manage", "groups:write", "im:write"),
}
_ABOUT_A_CHANNEL = {
    "conversations.info": "read",
    "conversations.list": "read",
    "conversations.members": "read",
    "users.conversations": "read",
    "conversations.history": "history",
    "conversations.replies": "history",
    "conversations.archive": "manage",
    "conversations.create": "manage",
    "conversations.invite": "manage",
    "conversations.kick": "manage",
    "conversations.leave": "manage",
    "conversations.open": "manage",
    "conversations.rename": "manage",
    "conversations.setPurpose": "manage",
    "conversations.setTopic": "manage",
}
_ALWAYS = {
    "bookmarks.add": "bookmarks:write",
    "bookmarks.edit": "bookmarks:write",
    "bookmarks.list": "bookmarks:read",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.join": "channels:join",
    "pins.add": "pins:write",
    "pins.list": "pins:read",
    "pins.remove": "pins:write",
    "reactions.add": "reactions:write",
    "team.info": "team:read",
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.lookupByEmail": "users:read.email",
}


def needed(method: str, channel: Document | None, *, private: bool = False, direct: bool = False) -> str:
    """The scope that this call asks for; empty for one that asks for none."""
    if (what := _ABOUT_A_CHANNEL.get(method)) is None:
        return _ALWAYS.get(method, "")
    if channel is not None:
        private, direct = channel["is_private"], channel["is_im"]
    return _BY_KIND[what][2 if direct else 1 if private else 0]
