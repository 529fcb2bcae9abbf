"""The event loop under a test: one whose time can be made virtual, and gevent's hub for shared tests."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from specter import current_backend

from .collecting import is_async, is_used, written
from .running_tests import runner_of

# Async fixtures of a wider scope than a test that are set up now: {name: scope}. Their event loop is that of all tests.
wider: dict[str, str] = {}


class Chosen(tuple[str, dict[str, Any]]):
    """
    A backend with its options, which is told from others by its name alone.

    Fixtures and tests that compare `anyio_backend` with a name go on as if there were no options.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self[0] == other if isinstance(other, str) else super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self[0])

    def __str__(self) -> str:
        return self[0]

    __repr__ = __str__


@contextmanager
def arranged(fixturedef: Any, request: Any) -> Iterator[None]:
    """Set a fixture up for the event loop that the test has."""
    function = fixturedef.func
    if fixturedef.argname == "anyio_backend" and is_used(request.config):
        fixturedef.func = _with_options(function, "virtual_clock" in request.fixturenames)
    elif inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        if fixturedef.scope != "function":
            _note_wider(fixturedef, request)
        elif runner_of(request.node) == "gevent" and "specter_backend" in request.fixturenames:
            fixturedef.func = _driven(function)
    try:
        yield
    finally:
        fixturedef.func = function


@contextmanager
def on_its_backend(item: Any) -> Iterator[None]:
    """Have a shared test be a plain one where it runs on gevent."""
    if "specter_backend" not in item.funcargs or runner_of(item) != "gevent" or not is_async(item.obj):
        yield
        return
    # Hypothesis calls the test that it has inside.
    holder, name = (item.obj.hypothesis, "inner_test") if hasattr(item.obj, "hypothesis") else (item, "obj")
    before, test = getattr(holder, name), written(item.obj)
    setattr(holder, name, lambda *args, **kwargs: _drive(test(*args, **kwargs)))
    try:
        yield
    finally:
        setattr(holder, name, before)


def refuse_wider_fixtures(request: pytest.FixtureRequest) -> None:
    """Refuse a shared test while an async fixture of a wider scope holds an event loop: it would run on that."""
    for name, scope in wider.items():
        pytest.fail(
            f"specter_backend cannot run {request.node.name} while the async fixture {name!r} of scope {scope!r} is "
            "set up: its event loop would be that of all backends. Give the fixture the scope 'function', or put the "
            "test into another module",
            pytrace=False,
        )


def refuse_asyncio_for_trio(request: pytest.FixtureRequest) -> None:
    """Refuse a shared test on trio that a plugin runs which has asyncio alone."""
    if request.param == "trio" and is_async(request.function) and runner_of(request.node) != "anyio":
        pytest.fail(
            f"specter_backend cannot run {request.node.name}: the test is run by a plugin that has no trio, such as "
            "pytest-asyncio. Take its mark away, and set asyncio_mode = strict if it is auto: then anyio's plugin runs "
            "it. Or deselect it, by -k 'not trio'",
            pytrace=False,
        )


def _note_wider(fixturedef: Any, request: Any) -> None:
    wider[fixturedef.argname] = fixturedef.scope
    fixturedef.addfinalizer(lambda: wider.pop(fixturedef.argname, None))


def _with_options(choose: Callable[..., Any], clock: bool) -> Callable[..., Any]:
    def chosen(*args: Any, **kwargs: Any) -> Any:
        value = choose(*args, **kwargs)
        name, options = (value, {}) if isinstance(value, str) else value
        if options.get("use_uvloop") or name not in ("asyncio", "trio"):
            return value
        if name == "asyncio" and not clock and _has_policy():
            return value
        if current_backend() == "gevent":  # the application's time is that of the hub
            return value
        from specter.testing import backend_options

        return Chosen((name, {**backend_options(name), **options}))

    return chosen


def _has_policy() -> bool:
    """Whether the project has chosen the loops of asyncio by a policy, as uvloop's."""
    import asyncio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of policies, in Python 3.14
        policy = asyncio.get_event_loop_policy()
    return not type(policy).__module__.startswith("asyncio.")


def _driven(fixture: Callable[..., Any]) -> Callable[..., Any]:
    """An async fixture as a plain one, of which nothing waits by itself."""
    if inspect.iscoroutinefunction(fixture):
        return lambda **kwargs: _drive(fixture(**kwargs))

    def generator(**kwargs: Any) -> Iterator[Any]:
        steps = fixture(**kwargs)
        yield _drive(anext(steps))
        try:
            _drive(anext(steps))
        except StopAsyncIteration:
            return
        raise RuntimeError(f"fixture {fixture.__name__} must not yield twice")

    return generator


def _drive(coroutine: Any) -> Any:
    from specter_gevent.testing._backend import drive

    return drive(coroutine)
