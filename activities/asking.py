"""Who asks for an activity. Anybody who may write to the namespace can put one on a queue; a workflow's id says more."""

from __future__ import annotations

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import errors
from incident import identity


def only_in_a_workflow() -> None:
    """Raises Refused for an activity that somebody put on the queue by hand. A door that pages by itself is none."""
    if activity.in_activity() and not activity.info().in_workflow:
        raise refused("only a workflow of an incident asks for this")


def only_of(incident: str) -> None:
    """Raises Refused unless a workflow of this incident asks."""
    only_in_a_workflow()
    try:
        asks = identity.incident_of(activity.info().workflow_id or "")
    except ValueError as fault:
        raise refused(str(fault)) from None
    if asks != incident:
        raise refused(f"the workflow that asks belongs to {asks}, not to {incident}")


def refused(why: str) -> ApplicationError:
    return ApplicationError(f"Not done: {why}.", type=errors.REFUSED, non_retryable=True)
