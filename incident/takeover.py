"""The IC may be gone: somebody asks for command, and gets it when neither IC nor deputy answers (process, 2)."""

from __future__ import annotations

from datetime import datetime

from incident import leadership, pagerduty, paging, texts, wording
from incident.model import Challenge, Incident


def request(incident: Incident, person: str, name: str, now: datetime) -> str:
    """Ask IC and deputies in the channel, and page with it; who is not IC-trained asks for whoever is."""
    rules = incident.policy.command
    pages = paging.page_takeover(incident, now)
    incident.challenge = Challenge(person, now, pages=[page.key for page in pages])
    asked = " ".join(
        texts.person(one, incident.name(one)) for one in (incident.commander, *incident.deputies) if one is not None
    )
    within = wording.minutes(rules.challenge_lapses_after)
    anyone = wording.minutes(rules.takeover_open_to_all_after)
    if incident.policy.trained(person):
        then = f"If there's no answer in {within}, {name} takes command."
    else:
        then = (
            f"If there's no answer in {within}, anyone IC-trained may take command; in {anyone}, anyone: `!ic command`."
        )
    incident.say(f"{asked} are you there? {name} asks for command. {then}", now)
    incident.log(
        "command",
        f"asks the IC and the deputy for command; paging {', '.join(page.label for page in pages)}",
        now,
        who=person,
    )
    return then


def answered(incident: Incident, person: str, name: str, now: datetime) -> None:
    """IC or deputy is there: who was paged need not get up."""
    asked, incident.challenge = incident.challenge, None
    if asked is None:
        return
    incident.say(f"{name} answers. IC: {incident.name(incident.commander)}.", now)
    incident.log("command", "answers the request for command", now, who=person)
    pagerduty.merge_pages(incident, now)


def succeed(incident: Incident, person: str, name: str, why: str, now: datetime) -> None:
    """Command passes without the IC's word; they are told, and may be handed it back."""
    former = incident.commander
    acting = not incident.policy.trained(person)
    incident.say(wording.this_is(name, acting=acting), now)
    leadership.take(incident, person, name, now, acting=acting)
    if former is None:
        return
    incident.say(f"{wording.command_passes(name)} ({why})", now)
    incident.tell(former, f"{name} commands {incident.label} now: {why}. They may hand it back to you.")


def open_to_all(incident: Incident, now: datetime) -> None:
    """Nobody trained came."""
    assert incident.challenge is not None
    incident.challenge.open_to_all = True
    incident.say(
        f"{incident.name(incident.commander)} has not answered for {wording.minutes(now - incident.challenge.at)}."
        " Now anyone can take command as acting IC: `!ic command`.",
        now,
    )
