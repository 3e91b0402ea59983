"""A line to type stands in texts as it is typed in Slack; `ic` shows it as it is typed in a shell."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from entrypoints import cli
from incident import grammar
from tests.conftest import ROOT

TOLD = [*(ROOT / "incident").rglob("*.py"), *(ROOT / "chat").glob("*.py"), ROOT / "entrypoints" / "conversation.py"]
_LINE = re.compile(r"`([a-z][a-z-]*)(?=[ `{…])[^`\n]*`?")
_ALONE = {"done", "for"}
"""Words that are named as such, not to be typed alone."""


def texts(file: Path) -> list[tuple[int, str]]:
    """Every text of a file that is no documentation."""
    tree = ast.parse(file.read_text())
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            found.append((node.lineno, node.value))
    return found


@pytest.mark.parametrize("file", sorted(TOLD), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_line_to_type_has_the_prefix_that_slack_needs(file: Path) -> None:
    bare = [
        f"{file.name}:{line}: {match[0]}"
        for line, text in texts(file)
        for match in _LINE.finditer(text)
        if match[1] in grammar.verbs() - _ALONE
    ]
    assert bare == []


def test_the_shell_shows_lines_as_they_are_typed_there() -> None:
    told = "No IC yet: `!ic command`. `!status` reads it, `!status stalk` watches it, and `echo !ic` is nobody's."
    assert cli._in_shell(told).startswith("No IC yet: `ic command`. `ic status` reads it, `ic status stalk` watches it")
