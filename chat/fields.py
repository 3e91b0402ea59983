"""The fields that Slack's forms are made of, and what was filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk.models.blocks import (
    CheckboxesElement,
    ContextBlock,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
    UserSelectElement,
)
from slack_sdk.models.blocks.basic_components import DispatchActionConfig, MarkdownTextObject

LONGEST_TEXT = 3000
Given = Mapping[str, str]


class Wrong(Exception):
    """What was filled in cannot be meant. `field` is where it is shown."""

    def __init__(self, field: str, why: str) -> None:
        self.field = field
        super().__init__(why)


def input_field(
    name: str,
    label: str,
    element: InputInteractiveElement,
    *,
    optional: bool = False,
    live: bool = False,
    hint: str = "",
) -> InputBlock:
    element.action_id = name
    return InputBlock(
        label=label,
        element=element,
        block_id=name,
        optional=optional,
        dispatch_action=live or None,
        hint=hint or None,
    )


def text_field(
    name: str, label: str, value: str = "", *, lines: bool = False, live: bool = False, **more: Any
) -> InputBlock:
    counted = DispatchActionConfig(trigger_actions_on=["on_character_entered"]) if live else None
    element = PlainTextInputElement(
        initial_value=value or None,
        multiline=lines or None,
        max_length=LONGEST_TEXT,
        dispatch_action_config=counted,
    )
    return input_field(name, label, element, live=live, **more)


def choice_field(name: str, label: str, options: Mapping[str, str], value: str = "", **more: Any) -> InputBlock:
    """A menu of at most a hundred, as Slack has it."""
    made = {key: Option(value=key, label=shown[:75]) for key, shown in list(options.items())[:100]}
    return input_field(
        name, label, StaticSelectElement(options=list(made.values()), initial_option=made.get(value)), **more
    )


def person_field(name: str, label: str, **more: Any) -> InputBlock:
    return input_field(name, label, UserSelectElement(), **more)


def tick_field(name: str, label: str, shown: str) -> InputBlock:
    return input_field(name, label, CheckboxesElement(options=[Option(value="yes", label=shown)]), optional=True)


def says(text: str, of: str = "") -> ContextBlock:
    return ContextBlock(elements=[MarkdownTextObject(text=text)], block_id=f"says{of}")


def values(state: Mapping[str, Any], typed: Callable[[str], str]) -> dict[str, str]:
    """A view's `state.values` as names and texts, those as they were `typed`; what was left empty is not there."""
    found = {}
    for name, elements in state.items():
        for element in elements.values():
            option = element.get("selected_option") or {}
            ticked = ",".join(o["value"] for o in element.get("selected_options") or ())
            value = typed(element.get("value") or "") or option.get("value") or element.get("selected_user") or ticked
            if value:
                found[name.partition(":")[0]] = str(value)
    return found


def needed(given: Given, name: str, why: str) -> str:
    """What was filled in. Raises Wrong with `why` when that is nothing."""
    if not (value := given.get(name, "").strip()):
        raise Wrong(name, why)
    return value


def first_input(shown: Mapping[str, Any]) -> str:
    """Where a refusal that belongs to no field is shown."""
    return str(next(block["block_id"] for block in shown["blocks"] if block["type"] == "input"))
