"""The same by a controller of ours: the body is checked by a schema."""

from typing import Any

from quart import Quart

from specter import Controller, Field, Router, Schema, boot, expect_json


class Items(Controller):
    name = "items"
    schemas = {"item": Schema("item", {"name": Field(str, required=True), "count": Field(int, default=1)})}

    def build_routes(self, router: Router) -> None:
        @router.route("/hello")
        async def hello() -> dict[str, str]:
            return {"hello": "world"}

        @router.route("/items", methods=["POST"])
        async def add() -> tuple[dict[str, Any], int]:
            item = self.schema("item").require(await expect_json())
            return item, 201


app = Quart(__name__)
manager = boot(app, None, controllers=[Items()])
asgi = manager.asgi
