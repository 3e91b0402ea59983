"""A text and its choices as Slack's blocks, and back: what a button that was pressed stands for.

Built with slack_sdk's own models, which check Slack's limits. Texts arrive in Slack's format (`activities.placeholders`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, Option, OverflowMenuElement, SectionBlock
from slack_sdk.models.blocks.basic_components import MarkdownTextObject

from incident.choices import Choice
from incident.wording import shorten

LONGEST_SECTION = 3000
FENCE = "```"
MOST_SECTIONS = 45
MOST_BLOCKS = 50
LONGEST_TOGETHER = 12_000
A_BLOCK_COSTS = 125
"""Slack refuses more than about 13,200 characters in the blocks of a message, and fewer the more blocks they are."""
LONGEST_HEADLINE = 150
LONGEST_LABEL = 75
BUTTON = "choice-"
_BROKEN_OFF = re.compile(r"(?:<[^<>]*|&[a-z]*)$")
MENU = "choice-menu"


@dataclass(frozen=True)
class Pressed:
    """What a button stands for: words for an incident, or the form that gathers the rest of them."""

    incident: str
    words: str
    form: bool


def message(
    text: str, incident: str = "", choices: Sequence[Choice] = (), more: Sequence[Choice] = ()
) -> list[dict[str, Any]]:
    """A section a paragraph, then the buttons. What is longer than Slack takes ends with an ellipsis."""
    parts = [part for paragraph in paragraphs(text) for part in pieces(paragraph)]
    parts = _as_many_as_fit(parts if len(parts) <= MOST_SECTIONS else pieces(text))
    blocks: list[Block] = [SectionBlock(text=MarkdownTextObject(text=part)) for part in parts]
    if choices or more:
        blocks.append(ActionsBlock(elements=[*_buttons(incident, choices), *_menu(incident, more)]))
    return [block.to_dict() for block in blocks]


def together(texts: Sequence[str], incident: str, choices: Sequence[Sequence[Choice]]) -> list[dict[str, Any]]:
    """Several texts in one message, each with its own buttons under it. Empty when that is more than Slack takes: the
    texts alone say what to type."""
    each = [message(text, incident, buttons) for text, buttons in zip(texts, choices, strict=True)]
    blocks = [block for blocks in each for block in blocks]
    length = sum(map(len, texts)) + A_BLOCK_COSTS * len(blocks)
    return blocks if len(blocks) <= MOST_BLOCKS and length <= LONGEST_TOGETHER else []


def headline(text: str) -> str:
    """One line for the notification of a message that has blocks."""
    return cut(next(iter(text.strip().splitlines()), "…"), LONGEST_HEADLINE)


def cut(text: str, at_most: int) -> str:
    """Shortened, but not in the middle of a mention, a link, a date or an escaped character."""
    short = shorten(text, at_most)
    if short == text:
        return text
    return _BROKEN_OFF.sub("", short.removesuffix("…")).rstrip() + "…"


def shown(message: dict[str, Any]) -> str:
    """What people read in a message: its sections, or where it has none its text."""
    texts = [b["text"]["text"] for b in message.get("blocks", ()) if b.get("type") == "section" and b.get("text")]
    return "\n\n".join(texts) or str(message.get("text") or "")


def _as_many_as_fit(parts: list[str]) -> list[str]:
    length = 0
    for n, part in enumerate(parts):
        length += len(part) + A_BLOCK_COSTS
        if length > LONGEST_TOGETHER:
            return [*parts[:n], "…"]
    return parts


def paragraphs(text: str) -> list[str]:
    """Parted at empty lines, but for those within a block of code."""
    found: list[str] = []
    for part in text.split("\n\n"):
        if found and found[-1].count(FENCE) % 2:
            found[-1] += f"\n\n{part}"
        else:
            found.append(part)
    return found


def pieces(paragraph: str) -> list[str]:
    """As many as Slack's limit of a section asks for, parted at ends of lines where there are any."""
    found: list[str] = []
    rest = paragraph.strip("\n")
    most = LONGEST_SECTION - len(FENCE) - 1
    while len(rest) > LONGEST_SECTION:
        cut = rest.rfind("\n", len(FENCE) + 1, most)
        if cut <= 0:
            cut = rest.rfind(" ", 0, most)
        cut = cut if cut > 0 else most
        piece, rest = rest[:cut], rest[cut + (rest[cut] in "\n ") :]
        if piece.count(FENCE) % 2:  # each piece of a block of code is one
            piece, rest = f"{piece}\n{FENCE}", f"{FENCE}\n{rest}"
        found.append(piece)
    return [*found, rest] if rest.strip() else found


def pressed(action: dict[str, Any]) -> Pressed:
    """From one of a payload's `actions`. Raises ValueError for a button that is none of ours."""
    value = action.get("value") or (action.get("selected_option") or {}).get("value") or ""
    incident, kind, words = str(value).split("|", 2)
    return Pressed(incident, words, form=kind == "form")


def _value(incident: str, choice: Choice) -> str:
    return f"{incident}|{'form' if choice.form else 'say'}|{choice.words}"


def _buttons(incident: str, choices: Sequence[Choice]) -> list[ButtonElement]:
    return [
        ButtonElement(
            text=choice.label[:LONGEST_LABEL],
            action_id=f"{BUTTON}{n}",
            value=_value(incident, choice),
            style=choice.style or None,
        )
        for n, choice in enumerate(choices)
    ]


def _menu(incident: str, more: Sequence[Choice]) -> list[OverflowMenuElement]:
    if not more:
        return []
    options = [Option(value=_value(incident, choice), label=choice.label[:LONGEST_LABEL]) for choice in more]
    return [OverflowMenuElement(action_id=MENU, options=options)]
