"""
gevent's functions replaced by fakes that run what they are given at once, as tests of existing applications do it.

A fake greenlet offers these and nothing else: `dead, successful, join, get, wait, start, kill, rawlink`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


class FakeGreenlet:
    """What a fake `spawn` returns: it has run already."""

    __slots__ = ("value",)

    def __init__(self, value: Any = None) -> None:
        self.value = value

    @property
    def dead(self) -> bool:
        return True

    def successful(self) -> bool:
        return True

    def join(self, timeout: float | None = None) -> None:
        pass

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return self.value

    def wait(self, timeout: float | None = None) -> Any:
        return self.value

    def start(self) -> None:
        pass

    def kill(self, exception: Any = None, block: bool = True, timeout: float | None = None) -> None:
        pass

    def rawlink(self, callback: Callable[[Any], Any]) -> None:
        callback(self)


class FakeHub:
    """A hub that does nothing; whoever needs a real one must not ask `gevent.get_hub` for it."""

    __slots__ = ()

    def join(self, timeout: float | None = None) -> bool:
        return True


class Fakes:
    """
    The functions, and what was done with them.

    Attributes:
        spawned: The names of the users' functions, in order.
        slept: The seconds that were asked for, in order.
        held: Names of functions that are only written down and not run, as those of endless loops.
    """

    def __init__(self, held: tuple[str, ...]) -> None:
        self.spawned: list[str] = []
        self.slept: list[float] = []
        self.held = held

    def spawn(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> FakeGreenlet:
        name = user_function(fn).__name__
        self.spawned.append(name)
        return FakeGreenlet(None if name in self.held else fn(*args, **kwargs))

    def spawn_later(self, seconds: float, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> FakeGreenlet:
        return self.spawn(fn, *args, **kwargs)

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)

    def joinall(self, greenlets: Any, timeout: float | None = None) -> list[Any]:
        return list(greenlets)

    def wait(self, objects: Any = None, timeout: float | None = None) -> list[Any]:
        return list(objects or ())

    def get_hub(self) -> FakeHub:
        return FakeHub()


def user_function(fn: Callable[..., Any]) -> Callable[..., Any]:
    """What `Service.spawn` was given: the first in the closure of its wrapper that can be called; *fn* without one."""
    cells = (cell.cell_contents for cell in getattr(fn, "__closure__", None) or ())
    return next((content for content in cells if callable(content)), fn) if fn.__name__ == "_runner" else fn


@contextmanager
def fake_gevent(*held: str) -> Iterator[Fakes]:
    """Replace them while the block runs."""
    fakes = Fakes(held)
    with mock.patch.multiple(
        "gevent",
        spawn=fakes.spawn,
        spawn_later=fakes.spawn_later,
        sleep=fakes.sleep,
        joinall=fakes.joinall,
        wait=fakes.wait,
        get_hub=fakes.get_hub,
    ):
        yield fakes
