"""Blocks of a test, and what is said when one is entered in the wrong way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

_NOT_WITH = """\
{it} is entered by `async with`, in an `async def`
    with {it}:    # wrong
    async with {it}:"""
_NOT_ASYNC_WITH = """\
{it} is entered by `with`: on gevent nothing is awaited
    async with {it}:    # wrong
    with {it}:"""
_NOT_AWAITED = """\
{it} is not awaited, but entered
    await {it}    # wrong
    async with {it} as it:
    it = await harness.enter({it})    # until the end of the test"""
_NOT_AWAITED_ON_GEVENT = """\
{it} is not awaited, but entered: on gevent nothing is
    await {it}    # wrong
    with {it} as it:
    it = harness.enter({it})    # until the end of the test"""


class AsyncBlock:
    """What is entered by ``async with`` alone. `_made` is how it is written, like ``socket(...)``."""

    _made: str

    if not TYPE_CHECKING:  # type checkers say it before it runs, if they do not see these

        def __enter__(self) -> NoReturn:
            raise TypeError(_NOT_WITH.format(it=self._made))

        def __exit__(self, *error: object) -> None:
            """Without it, `with` does not come to `__enter__`."""

        def __await__(self) -> NoReturn:
            raise TypeError(_NOT_AWAITED.format(it=self._made))


class PlainBlock:
    """What is entered by ``with`` alone. `_made` is how it is written, like ``socket(...)``."""

    _made: str

    if not TYPE_CHECKING:

        def __aenter__(self) -> NoReturn:
            raise TypeError(_NOT_ASYNC_WITH.format(it=self._made))

        def __aexit__(self, *error: object) -> None:
            """Without it, `async with` does not come to `__aenter__`."""

        def __await__(self) -> NoReturn:
            raise TypeError(_NOT_AWAITED_ON_GEVENT.format(it=self._made))
