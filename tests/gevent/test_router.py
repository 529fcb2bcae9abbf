"""Routes as a class, on Flask."""

import functools
import logging

import pytest
from flask import Blueprint, Flask, url_for

from specter.sansio.outcome import Outcome
from specter_gevent.http import HTTPError, expect_json
from specter_gevent.router import Router, RouteSpec, route
from specter_gevent.service_registry import registry


@pytest.fixture
def app():
    return Flask("app")


@pytest.fixture
def ask(app):
    """Status and body, parsed if it is JSON."""

    def ask(path, method="GET", **options):
        answer = app.test_client().open(path, method=method, **options)
        return answer.status_code, answer.get_json() if answer.is_json else answer.get_data(as_text=True)

    return ask


def rules(app):
    """Rule to endpoint, in the order in which they were added."""
    return {rule.rule: rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint != "static"}


class Base(Router):
    name = "media"
    url_prefix = "/api"

    @route("/one")
    def one(self):
        return f"one of {self.name}"

    @route("/two")
    def two(self):
        return {"two": self.name}


class Derived(Base):
    @route("/two-b", methods=["post"], endpoint="bee")
    def two(self):
        return expect_json(required=["a"])

    @route("/three/<int:number>")
    @route("/drei/<int:number>", methods=("GET", "PUT"))
    def three(self, number):
        return Outcome.success(number, status=201)

    @staticmethod
    @route("/static-method")
    def fixed():
        return "fixed"


def test_marked_methods_are_routes_those_of_base_classes_first(app):
    Derived().register(app)

    assert rules(app) == {
        "/api/one": "media.one",
        "/api/two-b": "media.bee",
        "/api/drei/<int:number>": "media.three",
        "/api/three/<int:number>": "media.three",
        "/api/static-method": "media.fixed",
    }


def test_views_answer_as_flask_views_do_and_outcomes_with_their_status(app, ask):
    Derived().register(app)

    assert ask("/api/one") == (200, "one of media")
    assert ask("/api/static-method") == (200, "fixed")
    assert ask("/api/two-b", "POST", json={"a": 1}) == (200, {"a": 1})
    assert ask("/api/three/5") == ask("/api/drei/5", "PUT") == (201, {"ok": True, "status": 201, "value": 5})


def test_lists_are_json_on_every_flask(app, ask):
    router = Router()
    router.route("/list")(lambda: [1, 2])
    router.register(app)

    assert ask("/list") == (200, [1, 2])


def test_an_override_without_a_mark_drops_the_route(app):
    class Silent(Base):
        def one(self):
            return "never"

    Silent().register(app)

    assert list(rules(app)) == ["/api/two"]


def test_functions_are_routes_and_stay_what_they_are(app, ask):
    router = Router("r", url_prefix="/x")

    @router.route("/a/<name>", methods=["POST"])
    def a(name):
        return name

    router.register(app)

    assert ask("/x/a/5", "POST") == (200, "5")
    assert a("direct") == "direct"


def test_the_prefix_is_that_of_who_registers_the_blueprint(app, ask):
    app.register_blueprint(Base().mount(), url_prefix="/other")

    assert ask("/other/one")[0] == 200
    assert ask("/api/one")[0] == 404


def test_slashes_are_as_strict_as_flask_s(app, ask):
    router = Router("r")
    router.route("/a")(lambda: "a")
    router.route("/b/", endpoint="b")(lambda: "b")
    router.register(app)

    assert [ask(path)[0] for path in ("/a", "/a/", "/b/", "/b")] == [200, 404, 200, 308]


def test_a_router_nests_in_a_blueprint(app, ask):
    outer = Blueprint("outer", __name__)
    Base().register(outer)
    app.register_blueprint(outer, url_prefix="/v1")

    assert ask("/v1/api/one") == (200, "one of media")
    with app.test_request_context():
        assert url_for("outer.media.one") == "/v1/api/one"


def test_errors_are_answered_as_json_where_asked_for(app, ask):
    class Fails(Router):
        @route("/fails", json_errors="could not do it")
        def fails(self):
            raise ValueError("secret")

        @route("/refuses", json_errors=True)
        def refuses(self):
            raise HTTPError("gone", 410)

        @route("/outcome", json_errors="no")
        def outcome(self):
            return Outcome.failure("wrong", status=409)

        @route("/plain")
        def plain(self):
            raise HTTPError("an exception like others")

    Fails().register(app)

    assert ask("/fails") == (500, {"error": "could not do it"})
    assert ask("/refuses") == (410, {"error": "gone"})
    assert ask("/outcome")[0] == 409
    assert ask("/plain")[0] == 500


def test_two_views_of_one_endpoint_are_refused():
    router = Router("r")
    router.route("/a", endpoint="same")(lambda: "a")
    router.route("/b", endpoint="same")(lambda: "b")

    with pytest.raises(ValueError, match="router 'r' has two views for the endpoint 'same': '/a' and '/b'"):
        router.mount()


def test_the_mark_is_a_tuple_of_specs_lowest_first():
    assert Derived.three._specter_routes == (
        RouteSpec("/drei/<int:number>", ("GET", "PUT")),
        RouteSpec("/three/<int:number>", ("GET",)),
    )


def test_a_decorator_above_the_mark_keeps_it(app, ask):
    def loud(fn):
        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            return fn(*args, **kwargs).upper()

        return wrapper

    class Loud(Router):
        @loud
        @route("/a")
        def a(self):
            return "a"

    Loud().register(app)

    assert ask("/a") == (200, "A")


# The life of a router.


def test_routes_that_on_mount_adds_are_served(app, ask):
    class Late(Base):
        def on_mount(self):
            self.route("/late")(lambda: "late")

    Late().register(app)

    assert ask("/api/late") == (200, "late")
    assert ask("/api/one")[0] == 200


def test_it_is_mounted_once():
    log = []

    class Counts(Base):
        def on_mount(self):
            log.append("mounted")

    router = Counts()

    assert router.mount() is router.blueprint() is router.mount()
    assert log == ["mounted"]


def test_a_mount_that_failed_can_be_tried_again(app, ask):
    class Fails(Base):
        ready = False

        def on_mount(self):
            if not self.ready:
                raise ValueError("not yet")

    router = Fails()
    with pytest.raises(ValueError, match="not yet"):
        router.mount()
    router.ready = True
    router.register(app)

    assert ask("/api/one")[0] == 200


def test_a_route_that_comes_too_late_is_logged(app, ask, caplog):
    router = Base().register(app)
    router.route("/late")(lambda: "late")

    assert ask("/api/late")[0] == 404
    assert "router 'media' is mounted, and '/late' will never be reached" in caplog.text


def test_one_router_serves_several_applications(app, ask):
    other = Flask("other")
    router = Base().register(other).register(app)

    assert router.name == "media"
    assert other.test_client().get("/api/one").status_code == ask("/api/one")[0] == 200


def test_teardown_calls_on_unmount_and_the_cleanups_last_first(caplog):
    log = []

    class Ends(Router):
        def on_unmount(self):
            log.append("on_unmount")

    class Closable:
        def close(self):
            log.append("close")

    router = Ends().add_cleanup(lambda: log.append("first")).add_cleanup("ignored")
    router.own(Closable())
    router.add_cleanup(lambda: 1 / 0)

    assert router.own(None) is None
    assert router.teardown() is router
    assert log == ["on_unmount", "close", "first"]
    assert "cleanup" in caplog.text and "ZeroDivisionError" in caplog.text
    assert router._cleanups == []


def test_an_error_of_on_unmount_is_raised_after_the_cleanups():
    log = []

    class Fails(Router):
        def on_unmount(self):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Fails().add_cleanup(lambda: log.append("cleanup")).teardown()

    assert log == ["cleanup"]


def test_the_registry_is_at_hand():
    registry.provide("a", 1)

    assert (Router().require("a"), Router().resolve("b")) == (1, None)
    with pytest.raises(KeyError):
        Router().require("b")


# What is refused.


def test_a_quart_application_is_refused_with_the_switch():
    quart = pytest.importorskip("quart")

    with pytest.raises(TypeError, match=r"a Quart application cannot be .*use_backend\('asyncio'\)"):
        Router().register(quart.Quart("q"))


async def view(): ...


@pytest.mark.parametrize("hook", ["on_mount", "on_unmount"])
def test_coroutine_hooks_are_refused(hook):
    with pytest.raises(TypeError, match=f"{hook} must be a plain function on gevent"):
        type("Waits", (Router,), {hook: view})().mount()


def test_coroutine_views_are_refused_where_they_are_added():
    with pytest.raises(TypeError, match="the view of '/a' must be a plain function on gevent"):
        Router().route("/a")(view)
    with pytest.raises(TypeError, match="a view must be a plain function on gevent"):
        type("Waits", (Router,), {"waits": route("/a")(view)})().mount()


def test_a_single_method_must_be_in_a_list():
    with pytest.raises(TypeError, match=r"write \['POST'\]"):
        Router().route("/a", methods="POST")


def test_nothing_is_logged_for_routes_in_time(app, caplog):
    with caplog.at_level(logging.WARNING):
        Derived().register(app)

    assert not caplog.records
