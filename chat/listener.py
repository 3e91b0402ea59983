"""What comes in from Slack, each event once: words, a pressed button, a form.

What Slack sends is acknowledged once its command is accepted, or after two seconds: a listener that dies before that gets
an event again, and its id makes it count once.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from activities.placeholders import Placeholders
from chat import blocks, forms, hearing, home
from chat.fields import Wrong, first_input, values
from chat.forms import FORMS, About
from chat.people import People
from entrypoints.conversation import PROBLEMS, Conversation, Heard
from entrypoints.gateway import Gateway
from entrypoints.problems import Unreachable, reaching, sentence
from incident import identity, security
from incident.commands import Command
from incident.grammar import Opening
from incident.model import Incident
from incident.policy import Policy
from incident.words import Unreadable

ACKNOWLEDGED_WITHIN = 2.0
ASKED_BEFORE_A_FORM = 1.0
FINISHED_WITHIN = 5.0
ALONE_THEY_ASK = frozenset({"declare", "propose", "trouble", "task", "draft", "update", "handover"})
_LOST = (SlackApiError, SlackClientError, OSError, asyncio.TimeoutError)
Payload = dict[str, Any]
_log = logging.getLogger(__name__)


class Listener:
    """Turns what Slack sends into words or forms for the conversation, and its answers into messages."""

    def __init__(
        self,
        slack: AsyncWebClient,
        conversation: Conversation,
        gateway: Gateway,
        people: People,
        places: Placeholders,
        policy: Policy,
    ) -> None:
        self._slack = slack
        self._conversation = conversation
        self._gateway = gateway
        self._people = people
        self._places = places
        self._policy = policy
        self._rooms: dict[str, str] = {}
        self._letters = {team.room: team.id for team in policy.sub_teams}
        self._under_way: set[asyncio.Task[Any]] = set()

    def register(self, app: AsyncApp) -> None:
        app.event("message")(self.message)
        app.event("app_home_opened")(self.home)
        app.command("/ic")(self.command)
        app.action(re.compile(f"^{blocks.BUTTON}"))(self.press)
        app.action(home.DECLARE)(self.declare)
        app.action(re.compile(f"^(?!{blocks.BUTTON}|home-)"))(self.fill_in)
        app.view(forms.FORM)(self.submit)
        app.shortcut("declare")(self.declare)
        for verb in ("note", "todo"):
            app.shortcut(verb)(self.keep)
        app.shortcut("propose")(self.propose)

    async def finish(self) -> None:
        """What was heard is answered before this listener goes; what takes too long is given up."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=FINISHED_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # -- what people type -----------------------------------------------------------------------------

    async def message(self, event: Payload, body: Payload) -> None:
        """A message in a channel; only what begins with a command is for us. Bots are not listened to."""
        if event.get("bot_id") or event.get("subtype") not in hearing.SPOKEN_SUBTYPES or not event.get("user"):
            return
        text, channel = str(event.get("text") or ""), str(event["channel"])
        if hearing.words_of(text, in_room=True) is None:
            return
        incident = await self._incident(channel)
        words = hearing.words_of(text, in_room=bool(incident))
        if words is None:
            return
        thread = str(event.get("thread_ts") or "")
        answer = self._answered(
            words,
            user=event["user"],
            incident=incident,
            channel=channel,
            thread=thread or str(event["ts"]),
            id=str(body.get("event_id") or event["ts"]),
        )
        await self._in_time(self._then_tell(answer, event["user"], channel, thread))

    async def command(self, ack: AsyncAck, body: Payload) -> None:
        """`/ic`: the same words. What cannot be said without more opens its form."""
        words, channel, user = hearing.unescaped(body.get("text") or "").strip(), body["channel_id"], body["user_id"]
        incident = await self._incident(channel)
        if words.lower() in ALONE_THEY_ASK:
            await self._in_time(self._open(About(words.lower(), incident, words.lower(), channel), body["trigger_id"]))
            await ack()
            return
        answer = self._answered(words, user=user, incident=incident, channel=channel, id=body["trigger_id"])
        work = self._start(answer)
        done, _ = await asyncio.wait([work], timeout=ACKNOWLEDGED_WITHIN)
        if done:
            await ack(text=self._places.for_slack(work.result()), response_type="ephemeral")
            return
        await ack(text="…")
        self._start(self._then_tell(work, user, channel))

    # -- what people press ----------------------------------------------------------------------------

    async def press(self, ack: AsyncAck, body: Payload, action: Payload) -> None:
        """A button: its words, said by whoever pressed it. Pressed twice on the same message, it counts once."""
        try:
            pressed = blocks.pressed(action)
        except ValueError:
            await ack()
            return
        user, message = body["user"]["id"], body.get("message") or {}
        channel = str((body.get("channel") or {}).get("id") or "")
        if pressed.form:
            about = About(forms.named(pressed.words), pressed.incident, pressed.words, channel)
            await self._in_time(self._open(about, body["trigger_id"]))
        else:
            version = (message.get("edited") or {}).get("ts", "")
            heard = await self._heard(
                pressed.words,
                user=user,
                incident=pressed.incident,
                channel=channel,
                id=f"{channel}/{message.get('ts')}/{version}/{user}/{pressed.words}",
            )
            await self._in_time(self._pressed(heard, user, message))
        await ack()

    async def _pressed(self, heard: Heard, user: str, message: Payload) -> None:
        """In the incident's room, the room says what became of it; a private prompt is settled where it stands."""
        try:
            answer, accepted = (await self._conversation.act(heard)).text, True
        except PROBLEMS as problem:
            answer, accepted = str(problem), False
        if accepted and await self._incident(heard.channel) == heard.incident:
            return
        if not (accepted and heard.channel.startswith("D") and message.get("ts")):
            await self._tell(user, heard.channel, answer)
            return
        text = f"{message.get('text', '')}\n✓ `{heard.words}`: {self._places.for_slack(answer)}"
        try:
            await self._slack.chat_update(
                channel=heard.channel, ts=message["ts"], text=text, blocks=blocks.message(text)
            )
        except _LOST as error:
            logging.getLogger(__name__).warning("a prompt was not settled: %s", type(error).__name__)

    async def keep(self, ack: AsyncAck, body: Payload) -> None:
        """A shortcut on a message: note it, or make it a follow-up, with its author."""
        message, channel, user = body["message"], body["channel"]["id"], body["user"]["id"]
        author = (await self._people.who(message["user"])).name if message.get("user") else "somebody"
        words = f"{body['callback_id']} {author}: {hearing.unescaped(message.get('text') or '')}"
        incident = await self._incident(channel)
        id = f"{body['callback_id']}/{channel}/{message['ts']}"
        answer = self._answered(words, user=user, incident=incident, channel=channel, id=id)
        await self._in_time(self._then_tell(answer, user, channel))
        await ack()

    async def propose(self, ack: AsyncAck, body: Payload) -> None:
        """A shortcut on a message: its text as a repair action in one's own words."""
        channel = body["channel"]["id"]
        given = {"text": hearing.unescaped(body["message"].get("text") or ""), "entry": forms.OWN_WORDS}
        about = About("propose", await self._incident(channel), "propose", channel)
        await self._in_time(self._open(about, body["trigger_id"], given))
        await ack()

    async def declare(self, ack: AsyncAck, body: Payload) -> None:
        await self._in_time(self._open(About("declare", words="declare"), body["trigger_id"]))
        await ack()

    # -- forms ----------------------------------------------------------------------------------------

    async def _open(self, about: About, trigger: str, given: dict[str, str] | None = None) -> None:
        """What the incident knows is filled in, if it says so quickly: Slack gives a form three seconds to open."""
        form, known = FORMS[about.form], dict(given or {})
        if about.incident:
            try:
                incident = await asyncio.wait_for(self._gateway.look(about.incident), ASKED_BEFORE_A_FORM)
                known = form.known(about, incident) | known
            except (*PROBLEMS, asyncio.TimeoutError, RuntimeError):
                pass  # an empty form is better than none
        try:
            await self._slack.views_open(trigger_id=trigger, view=forms.view(about, self._policy, known))
        except _LOST as error:
            logging.getLogger(__name__).warning("a form was not opened: %s", error)

    async def fill_in(self, ack: AsyncAck, body: Payload) -> None:
        """Something in a form changed on which the rest of it depends."""
        await ack()
        shown = body.get("view") or {}
        if shown.get("callback_id") != forms.FORM:
            return
        given = values(shown["state"]["values"])
        view = forms.view(About.read(shown["private_metadata"]), self._policy, given)
        try:
            await self._slack.views_update(view_id=shown["id"], hash=shown.get("hash"), view=view)
        except _LOST:
            logging.getLogger(__name__).info("a form was changed again meanwhile")

    async def submit(self, ack: AsyncAck, body: Payload, view: Payload) -> None:
        """A form: its commands in order. What is wrong or refused is shown in it."""
        about, user = About.read(view["private_metadata"]), body["user"]["id"]
        first = first_input(view)
        try:
            meant = FORMS[about.form].meant(about, self._policy, values(view["state"]["values"]))
        except (Wrong, Unreadable) as fault:
            field = fault.field if isinstance(fault, Wrong) else first
            await ack(response_action="errors", errors={field: str(fault)})
            return
        work = self._start(self._submitted(about, user, meant, view["id"]))
        done, _ = await asyncio.wait([work], timeout=ACKNOWLEDGED_WITHIN)
        if done and not (result := work.result())[0]:
            await ack(response_action="errors", errors={first: result[1]})
            return
        await ack()
        self._start(self._then_tell(self._text_of(work), user, about.channel))

    async def _submitted(self, about: About, user: str, meant: list[Command | Opening], id: str) -> tuple[bool, str]:
        """Whether all was accepted, and what to tell."""
        heard = await self._heard("", user=user, incident=about.incident, channel=about.channel, id=id)
        answers = []
        for n, each in enumerate(meant):
            one = Heard(heard.words, heard.by, heard.name, f"{id}/{n}" if n else id, heard.incident, heard.channel)
            try:
                answers.append((await self._conversation.carry_out(one, each)).text)
            except PROBLEMS as problem:
                answers.append(str(problem))
                return n > 0, "\n".join(answers)
        return True, "\n".join(answers)

    @staticmethod
    async def _text_of(work: asyncio.Task[tuple[bool, str]]) -> str:
        return (await work)[1]

    # -- the App Home ---------------------------------------------------------------------------------

    async def home(self, event: Payload) -> None:
        if event.get("tab") == "home":
            await self._in_time(self._show_home(event["user"]))

    async def _show_home(self, user: str) -> None:
        """One incident that cannot be read is shown as such; it keeps nobody from seeing the others."""
        person, problems = (await self._people.who(user)).by, []
        seen: list[Incident] = []
        try:
            with reaching():
                listed = [one for one in await self._gateway.list() if one.open][: home.MOST]
        except Exception as fault:  # noqa: BLE001  # an entry point: what is wrong is shown
            _log.exception("the list for the App Home was not read")
            listed, problems = [], [str(fault) if isinstance(fault, PROBLEMS) else sentence(fault)]
        looked = await asyncio.gather(*(self._gateway.look(one.id) for one in listed), return_exceptions=True)
        for one, found in zip(listed, looked):
            if isinstance(found, BaseException):
                why = str(found) if isinstance(found, PROBLEMS) else sentence(found)
                what = "A security incident" if one.secret else f"*{one.severity} {one.title}* ({one.id})"
                problems.append(f"{what} cannot be shown: {why}")
            elif security.may_read(found, person):
                seen.append(found)
        try:
            view = home.view(seen, person, self._places, problems)
            await self._slack.views_publish(user_id=user, view=view)
        except _LOST as error:
            _log.warning("the App Home was not shown: %s", error)

    # -------------------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _in_time(self, work: Coroutine[Any, Any, Any]) -> None:
        """Done, or two seconds over: then Slack has to hear from us, and the work goes on."""
        task = self._start(work)
        done, _ = await asyncio.wait([task], timeout=ACKNOWLEDGED_WITHIN)
        if done:
            task.result()

    async def _heard(self, words: str, *, user: str, incident: str, channel: str, id: str, thread: str = "") -> Heard:
        speaker = await self._people.who(user)
        return Heard(words, speaker.by, speaker.name, id, incident, channel, thread)

    async def _answered(self, words: str, **where: str) -> str:
        return await self._conversation.answer(await self._heard(words, **where))

    async def _then_tell(
        self, answer: Coroutine[Any, Any, str] | asyncio.Task[str], user: str, channel: str, thread: str = ""
    ) -> None:
        await self._tell(user, channel, await answer, thread)

    async def _tell(self, user: str, channel: str, text: str, thread: str = "") -> None:
        """Only to them: where they said it, else as a direct message."""
        shown = self._places.for_slack(text)
        try:
            if channel:
                await self._slack.chat_postEphemeral(channel=channel, user=user, text=shown, thread_ts=thread or None)
                return
        except SlackApiError as error:
            logging.getLogger(__name__).info("not shown in %s (%s)", channel, error.response.get("error"))
        except _LOST as error:
            logging.getLogger(__name__).warning("could not answer in %s: %s", channel, type(error).__name__)
            return
        try:
            opened = await self._slack.conversations_open(users=[user])
            await self._slack.chat_postMessage(channel=opened["channel"]["id"], text=shown)
        except _LOST as error:
            logging.getLogger(__name__).warning("could not answer %s: %s", user, type(error).__name__)

    async def _incident(self, channel: str) -> str:
        """The incident whose room this is, or whose sub-team works in it; empty elsewhere."""
        if channel.startswith("D"):
            return ""
        if letter := self._letters.get(channel):
            try:
                return await self._gateway.incident_of_team(letter)
            except (Unreachable, RuntimeError):
                return ""
        if channel not in self._rooms:
            try:
                found = await self._slack.conversations_info(channel=channel)
            except _LOST:
                return ""
            name = str(found["channel"].get("name") or "")
            self._rooms[channel] = identity.incident_of_room(name)
        return self._rooms[channel]
