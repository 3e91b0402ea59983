"""`ic doctor`: is everything there that an incident needs? What is missing, and its mend."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import aiohttp
from google.protobuf.duration_pb2 import Duration
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

import durable
import supervision
from activities.monitoring import Monitoring, ReadChanges
from activities.on_call_book import OnCallBook, now
from activities.pagerduty import Sessions
from connection import connect
from entrypoints import pagerduty_doctor, stuck
from entrypoints.findings import Finding as Finding
from entrypoints.problems import CannotSign
from entrypoints.signing import DoorKey, add_door, whose
from entrypoints.snapshots import SQLITE, CannotRead, SnapshotReader
from entrypoints.standby import Standby
from incident.policy import BadPolicy, Organisation
from settings import Misconfigured, Settings
from workflows import search_attributes

REACHED_WITHIN = 5.0
PROBED = 65_536
# As in config/slack-manifest.yaml; a test compares.
SCOPES = (
    "app_mentions:read",
    "bookmarks:read",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:write",
    "pins:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)


async def examine(settings: Settings) -> list[Finding]:
    """Everything at once, each reach within five seconds."""
    try:
        organisation = settings.organisation
    except (Misconfigured, BadPolicy) as fault:
        return [Finding("configuration", "broken", str(fault), "Mend the file, or set DONT_PANIC_CONFIG.")]
    found = [Finding("configuration", "ok", f"{settings.config}: {organisation.organisation}"), *_environment(settings)]
    looks: list[tuple[str, Callable[[Settings, Organisation], Awaitable[list[Finding]]]]] = [
        ("Temporal", _temporal),
        ("Slack", _slack),
        ("PagerDuty", _pagerduty),
        ("Statuspage", _statuspage),
        ("X", _x),
        ("sources", _sources),
        ("database", _database),
    ]
    results = await asyncio.gather(*(_bounded(name, look(settings, organisation)) for name, look in looks))
    reached = [finding for result in results for finding in result]
    here = [
        *_state(settings),
        *_keys(settings, organisation),
        *_book(settings, organisation),
        *_jobs(settings),
        *_waiting(settings),
    ]
    return [*found, *reached, *here]


async def _bounded(name: str, look: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await asyncio.wait_for(look, REACHED_WITHIN)
    except asyncio.TimeoutError:
        return [
            Finding(name, "broken", f"no answer within {REACHED_WITHIN:g} s", "Look at the network and its address.")
        ]


def _environment(settings: Settings) -> list[Finding]:
    found = []
    try:
        kind = "practice: nobody is woken, nothing is public" if settings.practice else "real accounts"
        found.append(Finding("practice or real", "ok", kind))
    except Misconfigured as fault:
        found.append(Finding("practice or real", "broken", str(fault)))
    if os.environ.get("TEMPORAL_API_KEY") and _local(os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1")):
        mend = "unset TEMPORAL_API_KEY: it turns TLS on, and a local server has none."
        found.append(Finding("TEMPORAL_API_KEY", "broken", "set, while Temporal is on this machine", mend))
    return found


async def _database(settings: Settings, organisation: Organisation) -> list[Finding]:
    """Where snapshots and records are. Every process reads and writes the same, on whatever machine it runs."""
    file = settings.records_url.startswith(SQLITE)
    shown = settings.records_url.removeprefix(SQLITE) if file else "PostgreSQL, as DATABASE_URL names it"
    try:
        await SnapshotReader(settings.records_url).open()
    except CannotRead as problem:
        return [Finding("database", "broken", str(problem), "Look at DATABASE_URL, and whether the database runs.")]
    if file and not _local(os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1")):
        what = f"{shown} is a file on this machine, while Temporal is on another"
        mend = (
            "If workers, listener and `ic` run on several machines, set DATABASE_URL to a database that all can reach."
        )
        return [Finding("database", "missing", what, mend)]
    return [Finding("database", "ok", shown)]


async def _temporal(settings: Settings, organisation: Organisation) -> list[Finding]:
    try:
        client = await connect()
        described = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except (RuntimeError, RPCError) as error:
        address = os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233")
        return [
            Finding(
                "Temporal", "broken", f"{address}: {_short(error)}", "Start it with `ic up`, or set TEMPORAL_ADDRESS."
            )
        ]
    found = [Finding("Temporal", "ok", f"namespace {client.namespace}")]
    kept: Duration = described.config.workflow_execution_retention_ttl
    days = kept.ToTimedelta() / timedelta(days=1)
    if days < 30:
        mend = f"temporal operator namespace update --retention 90d {client.namespace}"
        found.append(Finding("retention", "broken", f"histories are kept for {days:g} days", mend))
    else:
        found.append(Finding("retention", "ok", f"histories are kept for {days:g} days"))
    for key in search_attributes.ALL:
        kind = known.custom_attributes.get(key.name)
        if kind != IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD:
            mend = f"temporal operator search-attribute create --name {key.name} --type Keyword"
            found.append(Finding(key.name, "missing", "search attribute is not registered", mend))
    known_by = search_attributes.KIND.name in known.custom_attributes
    return [*found, *(await _workflows(client) if known_by else ())]


async def _workflows(client: Client) -> list[Finding]:
    """Those that are stuck, and those that were reset of late, by themselves or by somebody."""
    try:
        found = await stuck.find(client)
    except RPCError as error:
        return [Finding("workflows", "broken", _short(error), "Look at the server's log.")]
    mend = "A worker resets it where that helps, within a minute; else its log says what is needed."
    named = [
        Finding(id, "broken", f"stuck: its workflow task failed {attempts} times in a row", mend)
        for id, attempts in found.stuck.items()
    ]
    healed = [
        Finding(id, "ok", f"was reset at {at:%H:%M} UTC and runs again, nothing lost: {why}"[:300])
        for id, (at, why) in found.reset.items()
        if id not in found.stuck
    ]
    return [*(named or [Finding("workflows", "ok", "none is stuck")]), *healed]


async def _slack(settings: Settings, organisation: Organisation) -> list[Finding]:
    token = settings.slack_bot_token.get_secret_value()
    if not token:
        return [Finding("Slack", "missing", "SLACK_BOT_TOKEN is not set", "docs/operating.md says where to get it.")]
    slack = AsyncWebClient(token=token, base_url=settings.slack_api_url, timeout=int(REACHED_WITHIN), retry_handlers=[])
    try:
        who = await slack.auth_test()
    except (SlackClientError, aiohttp.ClientError, OSError) as error:
        return [Finding("Slack", "broken", _slack_words(error), "Look at SLACK_BOT_TOKEN.")]
    found = [Finding("Slack", "ok", f"{who['team']} as {who['user']}")]
    scopes = str(who.headers.get("x-oauth-scopes", "")).split(",")
    lacking = [scope for scope in SCOPES if scope not in scopes]
    if lacking:
        mend = "Add them under OAuth & Permissions, then reinstall the app."
        found.append(Finding("Slack scopes", "missing", ", ".join(lacking), mend))
    if settings.slack_app_token.get_secret_value():
        found.append(Finding("SLACK_APP_TOKEN", "ok", "set"))
    else:
        found.append(Finding("SLACK_APP_TOKEN", "missing", "the listener needs it", "Make one with connections:write."))
    rooms = {"rooms.executive": organisation.rooms.executive, "rooms.incidents": organisation.rooms.incidents}
    rooms |= {f"sub_teams.{team.id}": team.room for team in organisation.sub_teams}
    for name, channel in rooms.items():
        if channel:
            found.append(await _room(slack, name, channel))
    return found


async def _room(slack: AsyncWebClient, name: str, channel: str) -> Finding:
    try:
        answer = await slack.conversations_info(channel=channel)
    except (SlackClientError, aiohttp.ClientError, OSError) as error:
        return Finding(
            name, "missing", f"{channel}: {_slack_words(error)}", "Create it, or mend the id in the configuration."
        )
    shown = f"#{answer['channel']['name']}"
    if not answer["channel"].get("is_member"):
        return Finding(name, "missing", f"the app is not in {shown}", f"/invite @dont_panic in {shown}")
    return Finding(name, "ok", shown)


async def _pagerduty(settings: Settings, organisation: Organisation) -> list[Finding]:
    key = settings.pagerduty_api_key.get_secret_value()
    if not key:
        return [
            Finding("PagerDuty", "missing", "PAGERDUTY_API_KEY is not set", "docs/operating.md says where to get it.")
        ]
    sessions = Sessions(settings.pagerduty_api_url, key, settings.pagerduty_from)
    try:
        return await asyncio.to_thread(pagerduty_doctor.findings, sessions, organisation, settings.pagerduty_from)
    except ApplicationError as error:
        return [Finding("PagerDuty", "broken", error.message, "Look at PAGERDUTY_API_KEY.")]


async def _sources(settings: Settings, organisation: Organisation) -> list[Finding]:
    """Each source of the status and of what changed lately, read once."""
    impacted = Standby.of(settings, OnCallBook(settings.on_call_book, organisation)).impacted
    async with aiohttp.ClientSession() as http:
        monitoring = Monitoring(http, impacted, rules=lambda: organisation)
        status = await monitoring.read()
        since = now() - organisation.changes.within
        changed = await monitoring.read_changes(ReadChanges(organisation.changes, since))
    mend = "Look at its url, headers and the variables they name."
    found = []
    for reading in status.readings:
        name = f"status_sources.{reading.source}"
        if reading.state == "unreadable":
            found.append(Finding(name, "broken", reading.value, mend))
        else:
            found.append(Finding(name, "ok", f"{reading.state} {reading.value}".strip()))
    for source in organisation.changes.sources:
        name = f"changes.sources.{source.id}"
        broken = source.id in changed.unreadable
        found.append(Finding(name, "broken", "cannot be read", mend) if broken else Finding(name, "ok", "read"))
    return found


async def _statuspage(settings: Settings, organisation: Organisation) -> list[Finding]:
    key, page = settings.statuspage_api_key.get_secret_value(), organisation.status_page.page
    if not page:
        return [Finding("Statuspage", "skipped", "no status page is configured")]
    if not key:
        return [
            Finding(
                "Statuspage", "missing", "STATUSPAGE_API_KEY is not set", "Set it, or leave status_page.page empty."
            )
        ]
    url = f"{settings.statuspage_api_url.rstrip('/')}/v1/pages/{page}/components"
    try:
        async with aiohttp.ClientSession() as http, http.get(url, headers={"Authorization": f"OAuth {key}"}) as answer:
            if answer.status != 200:
                return [
                    Finding(
                        "Statuspage", "broken", f"page {page}: it answered {answer.status}", "Look at key and page."
                    )
                ]
            known = {component["id"] for component in await answer.json()}
    except (aiohttp.ClientError, OSError) as error:
        return [Finding("Statuspage", "broken", _short(error), "Look at STATUSPAGE_API_URL.")]
    lacking = [f"{name} ({id})" for name, id in organisation.status_page.components.items() if id not in known]
    if lacking:
        return [
            Finding("Statuspage", "missing", f"components {', '.join(lacking)}", "Mend the ids in the configuration.")
        ]
    return [Finding("Statuspage", "ok", f"page {page}")]


async def _x(settings: Settings, organisation: Organisation) -> list[Finding]:
    account, tokens = organisation.x.account, settings.x_tokens
    if not account:
        return [Finding("X", "skipped", "no account is configured")]
    if tokens is None:
        names = "X_API_KEY, X_API_SECRET, X_ACCESS_TOKEN, X_ACCESS_TOKEN_SECRET"
        return [Finding("X", "missing", f"one of {names} is not set", "Set all four, or leave x.account empty.")]
    try:
        from activities.social import Social, client  # X's own client takes longer to import than all the rest

        await Social(
            partial(client, settings.x_api_url, *tokens), account, practice=settings.practice, rules=settings.present
        ).look()
    except (ApplicationError, Misconfigured) as error:
        return [Finding("X", "broken", str(error), "Look at the four X_… settings and at x.account.")]
    return [Finding("X", "ok", f"@{account}")]


def _book(settings: Settings, organisation: Organisation) -> list[Finding]:
    book = OnCallBook(settings.on_call_book, organisation)
    if book.fresh(now()):
        return [Finding("on-call book", "ok", book.age(now()))]
    return [Finding("on-call book", "missing", book.age(now()), "A running worker refreshes it every 5 minutes.")]


def _state(settings: Settings) -> list[Finding]:
    """Whether the state directory can be written, which is tried."""
    probe = settings.state / f".doctor-{os.getpid()}"
    try:
        durable.write(probe, b"." * PROBED)
        durable.remove(probe)
    except OSError as fault:
        mend = "Make space, or let this user write there; DONT_PANIC_STATE names another directory."
        return [Finding("state directory", "broken", f"{settings.state} cannot be written: {fault.strerror}", mend)]
    return [Finding("state directory", "ok", str(settings.state))]


def _waiting(settings: Settings) -> list[Finding]:
    """What was taken here and is not with its incident yet."""
    places = {"said in Slack": settings.state / "inbox", "declared or paged": settings.state / "standby"}
    found = []
    for what, folder in places.items():
        if count := len(list(folder.glob("*.json"))):
            mend = "It is delivered when Temporal answers; look at that, and whether the listener runs."
            found.append(Finding(what, "broken", f"{count} not delivered yet", mend))
        if count := len(list(folder.glob("*.put-aside"))):
            mend = f"See the log, then remove {folder}/*.put-aside."
            found.append(Finding(what, "broken", f"{count} could not be delivered and put aside", mend))
    return found


def _jobs(settings: Settings) -> list[Finding]:
    """The background jobs of the processes that run on this machine."""
    return [_job(job) for job in supervision.jobs(settings.state)]


def _job(job: supervision.Job) -> Finding:
    name = f"{job.process}: {job.name}"
    if job.failures:
        times = "once" if job.failures == 1 else f"{job.failures} times in a row"
        return Finding(
            name, "broken", f"failed {times}: {job.error}", f"It is tried again; see the log of {job.process}."
        )
    if supervision.overdue(job, now()):
        last = f"last done at {job.done_at}" if job.done_at else f"not done since {job.begun_at}"
        return Finding(name, "broken", f"does not come to an end, {last}", f"Restart {job.process}.")
    return Finding(name, "ok", f"last done at {job.done_at}" if job.done_at else "running")


def _keys(settings: Settings, organisation: Organisation) -> list[Finding]:
    """Outside of practice a decision counts by a key: the listener's for Slack, people's own for `ic`."""
    try:
        if settings.practice:
            return [Finding("keys", "skipped", "in practice a claim is enough")]
    except Misconfigured:
        return []
    holders = [holder.partition("/") for holder, _ in organisation.public_keys()]
    doors = [name for kind, _, name in holders if kind == "door"]
    people = dict.fromkeys(name for kind, _, name in holders if kind == "person")
    trained = [p.name for p in organisation.people if p.trained and p.id not in people]
    mend = "`ic keys` shows what to add, and where."
    found = [Finding("doors", "ok", ", ".join(doors))] if doors else []
    if not doors:
        found.append(Finding("doors", "missing", "no listener's key: decisions made in Slack are refused", mend))
    if settings.listener_key.exists():
        found.append(_listener_key(settings, organisation))
    if trained:
        found.append(Finding("people's keys", "skipped", f"only in Slack can they decide: {', '.join(trained)}", mend))
    return found


def _listener_key(settings: Settings, organisation: Organisation) -> Finding:
    file = settings.listener_key
    try:
        public = DoorKey(file).public
    except (CannotSign, OSError) as fault:
        return Finding(
            "listener's key", "broken", _short(fault), "Make it readable by the listener's user, or move it away."
        )
    if file.stat().st_mode & 0o077:
        return Finding(
            "listener's key", "broken", f"{file} can be read by others", f"chmod 600 {file}; better, replace it"
        )
    if not whose(organisation, public):
        return Finding("listener's key", "missing", f"{public.fingerprint} is not known", add_door(public))
    return Finding("listener's key", "ok", public.fingerprint)


def _local(address: str) -> bool:
    return address.partition(":")[0] in ("127.0.0.1", "localhost", "")


def _slack_words(error: Exception) -> str:
    return str(error.response.get("error")) if isinstance(error, SlackApiError) else _short(error)


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
