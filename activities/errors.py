"""The one table: what an outside service's error means for retrying.

Each outside error is classified here, once. Only `ApplicationError` leaves an activity (`activities.classifying` sees to
that), with one of these types:

| type | meaning | then |
| --- | --- | --- |
| `RateLimited` | too many calls | again after the time the service names |
| `Unavailable` | 5xx, timeout, no connection | again, as the retry policy says |
| `Rejected` | the service can never accept this | given up |
| `TooLong` | Slack takes no message of this length | shorter, else given up |
| `MessageGone` | Slack has it no more | posted anew |
| `NotEditable` | Slack does not let it be edited any more | posted anew, now and then |
| `ChannelGone` | the channel is archived, or our app is not in it | joined, or another one opened |
| `NotConfigured` | key, scope or id missing or wrong | given up |
| `PracticeMix` | a practice would reach real people, or a real incident only emulators | given up |
| `Refused` | the incident did not say go | given up |
| `StepFailed` | a step of the catalogue that may be tried again | again, as often as its entry says |
| `Duplicate` | X has this very text already | given up |
| `Unforeseen` | an answer of another shape, or a defect of ours | again, five times in all, then given up |

Sentences name the service and what happened; never an address with a token, never a header.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta

import aiohttp
import requests
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError

RATE_LIMITED = "RateLimited"
UNAVAILABLE = "Unavailable"
REJECTED = "Rejected"
NOT_CONFIGURED = "NotConfigured"
PRACTICE_MIX = "PracticeMix"
REFUSED = "Refused"
STEP_FAILED = "StepFailed"
DUPLICATE = "Duplicate"
TOO_LONG = "TooLong"
MESSAGE_GONE = "MessageGone"
NOT_EDITABLE = "NotEditable"
CHANNEL_GONE = "ChannelGone"
UNFORESEEN = "Unforeseen"
TRIES = 5
"""How often something unforeseen is tried: as long as a hiccup lasts, and not so long that it holds what waits behind it."""
LONGEST_PAUSE = timedelta(seconds=30)
NEVER = frozenset({400, 402, 404, 405, 406, 410, 411, 413, 414, 415, 422, 431, 451})
"""HTTP's word that the request itself is wrong. Whatever other status there is may pass, and is tried again."""

_AWAY = (
    TimeoutError,
    asyncio.TimeoutError,
    ConnectionError,
    aiohttp.ClientError,
    requests.RequestException,
    RPCError,
)
_SLACK_KEYS = frozenset(
    {
        "not_authed",
        "invalid_auth",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "no_permission",
    }
)
_SLACK_PASSES = frozenset(
    {
        "fatal_error",
        "internal_error",
        "message_limit_exceeded",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "too_many_requests",
        "update_failed",
    }
)
_SLACK_GONE = {
    TOO_LONG: frozenset({"msg_too_long", "msg_blocks_too_long"}),
    MESSAGE_GONE: frozenset({"message_not_found", "thread_not_found"}),
    NOT_EDITABLE: frozenset({"cant_update_message", "edit_window_closed"}),
    CHANNEL_GONE: frozenset({"channel_not_found", "is_archived", "is_inactive", "not_in_channel"}),
}
_SLACK_NEVER = re.compile(
    r"invalid_\w+|restricted_action\w*|user_\w+|users_\w+|cant_\w+|cannot_\w+|no_\w+|not_\w+|already_\w+|too_long|\w+_too_large"
    r"|metadata_\w+|method_\w+|too_many_(?:pins|bookmarks|users|attachments)|markdown_text_conflict|block_mismatch"
    r"|name_taken|\w+_trigger_id|hash_conflict|unknown_method|permission_denied|access_denied|ura_max_channels|bad_timestamp"
    r"|org_user_not_in_team|ekm_access_denied|messages_tab_disabled|app_\w+|is_bot|duplicate_external_id"
)
"""Slack's refusals of a request itself, as its pages list them. Whatever else it answers may pass."""
UNKNOWN_FOR = timedelta(minutes=10)
"""So long is a refusal tried again that none of Slack's pages explains: it may pass, and it must not hold the channel."""


def unavailable(service: str, what: str) -> ApplicationError:
    return ApplicationError(f"{service} cannot be reached: {what}.", type=UNAVAILABLE)


def rejected(service: str, what: str) -> ApplicationError:
    return ApplicationError(f"{service} does not accept it: {what}.", type=REJECTED, non_retryable=True)


def not_configured(service: str, what: str) -> ApplicationError:
    return ApplicationError(f"{service}: {what}. `ic doctor` says what to do.", type=NOT_CONFIGURED, non_retryable=True)


def practice_mix(asked: bool) -> ApplicationError:
    this = "a practice" if asked else "a real incident"
    reach = "real accounts" if asked else "the emulators"
    return ApplicationError(
        f"This is {this}, and this worker reaches {reach}: nothing was sent.", type=PRACTICE_MIX, non_retryable=True
    )


def from_status(service: str, status: int, what: str = "", retry_after: str | None = None) -> ApplicationError:
    """An HTTP answer that is not a success. `retry_after` is the header, in seconds."""
    because = f" ({what})" if what else ""
    match status:
        case 429 | 420:
            wait = _seconds(retry_after, 1.0)
            return ApplicationError(
                f"{service} asks to wait {wait:g} s.", type=RATE_LIMITED, next_retry_delay=timedelta(seconds=wait)
            )
        case 401 | 403:
            return not_configured(service, f"the key is refused ({status})")
        case status if status >= 500 or status == 408:
            return unavailable(service, f"it answered {status}{because}")
        case status if status in NEVER:
            return rejected(service, f"{status}{because}")
        case _:
            return unforeseen(f"{service} answered {status}{because}")


def from_slack(error: Exception, refused_for: timedelta = timedelta(0)) -> ApplicationError:
    """Classify an error of slack_sdk, for something that was asked for so long ago."""
    if isinstance(error, SlackApiError):
        response = error.response
        if not isinstance(response, AsyncSlackResponse | SlackResponse):
            return nonsense("Slack")  # slack_sdk could not read it, and hands on what aiohttp gave it
        if response.status_code == 429 or response.status_code >= 500:
            return from_status("Slack", response.status_code, retry_after=response.headers.get("Retry-After"))
        if not isinstance(response.data, dict) or not response.data.get("error"):
            return nonsense("Slack")
        code = str(response.data["error"])
        if code in _SLACK_KEYS:
            return not_configured("Slack", code)
        return _slack_refusal(code, refused_for)
    return from_network("Slack", error)


def _slack_refusal(code: str, refused_for: timedelta) -> ApplicationError:
    for type, codes in _SLACK_GONE.items():
        if code in codes:
            return ApplicationError(f"Slack does not accept it: {code}.", type=type, non_retryable=True)
    if _SLACK_NEVER.fullmatch(code) or (refused_for > UNKNOWN_FOR and code not in _SLACK_PASSES):
        return rejected("Slack", code)
    return unavailable("Slack", code)


def from_x(error: Exception, at: datetime) -> ApplicationError:
    """What xdk raised, at that time: it lets through what requests raises. X says as a moment when it may be asked again."""
    answer = error.response if isinstance(error, requests.HTTPError) else None
    if answer is None and isinstance(error, ValueError) and not isinstance(error, requests.RequestException):
        return nonsense("X")
    if answer is None:
        return from_network("X", error)
    what = _x_words(answer)
    match answer.status_code:
        case 403 if "duplicate" in what.lower():
            return ApplicationError(
                "X does not accept the same text twice: change a word of it.", type=DUPLICATE, non_retryable=True
            )
        case 429:
            reset = _seconds(answer.headers.get("x-rate-limit-reset"), 0.0)
            wait = reset - at.timestamp() if reset > 1 else 60.0
            return from_status("X", 429, retry_after=f"{max(1.0, wait):g}")
        case 403:
            return rejected("X", what or "403")
        case status:
            return from_status("X", status, what)


def _x_words(answer: requests.Response) -> str:
    """The sentence in X's answer, if there is one."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    return str(body.get("detail") or body.get("title") or "")[:200] if isinstance(body, dict) else ""


def from_network(service: str, error: Exception) -> ApplicationError:
    """What an HTTP client raised when there was no answer at all."""
    if isinstance(error, (asyncio.TimeoutError, TimeoutError, requests.Timeout)):
        return unavailable(service, "no answer in time")
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return unavailable(service, type(error).__name__)
    raise error


def nonsense(service: str) -> ApplicationError:
    """An answer that cannot be read at all, as from a proxy that stands in for the service."""
    return unavailable(service, "its answer makes no sense")


def unforeseen(what: str) -> ApplicationError:
    return ApplicationError(f"Nobody foresaw this: {what}.", type=UNFORESEEN)


def classified(fault: Exception, attempt: int, tries: int | None) -> ApplicationError:
    """What an activity raised, at that attempt. `tries` is how often something unforeseen is tried; None: without end.

    Of an error that is none of ours the type alone is said: its text may hold an address with a token.
    """
    if isinstance(fault, ApplicationError):
        error = fault
    elif isinstance(fault, _AWAY):
        error = unavailable("A service", type(fault).__name__)
    else:
        error = unforeseen(type(fault).__name__)
    if error.type != UNFORESEEN or error.non_retryable:
        return error
    if tries is not None and attempt >= tries:
        return ApplicationError(error.message, type=UNFORESEEN, non_retryable=True)
    if tries is None:
        pause = min(timedelta(seconds=2 ** min(attempt, 10)), LONGEST_PAUSE)
        return ApplicationError(error.message, type=UNFORESEEN, next_retry_delay=pause)
    return error


def step_failed(what: str) -> ApplicationError:
    return ApplicationError(what, type=STEP_FAILED)


def stopping() -> ApplicationError:
    """This worker is going; another one goes on with it at once. Nothing is wrong."""
    return ApplicationError(
        "the worker is shutting down",
        type="Stopping",
        category=ApplicationErrorCategory.BENIGN,
        next_retry_delay=timedelta(milliseconds=1),
    )


def _seconds(text: str | None, otherwise: float) -> float:
    try:
        return max(0.1, float(text)) if text else otherwise
    except ValueError:
        return otherwise
