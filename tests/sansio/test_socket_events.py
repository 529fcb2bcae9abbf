"""Who hears a socket event, and what its client is answered."""

import errno
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.socket_arguments import SocketArguments, names_given
from specter.sansio.socket_events import (
    Answers,
    Subscription,
    Subscriptions,
    require_event,
    require_subscriber,
)


def subscription(fn: Any = print, priority: float = 100) -> Subscription:
    return Subscription(fn, SocketArguments(fn, names_given("x")), priority, "test")


@given(st.lists(st.integers(min_value=-2, max_value=2)))
def test_order_is_by_priority_and_then_by_subscription(priorities: list[int]) -> None:
    table = Subscriptions()
    added = [subscription(priority=priority) for priority in priorities]
    for each in added:
        table.add("x", each)

    assert list(table.of("x")) == sorted(added, key=lambda each: each.priority)


def test_what_was_read_is_not_changed_by_who_comes_and_goes() -> None:
    table = Subscriptions()
    first, second = subscription(), subscription()
    table.add("x", first)
    during = table.of("x")

    table.add("x", second)
    table.discard("x", first)

    assert during == (first,)
    assert table.of("x") == (second,)


def test_one_subscription_is_discarded_once() -> None:
    table = Subscriptions()
    one, same = subscription(), subscription()
    table.add("x", one)
    table.add("x", same)

    assert table.discard("x", one) is True
    assert table.discard("x", one) is False
    assert table.of("x") == (same,)


def test_all_subscriptions_of_a_function_are_removed() -> None:
    table = Subscriptions()
    for fn in (print, len, print):
        table.add("x", subscription(fn))

    assert table.remove("x", print) is True
    assert table.remove("x", print) is False
    assert [each.fn for each in table.of("x")] == [len]


def test_an_event_without_subscriptions_is_gone() -> None:
    table = Subscriptions()
    table.add("x", subscription())
    table.add("y", subscription())

    table.remove("x", print)

    assert table.events() == ["y"]
    assert table.of("x") == ()
    assert table.remove("never there", print) is False


def test_clear_tells_what_there_was() -> None:
    table = Subscriptions()
    table.add("x", subscription(print))

    assert table.clear() == ["x"]
    assert table.clear() == []
    assert table.of("x") == ()


@given(st.lists(st.none() | st.integers() | st.booleans()))
def test_the_acknowledgement_is_the_last_answer_that_is_not_none(given_answers: list[Any]) -> None:
    answers = Answers.to("message")
    for answer in given_answers:
        answers.add(answer)

    said = [answer for answer in given_answers if answer is not None]
    assert answers.acknowledgement == (said[-1] if said else None)
    assert not answers.refused


def test_a_failure_is_no_answer() -> None:
    answers = Answers.to("message")
    answers.add("first")
    assert answers.fail(ValueError()) is False

    assert (answers.acknowledgement, answers.refused) == ("first", False)


WHY = ConnectionRefusedError("full")
steps = st.sampled_from(["none", "true", "false", "error", "why"])


@given(st.lists(steps))
def test_the_first_refusal_stands_whatever_comes_later(taken: list[str]) -> None:
    answers = Answers.to("connect")
    for step in taken:
        match step:
            case "none":
                answers.add(None)
            case "true":
                answers.add(True)
            case "false":
                answers.add(False)
            case "error":
                assert answers.fail(ValueError()) is False
            case "why":
                assert answers.fail(WHY) is True

    refusals = [step for step in taken if step in ("false", "error", "why")]
    assert answers.refused == bool(refusals)
    assert answers.refusal is (WHY if refusals[:1] == ["why"] else None)


def test_only_false_itself_refuses() -> None:
    answers = Answers.to("connect")
    for answer in (0, "", [], None):
        answers.add(answer)

    assert not answers.refused


class Theirs(Exception):
    pass


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A library for sockets with a refusal of its own; call it to have it imported."""
    monkeypatch.delitem(sys.modules, "socketio.exceptions", raising=False)
    monkeypatch.delitem(sys.modules, "flask_socketio", raising=False)
    module = ModuleType("socketio.exceptions")
    module.ConnectionRefusedError = Theirs  # type: ignore[attr-defined]
    return lambda: monkeypatch.setitem(sys.modules, "socketio.exceptions", module)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError("full"), True),
        (ConnectionRefusedError(), True),
        (ConnectionRefusedError(403, "banned"), True),
        (Theirs("full"), True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"), False),
        (ValueError("bug"), False),
        (ConnectionResetError("gone"), False),
    ],
    ids=repr,
)
def test_a_refusal_is_told_from_a_failure(library: Callable[[], None], error: Exception, expected: bool) -> None:
    library()
    answers = Answers.to("connect")

    assert answers.fail(error) is expected
    assert answers.refused
    assert Answers.to("message").fail(error) is False


def refused(*errors: Exception) -> Answers:
    answers = Answers.to("connect")
    for error in errors:
        answers.fail(error)
    return answers


def test_what_is_answered_is_the_acknowledgement() -> None:
    answers = Answers.to("connect")
    answers.add("welcome")

    assert answers.conclude() == "welcome"


def test_a_refusal_without_a_reason_is_false(library: Callable[[], None]) -> None:
    assert refused(ValueError("bug"), WHY).conclude() is False


def test_a_refusal_with_a_reason_is_raised_as_it_is(library: Callable[[], None]) -> None:
    with pytest.raises(ConnectionRefusedError) as info:
        refused(WHY).conclude()
    library()
    with pytest.raises(Theirs, match="banned") as other:
        refused(theirs := Theirs("banned")).conclude()

    assert info.value is WHY
    assert other.value is theirs


def test_the_built_in_refusal_becomes_the_library_s(library: Callable[[], None]) -> None:
    library()
    with pytest.raises(Theirs) as info:
        refused(ConnectionRefusedError({"code": 3}, "for the log")).conclude()

    assert info.value.args == ({"code": 3},)


@pytest.mark.parametrize("event", ["", None, 3, b"x"])
def test_an_event_must_have_a_name(event: object) -> None:
    with pytest.raises(TypeError, match="a socket event must be a non-empty string, got "):
        require_event(event)


def test_a_subscriber_must_be_callable_and_its_priority_a_number() -> None:
    with pytest.raises(TypeError, match="a socket callback must be callable, got NoneType"):
        require_subscriber(None, 100)
    with pytest.raises(TypeError, match="priority must be a number, got 'high'"):
        require_subscriber(print, "high")


def test_what_can_subscribe_is_let_through() -> None:
    require_event("x")
    require_subscriber(print, 1.5)


def test_a_subscription_says_whose_it_is() -> None:
    assert repr(subscription(priority=5)) == "<Subscription of 'test', priority 5>"
