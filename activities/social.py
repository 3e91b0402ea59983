"""X, by its official client: what customers read there, exactly as it was approved.

X has no idempotency key. What makes twice once is the account itself: when it may have been posted before, its own posts since
the approval are looked through for exactly this text. Should the look come too early to see the post, X refuses the
same text with 403, and it is looked for once more: a refusal as a duplicate then means that an
earlier one got through.

The client takes most of a second to import: whoever posts first pays for it, and no worker that starts. It is blocking, so its calls run in threads; it has neither time limits nor retries of its own, and gets the
former here. OAuth 1.0a, because its tokens do not expire at 3 a.m.
"""

from __future__ import annotations

import asyncio
import html
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import again, asking, errors
from activities.on_call_book import now
from activities.outlet import Publication, Published, Removal, check
from incident.outlets import Outlet
from incident.policy import Policy

if TYPE_CHECKING:
    from xdk import Client

NAME = "X"
WITHIN = 10.0
A_PAGE = 100
EARLIER = timedelta(minutes=2)
"""How much X's clock may be behind ours."""
_LINK = re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+\S*")
T = TypeVar("T")


class _Timely(HTTPAdapter):
    """Each request ends within ten seconds, and is sent once."""

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]  # passed on as it is
        return super().send(request, **{**how, "timeout": WITHIN})


def client(url: str, api_key: str, api_secret: str, access_token: str, access_token_secret: str) -> Client:
    """X's client for one account, with its user's own tokens."""
    from xdk import Client
    from xdk.oauth1_auth import OAuth1

    made = Client(base_url=url.rstrip("/"), auth=OAuth1(api_key, api_secret, "", access_token, access_token_secret))
    for scheme in ("https://", "http://"):
        made.session.mount(scheme, _Timely(max_retries=0))
    return made


class Social:
    """`account` is whose posts these are; another account's tokens are refused. Without tokens there is no client.
    `connect` gives the client, when the first call needs it.
    `rules` gives the organisation's present ones, whose keys show who approved.
    """

    def __init__(
        self, connect: Callable[[], Client] | None, account: str, *, practice: bool, rules: Callable[[], Policy]
    ) -> None:
        self._connect = cache(connect) if connect is not None else None
        self._account = account
        self._practice = practice
        self._rules = rules
        self._id = ""

    @activity.defn(name="post_on_x")
    async def post(self, publication: Publication) -> Published:
        """One post. When an earlier one may have got through, that is looked for first."""
        check(Outlet.X, publication, practice=self._practice, rules=self._rules())
        since = (publication.approved_at or now()) - EARLIER
        doubtful = publication.again or again.may_be_done()
        await self._who()
        if doubtful and (found := await self._find(publication.text, since)):
            return self._published(found)

        def create(x: Client) -> str:
            from xdk.posts.models import CreateRequest

            return str(x.posts.create(CreateRequest(text=publication.text)).data.id)

        try:
            made = await self._call(create)
        except ApplicationError as error:
            if error.type == errors.DUPLICATE and doubtful and (found := await self._find(publication.text, since)):
                return self._published(found)
            raise
        return self._published(made)

    @activity.defn(name="delete_on_x")
    async def take_down(self, removal: Removal) -> None:
        """One that is gone is fine."""
        asking.only_in_a_workflow()
        if removal.practice != self._practice:
            raise errors.practice_mix(removal.practice)
        await self._who()
        try:
            await self._call(lambda x: x.posts.delete(removal.id))
        except ApplicationError as error:
            if error.type != errors.REJECTED or "404" not in error.message:
                raise

    async def look(self) -> None:
        """Whether X takes these tokens, and they are this account's. Raises when not."""
        await self._who()

    async def _who(self) -> None:
        """The account's id, asked once."""
        if self._id:
            return
        me = (await self._call(lambda x: x.users.get_me())).data
        if str(me.username).lower() != self._account.lower():
            raise errors.not_configured(NAME, f"its tokens are of @{me.username}, and x.account is {self._account}")
        self._id = str(me.id)

    async def _find(self, text: str, since: datetime) -> str | None:
        """The account's own post of this text since then."""
        start = f"{since:%Y-%m-%dT%H:%M:%SZ}"

        def look(x: Client) -> str | None:
            for page in x.users.get_posts(
                self._id, max_results=A_PAGE, start_time=start, exclude=["replies", "retweets"], post_fields=["text"]
            ):
                for post in page.data or ():
                    if _same(str(post.text), text):
                        return str(post.id)
            return None

        return await self._call(look)

    async def _call(self, ask: Callable[[Client], T]) -> T:
        connect = self._connect
        if connect is None or not self._account:
            raise errors.not_configured(NAME, "no tokens or no account are configured")
        try:
            return await asyncio.to_thread(lambda: ask(connect()))
        except (requests.RequestException, ValueError) as error:
            raise errors.from_x(error, now()) from None

    def _published(self, id: str) -> Published:
        return Published(f"https://x.com/{self._account}/status/{id}", now(), id)


def _same(posted: str, text: str) -> bool:
    """X escapes what it gives back, and puts its own links in place of ours."""
    return _bare(html.unescape(posted)) == _bare(text)


def _bare(text: str) -> str:
    return _LINK.sub("(link)", unicodedata.normalize("NFC", text)).strip()
