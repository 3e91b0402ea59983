"""What a call was given, from query, form and JSON alike."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

_READ = web.RequestKey("arguments", dict)
_JSON_IN_FORMS = ("blocks", "attachments", "metadata", "view", "users_json")


async def arguments(request: web.Request) -> dict[str, Any]:
    """One dict; a name that ends in [] holds a list. Read once a request."""
    if _READ in request:
        return request[_READ]
    given: dict[str, Any] = {}
    for key in request.query:
        values = request.query.getall(key)
        given[key] = values if key.endswith("[]") else values[-1]
    if request.can_read_body:
        if request.content_type == "application/json":
            try:
                body = await request.json()
            except ValueError:
                raise web.HTTPBadRequest(text="not JSON") from None
            given.update(body if isinstance(body, dict) else {"body": body})
        else:
            given.update({key: str(value) for key, value in (await request.post()).items()})
    for key in _JSON_IN_FORMS:
        if isinstance(given.get(key), str):
            try:
                given[key] = json.loads(given[key])
            except ValueError:
                given[key] = None
    request[_READ] = given
    return given
