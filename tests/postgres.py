"""A real PostgreSQL on a loopback port, for as long as it is needed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def binaries() -> Path:
    """Where Debian, or whoever installed it, put the server. Skips the test when nobody did."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *(Path(p) for p in os.get_exec_path())]
    for place in found:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    pytest.skip("no PostgreSQL on this machine: `apt-get install postgresql` brings it")


@contextmanager
def postgres() -> Iterator[str]:
    """SQLAlchemy's address of an empty database. PostgreSQL refuses root, so there it runs as somebody else."""
    place, who = binaries(), _somebody()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = Path(tempfile.mkdtemp(prefix="records-", dir="/tmp"))
    become: list[str] = []
    if who is not None:
        os.chown(state, who.pw_uid, who.pw_gid)
        become = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
    data = state / "data"

    def run(*command: str) -> None:
        done = subprocess.run([*become, *command], capture_output=True, text=True, cwd=state)
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run(str(place / "initdb"), "-D", str(data), "-U", "records", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {state} -c fsync=off"
        run(str(place / "pg_ctl"), "-D", str(data), "-w", "-l", str(state / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://records@127.0.0.1:{port}/postgres"
        finally:
            run(str(place / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _somebody() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
