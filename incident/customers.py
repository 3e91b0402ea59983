"""What customers are told, in which words, how often and where: an organisation's own rules."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, get_args

from pydantic import Field, model_validator

from incident.shapes import Duration, Frozen, Handle

Stage = Literal["investigating", "identified", "monitoring", "resolved", "long"]


class IndividualCustomer(Frozen):
    """A customer who is told in person, beside what is public. It is in every incident's history: no number, no address."""

    name: str = Field(min_length=1, max_length=80)
    how: str = Field(default="", max_length=160)

    @model_validator(mode="after")
    def _no_phone(self) -> IndividualCustomer:
        if re.search(r"(?:\d[ ()./-]*){7,}", f"{self.name} {self.how}"):
            raise ValueError("that looks like a phone number, which is not for an incident's history; say who calls")
        return self


class CustomerMessages(Frozen):
    """When customers hear, and from which templates (`$impact`, `$next` … as `string.Template`)."""

    first_within: Duration = timedelta(minutes=5)
    scope_within: Duration = timedelta(minutes=5)
    every: Duration = timedelta(minutes=20)
    first_hours: Duration = timedelta(hours=2)
    deputy_may_approve_after: Duration = timedelta(minutes=3)
    individually: tuple[IndividualCustomer, ...] = ()
    templates: dict[Stage, str]
    templates_x: dict[Stage, str] = {}

    @model_validator(mode="after")
    def _templates_render(self) -> CustomerMessages:
        _check_templates("templates", self.templates)
        if self.templates_x:
            _check_templates("templates_x", self.templates_x)
        return self


def _check_templates(name: str, templates: Mapping[Stage, str]) -> None:
    if missing := set(get_args(Stage)) - set(templates):
        raise ValueError(f"{name} lack {', '.join(sorted(missing))}")
    for stage, text in templates.items():
        if not string.Template(text).is_valid():
            raise ValueError(f"{name}: {stage!r} has a lone $; write $$ for a dollar sign")
        named = set(string.Template(text).get_identifiers())
        if unknown := named - {"impact", "cause", "eta", "next", "lost", "workaround"}:
            raise ValueError(
                f"{name}: {stage!r} names ${', $'.join(sorted(unknown))}; known are $impact, $cause, $next, $lost, $workaround"
            )
        if stage != "resolved" and "next" not in named:
            raise ValueError(f"{name}: {stage!r} lacks $next: each message says when the next is due")


class StatusPage(Frozen):
    """The public status page. Without a page there is none."""

    page: str = ""
    components: dict[Handle, str] = {}


class X(Frozen):
    """The account on X that speaks to customers, without its @. Without one, nothing is posted there."""

    account: str = Field(default="", pattern=r"^\w{0,15}$")
