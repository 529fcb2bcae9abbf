"""Plain functions, coroutine functions, and their names."""

import functools
import inspect
import re

import pytest

from specter.sansio.callables import is_coroutine_function, name_of, require_answer, require_plain


def plain():
    """Do nothing."""


async def waits():
    """Do nothing, later."""


class Both:
    def plain(self):
        """Do nothing."""

    async def waits(self):
        """Do nothing, later."""


class Called:
    def __call__(self):
        """Do nothing."""


class Awaited:
    async def __call__(self):
        """Do nothing, later."""


PLAIN = [plain, Both().plain, Called(), functools.partial(plain), print, len, Both]
WAITS = [waits, Both().waits, Awaited(), functools.partial(functools.partial(waits)), functools.partial(Awaited())]


@pytest.mark.parametrize("fn", PLAIN)
def test_plain_functions(fn):
    require_plain(fn, "a listener")

    assert not is_coroutine_function(fn)


@pytest.mark.parametrize("fn", WAITS)
def test_coroutine_functions(fn):
    said = f"a listener must be a plain function on gevent, got the coroutine function {name_of(fn)}, which"
    with pytest.raises(TypeError, match=re.escape(said)) as found:
        require_plain(fn, "a listener")

    assert "call specter.use_backend('asyncio')" in str(found.value)
    assert is_coroutine_function(fn)


async def yields():
    """Give one, later."""
    yield 1


@pytest.mark.parametrize("fn", [yields, functools.partial(yields)])
def test_asynchronous_generators(fn):
    with pytest.raises(TypeError, match="a stream must be a plain function on gevent, got the asynchronous generator"):
        require_plain(fn, "a stream")

    assert not is_coroutine_function(fn)


def test_the_answer_of_a_coroutine_function_is_refused_and_closed():
    answer = waits()

    with pytest.raises(
        TypeError, match="a reader must be a plain function on gevent, got the coroutine function waits"
    ):
        require_answer(answer, waits, "a reader")

    assert inspect.getcoroutinestate(answer) == inspect.CORO_CLOSED


def test_a_coroutine_that_a_plain_function_hands_on_is_its_callers():
    answer = waits()

    require_answer(answer, lambda: answer, "a reader")
    require_answer(None, waits, "a reader")

    assert inspect.getcoroutinestate(answer) == inspect.CORO_CREATED
    answer.close()


def test_names():
    assert [name_of(fn) for fn in (plain, Both().waits, Called(), functools.partial(waits))] == [
        "plain",
        "Both.waits",
        "Called",
        "waits",
    ]
