"""What no test reaches, said at the end of `make coverage`.

The rules of the process come from `docs/process.md`, each with its tests; a rule is shown when they passed. The table of
provider errors is listed line by line, since a case of it that no test meets is first met in an incident.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from coverage import Coverage

from tests.conftest import ROOT

TABLE = ROOT / "docs" / "process.md"
ERRORS = ROOT / "activities" / "errors.py"


class Rule(NamedTuple):
    section: str
    sentence: str
    tests: tuple[str, ...]


def rules(table: str) -> Iterator[Rule]:
    for part in table.split("\n## ")[1:]:
        section, _, rows = part.partition("\n")
        for sentence, shown_by in re.findall(r"^\| (.+?) \| (.*`test_.+) \|$", rows, re.MULTILINE):
            yield Rule(section, sentence, tuple(re.findall(r"`(test_[\w.]+)`", shown_by)))


def outcomes(results: ElementTree.Element) -> dict[str, set[str]]:
    """What became of each test function and of each test file, over all their cases."""
    found: dict[str, set[str]] = {}
    for case in results.iter("testcase"):
        outcome = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        function = case.get("name", "").partition("[")[0]
        file = case.get("classname", "").rpartition(".")[2] + ".py"
        for name in (function, file):
            found.setdefault(name, set()).add(outcome)
    return found


def not_shown(table: Iterable[Rule], became: dict[str, set[str]]) -> Iterator[str]:
    for rule in table:
        missing = [
            f"{test} {', '.join(sorted(became.get(test, {'not run'}) - {'passed'}))}"
            for test in rule.tests
            if became.get(test) != {"passed"}
        ]
        if missing:
            yield f"{rule.section}: {rule.sentence} ({'; '.join(missing)})"


def not_reached(measured: Coverage, file: Path) -> Iterator[str]:
    text = file.read_text().splitlines()
    _, _, _, missing, _ = measured.analysis2(str(file))
    for line in missing:
        yield f"{line}: {text[line - 1].strip()}"


def report(results: Path) -> None:
    every = list(rules(TABLE.read_text()))
    unshown = list(not_shown(every, outcomes(ElementTree.parse(results).getroot())))
    say(f"{TABLE.relative_to(ROOT)}: {len(unshown)} of {len(every)} rules without tests that all passed", unshown)
    measured = Coverage()
    measured.load()
    say(f"{ERRORS.relative_to(ROOT)}: lines that no test reaches", list(not_reached(measured, ERRORS)))


def say(heading: str, lines: list[str]) -> None:
    print(f"\n{heading}:", *(lines or ["none"]), sep="\n  ")


if __name__ == "__main__":
    report(Path(sys.argv[1]))
