"""The App Home: what is open, and what I owe."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, DividerBlock, HeaderBlock, SectionBlock
from slack_sdk.models.blocks.basic_components import MarkdownTextObject
from slack_sdk.models.views import View

from activities.placeholders import Placeholders
from chat import blocks
from incident import notices, texts, wording
from incident.model import Incident

DECLARE = "home-declare"
MOST = 10
MOST_OF_MINE = 40


def view(
    open_ones: Sequence[Incident], person: str, places: Placeholders, problems: Sequence[str] = ()
) -> dict[str, Any]:
    """For one person: at most ten incidents, their own open tasks in them, and what cannot be shown."""
    shown: list[Block | dict[str, Any]] = [
        HeaderBlock(text="Open incidents" if open_ones or problems else "No incident is open"),
        ActionsBlock(elements=[ButtonElement(text="Declare an incident …", action_id=DECLARE, style="danger")]),
    ]
    mine: list[Block | dict[str, Any]] = []
    unshown = list(problems)
    for incident in open_ones[:MOST]:
        try:
            card, tasks = _incident(incident, places), _tasks(incident, person, places)
        except Exception as fault:  # noqa: BLE001  # whatever is wrong with one incident is no matter of the others
            logging.getLogger(__name__).error("%s cannot be shown: %r", incident.id, fault)
            unshown.append(f"{incident.id} cannot be shown ({type(fault).__name__}).")
        else:
            shown += [DividerBlock(), *card]
            mine += tasks
    for problem in unshown[:MOST]:
        shown += [DividerBlock(), *blocks.message(places.for_slack(wording.shorten(problem, 500)))]
    if mine:
        shown += [HeaderBlock(text="My open tasks"), *mine[:MOST_OF_MINE]]
    shown.append(SectionBlock(text=MarkdownTextObject(text="`/ic help` shows all that can be said.")))
    made = View(type="home", blocks=shown)
    made.validate_json()
    return dict(made.to_dict())


def _incident(incident: Incident, places: Placeholders) -> list[dict[str, Any]]:
    place = texts.channel(incident.room.channel, incident.room.name) if incident.room else f"#inc-{incident.id}"
    text = (
        f"*{incident.severity} {wording.shorten(incident.label, 200)}* · {wording.state_in_words(incident)} ·"
        f" declared {texts.since(incident.declared_at)}\n{wording.roles(incident)} · {place}"
    )
    choices = (notices.TAKE_COMMAND,) if incident.commander is None else ()
    return blocks.message(places.for_slack(text), incident.id, choices)


def _tasks(incident: Incident, person: str, places: Placeholders) -> list[dict[str, Any]]:
    """Their own open ones."""
    shown = []
    for task in incident.tasks.values():
        if task.person == person and task.done_at is None:
            line = f"{wording.shorten(wording.task_line(incident, task), 200)}, until {texts.moment(task.due_at)}"
            shown += blocks.message(places.for_slack(line), incident.id, notices.of_task(task))
    return shown
