"""The same by a controller; it reads the same for our twin and for 0.1.1."""

from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from specter import Controller, Field, Schema, boot, expect_json


class Items(Controller):
    name = "items"
    schemas = {"item": Schema("item", {"name": Field(str, required=True), "count": Field(int, default=1)})}

    def build_routes(self, router: Any) -> None:
        @router.route("/hello")
        def hello() -> dict[str, str]:
            return {"hello": "world"}

        @router.route("/items", methods=["POST"])
        def add() -> tuple[dict[str, Any], int]:
            item = self.schema("item").require(expect_json())
            return item, 201


app = Flask(__name__)
manager = boot(app, SocketIO(app, async_mode="gevent"), controllers=[Items()])
