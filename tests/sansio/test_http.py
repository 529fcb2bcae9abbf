"""What requests must bring and how they are answered."""

from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.http import (
    BODY_NOT_AN_OBJECT,
    Answer,
    answer_of,
    body_problem,
    body_too_large,
    checked_names,
    checked_status,
    error_body,
    fails,
    missing_fields,
    missing_message,
)
from specter.sansio.outcome import Outcome


def test_the_message_of_an_error_beats_its_payload() -> None:
    payload = {"a": 1, "error": "other"}

    assert error_body("bad", payload) == {"a": 1, "error": "bad"}
    assert payload == {"a": 1, "error": "other"}


@pytest.mark.parametrize("status", [100, 404, 599, HTTPStatus.CONFLICT])
def test_a_status_is_a_plain_number(status: int) -> None:
    assert checked_status(status) == status
    assert type(checked_status(status)) is int


@pytest.mark.parametrize("status", [0, 99, 600, "409", None, 400.0])
def test_what_is_no_status_is_refused(status: Any) -> None:
    with pytest.raises(ValueError, match=f"status must be a whole number from 100 to 599, got {status!r}"):
        checked_status(status)


@pytest.mark.parametrize(
    "names", [["a", "b"], ("a", "b"), {"a": 1, "b": 2}, iter("ab")], ids=lambda names: type(names).__name__
)
def test_names_may_come_in_any_collection(names: Any) -> None:
    assert checked_names(names) == ["a", "b"]


def test_a_single_text_is_no_list_of_names() -> None:
    with pytest.raises(TypeError, match=r"required must be a list of names, got 'name'; write \['name'\]"):
        checked_names("name")


@pytest.mark.parametrize(
    ("body", "problem", "if_empty_is_allowed"),
    [
        ({"a": 1}, None, None),
        (None, "say something", "say something"),
        ({}, "say something", None),
        ([], BODY_NOT_AN_OBJECT, BODY_NOT_AN_OBJECT),
        ("text", BODY_NOT_AN_OBJECT, BODY_NOT_AN_OBJECT),
        (0, BODY_NOT_AN_OBJECT, BODY_NOT_AN_OBJECT),
    ],
    ids=repr,
)
def test_a_body_must_be_an_object(body: Any, problem: str | None, if_empty_is_allowed: str | None) -> None:
    assert body_problem(body, "say something", allow_empty=False) == problem
    assert body_problem(body, "say something", allow_empty=True) == if_empty_is_allowed


def test_the_sender_of_a_large_body_reads_the_limit() -> None:
    assert body_too_large(10) == "Request body must not be larger than 10 bytes"


@pytest.mark.parametrize(
    ("status", "response", "expected"),
    [(404, None, True), (400, None, True), (308, None, False), (None, None, False), (404, "a response", False)],
)
def test_a_redirect_is_no_error_and_a_response_of_its_own_neither(
    status: int | None, response: object, expected: bool
) -> None:
    assert fails(status, response) is expected


MISSING: list[tuple[Any, bool, bool]] = [
    # value, missing, missing if blanks count
    (None, True, True),
    ("", False, True),
    ("  ", False, True),
    ("x", False, False),
    (0, False, False),
    (False, False, False),
    ([], False, False),
    ({}, False, False),
]


@pytest.mark.parametrize(("value", "missing", "missing_blank"), MISSING, ids=repr)
def test_a_field_is_missing(value: Any, missing: bool, missing_blank: bool) -> None:
    assert missing_fields({"a": value}, ["a"], blank_is_missing=False) == ["a"] * missing
    assert missing_fields({"a": value}, ["a"], blank_is_missing=True) == ["a"] * missing_blank


def test_missing_fields_are_listed_in_the_order_asked_for() -> None:
    missing = missing_fields({"b": 1}, ["c", "b", "a"], blank_is_missing=True)

    assert missing_message(missing) == "Missing required field(s): c, a"


@given(st.dictionaries(st.sampled_from("abcd"), st.none() | st.text(max_size=2)), st.lists(st.sampled_from("abcd")))
def test_a_field_is_missing_or_there(payload: dict[str, Any], required: list[str]) -> None:
    missing = missing_fields(payload, required, blank_is_missing=True)

    assert [name for name in required if (payload.get(name) or "").strip()] == [
        name for name in required if name not in missing
    ]


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ({"a": 1}, Answer({"a": 1}, (), True)),
        ([1], Answer([1], (), True)),
        (({"a": 1}, 201), Answer({"a": 1}, (201,), True)),
        (([1], 201, {"X-A": "b"}), Answer([1], (201, {"X-A": "b"}), True)),
        ("text", Answer("text", (), False)),
        (("text", 202), Answer("text", (202,), False)),
        (None, Answer(None, (), False)),
        ((), Answer((), (), False)),
        (Outcome.success(1, status=201), Answer({"ok": True, "status": 201, "value": 1}, (201,), True)),
        (
            Outcome.failure("no", status=404),
            Answer({"ok": False, "status": 404, "value": None, "error": "no"}, (404,), True),
        ),
    ],
    ids=repr,
)
def test_what_a_view_returns_is_taken_apart(value: Any, answer: Answer) -> None:
    assert answer_of(value) == answer
