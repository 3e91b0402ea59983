"""The catalogue: what may stand in it, and what is said when something else does (process, 4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from incident.catalogue import CatalogueEntry, Parameter, Step, read_files
from incident.policy import BadPolicy, read_organisation
from incident.repairs import digest
from tests.conftest import CONFIG, ROOT

ENTRY = """
version = "1"
[[catalogue]]
id = "restart"
trouble = "stuck"
title = "Restart"
[catalogue.parameters.count]
kind = "integer"
minimum = 1
maximum = 9
[catalogue.apply]
argv = ["restart", "{count}"]
"""


def test_the_catalogue_that_comes_with_it_has_the_eight_troubles_of_the_process() -> None:
    files = {file.name: file.read_text() for file in (CONFIG / "catalogue").glob("*.toml")}
    entries = read_files(files)
    assert {entry.trouble for entry in entries} == {
        "bad deployment",
        "web application stuck or crashed",
        "event flood",
        "data centre outage",
        "degraded without load",
        "provider down",
        "certificate or credential expired",
        "capacity or disk full",
    }
    assert all(entry.version == "1" and entry.fallback for entry in entries)


def test_a_folder_of_files_is_one_catalogue() -> None:
    text = (CONFIG / "example.toml").read_text()
    files = {str(file): file.read_text() for file in (CONFIG / "catalogue").glob("*.toml")}
    organisation = read_organisation(text, "org.toml", lambda folder: files if folder == "catalogue" else {})
    assert organisation.policy().entry("rollback") is not None


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("maximum = 9", "maximum = 'x'", r"c.toml: entry restart: parameters.count.maximum: .*valid integer.*'x'"),
        ("minimum = 1", "minimum = 10", r"entry restart: parameters.count: minimum 10 is above maximum 9"),
        ('kind = "integer"', 'kind = "number"', r"parameters.count.kind: .*'string', 'integer', 'one-of' or 'service'"),
        ('kind = "integer"', 'sort = "integer"', r"parameters.count.sort: is no key here; there may be kind, pattern"),
        ("argv =", "args =", r"entry restart: apply.args: is no key here; there may be manual, argv, url, method"),
        ('title = "Restart"', "", r"entry restart: title: Field required"),
        ('id = "restart"', 'id = "Re start"', r"entry Re start: id: .*; there stands 'Re start'"),
        ('"{count}"', '"--count={count}"', r"apply: '--count={count}' mixes text and parameter"),
        ('"{count}"', '"{number}"', r"apply uses {number}, which is not among its parameters"),
        ('"{count}"', '"${TOKEN}"', r"others on the machine can read arguments"),
        ('argv = ["restart", "{count}"]', 'argv = ["restart"]\ntries = 3', r"needs idempotent = true"),
        ('argv = ["restart", "{count}"]', "", r"exactly one of manual, argv, url"),
        (
            'argv = ["restart", "{count}"]',
            'url = "${AT}/x"',
            r"\$\{AT\} is used and not allowed: add it to environment",
        ),
        (
            "[catalogue.apply]",
            '[catalogue.check]\nurl = "http://x"\nmethod = "POST"\n[catalogue.apply]',
            r"check only reads: its request must be a GET",
        ),
        ("[catalogue.apply]", '[catalogue.check]\nargv = ["x"]\ntime_limit = "2m"\n[catalogue.apply]', r"90 s at most"),
        ('version = "1"', "version = 1", r"c.toml: version: must be a text such as .7.; there stands 1"),
        ('version = "1"', 'versions = "1"', r"c.toml: versions: is no key here"),
        ("[[catalogue]]", "[[catalogue]", r"c.toml: not valid TOML"),
    ],
)
def test_an_error_names_file_entry_key_what_stands_there_and_what_may(wrong: str, right: str, said: str) -> None:
    assert wrong in ENTRY
    with pytest.raises(BadPolicy, match=said):
        read_files({"c.toml": ENTRY.replace(wrong, right, 1)})


def test_all_files_are_looked_at_and_no_id_stands_twice() -> None:
    with pytest.raises(BadPolicy) as found:
        read_files({"a.toml": ENTRY, "b.toml": ENTRY, "c.toml": ENTRY.replace("argv", "args"), "d.toml": "x = "})
    assert "two entries have the id 'restart'" in str(found.value)
    assert "c.toml: entry restart" in str(found.value) and "d.toml: not valid TOML" in str(found.value)


def test_a_default_is_judged_like_any_value() -> None:
    with pytest.raises(ValueError, match="default 'x y' must match"):
        Parameter(default="x y")
    with pytest.raises(ValueError, match="no regular expression"):
        Parameter(pattern="(")
    with pytest.raises(ValueError, match="needs choices"):
        Parameter(kind="one-of")


def test_an_approval_is_bound_to_entry_parameters_version_and_step() -> None:
    (entry,) = read_files({"c.toml": ENTRY})
    (newer,) = read_files({"c.toml": ENTRY.replace('version = "1"', 'version = "2"')})
    given = {"count": "2"}
    all_different = {
        digest(entry, given, ""),
        digest(entry, {"count": "3"}, ""),
        digest(newer, given, ""),
        digest(entry, given, "", "undo"),
        digest(entry.model_copy(update={"risk": "low"}), given, ""),
    }
    assert len(all_different) == 5
    assert digest(entry, given, "") == digest(CatalogueEntry.model_validate(entry.model_dump(mode="json")), given, "")


def test_a_service_is_the_incidents_when_nobody_says_which() -> None:
    entry = CatalogueEntry(
        id="x",
        trouble="t",
        title="t",
        parameters={"service": Parameter(kind="service"), "n": Parameter(kind="integer", default="3")},
        apply=Step(argv=("x", "{service}", "{n}")),
    )
    assert entry.filled({}, "shop-api") == {"service": "shop-api", "n": "3"}
    assert entry.filled({"service": "orders-db"}, "shop-api") == {"service": "orders-db", "n": "3"}
    assert entry.filled({}) == {"n": "3"}


def test_what_a_step_does_is_shown_as_it_will_be_done_and_secrets_stay_names() -> None:
    assert Step(argv=("deploy", "{to}", "a b", "it's")).shown({"to": "1.2"}) == r"deploy 1.2 'a b' 'it'\''s'"
    step = Step(url="${AT}/x/{to}", method="POST", body={"key": "${TOKEN}"}, environment=("AT", "TOKEN"))
    assert step.shown({"to": "1.2"}) == "POST ${AT}/x/1.2 with key=${TOKEN}"


def test_the_documented_entry_is_valid() -> None:
    """What docs/repair-actions.md shows can be copied."""
    text = (ROOT / "docs" / "repair-actions.md").read_text()
    example = text.split("```toml\n")[1].split("```")[0]
    (entry,) = read_files({"docs": example})
    assert entry.check and entry.verify and entry.undo


def test_no_file_of_the_catalogue_is_left_out(tmp_path: Path) -> None:
    from settings import Misconfigured, Settings

    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "one.toml").write_text(ENTRY)
    (tmp_path / "org.toml").write_text((CONFIG / "example.toml").read_text().replace('"catalogue"', '"c"'))
    settings = Settings(config=tmp_path / "org.toml")
    assert settings.organisation.entry("restart") is not None
    (tmp_path / "org.toml").write_text((CONFIG / "example.toml").read_text().replace('"catalogue"', '"d"'))
    with pytest.raises(Misconfigured, match="there is no folder"):
        settings.read_organisation()
