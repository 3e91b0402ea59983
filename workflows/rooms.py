"""What Slack shows: rooms, their cards and topics, notices that are kept up to date, private words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import chat
from activities.chat import Bookmarks, Chat, Invitation, Post, RoomOrder, Topic, Uninvitation
from incident import effects as want
from incident import identity, notices, settling
from incident.model import Incident, Room, Shown
from workflows import retries
from workflows.queues import CHAT
from workflows.tasks import raise_if_cancelled

TRY_AGAIN_AFTER = timedelta(minutes=1)
LEFT = "This goes on elsewhere."


async def carry_out(effect: want.Effect, incident: Incident) -> None:
    """What Slack shows."""
    prefix = workflow.info().workflow_id
    match effect:
        case want.OpenRoom():
            await _open_room(incident)
        case want.PinCard():
            room = await _room(incident)
            await post_notice(incident, "card", room.channel, f"{prefix}/{effect.key}", pin=True)
        case want.AddBookmarks():
            room = await _room(incident)
            await _chat(Chat.bookmark, Bookmarks(room.channel, prefix), "bookmarks")
        case want.SetTopic(topic=topic):
            room = await _room(incident)
            await _chat(Chat.set_topic, Topic(room.channel, topic), f"topic: {topic}")
        case want.Invite(people=people):
            room = await _room(incident)
            await _chat(Chat.invite, Invitation(room.channel, people), f"invite {', '.join(people)}")
        case want.Uninvite(person=person):
            room = await _room(incident)
            await _chat(Chat.uninvite, Uninvitation(room.channel, person), f"out of the room: {person}")
        case want.LeaveRoom(channel=channel):
            await _leave_room(incident, channel)
        case want.Announce(channel=channel, thread=thread):
            await post_notice(incident, f"announced/{channel}", channel, f"{prefix}/{effect.key}", thread=thread)
        case want.Tell(person=person, text=text, choices=choices):
            tell = chat.Tell(person, text, f"{prefix}/{effect.key}", incident.id, choices)
            await _chat(Chat.tell, tell, f"to {person}: {text}")
        case _:
            raise AssertionError(effect)


async def post_notice(
    incident: Incident, about: str, channel: str, key: str, *, thread: str = "", pin: bool = False
) -> None:
    """Posted once; from then on it is kept up to date."""
    notice = notices.compose(incident, about)
    post = Post(
        channel, notice.text, key, thread=thread, incident=incident.id, choices=notice.choices, more=notice.more
    )
    posted: chat.Posted = await _chat(Chat.pin if pin else Chat.post, post, about if pin else notice.text)
    incident.shown[about] = Shown(posted.channel, posted.ts, notice.mark, workflow.now())


async def edit_notice(incident: Incident, about: str) -> None:
    """Bring it up to date. One that somebody deleted is let go."""
    notice, shown = notices.compose(incident, about), incident.shown[about]
    edit = chat.Edit(shown.channel, shown.ts, notice.text, incident.id, notice.choices, notice.more)
    try:
        await _chat(Chat.edit, edit, f"{about}: {notice.text}")
        done = notices.settled(about, notice)
    except ActivityError as failure:
        raise_if_cancelled(failure)
        done = True
    shown.mark, shown.at = notice.mark, workflow.now()
    # Meanwhile the incident may have gone to another room, where the same matter stands anew.
    if done and incident.shown.get(about) is shown:
        del incident.shown[about]


async def _chat(method: Any, order: object, summary: str) -> Any:  # any of Chat's activities, with its order
    return await workflow.execute_activity_method(
        method,
        order,
        task_queue=CHAT,
        summary=retries.summary(summary),
        **retries.POST,
    )


async def _room(incident: Incident) -> Room:
    """What belongs into the room waits for the room."""
    await workflow.wait_condition(lambda: incident.room is not None)
    assert incident.room is not None
    return incident.room


async def _open_room(incident: Incident) -> None:
    """A missing scope is mended while we wait: this is not given up while the incident lives."""
    name = identity.room_name(incident.id, moved=incident.moved)
    while True:
        try:
            room = await workflow.execute_activity_method(
                Chat.open_room,
                RoomOrder(name, private=incident.security),
                task_queue=CHAT,
                summary=f"room #{name}",
                **retries.POST,
            )
        except ActivityError as failure:
            raise_if_cancelled(failure)
            settling.room_lost(incident, str(failure.cause), workflow.now())
            await workflow.sleep(TRY_AGAIN_AFTER, summary="open the room again")
        else:
            settling.room_opened(incident, room, workflow.now())
            return


async def _leave_room(incident: Incident, channel: str) -> None:
    """What was kept up to date there is emptied, and is let go; the topic says nothing, the last line where it goes on."""
    there = {about: shown for about, shown in incident.shown.items() if shown.channel == channel}
    for about in there:  # before anything is awaited: the same matters are about to stand in the new room
        del incident.shown[about]
    for shown in there.values():
        try:
            await _chat(Chat.edit, chat.Edit(channel, shown.ts, LEFT, incident.id), "emptied")
        except ActivityError as failure:
            raise_if_cancelled(failure)  # else somebody has deleted it
    await _chat(Chat.set_topic, Topic(channel, LEFT), "topic emptied")
    key = f"{workflow.info().workflow_id}/left"
    await _chat(
        Chat.post, Post(channel, f"{LEFT} Say nothing about it here; who is needed is invited.", key), "last words"
    )
