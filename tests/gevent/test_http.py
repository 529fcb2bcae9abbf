"""Requests and answers in JSON, on Flask."""

import copy
import logging
import pickle
from unittest.mock import MagicMock

import pytest
from flask import Flask, Request, Response, abort, redirect

from specter.sansio.outcome import Outcome
from specter_gevent.http import HTTPError, expect_json, json_endpoint, require_fields


@pytest.fixture
def app():
    return Flask("app")


@pytest.fixture
def ask(app):
    """What a client gets from a view: status and body, parsed if it is JSON."""

    def ask(view, **options):
        app.add_url_rule("/it", "it", view, methods=["GET", "POST"])
        answer = app.test_client().post("/it", **options)
        return answer.status_code, answer.get_json(silent=True) if answer.is_json else answer.get_data(as_text=True)

    return ask


def raises(error):
    def view():
        raise error

    return view


# Errors.


def test_an_error_is_answered_with_its_message_and_payload(ask):
    error = HTTPError("taken", 409, payload={"by": 5})

    assert ask(json_endpoint(raises(error))) == (409, {"by": 5, "error": "taken"})


def test_a_payload_s_own_error_takes_the_place_of_the_message(ask):
    assert ask(json_endpoint(raises(HTTPError("no", payload={"error": "own"})))) == (400, {"error": "own"})


def test_an_error_is_a_plain_exception_for_which_an_application_may_have_a_handler(app, ask):
    app.register_error_handler(HTTPError, lambda error: (f"mine: {error}", error.status_code))

    assert ask(raises(HTTPError("no", status=418))) == (418, "mine: no")


def test_an_error_survives_a_pickle_and_a_copy():
    error = HTTPError("no", 409, payload={"a": 1}, log_message="log")

    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (str(same), same.status_code, same.payload, same.log_message) == ("no", 409, {"a": 1}, "log")


def test_the_payload_is_a_copy_of_the_caller_s():
    payload = {"a": 1}
    error = HTTPError("no", payload=payload)
    payload["b"] = 2

    assert error.payload == {"a": 1}


# Endpoints.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, (200, {"a": 1})),
        ([1, 2], (200, [1, 2])),
        (({"a": 1}, 201), (201, {"a": 1})),
        (([], 202, {"X-Mine": "yes"}), (202, [])),
        (("text", 203), (203, "text")),
        ("text", (200, "text")),
        (Response("own", 418), (418, "own")),
        (Outcome.success(5, status=201, note="n"), (201, {"note": "n", "ok": True, "status": 201, "value": 5})),
        (Outcome.failure("no", status=404), (404, {"error": "no", "ok": False, "status": 404, "value": None})),
    ],
    ids=str,
)  # fmt: skip
def test_an_endpoint_answers_data_as_json_and_passes_on_the_rest(ask, value, expected):
    assert ask(json_endpoint("no")(lambda: value)) == expected


def test_what_an_error_says_stays_inside(ask, caplog):
    assert ask(json_endpoint("could not do it")(raises(ValueError("secret")))) == (500, {"error": "could not do it"})
    record = caplog.records[-1]
    assert (record.name, record.getMessage()) == (__name__, "could not do it: secret")
    assert record.exc_info[0] is ValueError


def test_the_traceback_can_be_left_out_of_the_log_and_the_log_be_another(ask, caplog):
    ask(json_endpoint(logger=logging.getLogger("mine"), include_trace=False)(raises(ValueError("secret"))))

    assert [(record.name, record.exc_info) for record in caplog.records] == [("mine", None)]
    assert caplog.messages == ["Internal server error: secret"]


def test_an_error_s_own_message_for_the_log_is_logged_once(ask, caplog):
    ask(json_endpoint(raises(HTTPError("no", log_message="100 % wrong", log_level=logging.ERROR))))

    assert caplog.record_tuples == [(__name__, logging.ERROR, "100 % wrong")]


@pytest.mark.parametrize("code", [400, 404, 418])
def test_abort_is_answered_with_its_status(ask, code):
    status, body = ask(json_endpoint("no")(lambda: abort(code)))

    assert status == code
    assert body["error"] not in ("", "no")


def test_abort_with_a_response_and_a_redirect_are_answers(app, ask):
    app.add_url_rule("/elsewhere", "elsewhere", json_endpoint(lambda: redirect("/it")))

    assert ask(json_endpoint(lambda: abort(Response("own", 404)))) == (404, "own")
    assert app.test_client().get("/elsewhere").headers["Location"].endswith("/it")


def test_an_endpoint_keeps_the_name_and_the_arguments_of_its_view(app):
    @json_endpoint
    def view(number, text):
        """Says."""
        return {"number": number, "text": text}

    app.add_url_rule("/<int:number>/<text>", view_func=view)

    assert app.test_client().get("/5/x").get_json() == {"number": 5, "text": "x"}
    assert (view.__name__, view.__doc__) == ("view", "Says.")


def test_a_coroutine_view_is_refused_with_the_switch():
    async def view(): ...

    with pytest.raises(TypeError, match=r"a view must be a plain function on gevent, .*use_backend\('asyncio'\)"):
        json_endpoint(view)


# Bodies.


@pytest.mark.parametrize(
    ("options", "sent", "error"),
    [
        ({}, {"json": {}}, "Request body is required"),
        ({}, {"json": None}, "Request body is required"),
        ({}, {}, "Request body is required"),
        ({}, {"data": '{"a": 1}'}, "Request body is required"),
        ({}, {"data": "{wrong", "content_type": "application/json"}, "Request body is required"),
        ({}, {"data": b"\xff", "content_type": "application/json"}, "Request body is required"),
        ({"error": "say something"}, {"json": {}}, "say something"),
        ({}, {"json": [1]}, "JSON body must be an object"),
        ({"allow_empty": True}, {"json": []}, "JSON body must be an object"),
        ({"required": ["a", "b"]}, {"json": {"a": " ", "c": 1}}, "Missing required field(s): a, b"),
        ({}, {"data": "[" * 100_000, "content_type": "application/json"}, "Request body is nested too deeply"),
    ],
    ids=["empty", "null", "none", "undeclared", "syntax", "bytes", "error", "list", "empty-list", "fields", "deep"],
)
def test_a_body_that_is_no_object_is_status_400(ask, options, sent, error):
    status, body = ask(json_endpoint("no")(lambda: expect_json(**options)), **sent)

    assert (status, body["error"]) == (400, error)


def test_a_body_is_given_as_it_came(ask):
    assert ask(json_endpoint(lambda: expect_json(required=("a",))), json={"a": [1]}) == (200, {"a": [1]})
    with Flask("other").test_request_context(json={}):
        assert expect_json(allow_empty=True) == {}


def test_a_body_over_the_limit_is_status_413(app, ask):
    app.config["MAX_CONTENT_LENGTH"] = 10

    assert ask(json_endpoint("no")(lambda: expect_json()), json={"a": "x" * 20}) == (
        413,
        {"error": "Request body must not be larger than 10 bytes"},
    )


def test_a_request_may_be_a_fake(monkeypatch):
    fake = MagicMock()
    fake.get_json.return_value = {"a": 1}
    monkeypatch.setattr("specter_gevent.http.request", fake)

    assert expect_json(required=["a"]) == {"a": 1}
    fake.get_json.assert_called_once_with(silent=True)


def test_what_the_framework_says_of_a_body_is_said_as_json(ask, monkeypatch):
    monkeypatch.setattr(Request, "get_json", lambda *args, **options: abort(408, "too slow"))

    assert ask(json_endpoint("no")(lambda: expect_json()), json={"a": 1}) == (408, {"error": "too slow"})


class Row:
    def __contains__(self, name):
        return name in "abc"

    def __getitem__(self, name):
        return 0


@pytest.mark.parametrize("payload", [{"a": 1, "b": 0, "c": " "}, Row()], ids=["dict", "row"])
def test_fields_may_be_in_anything_that_has_them_by_name(payload):
    assert require_fields(payload, ["a", "b"]) is payload


def test_missing_fields_are_told_by_name():
    with pytest.raises(HTTPError, match=r"^Missing required field\(s\): c, d$") as info:
        require_fields({"a": 1, "c": None}, ["a", "c", "d"])

    assert info.value.payload == {"missing": ["c", "d"]}


def test_what_counts_as_missing_and_what_is_said_can_be_chosen():
    assert require_fields({"a": ""}, ["a"], blank_is_missing=False) == {"a": ""}
    with pytest.raises(HTTPError, match="^Say it$"):
        require_fields({"a": " "}, ["a"], error="Say it")
