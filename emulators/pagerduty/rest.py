"""PagerDuty's REST API v2: one table of what is answered, behind the key, the sender and the rate limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from emulators.pagerduty.account import Account
from emulators.pagerduty.directory import PREFIX, Directory, Handler
from emulators.pagerduty.incidents import Incidents
from emulators.pagerduty.refusals import Fault


class Rest:
    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        table = [*Directory(self._account).table(), *Incidents(self._account).table()]
        return [web.route(method, PREFIX + path, self._answering(handler)) for method, path, handler in table]

    def _answering(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            within, headers = self._account.rates.count()
            try:
                if not within:
                    raise Fault(429, "Rate Limit Exceeded", 2020)
                self._authorise(request)
                body = await handler(request)
            except Fault as fault:
                return web.json_response(fault.body, status=fault.status, headers=headers)
            status = 201 if request.method == "POST" and request.path == f"{PREFIX}/incidents" else 200
            return web.json_response(body, status=status, headers=headers)

        return answer

    def _authorise(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Token token={self._account.world.pagerduty_key}":
            raise Fault(401, "Unauthorized", 2006)
        changes = request.method in ("POST", "PUT") and "/incidents" in request.path
        if changes and not request.path.endswith("subscribers"):
            self._account.sender(request.headers.get("From", ""))
