"""Routers."""

from flask import Flask, jsonify
from observing import dies, differs, raised, resource, tried

from specter import HTTPError, Outcome, Router, registry, route


def _answers(router, *paths, method="GET"):
    """``(status, body)`` of each path, or its text if it is no JSON."""
    app = Flask("app")
    router.register(app)
    client = app.test_client()
    answers = [client.open(path, method=method) for path in paths]
    return [
        (answer.status_code, answer.get_json(silent=True) or answer.get_data(as_text=True)[:20]) for answer in answers
    ]


class _Things(Router):
    name = "things"
    url_prefix = "/things"

    @route("/")
    def all_of_them(self):
        return jsonify(["a", "b"])

    @route("/<int:number>", methods=["GET", "POST"])
    def one(self, number):
        return jsonify({"number": number})

    @route("/fails", json_errors="could not do it")
    def fails(self):
        raise ValueError("secret")

    @route("/refuses", json_errors="could not do it")
    def refuses(self):
        raise HTTPError("gone", 410)

    @route("/data", json_errors="could not do it")
    def data(self):
        return {"a": 1}, 201


def a_new_router():
    plain, named, things = Router(), Router("mine", url_prefix="/x", import_name="somewhere"), _Things()
    blueprints = named.blueprint(), things.blueprint()

    return [(r.name, r.url_prefix) for r in (plain, named, things)], [(b.name, b.import_name) for b in blueprints]


def methods_are_routes():
    return _answers(_Things(), "/things/", "/things/5", "/things/x", "/things/data", "/things/fails", "/things/refuses")


def methods_of_http_are_kept_to():
    return _answers(_Things(), "/things/5", "/things/", method="POST")


def slashes_are_not_strict():
    class Open(Router):
        @route("/a/b")
        def without(self):
            return "without"

        @route("/c/d/")
        def with_one(self):
            return "with"

    return _answers(Open(), "/a/b", "/a/b/", "/c/d/", "/c/d")


def inherited_routes_are_routes():
    class More(_Things):
        @route("/more")
        def more(self):
            return "more"

        def one(self, number):
            return "never served"

    return _answers(More(), "/things/more", "/things/", "/things/5")


def an_override_with_a_route_of_its_own():
    class Other(_Things):
        @route("/other/<int:number>")
        def one(self, number):
            return f"other {number}"

    return _answers(Other(), "/things/other/5", "/things/5")


@differs("Two `@route` on one method collide: the router cannot be mounted.", ours=[[200, "both"], [200, "both"]])
def two_routes_on_one_method():
    class Both(Router):
        @route("/a")
        @route("/b")
        def both(self):
            return "both"

    return tried(_answers, Both(), "/a", "/b")


def two_routes_on_one_method_with_names():
    class Both(Router):
        @route("/a", endpoint="first")
        @route("/b", endpoint="second")
        def both(self):
            return "both"

    return _answers(Both(), "/a", "/b")


def functions_are_routes():
    router = Router("r")

    @router.route("/a")
    def a():
        return "a"

    @router.route("/b/<name>", methods=["POST"], json_errors="could not do it")
    def b(name):
        return {"name": name}

    return callable(a), b("x"), _answers(router, "/a", "/b/x"), _answers_again(router)


def _answers_again(router):
    app = Flask("again")
    app.register_blueprint(router.blueprint())
    answer = app.test_client().post("/b/x")
    return answer.status_code, answer.get_json()


def two_functions_of_one_name():
    router = Router("r")
    router.route("/a")(lambda: "a")
    router.route("/b")(lambda: "b")

    return len(raised(router.register, Flask("app")))


@differs("Routes that `on_mount` adds are never served.", ours=[[200, "late"]])
def routes_of_on_mount():
    class Late(Router):
        def on_mount(self):
            @self.route("/late")
            def late():
                return "late"

    return [answer if answer[0] == 200 else "not served" for answer in _answers(Late(), "/late")]


def an_outcome_is_an_answer():
    class Outcomes(Router):
        @route("/good")
        def good(self):
            return Outcome.success({"a": 1}, status=201, note="x")

        @route("/bad", json_errors="no")
        def bad(self):
            return Outcome.failure("wrong", status=409)

    return _answers(Outcomes(), "/good", "/bad")


def mount_builds_once():
    log = []

    class Counts(Router):
        def on_mount(self):
            log.append("mounted")

    router = Counts()
    same = router.mount() is router.mount(), router.blueprint() is router.mount()

    return same, log, router.register(Flask("app")) is router


def endpoints_have_names():
    app = Flask("app")
    router = _Things()
    router.route("/named", endpoint="a-name")(lambda: "x")
    router.register(app)

    return sorted(rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint != "static")


def teardown_cleans_up():
    log = []

    class Unmounts(Router):
        def on_unmount(self):
            log.append("on_unmount")

    router = Unmounts()
    owned = resource("close", log=log)
    chained = router.add_cleanup(lambda: log.append("first")) is router, router.own(owned) is owned, router.own(None)
    router.add_cleanup(dies("no")).add_cleanup("text").add_cleanup(lambda: log.append("last"))
    gives = router.teardown() is router
    router.teardown()

    return chained, gives, log


def a_failing_on_unmount_raises_after_the_cleanups():
    log = []

    class Fails(Router):
        def on_unmount(self):
            raise ValueError("no")

    router = Fails().add_cleanup(lambda: log.append("cleanup"))

    return raised(router.teardown), log


def the_registry_is_at_hand():
    registry.provide("a", 1)
    router = Router()

    return router.require("a"), router.resolve("b"), raised(router.require, "b")[0]


def what_the_decorator_leaves_on_a_function():
    specs = _Things.one._specter_routes + _Things.fails._specter_routes

    return [(s.rule, s.methods, s.endpoint, s.json_errors) for s in specs], _Things.one.__name__


def a_plain_error_is_flasks():
    class Fails(Router):
        @route("/fails")
        def fails(self):
            raise ValueError("no")

    return [status for status, _ in _answers(Fails(), "/fails")]


@differs("`_specter_routes` has the names of methods as they were written.", ours=[["POST", "GET"]])
def methods_as_they_are_kept():
    @route("/a", methods=["post", "Get"])
    def view():
        return ""

    return [list(spec.methods) for spec in view._specter_routes]


@differs(
    '`methods="POST"` is a route for the methods P, O, S and T.',
    ours=["TypeError", "methods must be a list of names, got 'POST'; write ['POST']"],
)
def a_text_for_methods():
    return tried(lambda: list(route("/a", methods="POST")(dies("never"))._specter_routes[0].methods))


@differs(
    "Two views of one endpoint are an `AssertionError` of Flask when they are registered.",
    ours=[
        "ValueError",
        "router 'r' has two views for the endpoint 'a': '/a' and '/b'; give one of them endpoint='another_name'",
    ],
)
def two_views_of_one_endpoint():
    app, router = Flask("app"), Router("r")

    @router.route("/a")
    def a():
        return "a"

    @router.route("/b", endpoint="a")
    def b():
        return "b"

    return tried(router.register, app)


def slashes_at_the_end():
    app, router = Flask("app"), Router("r")
    router.route("/a/")(lambda: "a")
    router.route("/b", endpoint="b")(lambda: "b")
    router.register(app)

    return [app.test_client().get(path).status_code for path in ("/a", "/a/", "/b", "/b/")]
