"""python -m emulators.shop: serve the shop until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from emulators.shop.front import start


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m emulators.shop", description=__doc__)
    parser.add_argument("--port", type=int, default=7081)
    parser.add_argument("--state", type=Path, default=Path(".state/shop"))
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with start(options.state, options.port) as running:
        print(f"shop: {running.url}", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
