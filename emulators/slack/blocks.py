"""Slack's checks of blocks: the types the product may send, their required fields and their limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

A_MESSAGE = 50
A_MODAL = 100
_TEXTS = {"plain_text", "mrkdwn"}


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


def _all(blocks: list[Any]) -> Iterator[str]:
    for n, block in enumerate(blocks):
        at = f"/blocks/{n}"
        if not isinstance(block, dict):
            yield f"must be an object [json-pointer:{at}]"
            continue
        match block.get("type"):
            case "section":
                yield from _section(block, at)
            case "header":
                yield from _text(block.get("text"), f"{at}/text", 150, {"plain_text"})
            case "context":
                yield from _elements(block, at, 10)
            case "actions":
                yield from _elements(block, at, 25)
            case "divider" | "rich_text" | "image":
                pass
            case "input":
                yield from _input(block, at)
            case other:
                yield f"unsupported type: {other} [json-pointer:{at}/type]"


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


def _element(element: object, at: str) -> Iterator[str]:
    if not isinstance(element, dict) or "type" not in element:
        yield f"must be an element with a type [json-pointer:{at}]"
        return
    if len(str(element.get("action_id", ""))) > 255:
        yield f"must be no more than 255 characters [json-pointer:{at}/action_id]"
    if element["type"] == "button":
        yield from _text(element.get("text"), f"{at}/text", 75, {"plain_text"})
        if len(str(element.get("value", ""))) > 2000:
            yield f"must be no more than 2000 characters [json-pointer:{at}/value]"
    if "options" in element:
        most = 5 if element["type"] == "overflow" else 10 if element["type"] in ("checkboxes", "radio_buttons") else 100
        if not 1 <= len(element["options"]) <= most:
            yield f"must have 1 to {most} options [json-pointer:{at}/options]"
        for n, option in enumerate(element["options"]):
            yield from _text(option.get("text"), f"{at}/options/{n}/text", 75)
            if len(str(option.get("value", ""))) > 150:
                yield f"must be no more than 150 characters [json-pointer:{at}/options/{n}/value]"


def _text(text: object, at: str, at_most: int, kinds: set[str] = _TEXTS) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"must be a text object of type {' or '.join(sorted(kinds))} [json-pointer:{at}]"
    elif not text.get("text"):
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    elif len(text["text"]) > at_most:
        yield f"must be less than {at_most + 1} characters [json-pointer:{at}/text]"
