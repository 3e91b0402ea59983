"""What people type, and what must come of it: `wordings.csv`, a row a wording.

`expected` is done, asks (a private question with buttons), refuses (a private answer, with the line that works) or silent.
`effect` lists everything that changes outside, and nothing else may: `page sam`, `cancelled`, `repair 3 approved` …; `? approve 3` is
what a button offers, and `says …` a part of what the author reads. ⏎ is a line break. `states.py` says how things stand.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.process.wordings.desk import Desk, Result
from tests.process.wordings.states import STATES, organisation

TABLE = Path(__file__).with_name("wordings.csv")


@dataclass(frozen=True)
class Row:
    about: str
    text: str
    who: str
    where: str
    state: str
    expected: str
    effect: str

    @property
    def items(self) -> list[str]:
        return [item.strip().replace("⏎", "\n") for item in self.effect.split(" + ") if item.strip()]

    def __str__(self) -> str:
        return f"{self.text} [{self.who}, {self.where}, {self.state}]"


ROWS = [Row(**row) for row in csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())]


def kind_of(result: Result) -> str:
    """done (with or without buttons beside the answer), asks, refuses or silent, as its author sees it."""
    if result.accepted:
        return "done"
    if result.buttons:
        return "asks"
    return "refuses" if result.answers else "silent"


async def outcome(row: Row) -> Result:
    desk = Desk(organisation(row.state))
    STATES[row.state](desk)
    return await desk.say(row.who, row.where, row.text.replace("⏎", "\n"))


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_wordings(row: Row) -> None:
    result = await outcome(row)
    told = f"{result.answers}\n{result.buttons}"
    wanted = sorted(item for item in row.items if not item.startswith(("? ", "says ")))
    buttons = sorted(item[2:] for item in row.items if item.startswith("? "))
    assert (kind_of(result), result.changes, sorted(result.buttons)) == (row.expected, wanted, buttons), told
    for words in (item.removeprefix("says ") for item in row.items if item.startswith("says ")):
        assert words in "\n".join(result.answers), told


def test_the_table_is_long_enough_and_says_everything_once() -> None:
    assert len(ROWS) >= 400
    assert len({(row.text, row.who, row.where, row.state) for row in ROWS}) == len(ROWS)
    assert {row.expected for row in ROWS} == {"done", "asks", "refuses", "silent"}
