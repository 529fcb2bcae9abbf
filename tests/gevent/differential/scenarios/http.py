"""Helpers for Flask views."""

import logging

from flask import Flask, abort, jsonify
from observing import dies, differs, raised, tried

from specter import HTTPError, Outcome, expect_json, json_endpoint, require_fields


def _answer(view, **request):
    """What a client gets from a view: the status, the type of the body, and the body."""
    app = Flask("app")
    app.add_url_rule("/", "view", view, methods=["GET", "POST"])
    answer = app.test_client().post("/", **request)
    return answer.status_code, answer.mimetype, answer.get_json(silent=True)


def what_an_error_tells():
    errors = (
        HTTPError("no"),
        HTTPError("no", 404),
        HTTPError("no", 404, status=409, payload={"a": 1}, log_message="x", log_level=10),
    )

    return [
        (str(e), e.message, e.status_code, e.payload, e.log_message, e.log_level, isinstance(e, Exception))
        for e in errors
    ]


def the_response_of_an_error():
    with Flask("app").app_context(), Flask("app").test_request_context():
        answers = [HTTPError("no", 404).to_response(), HTTPError("no", payload={"a": 1}).to_response()]

    return [(answer.get_json(), status) for answer, status in answers]


def a_payload_with_an_error_of_its_own():
    with Flask("app").test_request_context():
        return HTTPError("no", payload={"error": "hidden"}).to_response()[0].get_json()


def an_http_error_leaves_a_plain_view():
    app = Flask("app")
    app.testing = True
    app.add_url_rule("/", "view", dies("no"))

    return isinstance(HTTPError("no"), Exception), hasattr(HTTPError("no"), "code"), raised(app.test_client().get, "/")


def views_give_data():
    views = [
        lambda: {"a": 1},
        lambda: [1, 2],
        lambda: ({"a": 1}, 201),
        lambda: ([1], 202, {"X-Mine": "yes"}),
        lambda: jsonify({"a": 1}),
        lambda: (jsonify({"a": 1}), 203),
        lambda: "text",
        lambda: ("text", 404),
    ]

    return [_answer(json_endpoint("no")(view)) for view in views]


def headers_are_kept():
    app = Flask("app")
    app.add_url_rule("/", "view", json_endpoint("no")(lambda: ([1], 202, {"X-Mine": "yes"})))

    return app.test_client().get("/").headers["X-Mine"]


def an_http_error_is_its_response():
    def view():
        raise HTTPError("gone", 410, payload={"id": 5})

    return _answer(json_endpoint("no")(view))


def any_other_error_leaks_nothing():
    return _answer(json_endpoint("could not do it")(dies("secret"))), _answer(json_endpoint()(dies("secret")))


def the_decorator_without_brackets():
    @json_endpoint
    def view():
        """Says."""
        raise ValueError("secret")

    return _answer(view), view.__name__, view.__doc__


@differs(
    "`abort(404)` inside `json_endpoint` becomes 500, and so does a body over the limit.",
    ours=[404, 403],
)
def abort_inside_an_endpoint():
    return [_answer(json_endpoint("no")(lambda code=code: abort(code)))[0] for code in (404, 403)]


def arguments_reach_the_view():
    app = Flask("app")
    app.add_url_rule("/<int:a>/<b>", "view", json_endpoint("no")(lambda a, b: {"a": a, "b": b}))

    return app.test_client().get("/5/x").get_json()


def errors_are_logged_where_asked_for():
    records = []

    class Keeps(logging.Handler):
        def emit(self, record):
            records.append((record.levelname, "secret" in record.getMessage()))

    def refuses():
        raise HTTPError("no", log_message="refused", log_level=logging.ERROR)

    mine = logging.getLogger("mine")
    mine.propagate = False
    mine.addHandler(Keeps())
    _answer(json_endpoint("no", logger=mine)(refuses))
    refused = list(records)
    records.clear()
    _answer(json_endpoint("no", logger=mine, include_trace=False)(dies("secret")))

    return refused, [level for level, _ in records]


def bodies():
    def view(**options):
        return json_endpoint("no")(lambda: {"got": expect_json(**options)})

    return [
        _answer(view(), json={"a": 1}),
        _answer(view(), json={}),
        _answer(view(allow_empty=True), json={}),
        _answer(view(), json=[1]),
        _answer(view(allow_empty=True), json=[]),
        _answer(view(), json="text"),
        _answer(view(), json=None),
        _answer(view()),
        _answer(view(error="Say something")),
        _answer(view(error="Say something"), json={}),
        _answer(view(), data='{"a": 1}'),
        _answer(view(), data="{wrong", content_type="application/json"),
        _answer(view(required=["a", "b"]), json={"a": 1}),
        _answer(view(required=["a"]), json={"a": 1, "b": 2}),
    ]


@differs("`abort(404)` inside `json_endpoint` becomes 500, and so does a body over the limit.", ours=413)
def a_body_over_the_limit():
    app = Flask("app")
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.add_url_rule("/", "view", json_endpoint("no")(lambda: expect_json()), methods=["POST"])

    return app.test_client().post("/", json={"a": "x" * 100}).status_code


def fields_that_are_required():
    payload = {"a": 1, "zero": 0, "false": False, "none": None, "blank": "  ", "empty": "", "list": []}
    same = require_fields(payload, ["a", "zero", "false", "list"]) is payload

    def errors(*args, **options):
        try:
            require_fields(*args, **options)
        except HTTPError as error:
            return error.message, error.status_code, error.payload
        return None

    return same, [
        errors(payload, ["x", "none", "a", "blank", "empty"]),
        errors(payload, ["blank", "none"], blank_is_missing=False),
        errors(payload, ["x"], error="Mine"),
        errors(payload, []),
        errors({}, ("x",)),
    ]


def a_payload_that_is_no_dict():
    return tried(require_fields, [], ["a"]), raised(require_fields, None, ["a"])[0]


@differs("JSON that is nested too deeply becomes 500.", ours=400)
def a_body_that_is_too_deep():
    return _answer(json_endpoint("no")(lambda: expect_json()), data="[" * 100_000, content_type="application/json")[0]


@differs(
    "An `Outcome` from a view in `json_endpoint` becomes 500.",
    ours=[409, {"error": "taken", "ok": False, "status": 409, "value": None}],
)
def an_outcome_of_an_endpoint():
    app = Flask("app")
    app.add_url_rule("/", view_func=json_endpoint("failed")(lambda: Outcome.failure("taken", status=409)))
    answer = app.test_client().get("/")

    return [answer.status_code, answer.json]


@differs("`json_endpoint` logs the traceback of an error at debug level.", ours=[True])
def the_traceback_of_an_endpoint():
    app, traces = Flask("app"), []

    class Traces(logging.Handler):
        def emit(self, record):
            traces.append(record.exc_info is not None)

    app.add_url_rule("/", view_func=json_endpoint("failed")(dies("it was meant to")))
    logging.getLogger().addHandler(Traces(logging.ERROR))
    app.test_client().get("/")

    return traces
