"""The dashboard: a Controller with the routes and socket events, which binds the board to the browsers."""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import Quart, Response, current_app, request

from specter import Controller, HTTPError, Model, Router, ServiceManager, expect_json, registry
from specter.demo.catalog import Catalog
from specter.demo.guard import HEADERS, trusted
from specter.demo.settings import SETTINGS
from specter.demo.usage import Usage

PUSH_SECONDS = 0.1


class Dashboard(Controller):
    """Serves the page, its settings and its summary, and sends the browsers what changed on the board."""

    name = "dashboard"
    schemas = {"settings": SETTINGS}

    def __init__(self, board: Model, host: str) -> None:
        super().__init__()
        self.board = board
        self.host = host
        self.changed: set[str] = set()

    def on_start(self) -> None:
        """Send what changed ten times a second at most, however often it changes."""
        for name in self.board.snapshot():
            self.board.subscribe(partial(self.note, name), selector=name, owner=self)
        self.interval(self.push, PUSH_SECONDS)

    def note(self, name: str, _slice: Any, _board: Model) -> None:
        """Remember that a slice of the board has changed."""
        self.changed.add(name)

    async def push(self) -> None:
        """Send the slices that changed since the last time to all browsers."""
        changed, self.changed = self.changed, set()
        if changed:
            await self.socketio.emit("board", {name: self.board.get(name) for name in sorted(changed)})

    def build_routes(self, router: Router) -> None:
        """Add the routes."""

        @router.route("/")
        async def page() -> Response:
            return await current_app.send_static_file("index.html")

        @router.route("/api/board")
        async def board() -> dict[str, Any]:
            return self.board.snapshot()

        @router.route("/api/summary")
        async def summary() -> list[dict[str, Any]]:
            catalog: Catalog = registry.require("catalog")
            return await catalog.summarize()

        @router.route("/api/settings")
        async def settings() -> dict[str, Any]:
            return {"settings": self.board.get("settings"), "schema": self.schema("settings").json_schema()}

        @router.route("/api/settings", methods=["PUT"])
        async def change_settings() -> dict[str, Any]:
            # Wrong fields are answered with 400 and a message for each of them.
            settings = self.schema("settings").require(await expect_json())
            self.board.set("settings", settings)
            return settings

        @router.route("/health")
        async def health() -> dict[str, Any]:
            manager: ServiceManager = registry.require("service_manager")
            return manager.health()

    def build_events(self, handler: Any) -> None:
        """Add the socket events. What a function returns is the acknowledgement."""
        handler.on("connect", self.on_connect)
        handler.on("hello", lambda: self.board.snapshot())
        handler.on("usage:measure", self.on_measure)
        handler.on("usage:halt", self.on_halt)

    def on_connect(self, environ: dict[str, Any]) -> None:
        """Refuse a browser that shows another site's page."""
        if not trusted(environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN"), bound_to=self.host):
            raise ConnectionRefusedError("not a page of this server")

    async def on_measure(self) -> bool:
        """Measure the folder again; the answer is False if that is being done already."""
        usage: Usage = registry.require("usage")
        return await usage.measure()

    async def on_halt(self) -> None:
        """End the measuring."""
        usage: Usage = registry.require("usage")
        await usage.halt()


def guard(app: Quart, host: str) -> None:
    """Refuse requests of other sites' pages, and tell the browser to run nothing that this server did not send."""

    @app.before_request
    async def refuse_strangers() -> None:
        if not trusted(request.host, request.headers.get("Origin"), bound_to=host):
            raise HTTPError("not a page of this server", 403)

    @app.after_request
    async def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response
