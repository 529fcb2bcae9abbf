"""What an outcome holds and what it gives."""

import copy
import dataclasses
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.errors import OperationError
from specter.sansio.outcome import Outcome, failed, made

meta = st.dictionaries(st.sampled_from(["count", "hint", "ok", "page"]), st.integers(), max_size=3)
outcomes = st.builds(Outcome, st.booleans(), st.integers(), st.none() | st.text(), st.integers(200, 599), meta)


def test_a_success_has_its_value_and_no_error() -> None:
    assert Outcome.success(5, status=201, page=2) == Outcome(True, 5, None, 201, {"page": 2})


def test_a_failure_has_the_text_of_its_error() -> None:
    assert Outcome.failure(ValueError("bad"), status=409, value=1, hint="x") == Outcome(
        False, 1, "bad", 409, {"hint": "x"}
    )


def test_a_failure_is_the_fault_of_the_caller_by_default() -> None:
    assert Outcome.failure("bad").status == 400


def test_an_outcome_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Outcome.success().ok = False  # type: ignore[misc]


def test_unwrap_gives_the_value_of_a_success() -> None:
    assert Outcome.success(5).unwrap() == 5


@pytest.mark.parametrize(
    ("error", "text"), [("bad", "bad"), ("", "Outcome is not successful"), (None, "Outcome is not successful")]
)
def test_unwrap_of_a_failure_raises_its_error(error: str | None, text: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        Outcome(False, None, error, 400).unwrap()

    assert str(caught.value) == text


def test_the_dict_of_a_success_has_no_error() -> None:
    assert Outcome.success(5, page=2).to_dict() == {"page": 2, "ok": True, "status": 200, "value": 5}


def test_the_dict_of_a_failure_has_its_error() -> None:
    entries = Outcome.failure("bad", page=2).to_dict()

    assert list(entries.items()) == [("page", 2), ("ok", False), ("status", 400), ("error", "bad"), ("value", None)]


@given(outcomes)
def test_meta_never_hides_what_an_outcome_is(outcome: Outcome) -> None:
    entries = outcome.to_dict()

    assert (entries["ok"], entries["status"], entries["value"]) == (outcome.ok, outcome.status, outcome.value)
    assert outcome.ok or entries["error"] == outcome.error
    assert outcome.to_tuple() == (outcome.ok, outcome.value, outcome.error)


@given(outcomes)
def test_an_outcome_that_is_made_fast_is_like_any_other(outcome: Outcome) -> None:
    fast = made(outcome.ok, outcome.value, outcome.error, outcome.status, outcome.meta)

    assert type(fast) is Outcome
    assert (fast, repr(fast)) == (outcome, repr(outcome))
    assert pickle.loads(pickle.dumps(fast)) == copy.copy(fast) == dataclasses.replace(fast) == outcome
    with pytest.raises(dataclasses.FrozenInstanceError):
        fast.ok = True  # type: ignore[misc]


class Old:
    """Is pickled as 0.1.1 pickled an outcome."""

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"ok": True, "value": 5, "error": None, "status": 201, "meta": {"page": 2}}
        return object.__new__, (Outcome,), state


def test_an_outcome_pickled_by_0_1_1_is_one_of_ours() -> None:
    assert pickle.loads(pickle.dumps(Old())) == Outcome.success(5, status=201, page=2)


def test_an_outcome_is_a_plain_object() -> None:
    outcome = Outcome.success(5, page=2)

    assert vars(outcome) == {"ok": True, "value": 5, "error": None, "status": 200, "meta": {"page": 2}}


class Tagged(Outcome):
    pass


def test_a_subclass_makes_its_own() -> None:
    assert type(Tagged.success(1)) is type(Tagged.failure("x")) is Tagged


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationError("taken", status=409, meta={"by": "ann"}), Outcome(False, None, "taken", 409, {"by": "ann"})),
        (OperationError("half", meta={"value": 5, "status": 1}), Outcome(False, 5, "half", 400, {"status": 1})),
        (OperationError(ValueError("own")), Outcome(False, None, "own", 400)),  # type: ignore[arg-type]
        (ValueError("boom"), Outcome(False, None, "it failed", 500)),
    ],
    ids=["planned", "with a value", "of an error", "unplanned"],
)
def test_an_exception_becomes_a_failure(error: Exception, expected: Outcome) -> None:
    assert failed(error, "it failed") == expected


def test_the_meta_of_an_exception_is_copied() -> None:
    meta: dict[str, Any] = {"a": 1}
    error = OperationError("x", meta=meta | {"value": 1})

    outcome = failed(error, "it failed")

    assert outcome.meta is not error.meta
    assert (outcome.meta, outcome.value) == (meta, 1)
    assert error.meta == meta | {"value": 1}
