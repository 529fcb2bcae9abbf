"""Flask alone."""

from typing import Any

from flask import Flask, request

app = Flask(__name__)


@app.route("/hello")
def hello() -> dict[str, str]:
    return {"hello": "world"}


@app.route("/items", methods=["POST"])
def add() -> tuple[Any, int]:
    return request.get_json(), 201
