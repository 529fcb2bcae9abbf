"""How a test is run, and what our fixtures do for it there."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from specter._backend import current_backend

from .collecting import is_async
from .verdict import allowed_by, keep

if TYPE_CHECKING:
    from specter import Runtime

    from .watch import Held

_watching = pytest.StashKey[Any]()


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
        part: ``watch``, ``runtime``, ``clock`` or ``harness``.
    """
    runner = runner_of(request.node)
    if runner == "asyncio":
        from .plugin_asyncio import loop_scope

        runner = f"asyncio_{loop_scope(request.node)}"
    return request.getfixturevalue(f"_specter_{part}_{runner}")


def harness_of(item: Any) -> Any:
    """Give the harness that a test has: `specter.testing` or its twin."""
    return import_module("specter_gevent.testing" if runner_of(item) == "gevent" else "specter.testing")


def isolates(item: Any) -> bool:
    """Whether a test has a bus and a registry of its own."""
    return any(name in item.fixturenames for name in ("specter_runtime", "harness", "specter_backend"))


@contextmanager
def isolated_everywhere(item: Any) -> Iterator[None]:
    """Isolate the runtime of a test, and the other one where something has imported it."""
    harnesses = {import_module("specter.testing"), harness_of(item)}
    if "specter_gevent.event_bus" in sys.modules:
        harnesses.add(import_module("specter_gevent.testing"))
    with ExitStack() as stack:
        for harness in harnesses:
            stack.enter_context(harness.isolated())
        yield


@asynccontextmanager
async def watched_async(item: Any) -> AsyncIterator[None]:
    """Keep for its verdict what a test leaves behind on its event loop."""
    from specter.testing._leaks import Watching

    watching = item.stash[_watching] = Watching(allowed_by(item))
    try:
        yield
        keep(item, await watching.end())
    finally:
        watching.close()


@asynccontextmanager
async def open_runtime(item: Any) -> AsyncIterator[Runtime]:
    """The runtime of a test. What it still has at the end is left behind, although it is ended with the runtime."""
    from specter import Runtime

    async with Runtime(item.name) as runtime:
        yield runtime
        watching = item.stash.get(_watching, None)
        if watching is not None:
            await watching.look_into(runtime)


@contextmanager
def watched_on_gevent(item: Any) -> Iterator[None]:
    """Keep for its verdict what a test leaves behind in gevent's hub."""
    from specter_gevent.testing._leaks import Watching

    watching = Watching(allowed_by(item))
    try:
        yield
        keep(item, watching.end())
    finally:
        watching.close()


@contextmanager
def watched_plainly(item: Any) -> Iterator[None]:
    """Keep for its verdict what a test leaves behind that has no event loop when it ends."""
    from .watch import Watch

    watch = Watch(_held_outside_loops, allowed_by(item))
    try:
        yield
        watch.settle()
        keep(item, watch.all())
    finally:
        watch.close()


def _held_outside_loops() -> Iterable[Held]:
    # What nobody has imported holds nothing.
    if "specter.event_bus" not in sys.modules:
        return ()
    from specter.testing._holdings import listening, provided

    return [*listening(), *provided()]
