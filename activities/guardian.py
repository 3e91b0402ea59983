"""Stands between a runner and the command it runs, so that no command outlives its runner.

Run as a program: `guardian.py GRACE USER COMMAND…`. It starts the command as a process group of its own, as USER unless
that is empty; it stays what the runner is itself, out of that user's reach. When its standard
input closes (the runner stopped it, or died) the group, and whatever else descends from the command, gets TERM and,
GRACE seconds later, KILL. Its exit code is the command's; 128 + n when signal n ended it. What a command that ended by
itself left behind in its group is killed; what it put into a session of its own, as a daemon does, stays.
Standard library only: it is started with `-I`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from typing import Any

_SUBREAPER = 36  # prctl: whoever loses its parent below us becomes our child, so that it can be found


def main(arguments: list[str]) -> int:
    grace, user, command = float(arguments[0]), arguments[1], arguments[2:]
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **_as_user(user))
    except KeyError:
        print(f"cannot be started: there is no user {user} on this machine", flush=True)
        return 127
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        print(f"cannot be started: {why}: {command[0]}", flush=True)
        return 127
    ending = threading.Event()
    thread = threading.Thread(target=_end_with_input, args=(process, grace, ending), daemon=True)
    thread.start()
    code = process.wait()
    if ending.is_set():
        thread.join()  # the command may be gone and its children not
    else:
        _signal_group(process.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _as_user(name: str) -> dict[str, Any]:
    """The options that start a command as this user, in the user's own groups. Raises KeyError when there is none."""
    if not name:
        return {}
    user = pwd.getpwnam(name)
    groups = os.getgrouplist(name, user.pw_gid)
    environment = {**os.environ, "HOME": user.pw_dir}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": groups, "env": environment}


def _end_with_input(process: subprocess.Popen[bytes], grace: float, ending: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    ending.set()
    _signal_all(process.pid, signal.SIGTERM)
    ends = time.monotonic() + grace
    while _descendants() and time.monotonic() < ends:
        time.sleep(0.02)
    ends = time.monotonic() + 1
    while time.monotonic() < ends:
        _signal_all(process.pid, signal.SIGKILL)
        if not _descendants():
            return
        time.sleep(0.01)


def _signal_all(group: int, number: signal.Signals) -> None:
    _signal_group(group, number)
    for descendant in _descendants():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(descendant, number)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _descendants() -> list[int]:
    """Everybody below us who still lives, read from /proc; children whose parents died have become ours."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  # many small reads, and nothing but the standard library
        if name.isdecimal():
            with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat") as stat:  # noqa: PTH123  # as above
                state, parent = stat.read().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(name)] = int(parent)
    found: list[int] = []
    level = [os.getpid()]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found += level
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ended by its input alone, so that the command is never left behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main(sys.argv[1:]))
