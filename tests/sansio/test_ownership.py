"""Who may own, and how that which is owned is ended."""

import pytest

from specter.sansio.ownership import STOP_METHODS, first_method, require_callable, require_owner, stop_method


class Owner:
    def add_cleanup(self, fn):
        """Take it."""


class Resource:
    def __init__(self, **methods):
        vars(self).update(methods)


def test_what_has_add_cleanup_can_own():
    require_owner(Owner())


@pytest.mark.parametrize("owner", [None, {}, Resource(add_cleanup=1)], ids=["none", "dict", "no function"])
def test_what_has_none_cannot(owner):
    with pytest.raises(TypeError, match=rf"owner must have add_cleanup\(fn\), got {type(owner).__name__}"):
        require_owner(owner)


def test_what_can_be_called_passes():
    require_callable(print, "a thing")


def test_what_cannot_is_named_by_its_role():
    with pytest.raises(TypeError, match="a thing must be callable, got int"):
        require_callable(1, "a thing")


@pytest.mark.parametrize("first", range(len(STOP_METHODS)), ids=STOP_METHODS)
def test_the_most_gentle_method_is_taken(first):
    methods = {name: object.__new__(type(name, (), {"__call__": lambda self: None})) for name in STOP_METHODS[first:]}

    assert stop_method(Resource(**methods)) is methods[STOP_METHODS[first]]


def test_what_is_no_method_is_passed_over():
    resource = Resource(stop=True, close=print)

    assert stop_method(resource) is print


def test_a_method_can_be_named():
    assert stop_method(Resource(stop=repr, bye=print), "bye") is print


def test_other_methods_can_be_tried():
    assert stop_method(Resource(stop=repr, bye=print), tried=("bye", "stop")) is print


def test_without_one_the_error_says_what_was_tried():
    with pytest.raises(TypeError, match=r"Resource cannot be owned: no method to end it \(tried stop, close, aclose, "):
        stop_method(Resource())
    with pytest.raises(TypeError, match=r"\(tried 'bye'\); pass stop_method="):
        stop_method(Resource(stop=print), "bye")


def test_the_first_of_some_methods():
    assert first_method(Resource(b=repr, c=print), ("a", "b", "c")) is repr
    assert first_method(Resource(b=1), ("a", "b")) is None


def test_a_coroutine_in_the_place_of_its_function_is_told_how_to_pass_it():
    async def poll():
        pass

    coroutine = poll()
    with pytest.raises(
        TypeError, match=r"a task must be callable, got coroutine: pass .*\.poll itself, without calling"
    ):
        require_callable(coroutine, "a task")
    coroutine.close()
