"""A controller's routes and events, reached by real clients."""

from typing import Any

import httpx
import pytest
from live_sockets import live_server
from quart import Quart

from specter import Controller, Field, Schema, ServiceManager, expect_json


class Library(Controller):
    name = "library"
    url_prefix = "/library"
    schemas = {"add": Schema("add", {"path": Field(str, required=True)})}

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def build_routes(self, router: Any) -> None:
        @router.route("/media", methods=["POST"])
        async def add() -> Any:
            item = self.schema("add").require(await expect_json())
            self.paths.append(item["path"])
            return {"accepted": item["path"]}, 202

    def build_events(self, handler: Any) -> None:
        handler.on("paths", lambda data: self.paths)
        handler.on("connect", self.connect)

    async def connect(self, auth: Any) -> bool:
        return auth == "member"


async def test_routes_and_events_live_with_the_manager() -> None:
    app = Quart(__name__)
    async with live_server(app) as server:
        library = Library()
        manager = ServiceManager(app, server.sio).register_controller(library)
        async with httpx.AsyncClient(base_url=server.url) as http:
            for _ in range(2):
                library.paths.clear()
                async with manager:
                    assert (await http.post("/library/media", json={"path": "a.jpg"})).status_code == 202
                    refused = await http.post("/library/media", json={"title": 3})
                    assert refused.status_code == 400 and "path" in refused.text
                    assert await server.refused(auth="stranger") == "Connection rejected by server"
                    async with server.client(auth="member") as client:
                        assert await client.call("paths", "all") == ["a.jpg"]
                    assert library.health() | {"name": ""} == {
                        "status": "ok",
                        "name": "",
                        "has_blueprint": True,
                        "has_handler": True,
                        "schemas": ["add"],
                    }
                assert server.sio.handlers == {}
                assert library.health()["has_handler"] is False


async def test_its_handler_is_set_up_on_the_server_that_it_is_built_for() -> None:
    async with live_server() as server:
        library = Library()
        handler = await library.build_handler(server.sio)
        assert handler.registered and library.socketio is server.sio
        assert await server.refused(auth="stranger") == "Connection rejected by server"

        await library.stop()
        assert not handler.registered
        async with server.client(auth="stranger"):
            pass


@pytest.mark.parametrize(("given", "path"), [(None, "/own/x"), ("/given", "/given/x"), ("", "/x")])
async def test_the_prefix_is_the_given_one_else_the_controller_s(given: str | None, path: str) -> None:
    class Prefixed(Controller):
        name = "prefixed"
        url_prefix = "/own"

        def build_routes(self, router: Any) -> None:
            @router.route("/x")
            async def x() -> dict[str, bool]:
                return {"here": True}

    app = Quart(__name__)
    controller = Prefixed()
    blueprint = controller.build_blueprint(url_prefix=given)
    app.register_blueprint(blueprint)

    assert controller.build_blueprint() is blueprint
    assert await (await app.test_client().get(path)).get_json() == {"here": True}


async def test_an_error_in_build_routes_goes_to_who_builds() -> None:
    class Broken(Controller):
        def build_routes(self, router: Any) -> None:
            raise ValueError("no routes")

    broken = Broken("broken")
    with pytest.raises(ValueError, match="no routes"):
        broken.build_blueprint()
    assert broken.health()["has_blueprint"] is False
