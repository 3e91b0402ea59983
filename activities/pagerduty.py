"""PagerDuty's REST API, as the rest of the product asks it. The only place that knows pdpyras.

`Api` is all that anything else knows of it: another client needs to be written here, and nowhere else (docs/pagerduty.md).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pdpyras
import requests

from activities import errors

ANSWER_WITHIN = 10.0
AT_ONCE = 2.0
"""For a look that a page waits for: what PagerDuty does not answer by then is read from the cache."""
NAME = "PagerDuty"
logging.getLogger("pdpyras").setLevel(logging.CRITICAL)  # it logs whole requests; what matters is raised


@dataclass(frozen=True)
class Reply:
    """What PagerDuty answered, whatever it is. `code` and `why` are its own, where it refuses."""

    status: int
    document: dict[str, Any] | None = None
    code: int = 0
    why: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def read(self) -> dict[str, Any]:
        """Its JSON object. Raises what `activities.errors` makes of a refusal, or of anything else."""
        if not self.ok:
            wait = self.headers.get("ratelimit-reset") or self.headers.get("Retry-After")
            raise errors.from_status(NAME, self.status, self.why, wait)
        if self.document is None:
            raise errors.nonsense(NAME)
        return self.document


class Api(Protocol):
    """One caller of one thread."""

    sender: str

    def answer(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, object] | None = None,
        sender: str = "",
        within: float = ANSWER_WITHIN,
    ) -> Reply:
        """Whatever it answers. Raises only when it does not. `sender` is the e-mail of whom a change comes from."""

    def ask(self, method: str, path: str, body: object = None, *, params: Mapping[str, object] | None = None) -> Any:
        """The JSON of an answer. Raises what `activities.errors` makes of anything else."""


class PagerDuty(pdpyras.APISession):  # type: ignore[misc]  # pdpyras carries no types
    """One session of one thread, without retries of its own: retrying is Temporal's."""

    max_network_attempts = 0
    max_http_attempts = -1  # with an entry for 429, the only value with which it never sleeps and sends again
    timeout = ANSWER_WITHIN

    def __init__(self, url: str, key: str, sender: str) -> None:
        super().__init__(key, default_from=sender or None)
        self.url = url.rstrip("/")
        self.sender = sender
        self.retry = {429: 1}

    def ask(self, method: str, path: str, body: object = None, *, params: Mapping[str, object] | None = None) -> Any:
        return self.answer(method, path, body, params=params).read()

    def answer(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, object] | None = None,
        sender: str = "",
        within: float = ANSWER_WITHIN,
    ) -> Reply:
        given: dict[str, Any] = {"json": body} if body is not None else {}
        given |= {"params": dict(params)} if params else {}
        given |= {"headers": {"From": sender}} if sender else {}
        self.timeout = within
        try:
            response: requests.Response = self.request(method, path, **given)
        except pdpyras.PDHTTPError as error:
            response = error.response  # a 401, which pdpyras raises
        except pdpyras.PDClientError:
            raise errors.unavailable(NAME, "no connection or no answer in time") from None
        except requests.RequestException as error:
            raise errors.unavailable(NAME, type(error).__name__) from None
        return _reply(response)


class Sessions:
    """A PagerDuty session a thread: requests' sessions are not to be shared."""

    def __init__(self, url: str, key: str, sender: str) -> None:
        self._arguments = (url, key, sender)
        self._local = threading.local()

    @property
    def here(self) -> Api:
        session: PagerDuty | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = PagerDuty(*self._arguments)
        return session


def _reply(response: requests.Response) -> Reply:
    try:
        found = response.json() if response.content else {}
    except ValueError:
        found = None
    document = found if isinstance(found, dict) else None
    code, why = _fault(document) if not response.ok else (0, "")
    return Reply(response.status_code, document, code, why, response.headers)


def _fault(document: dict[str, Any] | None) -> tuple[int, str]:
    """PagerDuty's own code and words for what was wrong."""
    error = (document or {}).get("error")
    if not isinstance(error, dict):
        return 0, ""
    details = error.get("errors")
    words = [error.get("message"), *(details if isinstance(details, list) else ())]
    code = error.get("code")
    return code if isinstance(code, int) else 0, "; ".join(str(word) for word in words if word)
