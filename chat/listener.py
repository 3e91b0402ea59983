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
from slack_sdk.web.async_client import AsyncWebClient

from activities.on_call_book import now
from activities.placeholders import Placeholders, escaped
from chat import blocks, forms, hearing, home
from chat.channels import Channels
from chat.fields import LONGEST_TEXT, Wrong, first_input, values
from chat.forms import FORMS, About
from chat.inbox import Inbox, NotKept, Received
from chat.people import NotTold, People
from chat.telling import LOST, MOST_PAGES, Telling
from chat.wire import Wire
from entrypoints.conversation import PROBLEMS, Conversation, Heard
from entrypoints.gateway import Gateway
from entrypoints.problems import Unanswered, Unreachable, reaching, sentence
from incident import grammar, security, texts
from incident.choices import Choice
from incident.commands import Command
from incident.commands.paging import PagePeople
from incident.exactly import Inexact
from incident.grammar import Entered, Question
from incident.model import Incident
from incident.opening import Opening
from incident.policy import Policy
from incident.proof import SLACK
from incident.reports import ChannelLost, MessageDeleted, Report
from incident.words import Unreadable

ACKNOWLEDGED_WITHIN = 2.0
ASKED_BEFORE_A_FORM = 1.0
FINISHED_WITHIN = 5.0
DELIVERED_EVERY = timedelta(seconds=5)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
KEPT_FOR = timedelta(hours=24)
CHOSEN_WITHIN = 60.0
HINTS_LEFT_ALONE = 2
CHANNEL_LOST = {
    "channel_archive": "is_archived",
    "group_archive": "is_archived",
    "channel_left": "not_in_channel",
    "group_left": "channel_not_found",
}
"""Events that end what our app can do in a channel, and what Slack refuses it with from then on."""
ALONE_THEY_ASK = frozenset(
    {"declare", "propose", "trouble", "task", "draft", "update", "handover", "challenge", "can", "title", "service"}
    | {"started", "workaround"}
)
Payload = dict[str, Any]
Meant = Command | Question | Opening | Entered
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """What to tell, and what to offer with it for `incident`; `otherwise` is done when nothing is chosen. `later`: it is kept, and tried again."""

    text: str
    accepted: bool = False
    later: bool = False
    choices: tuple[Choice, ...] = ()
    incident: str = ""
    otherwise: str = ""


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
        self._telling = Telling(slack, places)
        self._places = places
        self._policy = policy
        self._channels = Channels(slack, gateway)
        self._letters = {team.room: team.id for team in policy.sub_teams}
        self._inbox = inbox
        self._wire = wire
        self._under_way: set[asyncio.Task[Any]] = set()
        self._busy: set[str] = set()
        self._later: dict[str, tuple[int, float]] = {}
        self._ignored: dict[str, int] = {}

    def register(self, app: AsyncApp) -> None:
        app.event("message")(self.message)
        app.event("app_mention")(self.message)
        app.event("app_home_opened")(self.home)
        for event in CHANNEL_LOST:
            app.event(event)(self.lost)
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
            if float(received.what.get("due", 0)) > time.time():
                continue
            if now() - received.at > KEPT_FOR:
                late = f"What you said at {received.at:%d %B, %H:%M} UTC could not be delivered."
                await self._say(received, Answered(late))
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
                await self._say(received, answered)
            if answered.otherwise:
                await self._wait_for_a_choice(received, answered)
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
            "otherwise": self._otherwise,
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

    async def _act(self, heard: Heard, meant: Meant | None = None) -> Answered:
        """What was typed or pressed, or what a form gave.

        Raises Unreachable or Unanswered for what is worth trying again, PROBLEMS for what is not.
        """
        try:
            if meant is not None:
                outcome = await self._conversation.carry_out(heard, meant)
            else:
                outcome = await self._conversation.understand(heard)
        except (Unreachable, Unanswered) as problem:
            if not self._only_asks(heard):
                raise
            return Answered(str(problem))
        except PROBLEMS:
            raise
        except Exception as fault:
            if not self._only_asks(heard):
                raise
            _log.error("a question failed", exc_info=fault)
            return Answered(sentence(fault))
        done = not outcome.asks
        return Answered(outcome.text, done, False, outcome.choices, outcome.incident, outcome.otherwise)

    def _only_asks(self, heard: Heard) -> bool:
        """It changes nothing, so that trying it again later would be of no use."""
        try:
            return isinstance(grammar.read(heard.words, self._policy), Question)
        except Unreadable:
            return False

    # -- what people type -----------------------------------------------------------------------------

    async def message(self, event: Payload, body: Payload) -> None:
        """A message in a channel; only what begins with a command is for us. Bots are not listened to."""
        if event.get("subtype") == "message_deleted":
            await self._in_time(self._report(event, body, MessageDeleted(event["channel"], str(event["deleted_ts"]))))
            return
        if event.get("bot_id") or event.get("subtype") not in hearing.SPOKEN_SUBTYPES or not event.get("user"):
            return
        sent = str(event.get("text") or "")
        text = self._wire.typed(sent)
        if not hearing.may_be_ours(text):
            return
        thread = str(event.get("thread_ts") or "")
        what = {"text": text, "thread": thread, "place": thread or str(event["ts"]), "groups": self._wire.groups(sent)}
        where = {"user": str(event["user"]), "channel": str(event["channel"])}
        # A mention of the app arrives as two events, which are one message.
        id = f"{event['channel']}/{event['ts']}"
        await self._receive(Received("message", id, now(), {**where, **what}))

    async def lost(self, event: Payload, body: Payload) -> None:
        """A channel was archived, or our app was removed from it."""
        what = ChannelLost(str(event["channel"]), CHANNEL_LOST[event["type"]])
        await self._in_time(self._report(event, body, what))

    async def _report(self, event: Payload, body: Payload, what: MessageDeleted | ChannelLost) -> None:
        """To the incident whose channel this is. If it cannot be reached, it notices when it next speaks there."""
        try:
            if incident := await self._incident(str(event["channel"])):
                key = str(body.get("event_id") or event["event_ts"])
                await self._gateway.report(incident, Report(f"door/{SLACK}", key, what))
        except PROBLEMS as problem:
            _log.info("%s is not told: %s", type(what).__name__, problem)

    async def _message(self, received: Received) -> Answered:
        what = received.what
        incident, app = await self._incident(what["channel"]), await self._people.app()
        lines = hearing.lines_of(what["text"], in_channel=bool(incident), app=app)
        if len(lines) == 1 and lines[0].bare:
            return await self._hint(received, lines[0], incident)
        return await self._in_order(received, lines, incident)

    async def _in_order(self, received: Received, lines: list[hearing.Line], incident: str) -> Answered:
        """Each line is a command and is answered; one refusal stops only the decisions below it."""
        if not lines:
            return Answered("")
        answers: list[Answered] = []
        for n, line in enumerate(lines):
            heard = await self._heard(received, line.words, incident, received.what["place"])
            id = f"{heard.id}/{n}" if n else heard.id
            heard = replace(heard, id=id, loose=line.loose)
            refused = bool(answers) and not all(one.accepted for one in answers)
            if refused and self._conversation.decides(line.words):
                answers.append(Answered(f"`!ic {line.words}` was not done, because of the line above."))
                continue
            try:
                answers.append(await self._act(await self._resolved(heard, received.what.get("groups", {}))))
            except (Unreachable, Unanswered):
                raise
            except (*PROBLEMS, Wrong) as problem:
                answers.append(Answered(str(problem)))
        offering = next((one for one in answers if one.choices), Answered(""))
        text = "\n".join(one.text for one in answers)
        done = all(one.accepted for one in answers)
        return Answered(text, done, False, offering.choices, offering.incident, offering.otherwise)

    async def _hint(self, received: Received, line: hearing.Line, incident: str) -> Answered:
        """A word of ours alone, without the prefix: done where exactly one thing can be meant, else a button, else nothing.

        Who left two of them alone gets no more.
        """
        user = received.what["user"]
        heard = replace(await self._heard(received, line.words, incident, received.what["place"]), loose=True)
        try:
            answered = await self._act(heard)
        except (Unreachable, Unanswered):
            raise
        except PROBLEMS:
            return Answered("")
        if answered.accepted:
            return answered
        if line.words in hearing.ASSENT or self._ignored.get(user, 0) >= HINTS_LEFT_ALONE:
            return Answered("")
        self._ignored[user] = self._ignored.get(user, 0) + 1
        return answered

    async def _resolved(self, heard: Heard, groups: dict[str, str]) -> Heard:
        """A user group is its members. `groups`: how each reads in the words, and its id."""
        words = heard.words
        for name, id in groups.items():
            try:
                found = await self._slack.usergroups_users_list(usergroup=id)
            except LOST as error:
                _log.info("a user group's members are not known: %s", error)
                continue
            if members := " ".join(self._wire.typed(f"<@{user}>") for user in found["users"]):
                words = words.replace(name, members)
        return replace(heard, words=words)

    async def command(self, ack: AsyncAck, body: Payload) -> None:
        """`/ic`: the same words. What cannot be said without more opens its form."""
        words, channel, user = self._wire.typed(body.get("text") or "").strip(), body["channel_id"], body["user_id"]
        if words.lower() in ALONE_THEY_ASK:
            await self._in_time(self._open(words.lower(), words.lower(), channel, user, body["trigger_id"]))
            await ack()
            return
        what = {"user": user, "channel": channel, "words": words, "groups": self._wire.groups(body.get("text") or "")}
        received = Received("words", body["trigger_id"], now(), what)
        work = await self._begin(received)
        if not work.done():
            await ack(text="…")
            self._start(self._finish_when_done(received, work))
            return
        answered = work.result()
        first, *more = self._telling.pages(answered.text)
        if len(more) >= MOST_PAGES:
            await ack()
            self._start(self._finish(received, answered))
            return
        await ack(**self._telling.shown(first, user, answered.incident, answered.choices), response_type="ephemeral")
        if more:
            self._start(self._telling.show(user, channel, more))
        await self._finish(received, replace(answered, text=""))

    async def _words(self, received: Received) -> Answered:
        incident = await self._incident(received.what["channel"])
        words = re.sub(r"^\s*[!/]?ic\b\s*", "", received.what["words"], flags=re.IGNORECASE)
        heard = await self._heard(received, words, incident)
        return await self._act(await self._resolved(heard, received.what.get("groups", {})))

    # -- what people press ----------------------------------------------------------------------------

    async def press(self, ack: AsyncAck, body: Payload, action: Payload) -> None:
        """A button: its words, said by whoever pressed it. Pressed twice on the same message, it counts once."""
        try:
            pressed = blocks.pressed(action)
        except ValueError:
            await ack()
            return
        user, message = body["user"]["id"], body.get("message") or body.get("container") or {}
        channel = str((body.get("channel") or {}).get("id") or "")
        if (stale := self._stale(pressed, user)) is not None:
            await self._tell(user, channel, stale)
        elif pressed.form:
            about = About(forms.named(pressed.words), pressed.incident, pressed.words, channel)
            await self._in_time(self._show_form(about, user, body["trigger_id"]))
        else:
            ts = str(message.get("ts") or message.get("message_ts") or "")
            version = (message.get("edited") or {}).get("ts", "")
            what = {"incident": pressed.incident, "words": pressed.words, "ts": ts, "text": blocks.shown(message)}
            id = f"{channel}/{ts}/{version}/{user}/{pressed.words}"
            if pressed.only:
                id = f"{pressed.only}/{pressed.until}/{pressed.words}"
                self._ignored.pop(user, None)
                await self._inbox.drop(Received("otherwise", f"{user}/{channel}", now(), {}))
            received = Received("press", id, now(), {"user": user, "channel": channel, **what})
            await self._receive(received)
        await ack()

    async def _wait_for_a_choice(self, received: Received, answered: Answered) -> None:
        """A page that was asked back about wakes somebody after a minute, whatever becomes of this process."""
        what = {"words": answered.otherwise, "incident": answered.incident, "due": time.time() + CHOSEN_WITHIN}
        where = {"user": received.what["user"], "channel": received.what["channel"]}
        waits = Received("otherwise", f"{where['user']}/{where['channel']}", now(), {**where, **what})
        try:
            await self._inbox.keep(waits)
        except NotKept as fault:
            _log.error("a question about a page could not be saved, so an IC is paged at once: %s", fault)
            await self._finish(waits, await self._answered(waits))

    async def _otherwise(self, received: Received) -> Answered:
        what = received.what
        heard = replace(await self._heard(received, what["words"], what["incident"]), exact=True)
        answered = await self._act(replace(heard, id=f"{heard.id}/{what['due']}"))
        return replace(answered, text=f"Nobody was chosen, so an incident commander was paged. {answered.text}")

    @staticmethod
    def _stale(pressed: blocks.Pressed, user: str) -> str | None:
        """A question is answered by whoever it was put to, and soon."""
        if pressed.only and pressed.only != user:
            return "That button is for whoever typed the line."
        if pressed.until and time.time() > pressed.until:
            return f"That button has expired. Type `!ic {pressed.words}`."
        return None

    async def _press(self, received: Received) -> Answered:
        """In the incident's room, the room says what became of it."""
        what = received.what
        answered = await self._act(replace(await self._heard(received, what["words"], what["incident"]), exact=True))
        try:
            in_its_room = await self._incident(what["channel"]) == what["incident"]
        except Unreachable:
            in_its_room = False
        return Answered("", accepted=True) if answered.accepted and in_its_room else answered

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
        author = (await self._people.anybody(what["author"])).name if what["author"] else "somebody"
        words = f"{what['verb']} {author}: {what['text']}"
        return await self._act(await self._heard(received, words, await self._incident(what["channel"])))

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
        except LOST as error:
            _log.warning("a form was not opened: %s", error)
            line = forms.typed(about)
            await self._tell(user, about.channel, f"The form can't be opened right now. Type it instead: `/ic {line}`")

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
        except LOST:
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
        meant = FORMS[about.form].meant(about, self._policy, received.what["given"])
        heard = await self._heard(received, "", about.incident, meant=meant[0] if len(meant) == 1 else None)
        heard = replace(heard, exact=True)
        answers: list[str] = []
        for n, each in enumerate(meant):
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
        person, problems = (await self._people.anybody(user)).by, []
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
        except LOST as error:
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

    async def _heard(
        self, received: Received, words: str, incident: str, thread: str = "", *, meant: Meant | None = None
    ) -> Heard:
        """Raises Unreachable where it matters who speaks, and Slack does not say. Anybody may page, declare and ask."""
        user, channel = received.what["user"], received.what["channel"]
        if isinstance(meant or self._meaning(words), Question | Opening | PagePeople):
            speaker = await self._people.anybody(user)
        else:
            try:
                speaker = await self._people.who(user)
            except NotTold as fault:
                raise Unreachable(str(fault)) from None
        return Heard(words, speaker.by, speaker.name, received.id, incident, channel, thread, received.at)

    def _meaning(self, words: str) -> Meant | None:
        """What they mean by themselves; None where that has to be found out first."""
        try:
            meant = grammar.read(words, self._policy) if words else None
        except PROBLEMS:
            return None
        return None if isinstance(meant, Inexact) else meant

    async def _say(self, received: Received, answered: Answered) -> None:
        """The answer to whoever it is from; a private prompt that they pressed is settled."""
        what = received.what
        if answered.accepted and received.kind == "press" and what["channel"].startswith("D") and what["ts"]:
            said = f"{what['text']}\n✓ `!ic {escaped(what['words'])}`"
            await self._telling.settle(what["channel"], what["ts"], said, answered.text)
        else:
            await self._tell(what["user"], what["channel"], answered, what.get("thread", ""))

    async def _tell(self, user: str, channel: str, told: Answered | str, thread: str = "") -> None:
        answered = told if isinstance(told, Answered) else Answered(told)
        await self._telling.tell(user, channel, answered.text, thread, answered.incident, answered.choices)

    async def _incident(self, channel: str) -> str:
        """The incident whose channel this is, by its id, or whose sub-team works in it; empty elsewhere.

        Raises Unreachable: where it cannot be asked which channel it is, nothing is said in the wrong place.
        """
        if channel.startswith("D"):
            return ""
        if letter := self._letters.get(channel):
            with reaching():
                return await self._gateway.incident_of_team(letter)
        return await self._channels.incident(channel)
