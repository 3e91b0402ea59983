"""The table of provider errors, case by case: what each means for trying again, and the sentence that people read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import requests
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities import errors

AT = datetime(2026, 11, 26, 1, 14, tzinfo=UTC)


def slack(error: str, status: int = 200, **headers: str) -> SlackApiError:
    answer = SlackResponse(
        client=None,
        http_verb="POST",
        api_url="chat.postMessage",
        req_args={},
        data={"ok": False, "error": error},
        headers={name.replace("_", "-"): text for name, text in headers.items()},
        status_code=status,
    )
    return SlackApiError("refused", answer)  # type: ignore[no-untyped-call]  # slack_sdk has no types here


def x(status: int, body: object, **headers: str) -> requests.HTTPError:
    answer = requests.Response()
    answer.status_code = status
    answer._content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    answer.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    return requests.HTTPError(response=answer)


@pytest.mark.parametrize(
    ("status", "type", "said"),
    [
        (429, errors.RATE_LIMITED, "Statuspage asks to wait 1 s."),
        (420, errors.RATE_LIMITED, "Statuspage asks to wait 1 s."),
        (401, errors.NOT_CONFIGURED, "Statuspage: the key is refused (401)"),
        (403, errors.NOT_CONFIGURED, "Statuspage: the key is refused (403)"),
        (408, errors.UNAVAILABLE, "Statuspage cannot be reached: it answered 408 (why)"),
        (500, errors.UNAVAILABLE, "Statuspage cannot be reached: it answered 500 (why)"),
        (503, errors.UNAVAILABLE, "Statuspage cannot be reached: it answered 503 (why)"),
        (400, errors.REJECTED, "Statuspage does not accept it: 400 (why)"),
        (404, errors.REJECTED, "Statuspage does not accept it: 404 (why)"),
        (422, errors.REJECTED, "Statuspage does not accept it: 422 (why)"),
        (302, errors.UNFORESEEN, "Nobody foresaw this: Statuspage answered 302 (why)"),
        (409, errors.UNFORESEEN, "Nobody foresaw this: Statuspage answered 409 (why)"),
        (423, errors.UNFORESEEN, "Nobody foresaw this: Statuspage answered 423 (why)"),
        (425, errors.UNFORESEEN, "Nobody foresaw this: Statuspage answered 425 (why)"),
    ],
)
def test_an_http_status(status: int, type: str, said: str) -> None:
    error = errors.from_status("Statuspage", status, "why")
    assert error.type == type and error.message.startswith(said)
    assert error.non_retryable is (type in (errors.REJECTED, errors.NOT_CONFIGURED))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0.5", 0.5), ("0", 0.1), ("-3", 0.1), (None, 1), ("Wed, 21 Oct 2026 07:28:00 GMT", 1)],
)
def test_a_rate_limit_waits_as_long_as_the_service_says(header: str | None, seconds: float) -> None:
    assert errors.from_status("Slack", 429, retry_after=header).next_retry_delay == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("error", "type"),
    [
        (slack("ratelimited", 429, Retry_After="30"), errors.RATE_LIMITED),
        (slack("internal_error", 503), errors.UNAVAILABLE),
        (slack("invalid_auth"), errors.NOT_CONFIGURED),
        (slack("missing_scope"), errors.NOT_CONFIGURED),
        (slack("ratelimited"), errors.UNAVAILABLE),
        (slack("fatal_error"), errors.UNAVAILABLE),
        (slack("update_failed"), errors.UNAVAILABLE),
        (slack("something_new"), errors.UNAVAILABLE),
        (slack("restricted_action_read_only_channel"), errors.REJECTED),
        (slack("invalid_blocks"), errors.REJECTED),
        (slack("msg_too_long"), errors.TOO_LONG),
        (slack("message_not_found"), errors.MESSAGE_GONE),
        (slack("channel_not_found"), errors.CHANNEL_GONE),
        (slack("not_in_channel"), errors.CHANNEL_GONE),
        (aiohttp.ServerDisconnectedError(), errors.UNAVAILABLE),
        (TimeoutError(), errors.UNAVAILABLE),
    ],
    ids=repr,
)
def test_what_slacks_client_raises(error: Exception, type: str) -> None:
    assert errors.from_slack(error).type == type


def test_slack_is_asked_again_when_it_says() -> None:
    assert errors.from_slack(slack("ratelimited", 429, Retry_After="30")).next_retry_delay == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("error", "type", "said"),
    [
        (x(403, {"detail": "You sent a duplicate."}), errors.DUPLICATE, "X does not accept the same text twice"),
        (x(403, {"detail": "Not permitted."}), errors.REJECTED, "X does not accept it: Not permitted."),
        (x(403, "<html>"), errors.REJECTED, "X does not accept it: 403."),
        (x(401, {"title": "Unauthorized"}), errors.NOT_CONFIGURED, "X: the key is refused (401)"),
        (x(400, {"title": "Invalid Request"}), errors.REJECTED, "X does not accept it: 400 (Invalid Request)."),
        (x(400, ["odd"]), errors.REJECTED, "X does not accept it: 400."),
        (x(503, "<html>"), errors.UNAVAILABLE, "X cannot be reached: it answered 503."),
        (ValueError("no JSON"), errors.UNAVAILABLE, "X cannot be reached: its answer makes no sense."),
        (requests.exceptions.JSONDecodeError("no", "", 0), errors.UNAVAILABLE, "X cannot be reached"),
        (requests.Timeout(), errors.UNAVAILABLE, "X cannot be reached: no answer in time."),
        (requests.ConnectionError(), errors.UNAVAILABLE, "X cannot be reached: ConnectionError."),
    ],
    ids=repr,
)
def test_what_xs_client_raises(error: Exception, type: str, said: str) -> None:
    found = errors.from_x(error, AT)
    assert found.type == type and found.message.startswith(said)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(str(AT.timestamp() + 90), 90), (str(AT.timestamp() - 5), 1), ("", 60), ("soon", 60)],
)
def test_x_says_as_a_moment_when_it_may_be_asked_again(header: str, seconds: float) -> None:
    error = errors.from_x(x(429, {}, x_rate_limit_reset=header), AT)
    assert error.type == errors.RATE_LIMITED and error.next_retry_delay == timedelta(seconds=seconds)


@pytest.mark.parametrize("error", [TimeoutError(), requests.Timeout(), ConnectionResetError(), aiohttp.ClientError()])
def test_no_answer_at_all_is_tried_again(error: Exception) -> None:
    found = errors.from_network("PagerDuty", error)
    assert found.type == errors.UNAVAILABLE and not found.non_retryable


def test_a_defect_of_ours_is_not_taken_for_an_outage() -> None:
    with pytest.raises(KeyError):
        errors.from_network("PagerDuty", KeyError("id"))


@pytest.mark.parametrize(
    ("error", "type", "again"),
    [
        (lambda: errors.practice_mix(True), errors.PRACTICE_MIX, False),
        (lambda: errors.practice_mix(False), errors.PRACTICE_MIX, False),
        (lambda: errors.step_failed("exit code 1"), errors.STEP_FAILED, True),
        (errors.stopping, "Stopping", True),
    ],
)
def test_what_the_worker_itself_raises(error: Callable[[], ApplicationError], type: str, again: bool) -> None:
    raised = error()
    assert raised.type == type and raised.non_retryable is not again


def test_a_worker_that_stops_is_no_failure_and_another_goes_on_at_once() -> None:
    raised = errors.stopping()
    assert raised.category == ApplicationErrorCategory.BENIGN
    assert raised.next_retry_delay == timedelta(milliseconds=1)
