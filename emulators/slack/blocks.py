"""Slack's checks of blocks: known types and fields, required ones, unique ids, and limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

A_MESSAGE = 50
A_MODAL = 100
LONGEST_TOGETHER = 13_297
"""Characters of all texts of one message; each block after the first costs as many as 125 of them."""
A_BLOCK_COSTS = 125
_TEXTS = {"plain_text", "mrkdwn"}
_BLOCKS: dict[str, set[str]] = {
    "section": {"text", "fields", "accessory", "expand"},
    "header": {"text"},
    "context": {"elements"},
    "actions": {"elements"},
    "divider": set(),
    "rich_text": {"elements"},
    "image": {"image_url", "slack_file", "alt_text", "title"},
    "input": {"label", "element", "dispatch_action", "hint", "optional"},
}
_ASKED = {"confirm", "focus_on_load"}
_ELEMENTS: dict[str, set[str]] = {
    "button": {"text", "url", "value", "style", "confirm", "accessibility_label"},
    "overflow": {"options", "confirm"},
    "static_select": {"options", "option_groups", "initial_option", "placeholder", *_ASKED},
    "multi_static_select": {
        "options",
        "option_groups",
        "initial_options",
        "max_selected_items",
        "placeholder",
        *_ASKED,
    },
    "users_select": {"initial_user", "placeholder", *_ASKED},
    "multi_users_select": {"initial_users", "max_selected_items", "placeholder", *_ASKED},
    "conversations_select": {
        "initial_conversation",
        "default_to_current_conversation",
        "response_url_enabled",
        "filter",
        "placeholder",
        *_ASKED,
    },
    "channels_select": {"initial_channel", "response_url_enabled", "placeholder", *_ASKED},
    "external_select": {"initial_option", "min_query_length", "placeholder", *_ASKED},
    "checkboxes": {"options", "initial_options", *_ASKED},
    "radio_buttons": {"options", "initial_option", *_ASKED},
    "datepicker": {"initial_date", "placeholder", *_ASKED},
    "timepicker": {"initial_time", "placeholder", "timezone", *_ASKED},
    "datetimepicker": {"initial_date_time", *_ASKED},
    "plain_text_input": {
        "initial_value",
        "multiline",
        "min_length",
        "max_length",
        "dispatch_action_config",
        "placeholder",
        "focus_on_load",
    },
    "number_input": {
        "is_decimal_allowed",
        "initial_value",
        "min_value",
        "max_value",
        "dispatch_action_config",
        "placeholder",
        "focus_on_load",
    },
    "url_text_input": {"initial_value", "dispatch_action_config", "placeholder", "focus_on_load"},
    "email_text_input": {"initial_value", "dispatch_action_config", "placeholder", "focus_on_load"},
    "image": {"image_url", "slack_file", "alt_text"},
}
_MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}


def faults(blocks: object, at_most: int = A_MESSAGE) -> list[str]:
    """What Slack would say is wrong, each with the place in the JSON."""
    if not isinstance(blocks, list):
        return ["must be an array of blocks [json-pointer:/blocks]"]
    found = list(_all(blocks))
    if len(blocks) > at_most:
        found.append(f"no more than {at_most} items allowed [json-pointer:/blocks]")
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and block.get("block_id")]
    if len(ids) != len(set(ids)):
        found.append("`block_id` must be unique [json-pointer:/blocks]")
    return found


def length(blocks: list[Any]) -> int:
    """What the blocks of a message count for together."""
    return sum(map(len, _all_texts(blocks))) + A_BLOCK_COSTS * (len(blocks) - 1)


def _all_texts(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if part.get("type") in _TEXTS:
            yield str(part.get("text", ""))
        else:
            for inner in part.values():
                yield from _all_texts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _all_texts(inner)


def _all(blocks: list[Any]) -> Iterator[str]:
    for n, block in enumerate(blocks):
        at = f"/blocks/{n}"
        if not isinstance(block, dict):
            yield f"must be an object [json-pointer:{at}]"
            continue
        kind = block.get("type")
        if kind not in _BLOCKS:
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"
            continue
        yield from _unknown(block, {"type", "block_id", *_BLOCKS[kind]}, at)
        if len(str(block.get("block_id", ""))) > 255:
            yield f"must be no more than 255 characters [json-pointer:{at}/block_id]"
        match kind:
            case "section":
                yield from _section(block, at)
            case "header":
                yield from _text(block.get("text"), f"{at}/text", 150, {"plain_text"})
            case "context":
                yield from _elements(block, at, 10)
            case "actions":
                yield from _elements(block, at, 25)
            case "input":
                yield from _input(block, at)


def _unknown(part: dict[str, Any], known: Iterable[str], at: str) -> Iterator[str]:
    for field in sorted(set(part) - set(known)):
        yield f"invalid additional property: {field} [json-pointer:{at}]"


def _section(block: dict[str, Any], at: str) -> Iterator[str]:
    if not block.get("text") and not block.get("fields"):
        yield f"must have text or fields [json-pointer:{at}]"
    if block.get("text"):
        yield from _text(block["text"], f"{at}/text", 3000)
    for n, text in enumerate(block.get("fields", ())):
        yield from _text(text, f"{at}/fields/{n}", 2000)
    if len(block.get("fields", ())) > 10:
        yield f"no more than 10 items allowed [json-pointer:{at}/fields]"
    if block.get("accessory"):
        yield from _element(block["accessory"], f"{at}/accessory")


def _input(block: dict[str, Any], at: str) -> Iterator[str]:
    yield from _text(block.get("label"), f"{at}/label", 2000, {"plain_text"})
    yield from _element(block.get("element"), f"{at}/element")


def _elements(block: dict[str, Any], at: str, at_most: int) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        yield f"must have elements [json-pointer:{at}]"
        return
    if len(elements) > at_most:
        yield f"no more than {at_most} items allowed [json-pointer:{at}/elements]"
    for n, element in enumerate(elements):
        place = f"{at}/elements/{n}"
        if isinstance(element, dict) and element.get("type") in _TEXTS:
            yield from _text(element, place, 2000)
        else:
            yield from _element(element, place)
    ids = [e["action_id"] for e in elements if isinstance(e, dict) and e.get("action_id")]
    for id in sorted({id for id in ids if ids.count(id) > 1}):
        yield f"`action_id` {id} already exists [json-pointer:{at}/elements]"


def _element(element: object, at: str) -> Iterator[str]:
    if not isinstance(element, dict) or "type" not in element:
        yield f"must be an element with a type [json-pointer:{at}]"
        return
    kind = element["type"]
    if kind not in _ELEMENTS:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from _unknown(element, {"type", "action_id", *_ELEMENTS[kind]}, at)
    if len(str(element.get("action_id", ""))) > 255:
        yield f"must be no more than 255 characters [json-pointer:{at}/action_id]"
    if kind == "button":
        yield from _text(element.get("text"), f"{at}/text", 75, {"plain_text"})
        if len(str(element.get("value", ""))) > 2000:
            yield f"must be no more than 2000 characters [json-pointer:{at}/value]"
        if element.get("style") not in (None, "primary", "danger"):
            yield f"must be one of primary, danger [json-pointer:{at}/style]"
    if element.get("placeholder"):
        yield from _text(element["placeholder"], f"{at}/placeholder", 150, {"plain_text"})
    if "options" in element:
        yield from _options(element["options"], _MOST_OPTIONS.get(kind, 100), at)
    if len(str(element.get("initial_value", ""))) > int(element.get("max_length") or 3000):
        yield f"initial value is longer than max_length [json-pointer:{at}/initial_value]"


def _options(options: list[dict[str, Any]], most: int, at: str) -> Iterator[str]:
    if not 1 <= len(options) <= most:
        yield f"must have 1 to {most} options [json-pointer:{at}/options]"
    for n, option in enumerate(options):
        yield from _unknown(option, {"text", "value", "description", "url"}, f"{at}/options/{n}")
        yield from _text(option.get("text"), f"{at}/options/{n}/text", 75)
        if len(str(option.get("value", ""))) > 150:
            yield f"must be no more than 150 characters [json-pointer:{at}/options/{n}/value]"
    values = [option.get("value") for option in options]
    if len(values) != len(set(values)):
        yield f"option values must be unique [json-pointer:{at}/options]"


def _text(text: object, at: str, at_most: int, kinds: set[str] = _TEXTS) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"must be a text object of type {' or '.join(sorted(kinds))} [json-pointer:{at}]"
        return
    yield from _unknown(text, {"type", "text", "emoji", "verbatim"}, at)
    if not text.get("text"):
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    elif len(text["text"]) > at_most:
        yield f"must be less than {at_most + 1} characters [json-pointer:{at}/text]"
