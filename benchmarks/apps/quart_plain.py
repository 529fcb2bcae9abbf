"""Quart alone."""

from typing import Any

from quart import Quart, request

app = asgi = Quart(__name__)


@app.route("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}


@app.route("/items", methods=["POST"])
async def add() -> tuple[dict[str, Any], int]:
    item = await request.get_json()
    return item, 201
