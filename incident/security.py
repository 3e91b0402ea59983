"""A security incident: silence, a private room, and who may read it (process, 1)."""

from __future__ import annotations

from datetime import datetime

from incident import identity, leadership, publishing, wording
from incident.effects import AddBookmarks, LeaveRoom, OpenRoom, PinCard, UpdatePages
from incident.model import Incident

LONGEST_TITLE = 200


def may_read(incident: Incident, person: str) -> bool:
    """While it is silent: the security team, who was called or invited, who responds, who declared it; nobody removed."""
    if not incident.silent:
        return True
    team = incident.policy.team(incident.policy.security.team)
    called = {person for page in incident.pages.values() for person in page.people}
    named = {incident.declared_by, *incident.roles.values(), *incident.deputies, *(team.members if team else ())}
    return person in (named | called | {*incident.invited, *incident.responders}) - {*incident.removed}


def gather(incident: Incident, now: datetime) -> None:
    """The security team is always in it; the IC is told whom else to ask, and the room gets its checklist."""
    team = incident.policy.team(incident.policy.security.team)
    incident.invite(*(team.members if team else ()))
    incident.say(wording.checklist(incident), now, about="checklist")


def is_none(incident: Incident, now: datetime) -> None:
    """It only sounded like one: it goes on under what was said, and everybody may know. Its channel stays the one it has."""
    matter = incident.facts.symptoms[0] if incident.facts.symptoms else incident.title
    incident.security, incident.title = False, wording.shorten(matter, LONGEST_TITLE)
    called = [person for page in incident.pages.values() for person in page.people]
    incident.invite(incident.declared_by, *called, *incident.roles.values())
    incident.want(UpdatePages("update-pages", len(incident.timeline)))
    leadership.set_topic(incident)
    incident.say(f"Not a security incident: {incident.title}. It may be spoken of.", now)


def secure(incident: Incident, by: str, now: datetime) -> None:
    """Everything moves to a new private room; what others can read says a codename from here on."""
    matter = incident.title if not incident.service else f"{incident.title} (service {incident.service})"
    incident.facts.symptoms.insert(0, matter)
    incident.security, incident.lifted_at = True, None
    incident.title, incident.service = identity.codename(incident.id), ""
    if incident.room is not None:
        open_matters = [about for about in incident.shown if not about.startswith(("announced/", "card", "command"))]
        incident.want(LeaveRoom("leave-room", incident.room.channel))
        incident.room, incident.topic, incident.moved = None, "", True
        incident.want(OpenRoom())
        incident.want(PinCard())
        incident.want(AddBookmarks())
        incident.say(wording.opening(incident), now, about="command")
        for about in open_matters:
            incident.say("", now, about=about)
    publishing.fall_silent(incident)
    here = [r.person for r in incident.responders.values() if r.here]
    incident.invite(incident.declared_by, *here, *incident.roles.values(), *incident.more_deputies)
    incident.want(UpdatePages("update-pages", len(incident.timeline)))
    leadership.set_topic(incident)
    gather(incident, now)
    incident.tell(
        by,
        f"Secured as *{incident.title}*, in the private room #{identity.room_name(incident.id, moved=incident.moved)}. What was written"
        " before stays readable where it stands: delete what matters, and archive the old room. Invite legal and executives"
        " after the operational responders: `!ic page TEAM`." + wording.titles_that_stay(incident),
    )
