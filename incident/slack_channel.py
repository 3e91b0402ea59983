"""The incident's channel in Slack: who is kept out of it, and what becomes of it when it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from incident import leadership
from incident.effects import AddBookmarks, OpenRoom, PinCard
from incident.model import Incident

_KEPT_OUT = {
    "user_is_restricted": "a guest account",
    "user_is_ultra_restricted": "a guest account",
    "ura_max_channels": "a guest of one channel",
    "no_external_invite_permission": "from another workspace",
    "user_team_not_in_channel": "from another workspace",
    "org_user_not_in_team": "not in this workspace",
    "user_not_found": "not in this workspace",
    "cant_invite": "the account cannot be invited",
}


def kept_out(incident: Incident, left_out: Sequence[tuple[str, str]], now: datetime) -> None:
    """Slack does not let them into the channel; said once of each. `left_out` are people, each with Slack's word."""
    new = [(person, why) for person, why in left_out if person not in incident.kept_out]
    for person, why in new:
        incident.kept_out.append(person)
        name, because = incident.name(person), _KEPT_OUT.get(why, why)
        incident.say(
            f"Slack doesn't let {name} into this channel ({because}). Add them by hand, or report here for them.", now
        )
        incident.log("room", f"{name} cannot be invited: {why}", now, source="slack")


def rejoined(incident: Incident, now: datetime) -> None:
    assert incident.room is not None
    text = f"I was removed from #{incident.room.name} and have joined it again. What you typed meanwhile I didn't see: type it again."
    incident.say(text, now)
    incident.log("room", f"joined #{incident.room.name} again", now, source="slack")
    _tell_command(incident, text)


def gone(incident: Incident, why: str, now: datetime) -> None:
    """Nothing can be said there any more: everything that is kept up to date, and what was not said, goes to another."""
    lost = incident.room
    assert lost is not None
    because = "is archived" if "is_archived" in why or "is_inactive" in why else "doesn't let me in any more"
    matters = [about for about, shown in incident.shown.items() if shown.channel == lost.channel and about != "card"]
    for about in (*matters, "card"):
        incident.shown.pop(about, None)
    incident.lost_rooms.append(lost.channel)
    incident.room, incident.topic = None, ""
    incident.want(OpenRoom())
    incident.want(PinCard())
    incident.want(AddBookmarks())
    leadership.set_topic(incident)
    incident.say(f"The incident goes on here: #{lost.name} {because}.", now)
    incident.outbox.insert(0, incident.outbox.pop())
    for about in matters:
        incident.say("", now, about=about)
    incident.invite(*(person for person in incident.invited if person not in incident.removed))
    incident.log("room", f"#{lost.name} {because} ({why})", now, source="slack")
    _tell_command(
        incident, f"#{lost.name} {because}. I'm opening another channel for {incident.label} and inviting everyone."
    )


def _tell_command(incident: Incident, text: str) -> None:
    """The IC and the deputies; while nobody commands, who was paged to, and who declared it."""
    people = [incident.commander, incident.deputy]
    if incident.commander is None:
        paged = [person for page in incident.pages.values() if page.for_commander for person in page.people]
        people += [*paged, incident.declared_by]
    for person in dict.fromkeys(people):
        incident.tell(person, text)
