"""`http` on gevent gives Flask's test client, and the application is booted round its requests."""

from __future__ import annotations

import pytest
from flask import Flask, request, session
from flask.testing import FlaskClient
from flask_socketio import SocketIO

from specter_gevent import Service, ServiceManager, boot, registry
from specter_gevent.testing import http


class Part(Service):
    def __init__(self):
        super().__init__("part")
        self.log = []

    def on_start(self):
        self.log.append("start")

    def on_stop(self):
        self.log.append("stop")


def application(*services):
    app = Flask(__name__)
    app.secret_key = "secret"
    server = SocketIO(app, async_mode="threading")
    manager = ServiceManager(app, server)
    for service in services:
        manager.register_service(service)

    @app.get("/running")
    def is_running():
        return {"running": registry.require("part").running}

    @app.post("/echo")
    def echo():
        session["last"] = data = request.get_json()
        return {"got": data, "header": request.headers.get("X-Test")}

    return manager


def test_a_block_boots_the_application():
    manager = application(part := Part())

    with http(manager) as client:
        assert part.log == ["start"]
        assert client.get("/running").get_json() == {"running": True}
    assert part.log == ["start", "stop"]


def test_the_first_request_boots_the_application():
    manager = application(part := Part())

    client = http(manager)
    assert part.log == []
    assert client.get("/running").get_json() == {"running": True}
    client.close()
    client.close()
    assert part.log == ["start", "stop"]


def test_what_was_booted_before_stays():
    app = Flask(__name__)
    manager = boot(app, None, services=[part := Part()])

    with http(app):
        pass
    assert part.log == ["start"]
    manager.shutdown()


def test_it_is_the_client_that_flask_users_know():
    with http(application(Part())) as client:
        assert isinstance(client, FlaskClient)
        response = client.post("/echo", json={"a": 1}, headers={"X-Test": "here"})
        assert response.get_json() == {"got": {"a": 1}, "header": "here"}
        assert request.path == "/echo"
        with client.session_transaction() as kept:
            assert kept["last"] == {"a": 1}


def test_an_application_has_its_own_class_of_clients():
    class Own(FlaskClient):
        def __init__(self, *args, token="none", **kwargs):
            super().__init__(*args, **kwargs)
            self.token = token

    manager = application(part := Part())
    manager.app.test_client_class = Own

    with http(manager) as client:
        assert isinstance(client, Own)
        assert client.token == "none"
        assert client.get("/running").get_json() == {"running": True}
    assert part.log == ["start", "stop"]


def test_without_a_flask_application_there_is_no_client():
    with pytest.raises(TypeError, match=r"http\(\) needs a Flask application"):
        http(ServiceManager())
