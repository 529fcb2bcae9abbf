"""What a service can be made of."""

import math
from typing import Any

import pytest

from specter.sansio.service import check_stop_timeout, checked_name, checked_state


def test_a_name_is_given_back() -> None:
    assert checked_name("thumbnails") == "thumbnails"


@pytest.mark.parametrize("wrong", [None, 5, b"name", "", "  "], ids=repr)
def test_a_wrong_name_is_told(wrong: Any) -> None:
    with pytest.raises(TypeError) as refused:
        checked_name(wrong)

    assert str(refused.value) == f"the name of a service must be a non-empty string, got {wrong!r}"
    with pytest.raises(TypeError, match="the name of a cache must be a non-empty string"):
        checked_name(wrong, "cache")


def test_a_state_is_given_back_itself() -> None:
    state = {"a": 1}

    assert checked_state("clock", state) is state


@pytest.mark.parametrize("wrong", [None, 5, "ab", [("a", 1)]], ids=repr)
def test_a_wrong_state_is_told_with_the_service(wrong: Any) -> None:
    with pytest.raises(TypeError, match="the state of service 'clock' must be a dict, got .*: "):
        checked_state("clock", wrong)


@pytest.mark.parametrize("seconds", [0, 0.5, 30, math.inf])
def test_a_stop_timeout_may_be_nothing_or_infinite(seconds: float) -> None:
    check_stop_timeout("clock", seconds)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [(None, TypeError), ("30", TypeError), (True, TypeError), (-1, ValueError), (math.nan, ValueError)],
)
def test_a_wrong_stop_timeout_is_told_with_the_service(wrong: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=rf"stop_timeout of service 'clock' must be .*, got {wrong!r}"):
        check_stop_timeout("clock", wrong)
