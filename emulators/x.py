"""X: the posts of one account, signed for with OAuth 1.0a."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import itertools
import json
import re
import time
import unicodedata
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from aiohttp import web

from emulators.arguments import arguments
from emulators.store import Document, Store
from emulators.world import World

PREFIX = "/x"
LONGEST = 280
USER_ID = "1700000000000000001"
POSTS_A_WINDOW = 100
WINDOW = timedelta(minutes=15)
_LINK = re.compile(r"https?://[^\s)]+", re.IGNORECASE)
_JOINED = re.compile("[\ufe0f\u20e3]|[\U0001f3fb-\U0001f3ff]|\u200d.", re.DOTALL)
_FLAG = re.compile("([\U0001f1e6-\U0001f1ff])[\U0001f1e6-\U0001f1ff]")


class X:
    def __init__(self, world: World, store: Store, note: Callable[[], None]) -> None:
        self._world = world
        self._note = note
        self.posts = store.table("x.posts")
        self._numbers = itertools.count(1_800_000_000_000_000_000 + len(self.posts) + 1)
        self._window = time.time()
        self._left = POSTS_A_WINDOW

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{PREFIX}/2/users/me", self._answering(self._me)),
            web.get(f"{PREFIX}/2/users/{{id}}/tweets", self._answering(self._list)),
            web.post(f"{PREFIX}/2/tweets", self._answering(self._post)),
            web.delete(f"{PREFIX}/2/tweets/{{id}}", self._answering(self._delete)),
        ]

    @property
    def shown(self) -> list[Document]:
        """The posts that stand there, the newest first."""
        return [post for post in reversed(self.posts.values()) if not post["deleted"]]

    def _answering(
        self, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            self._authorise(request)
            self._count(request)
            response = await handler(request)
            response.headers.update(self._limits())
            return response

        return answer

    async def _me(self, request: web.Request) -> web.Response:
        name = self._world.x_account
        return web.json_response({"data": {"id": USER_ID, "name": "Example Corp Status", "username": name}})

    async def _list(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != USER_ID:
            raise self._fault(404, "Not Found Error")
        given = await arguments(request)
        most, start = int(given.get("max_results", 10)), str(given.get("start_time", ""))
        if not 5 <= most <= 100:
            raise self._fault(400, "max_results is not between 5 and 100")
        found = [post for post in self.shown if post["created_at"] >= start]
        begin = int(given.get("pagination_token", 0))
        page = found[begin : begin + most]
        meta: Document = {"result_count": len(page)}
        if begin + most < len(found):
            meta["next_token"] = str(begin + most)
        shown = [
            {"id": p["id"], "text": html.escape(p["text"], quote=False), "edit_history_tweet_ids": [p["id"]]}
            for p in page
        ]
        return web.json_response({"data": shown, "meta": meta} if shown else {"meta": meta})

    async def _post(self, request: web.Request) -> web.Response:
        text = unicodedata.normalize("NFC", str((await arguments(request)).get("text") or ""))
        if not text.strip():
            raise self._fault(400, "One or more parameters to your request was invalid.")
        if weight(text) > LONGEST:
            raise self._fault(403, "Your Post text is too long.")
        if any(post["text"] == text for post in self.shown):
            raise self._fault(403, "You are not allowed to create a Tweet with duplicate content.")
        self._left -= 1
        id = str(next(self._numbers))
        self.posts.put(id, {"id": id, "text": text, "created_at": _now(), "deleted": False})
        self._note()
        return web.json_response({"data": {"id": id, "text": html.escape(text, quote=False)}}, status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        post = self.posts.get(request.match_info["id"])
        if post is None or post["deleted"]:
            raise self._fault(404, "Not Found Error")
        post["deleted"] = True
        self.posts.changed(post["id"])
        self._note()
        return web.json_response({"data": {"deleted": True}})

    # -- who asks, and how often -----------------------------------------------------------------------

    def _authorise(self, request: web.Request) -> None:
        """The signature of RFC 5849, 3.4: a JSON body is not part of it, the query is."""
        given = {
            key: unquote(value)
            for key, value in re.findall(r'(\w+)="([^"]*)"', request.headers.get("Authorization", ""))
        }
        signature = given.pop("oauth_signature", "")
        world = self._world
        if (given.get("oauth_consumer_key"), given.get("oauth_token")) != (world.x_api_key, world.x_access_token):
            raise self._fault(401, "Unauthorized")
        pairs = sorted((_quoted(k), _quoted(v)) for k, v in (*given.items(), *request.query.items()))
        address = f"{request.scheme}://{request.host}{request.path}"
        base = "&".join((request.method, _quoted(address), _quoted("&".join(f"{k}={v}" for k, v in pairs))))
        key = f"{_quoted(world.x_api_secret)}&{_quoted(world.x_access_token_secret)}"
        wanted = base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()
        if not hmac.compare_digest(wanted, signature):
            raise self._fault(401, "Unauthorized")

    def _count(self, request: web.Request) -> None:
        if time.time() > self._window + WINDOW.total_seconds():
            self._window, self._left = time.time(), POSTS_A_WINDOW
        if request.method == "POST" and self._left <= 0:
            raise self._fault(429, "Too Many Requests")

    def _limits(self) -> dict[str, str]:
        return {
            "x-rate-limit-limit": str(POSTS_A_WINDOW),
            "x-rate-limit-remaining": str(self._left),
            "x-rate-limit-reset": str(int(self._window + WINDOW.total_seconds())),
        }

    def _fault(self, status: int, detail: str) -> web.HTTPException:
        kind = {400: web.HTTPBadRequest, 401: web.HTTPUnauthorized, 403: web.HTTPForbidden, 404: web.HTTPNotFound}
        body = json.dumps({"title": detail, "detail": detail, "status": status})
        made = kind.get(status, web.HTTPTooManyRequests)(text=body, content_type="application/json")
        made.headers.update(self._limits())
        return made


def weight(text: str) -> int:
    """As X counts: a link 23; an emoji 2 with all that is joined to it; letters of the light ranges 1, others 2."""
    rest = _FLAG.sub("\\1", _JOINED.sub("", _LINK.sub("", text)))
    links = len(_LINK.findall(text)) * 23
    return links + sum(
        1 if ord(c) <= 0x10FF or 0x2000 <= ord(c) <= 0x201F or 0x2032 <= ord(c) <= 0x2037 else 2 for c in rest
    )


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
