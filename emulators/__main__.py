"""python -m emulators: serve until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from emulators.server import start
from emulators.world import read_world


async def serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    world = read_world(options.config)
    webhook = (options.webhook, options.webhook_secret) if options.webhook else None
    async with start(world, host=options.host, port=options.port, state=options.state, webhook=webhook) as running:
        print(f"emulators: {running.url}", flush=True)
        await stop.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m emulators", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", choices=["127.0.0.1"], help="loopback only")
    parser.add_argument("--port", type=int, default=7080)
    parser.add_argument("--config", type=Path, default=Path("config/emulators.toml"))
    parser.add_argument("--state", type=Path, help="a folder in which what happened survives a restart")
    parser.add_argument("--webhook", default="", help="where PagerDuty tells what happens there")
    parser.add_argument("--webhook-secret", default="practice-webhook", help="what those messages are signed with")
    try:
        asyncio.run(serve(parser.parse_args()))
    except OSError as error:
        print(f"emulators: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
