"""`make coverage`: what it says no test reaches."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from coverage import Coverage, CoverageData

from tests import reached
from tests.reached import Rule

TABLE = """# The process

## 1. Somebody notices

| sentence | shown by |
| --- | --- |
| Both are paged | `test_both_are_paged`<br>`test_twice_is_once` |
| A trouble is played through | `test_troubles.py` |

## 2. Somebody takes command

| sentence | shown by |
| --- | --- |
| At once | `test_at_once` |
"""
RESULTS = """<testsuites><testsuite>
<testcase classname="tests.process.test_1" name="test_both_are_paged[primary]" />
<testcase classname="tests.process.test_1" name="test_both_are_paged[backup]" />
<testcase classname="tests.process.test_1" name="test_twice_is_once"><skipped message="no PostgreSQL" /></testcase>
<testcase classname="tests.stories.test_troubles" name="test_full"><system-out /></testcase>
</testsuite></testsuites>"""


def test_each_row_of_the_table_is_a_rule_with_its_tests() -> None:
    assert list(reached.rules(TABLE)) == [
        Rule("1. Somebody notices", "Both are paged", ("test_both_are_paged", "test_twice_is_once")),
        Rule("1. Somebody notices", "A trouble is played through", ("test_troubles.py",)),
        Rule("2. Somebody takes command", "At once", ("test_at_once",)),
    ]


def test_no_row_of_the_real_table_is_lost() -> None:
    table = reached.TABLE.read_text()
    assert len(list(reached.rules(table))) == table.count("\n| ") - 2 * table.count("\n| sentence")


def test_a_rule_is_shown_when_all_cases_of_all_its_tests_passed() -> None:
    became = reached.outcomes(ElementTree.fromstring(RESULTS))
    assert list(reached.not_shown(reached.rules(TABLE), became)) == [
        "1. Somebody notices: Both are paged (test_twice_is_once skipped)",
        "2. Somebody takes command: At once (test_at_once not run)",
    ]


def test_a_line_that_never_ran_is_quoted(tmp_path: Path) -> None:
    file = tmp_path / "table.py"
    file.write_text("def meaning(status):\n    if status == 429:\n        return 'wait'\n    return 'no'\n")
    ran = CoverageData(str(tmp_path / "data"))
    ran.add_lines({str(file): [1, 2, 4]})
    ran.write()
    measured = Coverage(data_file=str(tmp_path / "data"), config_file=False)
    measured.load()
    assert list(reached.not_reached(measured, file)) == ["3: return 'wait'"]
