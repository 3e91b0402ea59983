"""The operators' tool of the shop: `python3 -m emulators.shop.ctl VERB [TO]`. Standard library only.

Where the shop is, and the token, come from SHOP_URL and SHOP_TOKEN. Exit code 0 when it worked.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

WORKERS = ("east-1", "east-2", "west-1", "west-2")


class NotDone(Exception):
    """The shop did not do it; the text says why."""


def call(method: str, path: str, to: str = "") -> dict[str, Any]:
    url, token = os.environ.get("SHOP_URL", ""), os.environ.get("SHOP_TOKEN", "")
    if not url:
        raise NotDone("SHOP_URL is not set on this runner")
    action = os.environ.get("DONT_PANIC_ACTION", "")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": action, "Content-Type": "application/json"}
    data = json.dumps({"to": to}).encode() if method == "POST" else None
    request = urllib.request.Request(f"{url}{path}", data, headers, method=method)  # noqa: S310  # the shop's own
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # as above
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise NotDone(f"the shop answers {error.code}: {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise NotDone(f"the shop does not answer: {error}") from None


def status() -> dict[str, Any]:
    return call("GET", "/status")


def main(verb: str, to: str = "") -> int:
    match verb:
        case "status":
            seen = status()
            print(f"shop is {seen['status']}, release {seen['release']}, lets in {seen['let_in']} percent")
            for worker, answer in seen["workers"].items():
                print(f"{worker}: {answer}")
            return 0 if seen["status"] == "ok" else 1
        case "rolling-restart":
            for worker in WORKERS:
                print(f"restarting {worker} …", flush=True)
                call("POST", "/restart", worker)
                answer = status()["workers"].get(worker, "not serving")
                print(f"{worker}: {answer}", flush=True)
            return 0
        case "dump":
            for worker in [to] if to else WORKERS:
                print(f"{worker}: {call('POST', '/dump', worker).get('dump', 'no dump')}", flush=True)
            return 0
        case _:
            print(json.dumps(call("POST", f"/{verb}", to)))
            return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:3]))
    except NotDone as fault:
        print(fault, file=sys.stderr)
        sys.exit(1)
