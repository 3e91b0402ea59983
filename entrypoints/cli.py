"""`ic`: the incident process in the shell. The same words as in chat.

Exit codes: 0 accepted, 1 refused (the reason on stderr), 2 wrong usage, 3 not reachable, or nobody knows. Only answers go
to stdout.

A program that lives for half a second imports what a verb needs where the verb needs it: asyncio, the vocabulary,
Temporal's client. `tests/entrypoints/test_imports.py` holds that.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

# Before what they speed up: importing makes 100,000 objects that stay, and looking through them for garbage, or through
# every installed package for plugins of pydantic, takes a fifth of such a program.
gc.set_threshold(200_000)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

import settings as configuration
from entrypoints.problems import CannotSign, Doubtful, NoSuchIncident, Refused, Unanswered, Unreachable, sentence
from incident import grammar, texts
from incident.grammar import Question
from incident.policy import BadPolicy, Organisation, Policy
from incident.words import Several, Unreadable
from settings import Misconfigured, Settings

if TYPE_CHECKING:
    from activities.on_call_book import OnCallBook
    from entrypoints.archive import Archive, Shows
    from entrypoints.contacts import Outcome
    from entrypoints.gateway import Gateway
    from entrypoints.keys import Speaking
    from entrypoints.standby import Standby
    from incident.grammar import Meaning
    from incident.model import Incident

ACCEPTED, REFUSED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130
SAID_AFTER = 1.0
T = TypeVar("T")


@dataclass
class Options:
    """What may stand before or behind any verb."""

    speaker: str = ""
    incident: str = ""
    id: str = ""
    as_json: bool = False
    key: Path | None = None


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every verb that speaks to an incident."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer as JSON."),
        click.option("--id", "id", default="", help="Say it again under the id it was sent with: it counts once."),
        click.option("--incident", "-i", default="", envvar="IC_INCIDENT", help="Which incident; its id."),
        click.option("--as", "speaker", default="", envvar="IC_USER", help="Practice only: who says it, e.g. bob."),
        click.option(
            "--key",
            type=click.Path(path_type=Path),
            envvar="IC_KEY",
            help="The SSH key to sign with [ssh-agent's, else ~/.ssh/id_ed25519].",
        ),
    ):
        command = option(command)
    return command


class Verbs(click.Group):
    """A verb for each thing that can be said, from the one vocabulary; a mistyped one gets the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_words(), *sorted(self.commands)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        own = super().get_command(ctx, name)
        known = name == "declare" or name in grammar.QUESTIONS or name in _words()
        return own or (_verb(name) if known else None)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            raise click.UsageError(grammar.nearest(args[0])) from None


@functools.cache
def _words() -> dict[str, str]:
    """Every verb of the vocabulary, and what it does."""
    from incident.commands import VOCABULARY

    words = {"declare": grammar.DECLARE[1], "for": grammar.FOR[1]}
    words |= {about: text for about, (_, text) in grammar.QUESTIONS.items() if about != "help"}
    for kind in VOCABULARY:
        words.setdefault(kind.verb.split("-")[0] if " " in kind.usage.split("[")[0].strip() else kind.verb, kind.help)
        words.setdefault(kind.verb, kind.help)
    return words


class Verb(click.Command):
    """Its help is composed when somebody reads it."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        usages = [usage for usage, _, _ in grammar.usage_lines() if usage.split(" ")[0] == self.name]
        self.help = f"{self.get_short_help_str()}.\n\n\b\n" + "\n".join(f"ic {usage}" for usage in usages)
        super().format_help_text(ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        return _words()[self.name or ""]


def _verb(name: str) -> click.Command:
    """What stands behind the verb goes to the grammar as it was typed."""

    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    @_options
    def say(words: tuple[str, ...], **options: Any) -> None:
        _leave(_speak(" ".join((name, *words)), Options(**options)))

    return click.command(name, cls=Verb, context_settings={"ignore_unknown_options": True})(say)


@click.group(cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dont-panic")
@click.pass_context
def ic(ctx: click.Context) -> None:
    """Runs a company's response to a major incident.

    \b
    ic declare 1 checkout answers with 500    declare; the incident commanders are paged
    ic command                                take command
    ic show                                   where we are

    Without a verb: who is incident commander on call.
    """
    if ctx.invoked_subcommand is None:
        _leave(_speak("", Options()))


def _policy_if_there() -> Policy | None:
    """Help is given without an organisation, too."""
    try:
        return configuration.from_environment().organisation.policy()
    except (BadPolicy, Misconfigured):
        return None


@ic.command("help")
@click.argument("about", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def help_(about: tuple[str, ...], as_json: bool) -> None:
    """what can be said, to whom"""
    lines = grammar.usage_lines()
    if as_json:
        print(json.dumps([{"usage": usage, "help": text, "who": who} for usage, text, who in lines], indent=2))
        _leave(ACCEPTED)
    if about:
        try:
            print(_in_shell(grammar.help_text(" ".join(about), _policy_if_there())))
        except Unreadable as problem:
            print(_in_shell(str(problem)), file=sys.stderr)
            _leave(USAGE)
        _leave(ACCEPTED)
    width = max(len(usage) for usage, _, _ in lines if len(usage) < 40) + 2
    for usage, text, who in lines:
        mark = "" if who == "anyone" else f"  [{who}]"
        print(_in_shell(f"ic {usage:<{width}}{text}{mark}"))
    print("\nic report, ic stats, ic export: the postmortem; how long it took; the records.")
    print("ic at ID 14:05 (or +35m): the incident as it stood then.")
    print("ic up, ic doctor, ic keys: run it here; look whether all is well; your keys. `ic VERB --help` says more.")
    print("ic catalogue check|show|try: the repair actions of the organisation.")
    print(
        "--incident ID (or IC_INCIDENT) names the incident, --json answers as JSON, --as WHO speaks for somebody in"
        " practice, --key FILE (or IC_KEY) names the SSH key that shows who you are."
    )
    _leave(ACCEPTED)


@ic.command()
@click.option("--state", type=click.Path(path_type=Path), default=None, help="Where everything is kept [.state].")
@click.option("--port", default=7080, help="The emulators' page [7080].")
@click.option("--temporal-port", default=7233, help="Temporal [7233].")
@click.option("--listener-port", default=7090, help="Where PagerDuty's webhooks arrive [7090].")
@click.option("--shop-port", default=7081, help="The shop that repair actions are practised on [7081].")
@click.option("--ui-port", default=8233, help="Temporal's Web UI [8233].")
@click.option(
    "--config", type=click.Path(path_type=Path), default=None, help="The organisation's file [config/example.toml]."
)
def up(
    state: Path | None,
    port: int,
    temporal_port: int,
    listener_port: int,
    shop_port: int,
    ui_port: int,
    config: Path | None,
) -> None:
    """run everything on this machine, in the foreground"""
    from entrypoints.up import Places
    from entrypoints.up import up as run

    if config:
        os.environ["DONT_PANIC_CONFIG"] = str(config)
    try:
        settings = configuration.from_environment()
        places = Places(state or settings.state, temporal_port, ui_port, port, listener_port, shop_port=shop_port)
        code = run(places, settings)
    except (Misconfigured, BadPolicy) as fault:
        print(fault, file=sys.stderr)
        code = USAGE
    _leave(code)


@ic.command()
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def doctor(as_json: bool) -> None:
    """look at the configuration and at everything it names"""
    from entrypoints.doctor import examine

    try:
        findings = _with_progress(examine(configuration.load()))
    except Misconfigured as fault:
        print(fault, file=sys.stderr)
        _leave(USAGE)
    if as_json:
        print(json.dumps([vars(finding) for finding in findings], indent=2))
    for finding in [] if as_json else findings:
        print(
            f"{finding.state:<8} {finding.name:<28} {finding.what}"
            + (f"\n{'':38}{finding.mend}" if finding.mend else "")
        )
    _leave(REFUSED if any(finding.state in ("missing", "broken") for finding in findings) else ACCEPTED)


@ic.command()
@click.argument("incident", required=False, envvar="IC_INCIDENT")
@click.option("--html", is_flag=True, help="One self-contained page instead of Markdown.")
@click.option("--out", type=click.Path(path_type=Path), help="A file (.md .html .svg .png), or a directory for all.")
@click.option("--record", type=click.File("r"), help="From a file that `ic export` wrote.")
@click.option("--as", "speaker", default="", envvar="IC_USER", help="Practice only: who reads it, e.g. bob.")
def report(incident: str | None, html: bool, out: Path | None, record: Any, speaker: str) -> None:
    """write the postmortem of an incident, with all that is known"""

    async def write(settings: Settings) -> str:
        from entrypoints import archive

        if record is not None:
            return archive.report(_archive(settings).read(record.read()), html, out, settings.organisation)
        return archive.report(await _readable(settings, incident, speaker), html, out, settings.organisation)

    _leave(_print(write))


@ic.command("at", context_settings={"ignore_unknown_options": True})
@click.argument("incident")
@click.argument("moment", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option("--as", "speaker", default="", envvar="IC_USER", help="Practice only: who reads it, e.g. bob.")
def at(incident: str, moment: tuple[str, ...], as_json: bool, speaker: str) -> None:
    """an incident as it stood at a time: `ic at ID 14:05`, `ic at ID +35m`"""

    async def look_back(settings: Settings) -> str:
        from activities.on_call_book import now
        from entrypoints import keys, looking_back
        from entrypoints.snapshots import SnapshotReader

        speaking = await keys.speaking(speaker, None, settings)
        snapshots, shows = SnapshotReader(settings.records_url), _shows(settings, speaking)
        found, when = await looking_back.incident_at(snapshots, incident, " ".join(moment), speaking.by, shows, now())
        if as_json:
            return json.dumps({**_incident_as_data(found), "at": when.isoformat()}, indent=2)
        return looking_back.card_then(found, when)

    _leave(_print(look_back))


@ic.command()
@click.option("--practice", is_flag=True, help="Count the practice, and only it.")
@click.option("--picture", type=click.Path(path_type=Path), help="Draw it into this file (.svg, .png).")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, in seconds.")
def stats(practice: bool, picture: Path | None, as_json: bool) -> None:
    """how many incidents, and how long it took: by month and severity"""

    async def count(settings: Settings) -> str:
        from entrypoints import archive

        counted, said = archive.counted(await _archive(settings).all(), practice)
        if picture is not None:
            return archive.picture_of_stats(counted, said, picture)
        return json.dumps(archive.stats_as_data(counted), indent=2) if as_json else archive.stats(counted, said)

    _leave(_print(count))


@ic.command()
@click.argument("incident", required=False)
@click.option("--as", "speaker", default="", envvar="IC_USER", help="Practice only: who reads it, e.g. bob.")
def export(incident: str | None, speaker: str) -> None:
    """the record of an incident, or all records, as JSON"""

    async def write(settings: Settings) -> str:
        from entrypoints import archive, keys
        from incident.security import may_read

        if incident:
            return json.dumps(archive.export(await _readable(settings, incident, speaker)), indent=2)
        speaking = await keys.speaking(speaker, None, settings)
        records = await _archive(settings).all()
        secret = any(one.silent and may_read(one, speaking.by) for one in records)
        shown = secret and await _shows(settings, speaking)(needed=False)
        mine = [one for one in records if may_read(one, speaking.by) and (shown or not one.silent)]
        if len(mine) < len(records):
            print(f"{len(records) - len(mine)} security incidents are left out.", file=sys.stderr)
        return json.dumps([archive.export(one) for one in mine], indent=2)

    _leave(_print(write))


def _archive(settings: Settings) -> Archive:
    from entrypoints.archive import Archive

    return Archive(settings.records_url, settings.organisation.policy())


async def _readable(settings: Settings, incident: str | None, speaker: str) -> Incident:
    """As it is now, or as its record has it, for somebody who may read it."""
    from connection import connect
    from entrypoints import keys
    from entrypoints.archive import look, readable
    from entrypoints.gateway import Gateway
    from entrypoints.snapshots import SnapshotReader

    if not incident:
        raise Unreadable("Say which: its id, as `ic list --all` shows it.")
    speaking = await keys.speaking(speaker, None, settings)
    gateway = Gateway(await connect(lazy=True), SnapshotReader(settings.records_url))
    found = (await look(gateway, _archive(settings), incident)).incident
    return await readable(found, speaking.by, _shows(settings, speaking))


def _shows(settings: Settings, speaking: Speaking) -> Shows:
    """In practice a claim is enough; outside of it a signature shows who reads."""

    async def shows(*, needed: bool) -> bool:
        return settings.practice or await speaking.shows(settings.organisation, needed=needed)

    return shows


@ic.group("catalogue")
def catalogue() -> None:
    """look at the repair actions of the organisation, try their checks"""


@catalogue.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check_catalogue(file: Path | None) -> None:
    """Validate the catalogue, of FILE (an organisation's) or of the present one, and explain it."""
    from entrypoints.catalogue import overview

    organisation = _organisation(file)
    print(overview(organisation))
    print(f"\n{len(organisation.catalogue)} entries, all right.")
    _leave(ACCEPTED)


@catalogue.command("show")
@click.argument("entry", required=False)
def show_catalogue(entry: str | None) -> None:
    """The whole catalogue, or one ENTRY as it will be done."""
    from entrypoints.catalogue import explained, overview

    organisation = _organisation(None)
    found = organisation.entry(entry) if entry else None
    if entry and found is None:
        print(f"The catalogue has no {entry!r}. `ic catalogue show` lists it.", file=sys.stderr)
        _leave(USAGE)
    print(explained(found) if found else overview(organisation))
    _leave(ACCEPTED)


@catalogue.command("try")
@click.argument("entry")
@click.argument("values", nargs=-1)
def try_check(entry: str, values: tuple[str, ...]) -> None:
    """Carry out the check of ENTRY on this machine, with NAME=VALUE …; only checks can be tried."""
    from entrypoints.catalogue import NotTried, tried

    pairs = [value.partition("=") for value in values]
    if wrong := [name for name, mark, _ in pairs if not mark]:
        print(f"{wrong[0]!r} is not NAME=VALUE.", file=sys.stderr)
        _leave(USAGE)
    organisation = _organisation(None)
    try:
        well, said = _with_progress(tried(organisation, entry, {name: value for name, _, value in pairs}))
    except NotTried as problem:
        print(problem, file=sys.stderr)
        _leave(USAGE)
    print(said)
    _leave(ACCEPTED if well else REFUSED)


def _organisation(file: Path | None) -> Organisation:
    """As the files are now; says what is wrong and leaves when they cannot be used."""
    if file is not None:
        os.environ["DONT_PANIC_CONFIG"] = str(file)
    try:
        return configuration.load().organisation
    except (Misconfigured, BadPolicy) as fault:
        print(fault, file=sys.stderr)
        _leave(USAGE)
        raise AssertionError("left") from fault


@ic.command("keys")
@click.argument("what", required=False, type=click.Choice(["check"]))
@click.option("--key", type=click.Path(path_type=Path), envvar="IC_KEY", help="The SSH key to sign with.")
def keys_(what: str | None, key: Path | None) -> None:
    """which keys you have, which are known, how to add one; `check` signs with yours"""
    import asyncio

    from entrypoints import keys

    try:
        settings = configuration.load()
        if what == "check":
            well, said = asyncio.run(keys.check(settings, key))
            print(said, file=sys.stdout if well else sys.stderr)
            _leave(ACCEPTED if well else REFUSED)
        print("\n".join(asyncio.run(keys.shown(settings, key))))
    except (Misconfigured, BadPolicy) as fault:
        print(fault, file=sys.stderr)
        _leave(USAGE)
    except CannotSign as fault:
        print(fault, file=sys.stderr)
        _leave(REFUSED)
    _leave(ACCEPTED)


def _speak(words: str, options: Options) -> int:
    """Say it, print the answer, give the exit code."""
    try:
        return _print(partial(_act, words, options))
    except Exception as fault:  # noqa: BLE001  # an entry point: a sentence, with the id to repeat it under
        return _unforeseen(fault, options.id)


def _print(work: Callable[[Settings], str | Coroutine[Any, Any, str]]) -> int:
    """Print the answer, or on stderr why there is none; the exit code."""
    try:
        answer = work(configuration.load())
        outcome = answer if isinstance(answer, str) else _with_progress(answer)
    except (Unreadable, Misconfigured, BadPolicy) as problem:
        print(_in_shell(str(problem)), file=sys.stderr)
        return USAGE
    except (Refused, NoSuchIncident, CannotSign) as problem:
        print(_in_shell(str(problem)), file=sys.stderr)
        return REFUSED
    except (Unanswered, Unreachable, Doubtful) as problem:
        print(_in_shell(str(problem)), file=sys.stderr)
        return UNREACHABLE
    print(outcome)
    return ACCEPTED


def _unforeseen(fault: BaseException, id: str = "") -> int:
    """Say it in a sentence, and keep the traceback; the exit code."""
    print(sentence(fault, id), file=sys.stderr)
    if kept := _keep_traceback(fault):
        print(f"The traceback is in {kept}.", file=sys.stderr)
    return UNREACHABLE


def _keep_traceback(fault: BaseException) -> Path | None:
    import traceback

    file = Path(os.environ.get("DONT_PANIC_STATE", ".state")) / "logs" / "ic.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as log:
            log.write("".join(traceback.format_exception(fault)))
    except OSError:
        return None
    return file


def _act(words: str, options: Options, settings: Settings) -> str | Coroutine[Any, Any, str]:
    """The answer where the files here have it, else the asking for it."""
    from activities.on_call_book import OnCallBook
    from entrypoints import contacts

    _ = settings.practice  # raises where practice and real are mixed
    organisation = settings.organisation
    book = OnCallBook(settings.on_call_book, organisation)
    words = texts.typed(words)
    try:
        meant = grammar.read(words, organisation)
    except (grammar.Unknown, Several):
        return _ask(words, None, options, settings, book)  # how the incident stands says what is nearest
    if isinstance(meant, Question) and meant.about in contacts.QUESTIONS:
        return _told(contacts.Contacts(organisation, book).answer(meant), options, organisation, book)
    return _ask(words, meant, options, settings, book)


async def _ask(words: str, meant: Meaning | None, options: Options, settings: Settings, book: OnCallBook) -> str:
    import uuid

    from entrypoints import keys
    from entrypoints.archive import Archive
    from entrypoints.conversation import Conversation, Heard
    from entrypoints.snapshots import SnapshotReader

    organisation = settings.organisation
    speaking = await keys.speaking(options.speaker, options.key, settings)

    snapshots = SnapshotReader(settings.records_url)

    async def gateway() -> Gateway:
        from connection import connect
        from entrypoints.gateway import Gateway

        return Gateway(await connect(lazy=True), snapshots, speaking.sign)

    @functools.cache
    def standby() -> Standby:
        from entrypoints.standby import Standby

        return Standby.of(settings, book, speaking.sign)

    conversation = Conversation(
        gateway,
        snapshots,
        organisation,
        book,
        practice=settings.practice,
        door="cli",
        web_ui=settings.web_ui,
        standby=standby,
        archive=Archive(settings.records_url, organisation.policy()),
        tells_who_was_paged=True,
        shows=_shows(settings, speaking),
    )
    heard = Heard(words, speaking.by, speaking.name, options.id or str(uuid.uuid4()), options.incident)
    options.id = "" if isinstance(meant, Question) else heard.id
    return _told(await conversation.act(heard), options, organisation, book)


def _told(outcome: Outcome, options: Options, organisation: Organisation, book: OnCallBook) -> str:
    from activities.placeholders import Placeholders

    if options.as_json:
        return _json(outcome.data)
    return _in_shell(Placeholders(organisation, book).for_terminal(outcome.text))


def _json(data: Any) -> str:
    from pydantic import TypeAdapter

    from entrypoints.archive import Shown

    if isinstance(data, Shown):
        saved_at = data.saved_at and data.saved_at.isoformat()
        return json.dumps({**_incident_as_data(data.incident), "saved_at": saved_at}, indent=2)
    return json.dumps(TypeAdapter(Any).dump_python(data, mode="json"), indent=2)


def _incident_as_data(incident: Incident) -> dict[str, Any]:
    from pydantic import TypeAdapter

    hidden = {"policy", "effects", "outbox", "heard", "reported", "times_said"}
    found: dict[str, Any] = TypeAdapter(type(incident)).dump_python(incident, mode="json", exclude=hidden)
    return found


def _in_shell(text: str) -> str:
    """A line to type, as it is typed here: `!ic command` is `ic command`, `!status` is `ic status`."""
    return text.replace("`!ic ", "`ic ").replace("`!status", "`ic status")


def _with_progress(work: Coroutine[Any, Any, T]) -> T:
    """Run it; say that it is under way when it takes longer than a second."""
    import asyncio
    import threading

    timer = threading.Timer(SAID_AFTER, partial(print, "…", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        return asyncio.run(work)
    finally:
        timer.cancel()


def _leave(code: int) -> Any:
    """Flush and go at once: at interpreter exit the SDK's threads now and then crash a short-lived process."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # whoever reads it has read enough
    except OSError as fault:
        code = code or _unforeseen(fault)
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def main() -> None:
    os.umask(0o077)  # what it keeps on disk is for this user alone
    try:
        ic(standalone_mode=False)
    except click.ClickException as problem:
        print(_in_shell(problem.format_message()), file=sys.stderr)
        _leave(USAGE)
    except click.Abort:
        _leave(REFUSED)
    except BrokenPipeError:
        os._exit(ACCEPTED)
    except KeyboardInterrupt:
        _leave(INTERRUPTED)
    except Exception as fault:  # noqa: BLE001  # an entry point: a sentence
        _leave(_unforeseen(fault))
    _leave(ACCEPTED)


if __name__ == "__main__":
    main()
