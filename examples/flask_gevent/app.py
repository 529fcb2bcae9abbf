"""
Word counts: texts are counted by a child process, one after another, and the browsers hear of each count.

Written against specter-runtime 0.1, and served by gevent:

    python app.py
    curl -X POST -H "Content-Type: application/json" -d '{"text": "to be or not to be"}' http://127.0.0.1:8000/texts
"""

from gevent import monkey

monkey.patch_all()

import os
import subprocess
import sys

from flask import Flask, jsonify
from flask_socketio import SocketIO, emit
from specter.core.manager import ServiceManager

from specter import Controller, Field, Handler, QueueService, Schema, Service, bus, create_cache, create_store, registry
from specter.http import HTTPError, expect_json, json_endpoint

COUNT = "import sys; print(len(sys.stdin.read().split()))"

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")


class Counter(QueueService):
    """Counts the words of each text in a child process."""

    def __init__(self):
        super().__init__("counter", worker_count=1, maxsize=100, poll_interval=0.1)

    def handle_item(self, item):
        done = subprocess.run([sys.executable, "-c", COUNT], input=item["text"], capture_output=True, text=True)
        self.emit("text:counted", {"id": item["id"], "words": int(done.stdout)})


class Archive(Service):
    """Keeps the counts, and their sum for as long as no count is added."""

    def __init__(self):
        super().__init__("archive", {"texts": 0})
        self.counts = create_store("archive.counts", {}, emit_events=True)
        self.sum = create_cache("archive.sum", ttl=60, depends_on=["archive.counts:changed"])

    def on_start(self):
        self.listen("text:counted", self.keep)
        self.interval(self.report, 30)
        registry.provide("archive.counts", self.counts, owner=self)
        self.own(self.counts)
        self.own(self.sum)

    def on_stop(self):
        print(f"archive of {self.state['texts']} texts is closed", flush=True)

    def keep(self, counted):
        self.counts.set({counted["id"]: counted["words"]})
        self.set_state({"texts": len(self.counts.snapshot())})
        bus.emit("archive:kept", counted)

    def total(self):
        return self.sum.get_or_compute(lambda: sum(self.counts.snapshot().values()))

    def report(self):
        print(f"{self.state['texts']} texts", flush=True)


class Texts(Controller):
    """Takes texts in, tells what was counted, and answers browsers."""

    name = "texts"
    schemas = {"text": Schema("text", {"text": Field(str, required=True), "id": Field(str, default="latest")})}

    def on_start(self):
        self.listen("archive:kept", self.tell)

    def tell(self, counted):
        socketio.emit("counted", counted)

    def build_routes(self, router):
        @router.route("/texts", methods=["POST"])
        @json_endpoint("the text could not be taken")
        def add():
            text = self.schema("text").require(expect_json())
            if not registry.require("counter").enqueue(text):
                raise HTTPError("too many texts wait", 503)
            return jsonify({"accepted": text["id"]}), 202

        @router.route("/texts")
        @json_endpoint()
        def show():
            return {
                "counts": registry.require("archive.counts").snapshot(),
                "total": registry.require("archive").total(),
            }

    def build_events(self, handler):
        handler.on("pending", self.pending)

    def pending(self, data):
        emit("pending", registry.require("counter").pending_count())


class Greeting(Handler):
    """Greets each browser."""

    name = "greeting"
    events = {"connect": "on_connect"}

    def on_connect(self, *args):
        emit("welcome", {"texts": registry.require("archive").state["texts"]})


manager = ServiceManager(app, socketio)
manager.register_service(Counter())
manager.register_service(Archive())
manager.register_controller(Texts())
manager.register_handler(Greeting())
manager.boot()


@app.route("/health")
def health():
    return jsonify(manager.health())


if __name__ == "__main__":
    socketio.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
