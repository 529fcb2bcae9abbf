"""
What scenarios are written with.

A scenario is a function without arguments that returns data: what an application sees. It runs once with
specter-runtime 0.1.1 and once with this package, each time in a process of its own that gevent has patched.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import gevent

from specter import Service

PATIENCE = 5.0


class Difference(NamedTuple):
    """What stands for a scenario in which the two are meant to differ."""

    row: str
    ours: Any


def differs(row: str, *, ours: Any) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """
    Mark a scenario in which the two are meant to differ.

    Args:
        row: The first cell of its row in ``docs/differences.md``.
        ours: What is seen with this package.
    """

    def mark(scenario: Callable[[], Any]) -> Callable[[], Any]:
        scenario.difference = Difference(row, ours)  # type: ignore[attr-defined]
        return scenario

    return mark


def raised(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> list[str]:
    """The type and the text of the error that a call raises; fails if it raises none."""
    try:
        value = fn(*args, **kwargs)
    except Exception as error:
        return [type(error).__name__, str(error)]
    raise AssertionError(f"nothing was raised, got {value!r}")


def tried(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a call returns, or else the type and the text of the error that it raises."""
    try:
        return fn(*args, **kwargs)
    except Exception as error:
        return [type(error).__name__, str(error)]


def turns(count: int = 5) -> None:
    """Let everything run that can run now."""
    for _ in range(count):
        gevent.sleep(0)


def soon(condition: Callable[[], Any], patience: float = PATIENCE) -> bool:
    """Let others run until *condition* holds. False if it does not within a bounded time."""
    with gevent.Timeout(patience, False):
        while not condition():
            gevent.sleep(0.002)
        return True
    return False


def returns(fn: Callable[..., Any], *args: Any, patience: float = 0.3) -> bool:
    """Whether a call comes back at all: False if it stands still, as in a deadlock."""
    greenlet = gevent.spawn(fn, *args)
    greenlet.join(timeout=patience)
    return bool(greenlet.successful())


def dies(reason: str) -> Callable[..., Any]:
    """A function that raises."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise ValueError(reason)

    return fail


class Part(Service):  # type: ignore[misc]
    """A service that writes down what happens to it."""

    def __init__(
        self,
        name: str = "part",
        log: list[Any] | None = None,
        start: Callable[[], Any] = lambda: None,
        stop: Callable[[], Any] = lambda: None,
    ) -> None:
        super().__init__(name)
        self.log: list[Any] = [] if log is None else log
        self.start_hook, self.stop_hook = start, stop

    def on_start(self) -> None:
        self.log.append(f"{self.name} starts")
        self.start_hook()

    def on_stop(self) -> None:
        self.log.append(f"{self.name} stops")
        self.stop_hook()


def owned(service: Any) -> dict[str, int]:
    """How many of each a service holds, by the names of the attributes that tests read."""
    names = ("intervals", "timeouts", "greenlets", "bus_unsubs", "cleanups", "children", "subscribers")
    return {name: len(getattr(service, f"_{name}")) for name in names}


def resource(*methods: str, log: list[Any] | None = None) -> Any:
    """An object with these methods, which write down that they were called."""
    kept: list[Any] = [] if log is None else log
    return SimpleNamespace(log=kept, **{name: lambda name=name: kept.append(name) for name in methods})
