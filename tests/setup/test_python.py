"""Which Python the project is set up with, and what is said where none will do.

The Pythons are this one, made to look like others; no package is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

REAL = str(Path(sys._base_executable).resolve())  # type: ignore[attr-defined]  # as bin/find-python reads it
SHIM = "#!/bin/sh\necho 'pyenv: command not found' >&2\necho 'it exists in these Python versions' >&2\nexit 127\n"
# venv and pip are stood in for: they take a minute and need the network.
PYTHON = """#!/bin/sh
case "$*" in
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip "*) echo "$*" >>pip.log ;;
*) PYTHONPATH='{patches}' exec {real} "$@" ;;
esac
"""


class Machine:
    """A PATH of its own with the Pythons that a test puts there, and a checkout to set up."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.path = [self.folder("bin")]
        for tool in ("sh", "cat", "cp", "cut", "dirname", "expr", "find", "grep", "id", "ls", "mkdir", "rm", "tail"):
            (self.path[0] / tool).symlink_to(str(shutil.which(tool)))
        self.checkout = self.folder("checkout")
        self.folder("checkout/bin")
        self.folder("checkout/.ci")
        for script in ("bin/find-python", "bin/setup", ".ci/run"):
            shutil.copy(ROOT / script, self.checkout / script)
        (self.checkout / "requirements.txt").write_text("one==1\n")
        (self.checkout / "pyproject.toml").touch()

    def folder(self, name: str) -> Path:
        (self.place / name).mkdir(parents=True)
        return self.place / name

    def program(self, name: str, text: str, folder: Path | None = None) -> Path:
        file = (folder or self.path[0]) / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    def python(self, version: str, name: str = "", lacks: str = "", prefix: str = "") -> Path:
        """An installation of that version; `lacks` is a module that it does not have."""
        name = name or f"python{version}"
        patches = self.folder(f"patches-{name}-{version}")
        look = self.path[0] / name
        (patches / "sitecustomize.py").write_text(
            f"import sys\nsys.version_info = ({version.replace('.', ', ')}, 0, 'final', 0)\n"
            f"sys.base_prefix = {prefix or str(patches)!r}\nsys._base_executable = {str(look)!r}\n"
        )
        if lacks:
            (patches / f"{lacks}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{lacks}'\")\n")
        return self.program(name, PYTHON.format(patches=patches, real=REAL))

    def debian(self, *packages: str) -> None:
        self.program("apt-get", "#!/bin/sh\n")
        known = "|".join(packages) or "nothing"
        self.program("apt-cache", f'#!/bin/sh\ncase "$2" in {known}) ;; *) exit 100 ;; esac\n')

    def run(self, *command: str, python: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.pathsep.join(map(str, self.path)), "HOME": str(self.place)}
        if python:
            environment["PYTHON"] = python
        return subprocess.run(
            [str(self.checkout / command[0]), *command[1:]],
            env=environment,
            cwd=self.place,
            capture_output=True,
            text=True,
            check=False,
        )

    def found(self, python: str = "") -> str:
        run = self.run("bin/find-python", python=python)
        assert (run.returncode, run.stderr) == (0, "")
        return run.stdout.strip()

    def complaint(self, python: str = "") -> list[str]:
        run = self.run("bin/find-python", python=python)
        assert (run.returncode, run.stdout) == (1, "")
        return run.stderr.splitlines()

    def set_up(self, python: str = "") -> str:
        run = self.run("bin/setup", python=python)
        assert (run.returncode, run.stderr) == (0, "")
        return run.stdout

    def installs(self) -> int:
        log = self.checkout / "pip.log"
        return log.read_text().count("--require-hashes") if log.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_newest_of_those_that_were_tried_most_is_taken(machine: Machine) -> None:
    for version in ("3.11", "3.12", "3.13", "3.14"):
        machine.python(version)
    assert machine.found() == str(machine.path[0] / "python3.13")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_any_of_them_will_do_under_its_plain_name(machine: Machine, version: str) -> None:
    machine.python(version, name="python3")
    assert machine.found() == str(machine.path[0] / "python3")


def test_a_shim_that_fails_hides_neither_another_version_nor_the_same_further_along(machine: Machine) -> None:
    real = machine.python("3.12")
    shims = machine.folder("shims")
    machine.path.insert(0, shims)
    for name in ("python3.13", "python3.12", "python3"):
        machine.program(name, SHIM, shims)
    assert machine.found() == str(real)


def test_one_without_venv_is_passed_over(machine: Machine) -> None:
    machine.python("3.13", lacks="ensurepip")
    good = machine.python("3.11")
    assert machine.found() == str(good)


def test_who_names_one_gets_that_one(machine: Machine) -> None:
    machine.python("3.13")
    mine = machine.python("3.12", name="my python")
    assert machine.found(python=str(mine)) == str(mine)
    assert machine.found(python="my python") == str(mine)


def test_who_names_one_that_cannot_be_used_gets_no_other(machine: Machine) -> None:
    machine.python("3.13")
    machine.program("python3.12", SHIM)
    machine.debian()
    error, todo = machine.complaint(python="python3.12")
    assert error == "python3.12: pyenv: command not found"
    assert todo.startswith("PYTHON=python3.12 cannot be used.") and todo.endswith("apt-get install python3.12-venv")
    assert machine.complaint(python="python3.14")[0] == "python3.14: not found"


def test_without_any_one_line_says_what_to_install(machine: Machine) -> None:
    assert machine.complaint() == [
        "A Python 3.11 to 3.14 with venv is needed: install Python 3.13 with venv and pip",
    ]
    machine.debian("python3.11-venv", "python3.12-venv")
    assert machine.complaint()[-1].endswith("apt-get install python3.12-venv")
    assert machine.run("bin/find-python", "--packages").stdout == "python3.12-venv\n"


def test_before_debians_lists_are_fetched_its_own_python_is_named(machine: Machine) -> None:
    machine.debian()
    assert machine.run("bin/find-python", "--packages").stdout == "python3-venv\n"


def test_a_mac_is_told_of_homebrew(machine: Machine) -> None:
    machine.program("brew", "#!/bin/sh\n")
    assert machine.complaint()[-1].endswith(": brew install python@3.13")


def test_one_of_the_systems_own_without_venv_names_its_package(machine: Machine) -> None:
    file = machine.python("3.12", lacks="ensurepip", prefix="/usr")
    machine.debian("python3.13-venv")
    error, todo = machine.complaint()
    assert error == f"{file}: ModuleNotFoundError: No module named 'ensurepip'"
    assert todo.endswith("apt-get install python3.12-venv")


def test_one_that_is_too_old_or_too_new_is_said_so(machine: Machine) -> None:
    old = machine.python("3.10", name="python3")
    new = machine.python("3.15", name="python")
    assert machine.complaint()[:2] == [
        f"{old}: is Python 3.10; 3.11 to 3.14 are supported",
        f"{new}: is Python 3.15; 3.11 to 3.14 are supported",
    ]


def test_one_that_fails_without_a_word_is_said_so(machine: Machine) -> None:
    file = machine.program("python3", "#!/bin/sh\nexit 1\n")
    assert machine.complaint()[0] == f"{file}: fails and prints nothing"


def test_nothing_needs_installing_where_one_runs(machine: Machine) -> None:
    machine.python("3.12")
    machine.debian("python3.13-venv")
    assert machine.run("bin/find-python", "--packages").stdout == ""


def test_what_is_set_up_stays_until_the_lock_changes(machine: Machine) -> None:
    machine.python("3.12")
    assert ".venv is not there: making it with Python 3.12" in machine.set_up()
    assert machine.set_up() == "" and machine.installs() == 1
    later = (machine.checkout / ".venv" / ".installed").stat().st_mtime + 10
    os.utime(machine.checkout / "requirements.txt", (later, later))
    assert machine.set_up().startswith("installing 1 packages") and machine.installs() == 2


def test_another_python_on_the_path_changes_nothing_until_it_is_named(machine: Machine) -> None:
    machine.python("3.12")
    machine.set_up()
    machine.python("3.13")
    assert machine.set_up() == ""
    said = machine.set_up(python="python3.13").splitlines()
    assert re.fullmatch(r"\.venv has Python 3\.12 in \S+: making it with Python 3\.13 in \S+", said[0])
    assert machine.installs() == 2
    assert machine.set_up(python="python3.13") == "" == machine.set_up()


def test_the_same_version_from_elsewhere_is_another_python(machine: Machine) -> None:
    machine.python("3.12")
    machine.set_up()
    other = machine.python("3.12", name="other")
    assert machine.set_up(python=str(other)).startswith(".venv has Python 3.12 in ")


def test_an_interpreter_that_is_gone_is_replaced(machine: Machine) -> None:
    machine.python("3.12")
    machine.set_up()
    (machine.checkout / ".venv" / "bin" / "python").unlink()
    assert machine.set_up().startswith(".venv has a Python that no longer runs: making it with Python 3.12")


def test_a_setup_that_was_interrupted_begins_anew(machine: Machine) -> None:
    machine.python("3.12")
    machine.set_up()
    (machine.checkout / ".venv" / ".installed").unlink()
    assert machine.set_up().startswith(".venv was not finished in this folder: making it")


def test_a_copied_checkout_does_not_run_the_original(machine: Machine) -> None:
    machine.python("3.12")
    machine.set_up()
    machine.checkout = Path(shutil.copytree(machine.checkout, machine.place / "copy", symlinks=True))
    assert machine.set_up().startswith(".venv was not finished in this folder: making it")


def test_where_no_python_will_do_nothing_is_touched(machine: Machine) -> None:
    machine.python("3.12")
    machine.set_up()
    run = machine.run("bin/setup", python="python3.14")
    assert run.returncode != 0 and "python3.14: not found" in run.stderr
    assert machine.set_up() == ""


def test_ci_installs_a_python_where_none_runs_and_then_tests_with_it(machine: Machine) -> None:
    """The package is known only after the lists of packages were fetched, and here the install brings the Python."""
    good = machine.python("3.12", name="brought")
    for name in ("git", "ssh-keygen", "chromium", "initdb", "mv"):
        machine.program(name, f'#!/bin/sh\nexec {shutil.which(name)} "$@"\n')
    machine.program("make", '#!/bin/sh\necho "make $*: $(bin/find-python)" >>log\n')
    machine.program("sudo", '#!/bin/sh\nexec "$@"\n')
    brought = f"mv {good} {machine.path[0]}/python3.12"
    machine.debian("python3.12-venv")
    machine.program("apt-get", f'#!/bin/sh\necho "$*" >>log\ncase $1 in install) {brought} ;; esac\n')
    assert machine.run(".ci/run").returncode == 0
    assert (machine.checkout / "log").read_text().splitlines() == [
        "update -qq",
        "install -y -qq --no-install-recommends python3.12-venv",
        f"make test AT_ONCE=2: {good}",
    ]


def test_ci_installs_nothing_where_all_is_there(machine: Machine) -> None:
    machine.python("3.12")
    for name in ("git", "ssh-keygen", "chromium", "initdb"):
        machine.program(name, "#!/bin/sh\n")
    machine.program("make", "#!/bin/sh\necho made\n")
    machine.program("apt-get", "#!/bin/sh\nexit 1\n")
    run = machine.run(".ci/run")
    assert (run.returncode, run.stdout) == (0, "made\n")


def test_one_range_of_versions_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    versions = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13", "3.14"]
    assert project["requires-python"] == ">=3.11,<3.15"
    assert [text.rpartition(" ")[2] for text in project["classifiers"]] == versions
    script = (ROOT / "bin" / "find-python").read_text()
    assert "(3, 11) <= sys.version_info[:2] <= (3, 14)" in script


def test_the_lock_has_hashes_alone_and_serves_the_oldest_of_them() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    pins = re.split(r"\n(?=\w)", lock.strip())
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins) and "://" not in lock
    makefile = (ROOT / "Makefile").read_text()
    assert "--universal --python-version 3.11" in makefile
