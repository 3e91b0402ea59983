"""Stands between a runner and the command it runs, so that no command outlives its runner.

Run as a program: `guardian.py GRACE COMMAND…`. It starts the command as a process group of its own. When its standard
input closes (the runner stopped it, or died) the group gets TERM and, GRACE seconds later, KILL. Its exit code is the
command's; 128 + n when signal n ended it. Standard library only: it is started with `-I`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time


def main(arguments: list[str]) -> int:
    grace, command = float(arguments[0]), arguments[1:]
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"cannot be started: {error.strerror}: {command[0]}", flush=True)
        return 127
    threading.Thread(target=_end_with_input, args=(process, grace), daemon=True).start()
    code = process.wait()
    _signal(process, signal.SIGKILL)  # what the command left behind in its group
    return code if code >= 0 else 128 - code


def _end_with_input(process: subprocess.Popen[bytes], grace: float) -> None:
    while os.read(0, 1024):
        pass
    _signal(process, signal.SIGTERM)
    ends = time.monotonic() + grace
    while process.poll() is None and time.monotonic() < ends:
        time.sleep(0.02)
    _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ended by its input alone, so that the command is never left behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main(sys.argv[1:]))
