"""A loop for gevent's hub whose time moves only when a test moves it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from greenlets import turns


class MovedTimer:
    """What gevent's own code expects of a timer of its loop."""

    pending = False

    def __init__(self, loop: "MovedLoop", after: float) -> None:
        self.loop = loop
        self.after = after
        self.at = 0.0
        self.call: tuple[Callable[..., Any], tuple[Any, ...]] | None = None

    @property
    def active(self) -> bool:
        return self in self.loop.timers

    def start(self, callback: Callable[..., Any], *args: Any, update: bool | None = None) -> None:
        self.at = self.loop.moment + max(0.0, self.after)
        self.call = callback, args
        self.loop.timers.append(self)

    def stop(self) -> None:
        if self.active:
            self.loop.timers.remove(self)

    close = stop

    def __enter__(self) -> "MovedTimer":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class MovedLoop:
    """The loop *real*, with timers of its own."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.moment = 0.0
        self.timers: list[MovedTimer] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def now(self) -> float:
        return self.moment

    def timer(self, after: float, *args: Any, **kwargs: Any) -> MovedTimer:
        return MovedTimer(self, after)

    def move(self, seconds: float) -> None:
        """Let the time go by, and everything happen that is due until then, in its order."""
        turns(10)
        end = self.moment + seconds
        while due := [timer for timer in self.timers if timer.at <= end + 1e-9]:
            timer = min(due, key=lambda timer: timer.at)
            self.timers.remove(timer)
            self.moment = max(self.moment, timer.at)
            assert timer.call is not None
            self.real.run_callback(timer.call[0], *timer.call[1])
            turns(10)
        self.moment = end
        turns()


@contextmanager
def moved_hub() -> Iterator[MovedLoop]:
    """Give the hub of this thread such a loop."""
    hub = gevent.get_hub()
    real = hub.loop
    hub.loop = loop = MovedLoop(real)
    try:
        yield loop
    finally:
        hub.loop = real
