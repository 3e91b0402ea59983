"""What Slack shows: rooms, their cards and topics, notices that are kept up to date, private words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities import chat, errors
from activities.chat import Bookmarks, Chat, Invitation, Post, RoomOrder, Topic, Uninvitation
from incident import effects as want
from incident import identity, notices, settling, slack_channel
from incident.model import Incident, Room, Shown
from workflows import retries
from workflows.queues import CHAT
from workflows.tasks import raise_if_cancelled

TRY_AGAIN_AFTER = timedelta(minutes=1)
ANEW_EVERY = timedelta(minutes=1)
LEFT = "This goes on elsewhere."


async def carry_out(effect: want.Effect, incident: Incident) -> None:
    """What Slack shows. What belongs into the incident's channel goes where that is, wherever it moves meanwhile."""
    prefix = workflow.info().workflow_id
    match effect:
        case want.OpenRoom():
            await _open_room(incident)
        case want.RegainRoom():
            await _regain_room(incident, effect)
        case want.LeaveRoom(channel=channel):
            await _leave_room(incident, channel)
        case want.Announce(channel=channel, thread=thread):
            await post_notice(incident, f"announced/{channel}", channel, f"{prefix}/{effect.key}", thread=thread)
        case want.Tell(person=person, text=text, choices=choices):
            tell = chat.Tell(person, text, f"{prefix}/{effect.key}", incident.id, choices)
            await _chat(Chat.tell, tell, f"to {person}: {text}")
        case _:
            room = await _room(incident)
            while not await _in_room(effect, incident, room):
                room = await _room(incident)


async def _in_room(effect: want.Effect, incident: Incident, room: Room) -> bool:
    """Whether it was done; else the channel is lost, and the incident gets another, or this one again."""
    prefix = workflow.info().workflow_id
    try:
        match effect:
            case want.PinCard():
                await post_notice(incident, "card", room.channel, f"{prefix}/{effect.key}", pin=True)
            case want.AddBookmarks():
                await _chat(Chat.bookmark, Bookmarks(room.channel, prefix), "bookmarks")
            case want.SetTopic(topic=topic):
                await _chat(Chat.set_topic, Topic(room.channel, topic), f"topic: {topic}")
            case want.Invite(people=people):
                await _invite(incident, room, people)
            case want.Uninvite(person=person):
                await _chat(Chat.uninvite, Uninvitation(room.channel, person), f"out of the room: {person}")
            case _:
                raise AssertionError(effect)
    except ActivityError as failure:
        raise_if_cancelled(failure)
        if not room_is_lost(incident, failure, room.channel):
            raise
        return False
    return True


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
    if posted.not_pinned:
        incident.log("room", f"{about} not pinned: {posted.not_pinned}", workflow.now(), source="slack")


async def edit_notice(incident: Incident, about: str) -> None:
    """Bring it up to date. One that is not there any more is posted anew, unless nothing more will happen in it."""
    notice, shown = notices.compose(incident, about), incident.shown[about]
    edit = chat.Edit(shown.channel, shown.ts, notice.text, incident.id, notice.choices, notice.more)
    done = notices.settled(about, notice)
    try:
        await _chat(Chat.edit, edit, f"{about}: {notice.text}")
    except ActivityError as failure:
        raise_if_cancelled(failure)
        if room_is_lost(incident, failure, shown.channel):
            return
        done = done or refusal(failure) == errors.CHANNEL_GONE
        if not done and _comes_back(shown, failure):
            await _post_anew(incident, about, shown)
            return
        incident.log("not shown", f"{about}: {why(failure)}", workflow.now(), source="slack")
    shown.mark, shown.at = notice.mark, workflow.now()
    # Meanwhile the incident may have gone to another room, where the same matter stands anew.
    if done and incident.shown.get(about) is shown:
        del incident.shown[about]


def _comes_back(shown: Shown, failure: ActivityError) -> bool:
    """A workspace may let nobody edit what is a minute old: then there is not a new message for each change."""
    if refusal(failure) == errors.NOT_EDITABLE:
        return workflow.now().timestamp() - float(shown.ts) > ANEW_EVERY.total_seconds()
    return refusal(failure) == errors.MESSAGE_GONE


async def _post_anew(incident: Incident, about: str, gone: Shown) -> None:
    key = f"{workflow.info().workflow_id}/{about}/after-{gone.ts}"
    try:
        await post_notice(incident, about, gone.channel, key, pin=about == "card")
    except ActivityError as failure:
        raise_if_cancelled(failure)
        room_is_lost(incident, failure, gone.channel)


def refusal(failure: ActivityError) -> str:
    """The type of the error that an activity ended with."""
    cause = failure.cause
    return (cause.type or "") if isinstance(cause, ApplicationError) else ""


def why(failure: BaseException) -> str:
    cause = failure.cause if isinstance(failure, ActivityError) else failure
    return cause.message if isinstance(cause, ApplicationError) else str(cause)


def room_is_lost(incident: Incident, failure: ActivityError, channel: str) -> bool:
    """Whether nothing can be done any more in that channel, which was the incident's. Then it is regained.

    Once the incident is over, people may archive its channel: nothing more has to be said.
    """
    if refusal(failure) != errors.CHANNEL_GONE or not incident.open:
        return False
    if incident.room is not None and incident.room.channel == channel:
        incident.want(want.RegainRoom(channel, why(failure)))
        return True
    return channel in incident.lost_rooms


async def _invite(incident: Incident, room: Room, people: tuple[str, ...]) -> None:
    """Who is wanted meanwhile is invited next, and nobody a second time for it."""
    invited: chat.Invited | None = await _chat(
        Chat.invite, Invitation(room.channel, people), f"invite {', '.join(people)}"
    )
    waiting = incident.effects.get("invite")
    if isinstance(waiting, want.Invite) and incident.room is room and waiting.people != people:
        incident.want(want.Invite(tuple(person for person in waiting.people if person not in people)))
    if invited is not None and invited.left_out:
        slack_channel.kept_out(incident, [(one.person, one.why) for one in invited.left_out], workflow.now())


async def _regain_room(incident: Incident, lost: want.RegainRoom) -> None:
    if incident.room is None or incident.room.channel != lost.channel:
        return
    if "not_in_channel" in lost.why:
        try:
            await _chat(Chat.join_room, lost.channel, f"join #{incident.room.name} again")
        except ActivityError as failure:
            raise_if_cancelled(failure)
        else:
            slack_channel.rejoined(incident, workflow.now())
            return
    slack_channel.gone(incident, lost.why, workflow.now())


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
    await workflow.wait_condition(lambda: incident.room is not None and "regain-room" not in incident.effects)
    assert incident.room is not None
    return incident.room


async def _open_room(incident: Incident) -> None:
    """A missing scope is mended while we wait: this is not given up while the incident lives."""
    name = identity.room_name(incident.id, moved=incident.moved)
    while True:
        try:
            room = await workflow.execute_activity_method(
                Chat.open_room,
                RoomOrder(name, private=incident.security, lost=tuple(incident.lost_rooms)),
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
