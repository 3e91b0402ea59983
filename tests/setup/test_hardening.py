"""What other users of the machine, and the commands of repair actions, get of a process's files and memory."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hardening import keep_folder_private
from tests.conftest import ROOT

READ = """
import subprocess, sys
from hardening import keep_private
if "private" in sys.argv:
    keep_private()
parent = "open('/proc/%d/environ').read()" % __import__("os").getpid()
sys.exit(subprocess.run([sys.executable, "-c", parent], stderr=subprocess.DEVNULL).returncode)
"""
PROGRAMS = (["worker", "--role", "runner"], ["worker", "--role", "incident"], ["chat.app"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc and non-dumpable processes")
@pytest.mark.skipif(os.geteuid() != 0, reason="another user's view is taken by root alone")
def test_no_child_reads_the_environment_of_a_process_that_keeps_private(tmp_path: Path) -> None:
    """As an ordinary user: root reads everything."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    (tmp_path / "hardening.py").write_text((ROOT / "hardening.py").read_text())
    python = "/usr/bin/python3"  # one that every user can run

    def read(*how: str) -> int:
        argv = ["/usr/bin/setpriv", "--reuid=65534", "--clear-groups", python, "-c", READ, *how]
        return subprocess.run(argv, cwd=tmp_path, check=False).returncode

    if read() != 0:
        pytest.skip("an ordinary user cannot run this Python here")
    assert read("private") == 1


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program[-1])
def test_every_program_keeps_private(program: list[str], tmp_path: Path) -> None:
    """Seen in what it makes: it is started with an open umask and ends because its configuration is not there."""
    probe = f"""
import ctypes, os, runpy, sys
os.umask(0)
sys.argv = {program!r}
try:
    runpy.run_module({program[0]!r}, run_name="__main__")
except SystemExit:
    pass
print("umask", oct(os.umask(0)), "dumpable", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""
    environment = {**os.environ, "DONT_PANIC_CONFIG": str(tmp_path / "none.toml"), "DONT_PANIC_STATE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", probe],
        cwd=ROOT,
        env={**environment, "TEMPORAL_ADDRESS": "127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "umask 0o77 dumpable 0", done.stderr


def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    keep_folder_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    keep_folder_private(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
