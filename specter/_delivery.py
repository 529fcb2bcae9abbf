"""
What a subscriber hears, and in which task and thread it hears it.

A plain function is called at once, on the event loop where it subscribed: a worker thread that caused it waits until it
has run. A coroutine function gets its calls one at a time and in order, as a task of its owner.
"""

from __future__ import annotations

import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from ._calls import forget, name_of
from ._loop import Loop, LoopGone
from .runtime import Runtime
from .task import Task

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger(__name__)

# A subscriber that is slower than what it hears: said once, nothing is dropped.
WARN_AT = 1000

# Held only while a line is made: one for all subscribers is enough.
_making = Lock()

# Stands for the owners of who has none, as most listeners of a bus. Nothing is put into it.
_NOBODY: dict[object, Any] = {}


class Subscriber:
    """
    One subscription.

    Args:
        fn: A plain or a coroutine function.
        owner: A `Service` runs the coroutines of *fn* as its tasks; anything else leaves that to the runtime around the
            code that caused the call.
        loop: The event loop on which *fn* is called; the one that runs now if not given, any thread if none does.
    """

    __slots__ = ("_line", "_owners", "closed", "fn", "loop")

    def __init__(self, fn: Callable[..., Any], *, owner: Any = None, loop: Loop | None = None) -> None:
        self.fn = fn
        self.loop = loop or Loop.current()
        self.closed = False
        # {key of the subscription: its owner}: one function may be subscribed for several.
        self._owners: dict[object, Any] = _NOBODY if owner is None else {None: owner}
        # Made for the first coroutine: plain functions never need it.
        self._line: _Line | None = None

    @property
    def thread(self) -> int | None:
        """The thread in which *fn* is called; `None` for any."""
        return None if self.loop is None else self.loop.thread

    def share(self, key: object, owner: Any) -> None:
        """Have one owner more: a function that two subscribe with is called once. The key is for `unshare`."""
        if self._owners is _NOBODY:
            self._owners = {}
        self._owners[key] = owner

    def unshare(self, key: object) -> bool:
        """Have an owner less. Returns whether it was the last one; twice is harmless."""
        if key not in self._owners:
            return False
        del self._owners[key]
        return not self._owners

    def notify(self, *args: Any) -> None:
        """Call the function with *args*; an error is logged. Never waits but for a plain function on another loop."""
        if not called_on(self.loop, self._call, args):
            self._call(args)

    def close(self) -> None:
        """Hear nothing any more. A coroutine that runs goes on."""
        self.closed = True
        if self._line is not None:
            self._line.drop()

    def cancel(self) -> None:
        """Hear nothing any more, and cancel a coroutine that runs, unless that is the caller."""
        self.close()
        if self._line is not None:
            self._line.cancel()

    def later(self, awaitable: Awaitable[Any]) -> None:
        """Await what the function gave, after all that it gave before."""
        if self._line is None:
            with _making:
                self._line = self._line or _Line(self)
        self._line.add(awaitable)

    def awaiting(self, awaitable: Awaitable[Any]) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """
        Have what the function gave awaited as a piece of the caller's task.

        Returns:
            To be called and awaited; an error is logged. It ends with the owner, also when that stops before the call.
            `None` if the owner does not run.
        """
        service = self.service()
        if service is None:
            return partial(self._awaited, awaitable)
        try:
            service._require_started("run a listener")
        except RuntimeError:
            forget(awaitable)
            self.failed()
            return None
        return partial(self._awaited_in, service, awaitable)

    def failed(self) -> None:
        """Log the error that is being handled as the subscriber's."""
        log.exception("subscriber %s failed", name_of(self.fn))

    async def _awaited(self, awaitable: Awaitable[Any]) -> None:
        try:
            await awaitable
        except Exception:
            self.failed()

    async def _awaited_in(self, service: Service, awaitable: Awaitable[Any]) -> None:
        if service._accepts_tasks:
            await service._piece(name_of(self.fn)).run_here(_give, awaitable)
        else:
            forget(awaitable)  # it has stopped meanwhile

    def service(self) -> Service | None:
        """The service whose tasks the coroutines are: of several one that can have tasks. `None` for the runtime."""
        services = [owner for owner in list(self._owners.values()) if hasattr(owner, "_spawn_internal")]
        return next((service for service in services if service._accepts_tasks), services[0] if services else None)

    def _call(self, args: tuple[Any, ...]) -> None:
        if self.closed:
            return
        try:
            result = self.fn(*args)
        except Exception:
            self.failed()
        else:
            if result is not None and inspect.isawaitable(result):
                self.later(result)


class _Line:
    """What a coroutine function has given, and is awaited piece by piece in one task of its owner."""

    __slots__ = ("_subscriber", "_task", "_waiting", "_warned")

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self._waiting: deque[Awaitable[Any]] = deque()
        self._task: Task | None = None
        self._warned = False

    def add(self, awaitable: Awaitable[Any]) -> None:
        self._waiting.append(awaitable)
        if self._task is None or self._task.done:
            self._begin()
        elif len(self._waiting) > WARN_AT and not self._warned:
            self._warned = True
            log.warning("%s is slower than what it hears: %s calls wait", name_of(self._subscriber.fn), WARN_AT)

    def drop(self) -> None:
        while self._waiting:
            forget(self._waiting.popleft())

    def cancel(self) -> None:
        """Cancel the task, unless that is the caller."""
        if self._task is not None and self._task is not Task.current():
            self._task.cancel()

    def _begin(self) -> None:
        subscriber = self._subscriber
        label = name_of(subscriber.fn)
        try:
            service, runtime = subscriber.service(), Runtime.current()
            if service is not None:
                self._task = service._spawn_internal(self._work, label)
            elif runtime is not None:
                self._task = runtime.start_task(self._work, label=label)
            else:
                raise RuntimeError(f"{label} is a coroutine function, and there is no runtime to run it in")
        except RuntimeError:
            self.drop()
            subscriber.failed()

    async def _work(self) -> None:
        try:
            while self._waiting:
                try:
                    await self._waiting.popleft()
                except Exception:
                    self._subscriber.failed()
        finally:
            self._task = None
            if self._waiting:
                self._pass_on()

    def _pass_on(self) -> None:
        """The owner ended in the middle: what waits is for another one, or nobody hears it."""
        service = self._subscriber.service()
        if service is not None and service._accepts_tasks:
            self._begin()
        else:
            self.drop()


def called_on(loop: Loop | None, fn: Callable[..., Any], *args: Any) -> bool:
    """Call *fn* on a loop, and wait for it. Returns whether there was one that could do so."""
    if loop is None:
        return False
    try:
        loop.run(fn, *args)
    except LoopGone:
        return False
    return True


def _give(awaitable: Awaitable[Any]) -> Awaitable[Any]:
    return awaitable
