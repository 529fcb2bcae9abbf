"""An application under gevent's own server, with real clients, in a patched process of its own."""

import json

from greenlets import patched

APPLICATION = """
import json

import gevent, httpx, socketio, websocket
from flask import Flask, request
from flask_socketio import SocketIO
from gevent.event import Event
from gevent.pywsgi import WSGIServer

from specter import Controller, Field, Handler, Schema, Service, boot, bus, expect_json

# gevent's server does not close the connection of a websocket that ends; a client would wait 3 s for that each time.
websocket.WebSocket.close.__defaults__ = (websocket.STATUS_NORMAL, b"", 0.01)
seen, said_goodbye = {}, Event()

class Library(Controller):
    name = "library"
    schemas = {"add": Schema("add", {"path": Field(str, required=True)})}

    def build_routes(self, router):
        @router.route("/media", methods=["POST"], json_errors="could not do it")
        def add():
            item = self.schema("add").require(expect_json())
            self.emit("media:added", item["path"])
            return {"accepted": item["path"]}, 202

        @router.route("/slow", json_errors="could not do it")
        def slow():
            gevent.sleep(0.05)
            return [1, 2]

    def build_events(self, handler):
        handler.on("add", lambda a, b: a + b)
        handler.on("pair", lambda: (1, {"b": b"2"}))
        handler.on("fails", lambda data: 1 / 0)
        handler.on("disconnect", lambda: said_goodbye.set())

class Door(Handler):
    events = {"connect": "on_connect", "who": "on_who"}

    def on_connect(self, auth):
        if (auth or {}).get("token") == "broken":
            raise ValueError("no check is possible")
        if (auth or {}).get("token") != "secret":
            raise ConnectionRefusedError("who are you?")

    def on_who(self):
        return request.sid

class Echo(Service):
    def on_start(self):
        self.listen("media:added", lambda path: server.emit("added", path))

app = Flask("app")
server = SocketIO(app, async_mode="gevent")
manager = boot(app, server, services=[Echo("echo")], handlers=[Door()], controllers=[Library()])
http = WSGIServer(("127.0.0.1", 0), app, log=None)
http.start()
url = f"http://127.0.0.1:{http.server_port}"

def client(token):
    one = socketio.Client(reconnection=False)
    one.added = gevent.event.AsyncResult()
    one.on("added", one.added.set)
    one.connect(url, auth={"token": token}, transports=["websocket"], wait_timeout=10)
    return one

def refused(token):
    refusals = []
    one = socketio.Client(reconnection=False)
    one.on("connect_error", refusals.append)
    try:
        one.connect(url, auth={"token": token}, transports=["websocket"], wait_timeout=10)
    except socketio.exceptions.ConnectionError:
        return refusals[0]["message"]

with gevent.Timeout(30), httpx.Client(base_url=url) as asked:
    one = client("secret")
    seen["acknowledged"] = one.call("add", (1, 2)), one.call("pair", "more than it takes")[0], one.call("fails", 1)
    seen["sid"] = one.call("who") == one.get_sid()
    seen["refused"] = refused("wrong"), refused("broken")
    answer = asked.post("/media", json={"path": "a"})
    seen["answered"] = answer.status_code, answer.json(), one.added.get()
    seen["wrong"] = asked.post("/media", content="{", headers={"Content-Type": "application/json"}).status_code
    slow = [gevent.spawn(asked.get, "/slow") for _ in range(10)]
    seen["slow"] = [one.get().json() for one in slow] == [[1, 2]] * 10
    one.disconnect()
    said_goodbye.wait()
    manager.shutdown()
    late = client("anything")
    late.emit("add", (1, 2))
    late.disconnect()
    http.stop()
print(json.dumps(seen))
"""


def test_clients_get_what_they_get_from_a_test_client():
    assert json.loads(patched(APPLICATION)) == {
        "acknowledged": [3, 1, None],
        "sid": True,
        "refused": ["who are you?", "Connection rejected by server"],
        "answered": [202, {"accepted": "a"}, "a"],
        "wrong": 400,
        "slow": True,
    }
