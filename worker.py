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
import threading
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
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import settings as configuration
from activities.chat import Chat
from activities.executions import describe_execution
from activities.monitoring import Monitoring
from activities.on_call_book import REFRESH_EVERY, OnCallBook
from activities.paging import Paging, Sessions, wait_for_book
from activities.placeholders import Placeholders
from activities.records import Records
from activities.repair import Runner
from activities.social import Social
from activities.social import client as x_client
from activities.status_page import StatusPage
from connection import connect
from entrypoints.gateway import Gateway
from entrypoints.standby import Standby
from incident.policy import BadPolicy
from settings import Misconfigured, Settings
from workflows import queues
from workflows.after_incident import AfterIncidentWorkflow
from workflows.customer_liaison import CustomerLiaisonWorkflow
from workflows.deputy import DeputyWorkflow
from workflows.incident import IncidentWorkflow
from workflows.internal_liaison import InternalLiaisonWorkflow
from workflows.repair_action import RepairActionWorkflow
from workflows.scribe import ScribeWorkflow
from workflows.steady import SteadyRunner
from workflows.sub_team import SubTeamWorkflow

APART = (("incident",), ("roles", "chat", "watch", "runner"))
"""As `ic up` runs them: what pages has a process, and so an interpreter, to itself."""
ROLES = ("all", "incident", "roles", "chat", "watch", "runner")
GRACE = timedelta(seconds=25)
PAGING_SLOTS = 200
OUTSIDE_WITHIN = 10


@dataclass
class House:
    """The activities, with their clients."""

    paging: Paging
    chat: Chat
    status_page: StatusPage
    social: Social
    monitoring: Monitoring
    records: Records
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
        paging = Paging(sessions, book, organisation, practice=practice)
        yield House(
            paging=paging,
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
            monitoring=Monitoring(http, paging.impacted),
            records=Records(settings.records_url),
            runner=Runner(client, settings.read_organisation, settings.output, practice=practice),
            book=book,
        )


def workflow_runner() -> SteadyRunner:
    """How workflows are run: here, and where histories are replayed.

    Without Temporal's sandbox: `workflows` and `incident` are pure (tests hold that), and it doubled what a step costs.
    """
    return SteadyRunner(UnsandboxedWorkflowRunner())


def runner_worker(client: Client, runner: Runner, environment: str, **options: Any) -> Worker:
    """The Worker of one environment's repair steps, where its credentials are."""
    return Worker(
        client,
        task_queue=queues.runner(environment),
        activities=[runner.check, runner.verify, runner.run],
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
        # A worker that was killed leaves its sticky queue behind; the next command waits this long for it.
        "sticky_queue_schedule_to_start_timeout": timedelta(seconds=2),
        **options,
    }
    paging, chat, records = house.paging, house.chat, house.records
    kinds: dict[str, Callable[[], Worker]] = {
        "incident": lambda: Worker(
            client,
            task_queue=queues.INCIDENT,
            workflows=[IncidentWorkflow],
            activities=[paging.page, paging.who_would_be_paged, describe_execution],
            activity_executor=ThreadPoolExecutor(PAGING_SLOTS, thread_name_prefix="paging"),
            max_concurrent_activities=PAGING_SLOTS,
            **common,
        ),
        "roles": lambda: Worker(
            client,
            task_queue=queues.ROLES,
            workflows=[
                DeputyWorkflow,
                ScribeWorkflow,
                CustomerLiaisonWorkflow,
                InternalLiaisonWorkflow,
                RepairActionWorkflow,
                SubTeamWorkflow,
                AfterIncidentWorkflow,
            ],
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
                paging.resolve,
                paging.retitle,
                paging.subscribe,
                house.monitoring.read_changes,
                records.keep,
            ],
            activity_executor=ThreadPoolExecutor(32, thread_name_prefix="chat"),
            **common,
        ),
        "watch": lambda: Worker(
            client,
            task_queue=queues.WATCH,
            activities=[house.monitoring.watch, paging.await_acknowledgement],
            max_concurrent_activities=5000,
            # A heartbeat that reaches the server is a billable action.
            max_heartbeat_throttle_interval=timedelta(seconds=200),
            default_heartbeat_throttle_interval=timedelta(seconds=200),
            **common,
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
        runner = Runner(client, settings.read_organisation, settings.output, practice=settings.rehearsal)
        assert settings.organisation
        async with runner_worker(client, runner, environment):
            ready()
            await stop.wait()
        return
    async with furnish(settings, client) as house, AsyncExitStack() as stack:
        if {"all", "incident"} & set(roles):
            stopped = threading.Event()
            stack.callback(stopped.set)
            threading.Thread(target=house.paging.keep_book_fresh, args=(REFRESH_EVERY, stopped), daemon=True).start()
            await asyncio.to_thread(wait_for_book, house.book, 2.0)
            # What a door on this machine kept while Temporal was away.
            standby = Standby.of(settings, house.book)
            handing_over = asyncio.create_task(standby.keep_handing_over(Gateway(client)))
            stack.callback(handing_over.cancel)
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

    def ready() -> None:
        if options.ready_file:
            options.ready_file.write_text("ready\n")

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
