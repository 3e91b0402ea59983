"""What comes in from Slack, each event once: words, a pressed button, a form.

What Slack sends is acknowledged once it is answered; after two seconds it is put on disk and acknowledged then. What can
neither be answered nor put on disk is not acknowledged, and Slack sends it again or says that it failed. A listener that
dies begins with what its predecessor left, and ids make everything count once.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from activities import errors
from activities.on_call_book import now
from activities.placeholders import Placeholders, escaped
from chat import blocks, forms, hearing, home
from chat.fields import LONGEST_TEXT, Wrong, first_input, values
from chat.forms import FORMS, About
from chat.inbox import Inbox, NotKept, Received
from chat.people import People
from chat.wire import Wire
from entrypoints.conversation import PROBLEMS, Conversation, Heard
from entrypoints.gateway import Gateway
from entrypoints.problems import Unanswered, Unreachable, reaching, sentence
from incident import identity, security, texts
from incident.commands import Command
from incident.grammar import Entered, Opening, Question
from incident.model import Incident
from incident.policy import Policy
from incident.words import Unreadable

ACKNOWLEDGED_WITHIN = 2.0
ASKED_BEFORE_A_FORM = 1.0
FINISHED_WITHIN = 5.0
DELIVERED_EVERY = timedelta(seconds=5)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
KEPT_FOR = timedelta(hours=24)
MOST_PAGES = 10
ALONE_THEY_ASK = frozenset({"declare", "propose", "trouble", "task", "draft", "update", "handover"})
_LOST = (SlackApiError, SlackClientError, OSError, asyncio.TimeoutError)
Payload = dict[str, Any]
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """What to tell. `later`: it is kept, and tried again."""

    text: str
    accepted: bool = False
    later: bool = False


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
        inbox: Inbox,
        wire: Wire,
    ) -> None:
        self._slack = slack
        self._conversation = conversation
        self._gateway = gateway
        self._people = people
        self._places = places
        self._policy = policy
        self._rooms: dict[str, str] = {}
        self._letters = {team.room: team.id for team in policy.sub_teams}
        self._inbox = inbox
        self._wire = wire
        self._under_way: set[asyncio.Task[Any]] = set()
        self._busy: set[str] = set()
        self._later: dict[str, tuple[int, float]] = {}

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

    # -- what comes in is done, or on disk, before it is acknowledged --------------------------------------

    async def deliver(self) -> None:
        """What is kept and not under way here: left by a listener that died, or waiting for Temporal.

        In the order in which it came in; what Temporal does not take now is tried again later.
        """
        for received in await self._inbox.waiting():
            if received.key in self._busy or self._later.get(received.key, (0, 0.0))[1] > time.monotonic():
                continue
            if now() - received.at > KEPT_FOR:
                await self._say(received, f"What you said at {received.at:%d %B, %H:%M} UTC could not be delivered.")
                await self._inbox.drop(received)
                continue
            self._busy.add(received.key)
            answered = await self._answered(received)
            if answered.later:
                tries, _ = self._later.get(received.key, (0, 0.0))
                pause = min(FIRST_PAUSE * 2**tries, LONGEST_PAUSE)
                self._later[received.key] = (min(tries + 1, 10), time.monotonic() + pause)
                answered = replace(answered, text="")
            await self._finish(received, answered)

    async def _receive(self, received: Received) -> None:
        """Carry it out, and tell. When this returns it may be acknowledged. Raises NotKept."""
        begun = time.monotonic()
        work = await self._begin(received)
        telling = self._start(self._finish_when_done(received, work))
        if work.done():
            left = ACKNOWLEDGED_WITHIN - (time.monotonic() - begun)
            await asyncio.wait([telling], timeout=max(0.0, left))

    async def _begin(self, received: Received) -> asyncio.Task[Answered]:
        """Answered, or on disk, when it returns. Raises NotKept: then Slack must not hear that it arrived."""
        self._busy.add(received.key)
        work = self._start(self._answered(received))
        done, _ = await asyncio.wait([work], timeout=ACKNOWLEDGED_WITHIN)
        if not done:
            try:
                await self._inbox.keep(received)
            except NotKept:
                self._start(self._finish_when_done(received, work))
                raise
        return work

    async def _finish_when_done(self, received: Received, work: asyncio.Task[Answered]) -> None:
        await self._finish(received, await work)

    async def _finish(self, received: Received, answered: Answered) -> None:
        try:
            if answered.text:
                await self._say(received, answered.text, accepted=answered.accepted)
            if not answered.later:
                self._later.pop(received.key, None)
                await self._inbox.drop(received)
        finally:
            self._busy.discard(received.key)

    async def _answered(self, received: Received) -> Answered:
        """Whatever happens, an answer in words."""
        carry_out = {
            "message": self._message,
            "words": self._words,
            "shortcut": self._shortcut,
            "press": self._press,
            "form": self._form,
        }
        try:
            return await carry_out[received.kind](received)
        except (Unreachable, Unanswered) as problem:
            try:
                await self._inbox.keep(received)
            except NotKept as fault:
                return Answered(f"{problem} It could not be saved here either ({fault}).")
            return Answered(f"{problem} It is saved here and tried again; you hear of it.", later=True)
        except (*PROBLEMS, Wrong) as problem:
            return Answered(str(problem))
        except Exception as fault:  # noqa: BLE001  # an entry point: it is logged, and its author gets an answer
            _log.error("a %s from Slack failed", received.kind, exc_info=fault)
            return Answered(sentence(fault, received.id))

    async def _act(self, heard: Heard, meant: Command | Question | Opening | Entered) -> Answered:
        """Raises Unreachable or Unanswered for what is worth trying again, PROBLEMS for what is not."""
        try:
            return Answered((await self._conversation.carry_out(heard, meant)).text, accepted=True)
        except (Unreachable, Unanswered) as problem:
            if not isinstance(meant, Question):
                raise
            return Answered(str(problem))
        except PROBLEMS:
            raise
        except Exception as fault:
            if not isinstance(meant, Question):
                raise
            _log.error("a question failed", exc_info=fault)
            return Answered(sentence(fault))

    # -- what people type -----------------------------------------------------------------------------

    async def message(self, event: Payload, body: Payload) -> None:
        """A message in a channel; only what begins with a command is for us. Bots are not listened to."""
        if event.get("bot_id") or event.get("subtype") not in hearing.SPOKEN_SUBTYPES or not event.get("user"):
            return
        text = self._wire.typed(str(event.get("text") or ""))
        if hearing.words_of(text, in_room=True) is None:
            return
        thread = str(event.get("thread_ts") or "")
        what = {"text": text, "thread": thread, "place": thread or str(event["ts"])}
        where = {"user": str(event["user"]), "channel": str(event["channel"])}
        received = Received("message", str(body.get("event_id") or event["ts"]), now(), {**where, **what})
        await self._receive(received)

    async def _message(self, received: Received) -> Answered:
        what = received.what
        incident = await self._incident(what["channel"])
        words = hearing.words_of(what["text"], in_room=bool(incident))
        if words is None:
            return Answered("")
        return await self._spoken(received, words, incident, thread=what["place"])

    async def command(self, ack: AsyncAck, body: Payload) -> None:
        """`/ic`: the same words. What cannot be said without more opens its form."""
        words, channel, user = self._wire.typed(body.get("text") or "").strip(), body["channel_id"], body["user_id"]
        if words.lower() in ALONE_THEY_ASK:
            await self._in_time(self._open(words.lower(), words.lower(), channel, user, body["trigger_id"]))
            await ack()
            return
        received = Received("words", body["trigger_id"], now(), {"user": user, "channel": channel, "words": words})
        work = await self._begin(received)
        if not work.done():
            await ack(text="…")
            self._start(self._finish_when_done(received, work))
            return
        answered = work.result()
        first, *more = self._pages(answered.text)
        await ack(text=first, response_type="ephemeral")
        if more:
            self._start(self._show_pages(user, channel, more))
        await self._finish(received, replace(answered, text=""))

    async def _words(self, received: Received) -> Answered:
        return await self._spoken(received, received.what["words"], await self._incident(received.what["channel"]))

    async def _spoken(self, received: Received, words: str, incident: str, thread: str = "") -> Answered:
        return await self._act(await self._heard(received, words, incident, thread), self._conversation.read(words))

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
            await self._in_time(self._show_form(about, user, body["trigger_id"]))
        else:
            ts, version = str(message.get("ts") or ""), (message.get("edited") or {}).get("ts", "")
            what = {"incident": pressed.incident, "words": pressed.words, "ts": ts, "text": blocks.shown(message)}
            id = f"{channel}/{ts}/{version}/{user}/{pressed.words}"
            received = Received("press", id, now(), {"user": user, "channel": channel, **what})
            await self._receive(received)
        await ack()

    async def _press(self, received: Received) -> Answered:
        """In the incident's room, the room says what became of it."""
        what = received.what
        answered = await self._spoken(received, what["words"], what["incident"])
        try:
            in_its_room = await self._incident(what["channel"]) == what["incident"]
        except Unreachable:
            in_its_room = False
        return Answered("", accepted=True) if answered.accepted and in_its_room else answered

    async def _settle(self, received: Received, answer: str) -> None:
        """A private prompt that was accepted is settled where it stands."""
        what = received.what
        text = f"{what['text']}\n✓ `{escaped(what['words'])}`: {self._places.for_slack(answer)}"
        try:
            await self._slack.chat_update(
                channel=what["channel"], ts=what["ts"], text=blocks.headline(text), blocks=blocks.message(text)
            )
        except _LOST as error:
            _log.warning("a prompt was not settled: %s", type(error).__name__)

    async def keep(self, ack: AsyncAck, body: Payload) -> None:
        """A shortcut on a message: note it, or make it a follow-up, with its author."""
        message, verb, channel = body["message"], body["callback_id"], body["channel"]["id"]
        what = {"verb": verb, "author": message.get("user") or "", "text": self._wire.typed(message.get("text") or "")}
        where = {"user": body["user"]["id"], "channel": channel}
        received = Received("shortcut", f"{verb}/{channel}/{message['ts']}", now(), {**where, **what})
        await self._receive(received)
        await ack()

    async def _shortcut(self, received: Received) -> Answered:
        what = received.what
        author = (await self._people.who(what["author"])).name if what["author"] else "somebody"
        words = f"{what['verb']} {author}: {what['text']}"
        return await self._spoken(received, words, await self._incident(what["channel"]))

    async def propose(self, ack: AsyncAck, body: Payload) -> None:
        """A shortcut on a message: its text as a repair action in one's own words."""
        given = {"text": self._wire.typed(body["message"].get("text") or ""), "entry": forms.OWN_WORDS}
        user, channel = body["user"]["id"], body["channel"]["id"]
        await self._in_time(self._open("propose", "propose", channel, user, body["trigger_id"], given))
        await ack()

    async def declare(self, ack: AsyncAck, body: Payload) -> None:
        about = About("declare", words="declare")
        await self._in_time(self._show_form(about, body["user"]["id"], body["trigger_id"]))
        await ack()

    # -- forms ----------------------------------------------------------------------------------------

    async def _open(
        self, form: str, words: str, channel: str, user: str, trigger: str, given: dict[str, str] | None = None
    ) -> None:
        try:
            incident = await self._incident(channel)
        except Unreachable as problem:
            await self._tell(user, channel, str(problem))
            return
        await self._show_form(About(form, incident, words, channel), user, trigger, given)

    async def _show_form(self, about: About, user: str, trigger: str, given: dict[str, str] | None = None) -> None:
        """What the incident knows is filled in, if it says so quickly: Slack gives a form three seconds to open."""
        form, known = FORMS[about.form], dict(given or {})
        if about.incident:
            try:
                incident = await asyncio.wait_for(self._gateway.look(about.incident), ASKED_BEFORE_A_FORM)
                known = form.known(about, incident) | known
            except Exception as fault:  # noqa: BLE001  # an empty form is better than none
                _log.info("a form is not filled in: %r", fault)
        if (length := max(map(len, known.values()), default=0)) > LONGEST_TEXT:
            # Cut, it would look whole in the form, and be sent like that.
            why = f"That text has {length} characters, and a form takes {LONGEST_TEXT}."
            await self._tell(user, about.channel, f"{why} Type it: `!ic {about.words} …`.")
            return
        try:
            await self._slack.views_open(trigger_id=trigger, view=forms.view(about, self._policy, known))
        except _LOST as error:
            _log.warning("a form was not opened: %s", error)
            await self._tell(user, about.channel, f"The form could not be opened ({type(error).__name__}). Try again.")

    async def fill_in(self, ack: AsyncAck, body: Payload) -> None:
        """Something in a form changed on which the rest of it depends."""
        await ack()
        shown = body.get("view") or {}
        if shown.get("callback_id") != forms.FORM:
            return
        given = values(shown["state"]["values"], self._wire.typed)
        view = forms.view(About.read(shown["private_metadata"]), self._policy, given)
        try:
            await self._slack.views_update(view_id=shown["id"], hash=shown.get("hash"), view=view)
        except _LOST:
            _log.info("a form was changed again meanwhile")

    async def submit(self, ack: AsyncAck, body: Payload, view: Payload) -> None:
        """A form: its commands in order. What is wrong or refused is shown in it."""
        about, first, given = (
            About.read(view["private_metadata"]),
            first_input(view),
            values(view["state"]["values"], self._wire.typed),
        )
        try:
            FORMS[about.form].meant(about, self._policy, given)
        except (Wrong, Unreadable) as fault:
            field = fault.field if isinstance(fault, Wrong) else first
            await ack(response_action="errors", errors={field: str(fault)})
            return
        what = {"about": view["private_metadata"], "given": dict(given)}
        where = {"user": body["user"]["id"], "channel": about.channel}
        received = Received("form", view["id"], now(), {**where, **what})
        work = await self._begin(received)
        if work.done() and not (answered := work.result()).accepted and not answered.later:
            await ack(response_action="errors", errors={first: texts.plain(answered.text)})
            await self._finish(received, replace(answered, text=""))
            return
        await ack()
        self._start(self._finish_when_done(received, work))

    async def _form(self, received: Received) -> Answered:
        """Its commands in order, up to the first that is refused. Accepted, when one of them was."""
        about = About.read(received.what["about"])
        heard = await self._heard(received, "", about.incident)
        answers: list[str] = []
        for n, each in enumerate(FORMS[about.form].meant(about, self._policy, received.what["given"])):
            try:
                answers.append((await self._act(replace(heard, id=f"{heard.id}/{n}" if n else heard.id), each)).text)
            except (Unreachable, Unanswered):
                raise
            except PROBLEMS as problem:
                return Answered("\n".join([*answers, str(problem)]), accepted=n > 0)
        return Answered("\n".join(answers), accepted=True)

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

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("what came from Slack was not carried out", exc_info=fault)

    async def _in_time(self, work: Coroutine[Any, Any, Any]) -> None:
        """Done, or two seconds over: then Slack has to hear from us, and the work goes on. For what only shows."""
        task = self._start(work)
        done, _ = await asyncio.wait([task], timeout=ACKNOWLEDGED_WITHIN)
        if done:
            task.result()

    async def _heard(self, received: Received, words: str, incident: str, thread: str = "") -> Heard:
        speaker, channel = await self._people.who(received.what["user"]), received.what["channel"]
        return Heard(words, speaker.by, speaker.name, received.id, incident, channel, thread, received.at)

    async def _say(self, received: Received, text: str, *, accepted: bool = False) -> None:
        """The answer to whoever it is from; a private prompt that they pressed is settled."""
        what = received.what
        if accepted and received.kind == "press" and what["channel"].startswith("D") and what["ts"]:
            await self._settle(received, text)
        else:
            await self._tell(what["user"], what["channel"], text, what.get("thread", ""))

    async def _tell(self, user: str, channel: str, text: str, thread: str = "") -> None:
        """Only to them: where they said it, else as a direct message."""
        await self._show_pages(user, channel, self._pages(text), thread)

    def _pages(self, text: str) -> list[str]:
        """In Slack's format, as many messages as it takes; what is too much for those is said with where to read it."""
        pages = blocks.pieces(self._places.for_slack(text)) or [""]
        if len(pages) > MOST_PAGES:
            rest = sum(page.count("\n") + 1 for page in pages[MOST_PAGES:])
            pages = [*pages[:MOST_PAGES], f"… and {rest} more lines. In the shell `ic` shows all of them."]
        return pages

    async def _show_pages(self, user: str, channel: str, pages: list[str], thread: str = "") -> None:
        for page in pages:
            await self._show(user, channel, page, thread)

    async def _show(self, user: str, channel: str, shown: str, thread: str) -> None:
        try:
            if channel:
                await self._slack.chat_postEphemeral(channel=channel, user=user, text=shown, thread_ts=thread or None)
                return
        except SlackApiError as error:
            _log.info("not shown in %s (%s)", channel, error.response.get("error"))
        except _LOST as error:
            _log.warning("could not answer in %s: %s", channel, type(error).__name__)
            return
        try:
            opened = await self._slack.conversations_open(users=[user])
            await self._slack.chat_postMessage(channel=opened["channel"]["id"], text=shown)
        except _LOST as error:
            _log.warning("could not answer %s: %s", user, type(error).__name__)

    async def _incident(self, channel: str) -> str:
        """The incident whose room this is, or whose sub-team works in it; empty elsewhere.

        Raises Unreachable: where it cannot be asked which channel it is, nothing is said in the wrong place.
        """
        if channel.startswith("D"):
            return ""
        if letter := self._letters.get(channel):
            with reaching():
                return await self._gateway.incident_of_team(letter)
        if channel not in self._rooms:
            try:
                found = await self._slack.conversations_info(channel=channel)
            except _LOST as error:
                if isinstance(error, SlackApiError) and errors.from_slack(error).non_retryable:
                    return ""  # a direct message of several, or a channel that is not shown to us
                raise Unreachable("Slack does not say which channel this is.") from None
            name = str(found["channel"].get("name") or "")
            self._rooms[channel] = identity.incident_of_room(name)
        return self._rooms[channel]
