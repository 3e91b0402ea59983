"""What is read while an incident runs: how the system is, and what changed lately."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from incident.shapes import Duration, Frozen, Handle


class _Read(Frozen):
    """Something that is read over HTTP. `${NAME}` in `url` and `headers` is taken from the worker's environment, so that
    no secret stands here: this travels into workflow histories."""

    id: Handle
    url: str = ""
    headers: dict[str, str] = {}

    @model_validator(mode="after")
    def _no_secret_stands_here(self) -> Self:
        for name, value in self.headers.items():
            if re.search(r"auth|token|key|secret|cookie", name, re.IGNORECASE) and "${" not in value:
                raise ValueError(f"header {name!r} holds a secret; write ${{NAME}} and set NAME for the worker")
        if re.search(r"://[^/@${}]*:[^/@${}]+@", self.url):
            raise ValueError("the url holds a password; write ${NAME} and set NAME for the worker")
        return self


class StatusSource(_Read):
    """Where the state of the system is read.

    - http-json: `at` is a dotted path into the answer; what stands there is among `ok`, among `degraded`, or down.
    - prometheus: `query` on the server at `url`; each of its values is held against the thresholds, the worst counts.
    - pagerduty-business-service: `business_service` is an id; while PagerDuty says it is impacted, it is `impacted`.
    """

    kind: Literal["http-json", "prometheus", "pagerduty-business-service"] = "http-json"
    at: str = "status"
    ok: tuple[str, ...] = ("ok", "operational")
    degraded: tuple[str, ...] = ("degraded",)
    query: str = ""
    degraded_above: float | None = None
    down_above: float | None = None
    degraded_below: float | None = None
    down_below: float | None = None
    business_service: str = ""
    impacted: Literal["degraded", "down"] = "degraded"

    @model_validator(mode="after")
    def _says_what_to_read(self) -> StatusSource:
        thresholds = (self.degraded_above, self.down_above, self.degraded_below, self.down_below)
        match self.kind:
            case "http-json" if not self.url:
                raise ValueError("a source of kind http-json needs url")
            case "prometheus" if not self.url or not self.query or all(limit is None for limit in thresholds):
                raise ValueError(
                    "a source of kind prometheus needs url, query, and at least one of degraded_above, down_above, "
                    "degraded_below, down_below"
                )
            case "pagerduty-business-service" if not self.business_service:
                raise ValueError("a source of kind pagerduty-business-service needs business_service, its id there")
        return self

    def state_at(self, value: float) -> Literal["ok", "degraded", "down"]:
        """What a value of a prometheus source means."""
        if _beyond(value, self.down_above, self.down_below):
            return "down"
        return "degraded" if _beyond(value, self.degraded_above, self.degraded_below) else "ok"


def _beyond(value: float, above: float | None, below: float | None) -> bool:
    return (above is not None and value > above) or (below is not None and value < below)


class ChangeSource(_Read):
    """Where it is read what changed lately: deployments, traffic, switches.

    `items` is a dotted path to a list; in each of it `time` (ISO 8601, or seconds since 1970), `text` and `link`.
    """

    url: str = Field(min_length=1)
    items: str = ""
    time: str = "time"
    text: str = "text"
    link: str = ""


class Changes(Frozen):
    """What changed before an incident was declared, and since."""

    sources: tuple[ChangeSource, ...] = ()
    within: Duration = timedelta(hours=4)
    every: Duration = timedelta(minutes=2)
    at_most: int = Field(default=5, ge=1, le=8)
