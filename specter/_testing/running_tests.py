"""How a test is run, and what our fixtures do for it there."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from specter._backend import current_backend

from .collecting import is_async
from .verdict import allowed_by, keep, keep_stubborn

if TYPE_CHECKING:
    from specter import Runtime

    from .watch import Held

# Fixtures with which a test has a bus, a registry and a runtime of its own.
_ISOLATING = ("specter_runtime", "harness", "specter_backend")


class Here(NamedTuple):
    """
    What surrounds a test where it runs.

    Attributes:
        runtime: Its runtime; on gevent the hub. ``None`` if the test asks for none.
        clock: Its virtual clock, likewise.
    """

    runtime: Any
    clock: Any


def runner_of(item: Any) -> str:
    """
    Tell who runs a test.

    Returns:
        ``anyio`` or ``asyncio``, the plugins of these names, ``gevent`` for what runs in its hub, ``pytest`` for other
        plain tests.
    """
    callspec = getattr(item, "callspec", None)
    chosen = callspec.params.get("specter_backend") if callspec is not None else None
    if chosen == "gevent" or (chosen is None and current_backend() == "gevent"):
        return "gevent"
    if is_async(getattr(item, "function", None)):
        if "anyio_backend" in item.fixturenames:
            return "anyio"
        if item.get_closest_marker("asyncio") and item.config.pluginmanager.has_plugin("specter-asyncio"):
            return "asyncio"
    return "pytest"


def fixture_of(request: pytest.FixtureRequest, part: str) -> Any:
    """
    Set up the fixture that does a part for the runner of a test.

    Args:
        request: That of the fixture which has the part done.
        part: ``here`` or ``harness``.
    """
    runner = runner_of(request.node)
    if runner == "asyncio":
        from .plugin_asyncio import loop_scope

        runner = f"asyncio_{loop_scope(request.node)}"
    return request.getfixturevalue(f"_specter_{part}_{runner}")


def harness_of(item: Any) -> Any:
    """Give the harness that a test has: `specter.testing` or its twin."""
    return import_module("specter_gevent.testing" if runner_of(item) == "gevent" else "specter.testing")


@contextmanager
def isolated_item(item: Any) -> Iterator[None]:
    """Isolate a test that is to be: its runtime, and the other one where something has imported it."""
    if not _isolates(item):
        yield
        return
    harnesses = {import_module("specter.testing"), harness_of(item)}
    if "specter_gevent.event_bus" in sys.modules:
        harnesses.add(import_module("specter_gevent.testing"))
    with ExitStack() as stack:
        for harness in harnesses:
            stack.enter_context(harness.isolated(imported=True))
        yield


@asynccontextmanager
async def here_async(item: Any) -> AsyncIterator[Here]:
    """What surrounds a test on its event loop."""
    from specter.testing._ending import Leftovers
    from specter.testing._leaks import Watching

    watching = Watching(allowed_by(item)) if _is_watched(item) else None
    leftovers = Leftovers()
    try:
        async with _open_runtime(item, watching) as runtime:
            with _virtual_time(item) as clock:
                yield Here(runtime, clock)
        if watching is not None:
            keep(item, await watching.end())
        if watching is not None or not _loop_goes_on(item):
            keep_stubborn(item, await leftovers.end())
    finally:
        if watching is not None:
            watching.close()


@contextmanager
def here_on_gevent(item: Any) -> Iterator[Here]:
    """What surrounds a test in gevent's hub."""
    from specter_gevent._clock import clock_here
    from specter_gevent.testing._leaks import Watching
    from specter_gevent.testing._serving import shutting_down

    watching = Watching(allowed_by(item)) if _is_watched(item) else None
    try:
        with _virtual_time(item) as clock, shutting_down() if _isolates(item) else nullcontext():
            yield Here(clock_here().hub, clock)
        if watching is not None:
            keep(item, watching.end())
    finally:
        if watching is not None:
            watching.close()


@contextmanager
def here_plainly(item: Any) -> Iterator[Here]:
    """What surrounds a test that has no event loop."""
    from specter import Runtime

    from .watch import Watch

    if "virtual_clock" in item.fixturenames:
        pytest.fail(f"virtual_clock needs an event loop, and {item.name} {_loopless(item)}", pytrace=False)
    watch = Watch(_held_outside_loops, allowed_by(item)) if _is_watched(item) else None
    try:
        yield Here(Runtime(item.name), None)
        if watch is not None:
            keep(item, watch.end_plainly())
    finally:
        if watch is not None:
            watch.close()


def _loopless(item: Any) -> str:
    if is_async(getattr(item, "function", None)):
        return "is run by nobody: it has the mark of a plugin that is not there, install that or take the mark away"
    return "is a plain test: make it `async def`, or use specter.testing.virtual_time in what it runs"


def _loop_goes_on(item: Any) -> bool:
    """Whether the event loop of a test is not closed right after it."""
    if runner_of(item) == "asyncio":
        from .plugin_asyncio import loop_scope

        return loop_scope(item) != "function"
    from .backends import wider

    return bool(wider)


def _is_watched(item: Any) -> bool:
    return bool(item.config.getini("specter_leaks") != "off")


@asynccontextmanager
async def _open_runtime(item: Any, watching: Any) -> AsyncIterator[Runtime | None]:
    """The runtime of a test, if it asks for one. What that still has at the end is left behind, although it ends it."""
    if not _isolates(item):
        yield None
        return
    from specter import Runtime

    async with Runtime(item.name) as runtime:
        yield runtime
        if watching is not None:
            await watching.look_into(runtime)


@contextmanager
def _virtual_time(item: Any) -> Iterator[Any]:
    if "virtual_clock" not in item.fixturenames:
        yield None
        return
    with harness_of(item).virtual_time() as clock:
        yield clock


def _isolates(item: Any) -> bool:
    return any(name in item.fixturenames for name in _ISOLATING)


def _held_outside_loops() -> Iterable[Held]:
    # What nobody has imported holds nothing.
    if "specter.event_bus" not in sys.modules:
        return ()
    from specter.testing._holdings import listening, provided

    return [*listening(), *provided()]
