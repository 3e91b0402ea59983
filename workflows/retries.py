"""Named timeouts and retry policies, each with its reason."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

from incident.texts import plain


class Terms(TypedDict, total=False):
    """What `execute_activity` is told beside the activity and its input."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    schedule_to_start_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


_WITHOUT_END = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)

FIRST_PAGE = Terms(
    start_to_close_timeout=timedelta(seconds=15),
    schedule_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_attempts=3),
)
"""Long enough for two hiccups of PagerDuty, short enough that people are told to use the phone."""

PAGE = Terms(start_to_close_timeout=timedelta(seconds=15), retry_policy=_WITHOUT_END)
"""Paging is never given up; the key makes a page that is sent twice one page."""

POST = Terms(start_to_close_timeout=timedelta(seconds=15), retry_policy=_WITHOUT_END)
"""What must be said is said when Slack is back."""

TIMELY_POST = Terms(
    start_to_close_timeout=timedelta(seconds=15),
    schedule_to_close_timeout=timedelta(seconds=90),
    retry_policy=_WITHOUT_END,
)
"""A summary that could not be posted for this long is composed anew from the facts of then."""

FIRST_PUBLISH = Terms(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(seconds=45),
    retry_policy=_WITHOUT_END,
)
"""Long enough for a hiccup of the outlet, short enough that the room learns in time that customers have read nothing."""

PUBLISH = Terms(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=_WITHOUT_END,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""Until a newer message takes its place; an attempt under way is awaited then, because it may get through."""

TAKE_DOWN = Terms(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(minutes=10),
    retry_policy=_WITHOUT_END,
)
"""Then the IC is told, who may have it tried again."""

BOOK = Terms(
    start_to_close_timeout=timedelta(seconds=5),
    schedule_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_attempts=2),
)
"""Reads a file of this machine."""

LOOK = Terms(start_to_close_timeout=timedelta(seconds=15), retry_policy=_WITHOUT_END)
"""What sources do not answer is said in the result; only a worker that dies makes it be tried again."""

LOOK_UP = Terms(start_to_close_timeout=timedelta(seconds=10), retry_policy=_WITHOUT_END)
"""Asks the server on which the workflow itself depends."""

RECORD = Terms(start_to_close_timeout=timedelta(seconds=30), retry_policy=_WITHOUT_END)

SNAPSHOT = Terms(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10)),
)
"""While the database is away readers see the last version, with its age; the newest follows."""

WATCHED = Terms(
    start_to_close_timeout=timedelta(hours=24),
    heartbeat_timeout=timedelta(seconds=250),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=1.0),
    cancellation_type=ActivityCancellationType.TRY_CANCEL,
)
"""One activity that returns when there is news. A worker that stops hands over at once; one that dies without a word is
noticed by its heartbeats, which reach the server every 200 s: each is a billable action, so they are rare."""

WATCHED_CLOSELY = Terms(**{**WATCHED, "heartbeat_timeout": timedelta(seconds=15)})
"""For the first minutes after a page, when a worker that was killed must be noticed at once."""

CHECK = Terms(
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_start_timeout=timedelta(seconds=10),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_attempts=3),
)
"""It only reads, so it may be asked again when a runner was lost."""

RUN = Terms(
    schedule_to_start_timeout=timedelta(seconds=3),
    start_to_close_timeout=timedelta(hours=24),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_attempts=1),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""At most once. Not started within 3 s means that no runner is alive and that nothing ran; any other timeout means
that nobody knows."""


def run(tries: int, wait: timedelta) -> Terms:
    """`RUN`, with `wait` for a runner; what is idempotent may be begun again under the same approval."""
    again = RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10), maximum_attempts=tries
    )
    return Terms(**{**RUN, "schedule_to_start_timeout": wait, "retry_policy": again})


SUMMARY_BYTES = 400


def summary(text: str) -> str:
    """Text for the Web UI's history, within what the server takes for it."""
    return plain(text).encode()[:SUMMARY_BYTES].decode(errors="ignore")
