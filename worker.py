"""The workers: settings → clients → activities → a Worker a queue. Ends cleanly on SIGTERM.

python -m worker --role all
python -m worker --role runner --environment prod-eu
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner

import durable
import settings as configuration
from activities.again import AgainInterceptor
from activities.chat import Chat
from activities.classifying import Classifying
from activities.executions import describe_execution
from activities.monitoring import Monitoring
from activities.on_call_book import REFRESH_EVERY, OnCallBook
from activities.pagerduty import Sessions
from activities.pagerduty_sync import Sync
from activities.paging import Paging, wait_for_book
from activities.placeholders import Placeholders
from activities.records import Records
from activities.repair import Runner
from activities.snapshots import Snapshots
from activities.social import Social
from activities.social import client as x_client
from activities.status_page import StatusPage
from connection import connect
from entrypoints.gateway import Gateway
from entrypoints.healing import LOOK_EVERY, Healer
from entrypoints.replaying import code_version
from entrypoints.snapshots import SnapshotReader
from entrypoints.standby import HANDED_OVER_EVERY, Standby
from hardening import keep_private
from incident.policy import BadPolicy
from settings import Misconfigured, Settings
from supervision import Supervisor
from workflows import queues
from workflows.activity_results import ReadResults
from workflows.after_incident import AfterIncidentWorkflow
from workflows.customer_liaison import CustomerLiaisonWorkflow
from workflows.deputy import DeputyWorkflow
from workflows.incident import IncidentWorkflow
from workflows.internal_liaison import InternalLiaisonWorkflow
from workflows.repair_action import RepairActionWorkflow
from workflows.resets import ResetAwareRunner
from workflows.scribe import ScribeWorkflow
from workflows.sub_team import SubTeamWorkflow

APART = (("incident",), ("roles", "chat", "records", "watch"), ("runner",))
"""As `ic up` runs them: what pages has a process, and so an interpreter, to itself; what repairs has none of our tokens."""
ROLES = ("all", "incident", "roles", "chat", "records", "watch", "runner")
WORKFLOWS: dict[str, list[type]] = {
    "incident": [IncidentWorkflow],
    "roles": [
        DeputyWorkflow,
        ScribeWorkflow,
        CustomerLiaisonWorkflow,
        InternalLiaisonWorkflow,
        RepairActionWorkflow,
        SubTeamWorkflow,
        AfterIncidentWorkflow,
    ],
}
"""What the queues of these names run."""
INTERCEPTORS = (ReadResults(), AgainInterceptor(), Classifying())
# What only looks goes on looking: given up, it would be begun anew at once, again and again.
LOOKING = (ReadResults(), AgainInterceptor(), Classifying(tries=None))
GRACE = timedelta(seconds=25)
PAGING_SLOTS = 200
OUTSIDE_WITHIN = 10


@dataclass
class House:
    """The activities, with their clients."""

    paging: Paging
    sync: Sync
    chat: Chat
    status_page: StatusPage
    social: Social
    monitoring: Monitoring
    records: Records
    snapshots: Snapshots
    runner: Runner
    book: OnCallBook


@asynccontextmanager
async def furnish(settings: Settings, client: Client) -> AsyncIterator[House]:
    """All clients of the outside, closed when it ends. Raises Misconfigured when practice and real are mixed."""
    organisation, practice = settings.organisation, settings.practice
    async with AsyncExitStack() as stack:
        timeout = aiohttp.ClientTimeout(OUTSIDE_WITHIN)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        slack = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            timeout=OUTSIDE_WITHIN,
            session=http,
            retry_handlers=[],
        )
        slack.retry_handlers.clear()
        book = OnCallBook(settings.on_call_book, organisation)
        sessions = Sessions(
            settings.pagerduty_api_url, settings.pagerduty_api_key.get_secret_value(), settings.pagerduty_from
        )
        snapshots = Snapshots(settings.records_url)
        paging = Paging(sessions, book, organisation, practice=practice, busy=snapshots.leading)
        yield House(
            paging=paging,
            sync=Sync(sessions, organisation, practice=practice),
            chat=Chat(slack, Placeholders(organisation, book), settings.web_ui),
            status_page=StatusPage(
                http,
                settings.statuspage_api_url,
                settings.statuspage_api_key.get_secret_value(),
                organisation.status_page.page,
                practice=practice,
                rules=settings.present,
            ),
            social=Social(
                partial(x_client, settings.x_api_url, *settings.x_tokens) if settings.x_tokens else None,
                organisation.x.account,
                practice=practice,
                rules=settings.present,
            ),
            monitoring=Monitoring(http, paging.impacted, rules=settings.present),
            records=Records(settings.records_url),
            snapshots=snapshots,
            runner=Runner(
                client, settings.read_organisation, settings.output, practice=practice, user=settings.step_user
            ),
            book=book,
        )


def workflow_runner() -> WorkflowRunner:
    """How workflows are run: here, and where histories are replayed.

    Without Temporal's sandbox: `workflows` and `incident` are pure (tests hold that), and it doubled what a step costs.
    """
    return ResetAwareRunner(UnsandboxedWorkflowRunner())


def runner_worker(client: Client, runner: Runner, environment: str, **options: Any) -> Worker:
    """The Worker of one environment's repair steps, where its credentials are."""
    return Worker(
        client,
        task_queue=queues.runner(environment),
        activities=[runner.check, runner.verify, runner.run],
        interceptors=INTERCEPTORS,
        # Cancellation arrives with a heartbeat: an abort has to get through within two seconds.
        max_heartbeat_throttle_interval=timedelta(milliseconds=250),
        default_heartbeat_throttle_interval=timedelta(milliseconds=250),
        graceful_shutdown_timeout=GRACE,
        **options,
    )


def workers(client: Client, house: House, roles: Collection[str], environment: str, **options: Any) -> list[Worker]:
    """One Worker a queue of `roles`. `options` go to each (tests turn the workflow cache off)."""
    common: dict[str, Any] = {
        "graceful_shutdown_timeout": GRACE,
        "workflow_runner": workflow_runner(),
        "build_id": code_version(),
        "interceptors": INTERCEPTORS,
        # A worker that was killed leaves its sticky queue behind; the next command waits this long for it.
        "sticky_queue_schedule_to_start_timeout": timedelta(seconds=2),
        **options,
    }
    paging, sync, chat, records = house.paging, house.sync, house.chat, house.records
    kinds: dict[str, Callable[[], Worker]] = {
        "incident": lambda: Worker(
            client,
            task_queue=queues.INCIDENT,
            workflows=WORKFLOWS["incident"],
            activities=[paging.page, paging.who_would_be_paged, describe_execution],
            activity_executor=ThreadPoolExecutor(PAGING_SLOTS, thread_name_prefix="paging"),
            max_concurrent_activities=PAGING_SLOTS,
            **common,
        ),
        "roles": lambda: Worker(
            client,
            task_queue=queues.ROLES,
            workflows=WORKFLOWS["roles"],
            **common,
        ),
        "chat": lambda: Worker(
            client,
            task_queue=queues.CHAT,
            activities=[
                chat.open_room,
                chat.post,
                chat.edit,
                chat.pin,
                chat.bookmark,
                chat.tell,
                chat.set_topic,
                chat.invite,
                chat.uninvite,
                house.status_page.publish,
                house.status_page.take_down,
                house.social.post,
                house.social.take_down,
                sync.acknowledge,
                sync.merge_pages,
                sync.note,
                sync.post_status_update,
                sync.resolve,
                sync.subscribe,
                sync.update_pages,
                house.monitoring.read_changes,
                records.keep,
            ],
            activity_executor=ThreadPoolExecutor(32, thread_name_prefix="chat"),
            **common,
        ),
        "records": lambda: Worker(client, task_queue=queues.RECORDS, activities=[house.snapshots.save], **common),
        "watch": lambda: Worker(
            client,
            task_queue=queues.WATCH,
            activities=[house.monitoring.watch, paging.await_acknowledgement],
            max_concurrent_activities=5000,
            # A heartbeat that reaches the server is a billable action.
            max_heartbeat_throttle_interval=timedelta(seconds=200),
            default_heartbeat_throttle_interval=timedelta(seconds=200),
            **{**common, "interceptors": LOOKING},
        ),
        "runner": lambda: runner_worker(client, house.runner, environment, **options),
    }
    return [make() for kind, make in kinds.items() if "all" in roles or kind in roles]


async def serve(settings: Settings, roles: Collection[str], environment: str, ready: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT; then what runs is finished within the grace."""
    client = await connect()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if set(roles) == {"runner"}:
        # It has the credentials of its environment, and needs none of Slack or PagerDuty.
        runner = Runner(
            client, settings.read_organisation, settings.output, practice=settings.rehearsal, user=settings.step_user
        )
        assert settings.organisation
        async with runner_worker(client, runner, environment):
            ready()
            await stop.wait()
        return
    async with furnish(settings, client) as house, AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(f"worker-{'-'.join(sorted(roles))}", settings.state))
        if {"all", "incident"} & set(roles):
            supervisor.keep_thread("on-call cache", house.paging.refresh_book, REFRESH_EVERY)
            await asyncio.to_thread(wait_for_book, house.book, 2.0)
            # What a door on this machine kept while Temporal was away.
            standby = Standby.of(settings, house.book)
            gateway = Gateway(client, SnapshotReader(settings.records_url))
            supervisor.keep("handing over", partial(standby.hand_over, gateway), HANDED_OVER_EVERY)
        if looked_after := [one for role, each in WORKFLOWS.items() if {"all", role} & set(roles) for one in each]:
            supervisor.keep("healing", Healer(client, looked_after, workflow_runner(), INTERCEPTORS).look, LOOK_EVERY)
        for worker in workers(client, house, roles, environment):
            await stack.enter_async_context(worker)
        ready()
        await stop.wait()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument(
        "--role", choices=ROLES, action="append", help="which queues to serve; more than once for several"
    )
    parser.add_argument("--environment", default="local", help="whose repair steps a runner carries out")
    parser.add_argument("--ready-file", type=Path, help="written once it serves")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("temporalio").setLevel(logging.WARNING)
    keep_private()

    def ready() -> None:
        if options.ready_file:
            durable.say_ready(options.ready_file)

    try:
        asyncio.run(serve(configuration.load(), options.role or ["all"], options.environment, ready))
    except (Misconfigured, BadPolicy) as fault:
        print(fault, file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"Temporal cannot be reached: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
