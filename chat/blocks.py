"""A text and its choices as Slack's blocks, and back: what a button that was pressed stands for.

Built with slack_sdk's own models, which check Slack's limits. Texts arrive escaped (`activities.placeholders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, Option, OverflowMenuElement, SectionBlock
from slack_sdk.models.blocks.basic_components import MarkdownTextObject

from incident.choices import Choice

LONGEST_SECTION = 3000
MOST_SECTIONS = 45
MOST_BLOCKS = 50
LONGEST_LABEL = 75
BUTTON = "choice-"
MENU = "choice-menu"


@dataclass(frozen=True)
class Pressed:
    """What a button stands for: words for an incident, or the form that gathers the rest of them.

    What was asked of one person is theirs alone to answer (`only`), until `until` (seconds of the epoch).
    """

    incident: str
    words: str
    form: bool
    only: str = ""
    until: int = 0


@dataclass(frozen=True)
class Asked:
    """Of whom, and until when, the buttons of a question work."""

    user: str
    until: int


def message(
    text: str,
    incident: str = "",
    choices: Sequence[Choice] = (),
    more: Sequence[Choice] = (),
    asked: Asked | None = None,
) -> list[dict[str, Any]]:
    """A section a paragraph, then the buttons. Slack takes 50 blocks; what is longer than that ends with an ellipsis."""
    parts = [part for paragraph in text.split("\n\n") for part in pieces(paragraph)]
    if len(parts) > MOST_SECTIONS:
        parts = [*parts[: MOST_SECTIONS - 1], "…"]
    blocks: list[Block] = [SectionBlock(text=MarkdownTextObject(text=part)) for part in parts]
    if choices or more:
        blocks.append(ActionsBlock(elements=[*_buttons(incident, choices, asked), *_menu(incident, more)]))
    return [block.to_dict() for block in blocks]


def together(texts: Sequence[str], incident: str, choices: Sequence[Sequence[Choice]]) -> list[dict[str, Any]]:
    """Several texts in one message, each with its own buttons under it. Empty when that is more than Slack takes: the
    texts alone say what to type."""
    each = [message(text, incident, buttons) for text, buttons in zip(texts, choices, strict=True)]
    blocks = [block for blocks in each for block in blocks]
    return blocks if len(blocks) <= MOST_BLOCKS else []


def pieces(paragraph: str) -> list[str]:
    """As many as Slack's limit of a section asks for, parted at ends of lines where there are any."""
    found: list[str] = []
    rest = paragraph.strip("\n")
    while len(rest) > LONGEST_SECTION:
        cut = rest.rfind("\n", 0, LONGEST_SECTION)
        if cut <= 0:
            cut = rest.rfind(" ", 0, LONGEST_SECTION)
        cut = cut if cut > 0 else LONGEST_SECTION
        found.append(rest[:cut])
        rest = rest[cut:].lstrip("\n ")
    return [*found, rest] if rest.strip() else found


def pressed(action: dict[str, Any]) -> Pressed:
    """From one of a payload's `actions`. Raises ValueError for a button that is none of ours."""
    value = action.get("value") or (action.get("selected_option") or {}).get("value") or ""
    incident, kind, words = str(value).split("|", 2)
    name, _, rest = kind.partition(":")
    only, _, until = rest.partition(":")
    return Pressed(incident, words, name == "form", only, int(until or 0))


def _value(incident: str, choice: Choice, asked: Asked | None = None) -> str:
    kind = "form" if choice.form else "say"
    if asked is not None:
        kind += f":{asked.user}:{asked.until}"
    return f"{incident}|{kind}|{choice.words}"


def _buttons(incident: str, choices: Sequence[Choice], asked: Asked | None = None) -> list[ButtonElement]:
    return [
        ButtonElement(
            text=choice.label[:LONGEST_LABEL],
            action_id=f"{BUTTON}{n}",
            value=_value(incident, choice, asked),
            style=choice.style or None,
        )
        for n, choice in enumerate(choices)
    ]


def _menu(incident: str, more: Sequence[Choice]) -> list[OverflowMenuElement]:
    if not more:
        return []
    options = [Option(value=_value(incident, choice), label=choice.label[:LONGEST_LABEL]) for choice in more]
    return [OverflowMenuElement(action_id=MENU, options=options)]
