"""Statuspage: incidents and components of one page."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from emulators.arguments import arguments
from emulators.store import Document, Store
from emulators.world import World

STATUSES = ("investigating", "identified", "monitoring", "resolved")
IMPACTS = ("none", "maintenance", "minor", "major", "critical")
COMPONENT_STATUSES = ("operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance")


class StatusPage:
    def __init__(self, world: World, store: Store, note: Callable[[], None]) -> None:
        self._world = world
        self._note = note
        self.incidents = store.table("statuspage.incidents")
        self.components = store.table("statuspage.components")
        self._numbers = itertools.count(len(self.incidents) + 1)
        self.furnish()

    def furnish(self) -> None:
        for position, component in enumerate(self._world.components, 1):
            if component.id not in self.components:
                self.components.put(
                    component.id,
                    {
                        "id": component.id,
                        "page_id": self._world.statuspage_page,
                        "name": component.name,
                        "status": "operational",
                        "position": position,
                        "description": "",
                        "showcase": True,
                        "created_at": _now(),
                        "updated_at": _now(),
                    },
                )

    def routes(self) -> list[web.RouteDef]:
        page = "/statuspage/v1/pages/{page}"
        return [
            web.get("/statuspage/v1/pages", self._pages),
            web.get(page, self._page),
            web.get(f"{page}/incidents", self._list),
            web.post(f"{page}/incidents", self._create),
            web.get(f"{page}/incidents/unresolved", self._unresolved),
            web.get(f"{page}/incidents/{{id}}", self._show),
            web.delete(f"{page}/incidents/{{id}}", self._delete),
            web.patch(f"{page}/incidents/{{id}}", self._update),
            web.put(f"{page}/incidents/{{id}}", self._update),
            web.get(f"{page}/components", self._list_components),
            web.patch(f"{page}/components/{{id}}", self._update_component),
        ]

    def _authorise(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"OAuth {self._world.statuspage_key}":
            raise _fault(web.HTTPUnauthorized, "Could not authenticate")
        if request.match_info.get("page", self._world.statuspage_page) != self._world.statuspage_page:
            raise _fault(web.HTTPNotFound, "Not found")

    async def _pages(self, request: web.Request) -> web.Response:
        self._authorise(request)
        return web.json_response([self._shown_page()])

    async def _page(self, request: web.Request) -> web.Response:
        self._authorise(request)
        return web.json_response(self._shown_page())

    def _shown_page(self) -> Document:
        return {"id": self._world.statuspage_page, "name": "Example Corp", "domain": "status.example.com"}

    async def _list(self, request: web.Request) -> web.Response:
        """The newest first, a page at a time."""
        self._authorise(request)
        limit, page = _number(request, "limit", 100), _number(request, "page", 1)
        found = self.shown[limit * (page - 1) : limit * page]
        return web.json_response(found)

    async def _unresolved(self, request: web.Request) -> web.Response:
        self._authorise(request)
        return web.json_response([i for i in self.shown if i["status"] != "resolved"][:100])

    @property
    def shown(self) -> list[Document]:
        """What customers can read, the newest first."""
        return [_shown(incident) for incident in reversed(self.incidents.values()) if not incident["deleted"]]

    async def _delete(self, request: web.Request) -> web.Response:
        self._authorise(request)
        incident = self._find(request)
        incident["deleted"] = True
        self.incidents.changed(incident["id"])
        self._note()
        return web.json_response(_shown(incident))

    async def _show(self, request: web.Request) -> web.Response:
        self._authorise(request)
        return web.json_response(_shown(self._find(request)))

    async def _create(self, request: web.Request) -> web.Response:
        self._authorise(request)
        asked = await self._asked(request)
        if not asked.get("name"):
            raise _unprocessable("Name can't be blank")
        id = f"inc{next(self._numbers):09d}"
        incident: Document = {
            "id": id,
            "page_id": self._world.statuspage_page,
            "name": str(asked["name"]),
            "status": "investigating",
            "impact": "none",
            "metadata": {},
            "components": [],
            "incident_updates": [],
            "deleted": False,
            "created_at": _now(),
            "started_at": _now(),
            "updated_at": _now(),
            "shortlink": f"http://{request.host}/#status/{id}",
        }
        self._apply(incident, asked)
        self.incidents.put(id, incident)
        self._note()
        return web.json_response(_shown(incident), status=201)

    async def _update(self, request: web.Request) -> web.Response:
        self._authorise(request)
        incident = self._find(request)
        self._apply(incident, await self._asked(request))
        self.incidents.changed(incident["id"])
        self._note()
        return web.json_response(_shown(incident))

    async def _asked(self, request: web.Request) -> Document:
        asked = (await arguments(request)).get("incident")
        if not isinstance(asked, dict):
            raise _fault(web.HTTPBadRequest, "incident is missing")
        if asked.get("status") not in (None, *STATUSES):
            raise _unprocessable("Status is not included in the list")
        if asked.get("impact_override") not in (None, *IMPACTS):
            raise _unprocessable("Impact override is not included in the list")
        states, touched = asked.get("components") or {}, asked.get("component_ids") or []
        if not isinstance(states, dict) or not isinstance(touched, list):
            raise _unprocessable("Components must be an object, component ids a list")
        if not all(status in COMPONENT_STATUSES for status in states.values()):
            raise _unprocessable("Component status is not included in the list")
        if unknown := [str(id) for id in (*states, *touched) if str(id) not in self.components]:
            raise _unprocessable(f"Component not found: {', '.join(dict.fromkeys(unknown))}")
        metadata = asked.get("metadata")
        if metadata is not None and not (
            isinstance(metadata, dict) and all(isinstance(value, dict) for value in metadata.values())
        ):
            raise _unprocessable("Metadata must be an object whose top-level values are objects")
        return asked

    def _apply(self, incident: Document, asked: Document) -> None:
        at = _now()
        incident["status"] = asked.get("status") or incident["status"]
        incident["updated_at"] = at
        if isinstance(asked.get("metadata"), dict):
            incident["metadata"] = asked["metadata"]
        if incident["status"] == "resolved":
            incident["resolved_at"] = at
        touched = asked.get("component_ids") or [c["id"] for c in incident["components"]]
        for id, status in (asked.get("components") or {}).items():
            if id in self.components and id in touched:
                self.components[id]["status"] = status
                self.components.changed(id)
        incident["components"] = [self.components[id] for id in touched if id in self.components]
        if asked.get("body"):
            incident["incident_updates"].insert(
                0,
                {
                    "id": f"{incident['id']}u{len(incident['incident_updates']) + 1}",
                    "incident_id": incident["id"],
                    "status": incident["status"],
                    "body": str(asked["body"]),
                    "created_at": at,
                    "display_at": at,
                    "updated_at": at,
                    "deliver_notifications": bool(asked.get("deliver_notifications", True)),
                },
            )

    async def _list_components(self, request: web.Request) -> web.Response:
        self._authorise(request)
        return web.json_response(list(self.components.values()))

    async def _update_component(self, request: web.Request) -> web.Response:
        self._authorise(request)
        component = self.components.get(request.match_info["id"])
        if component is None:
            raise _fault(web.HTTPNotFound, "Not found")
        asked = (await arguments(request)).get("component")
        if not isinstance(asked, dict):
            raise _fault(web.HTTPBadRequest, "component is missing")
        if asked.get("status") not in (None, *COMPONENT_STATUSES):
            raise _unprocessable("Component status is not included in the list")
        component.update({k: v for k, v in asked.items() if k in ("status", "description", "name")})
        self.components.changed(component["id"])
        return web.json_response(component)

    def _find(self, request: web.Request) -> Document:
        found = self.incidents.get(request.match_info["id"])
        if found is None or found["deleted"]:
            raise _fault(web.HTTPNotFound, "Not found")
        return found


def _shown(incident: Document) -> Document:
    return {key: value for key, value in incident.items() if key != "deleted"}


def _fault(kind: type[web.HTTPException], text: str) -> web.HTTPException:
    return kind(text=json.dumps({"error": text}), content_type="application/json")


def _unprocessable(text: str) -> web.HTTPException:
    return _fault(web.HTTPUnprocessableEntity, text)


def _number(request: web.Request, name: str, otherwise: int) -> int:
    given = request.query.get(name, f"{otherwise}")
    if not given.isdecimal() or int(given) < 1:
        raise _fault(web.HTTPBadRequest, f"{name} is invalid")
    return int(given)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
