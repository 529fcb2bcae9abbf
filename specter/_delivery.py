"""
What a subscriber hears, and in which task and thread it hears it.

A plain function is called at once, on the event loop where it subscribed: a worker thread that caused it waits until it
has run. A coroutine function gets its calls one at a time and in order, as a task of its owner.
"""

from __future__ import annotations

import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from threading import Lock, get_ident
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

# Held only to see and to say whose turn it is, never during a call: one for all subscribers is enough.
_turns = Lock()

# Stands for the queues of a subscriber that needed none so far, as those of plain listeners never do: a deque takes
# 760 bytes. Nothing stays in it.
_NO_QUEUE: deque[Any] = deque(maxlen=0)


class Subscriber:
    """
    One subscription.

    Args:
        fn: A plain or a coroutine function.
        owner: A `Service` runs the coroutines of *fn* as its tasks; anything else leaves that to the runtime around the
            code that caused the call.
        loop: The event loop on which *fn* is called; the one that runs now if not given, any thread if none does.
    """

    __slots__ = ("_delivering", "_heard", "_owners", "_task", "_waiting", "_warned", "fn", "loop", "thread")

    def __init__(self, fn: Callable[..., Any], *, owner: Any = None, loop: Loop | None = None) -> None:
        self.fn = fn
        self.loop = loop or Loop.current()
        # Compared at every call: most are made in the subscriber's own thread.
        self.thread = self.loop.thread if self.loop is not None else None
        # {key of the subscription: its owner}: one function may be subscribed for several.
        self._owners: dict[object, Any] = {} if owner is None else {None: owner}
        self._heard: deque[tuple[Any, ...]] = _NO_QUEUE
        self._waiting: deque[Awaitable[Any]] = _NO_QUEUE
        self._task: Task | None = None
        self._warned = False
        # The thread that makes the calls, if there is no loop in whose thread they are made.
        self._delivering: int | None = None

    def share(self, owner: Any) -> object:
        """Have one owner more: a function that two subscribe with is called once. Returns a key for `unshare`."""
        key = object()
        self._owners[key] = owner
        return key

    def unshare(self, key: object) -> bool:
        """Have an owner less. Returns whether it was the last one; twice is harmless."""
        if key not in self._owners:
            return False
        del self._owners[key]
        return not self._owners

    def notify(self, *args: Any) -> None:
        """Call the function with *args*; an error is logged. Never waits but for a plain function on another loop."""
        self.post(*args)
        self.deliver()

    def post(self, *args: Any) -> None:
        """Queue a call. Made under the lock that orders the changes, so that they are heard in that order."""
        post((self,), *args)

    def deliver(self) -> None:
        """
        Make the queued calls; returns when the plain ones have been made.

        Without a loop, another thread may be making such calls: then it makes these too, and nobody waits for it.
        """
        deliver((self,))

    def close(self) -> None:
        """Hear nothing any more. A coroutine that runs goes on."""
        self._heard.clear()
        self._drop()

    def cancel(self) -> None:
        """Hear nothing any more, and cancel a coroutine that runs, unless that is the caller."""
        self.close()
        if self._task is not None and self._task is not Task.current():
            self._task.cancel()

    def later(self, awaitable: Awaitable[Any]) -> None:
        """Await what the function gave, after all that it gave before."""
        if self._waiting is _NO_QUEUE:
            self._make_queues()
        self._waiting.append(awaitable)
        if self._task is None or self._task.done:
            self._begin()
        elif len(self._waiting) > WARN_AT and not self._warned:
            self._warned = True
            log.warning("%s is slower than what it hears: %s calls wait", name_of(self.fn), WARN_AT)

    def awaiting(self, awaitable: Awaitable[Any]) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """
        Have what the function gave awaited as a piece of the caller's task.

        Returns:
            To be called and awaited; an error is logged. It ends with the owner, also when that stops before the call.
            `None` if the owner does not run.
        """
        service = self._service()
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

    def _make_queues(self) -> None:
        with _turns:
            if self._heard is _NO_QUEUE:
                self._waiting = deque()
                self._heard = deque()

    def _delivered_on_loop(self) -> bool:
        if self.loop is None:
            return False
        try:
            self.loop.run(self._deliver)
        except LoopGone:
            return False
        return True

    def _deliver(self) -> None:
        # In one piece: a change has many subscribers, and nearly all of them do less than a call takes.
        heard = self._heard
        while heard:
            try:
                args = heard.popleft()
            except IndexError:  # another thread has just closed the subscription
                return
            try:
                result = self.fn(*args)
            except Exception:
                self.failed()
            else:
                if result is not None and inspect.isawaitable(result):
                    self.later(result)

    def _next(self) -> tuple[Any, ...] | None:
        try:
            return self._heard.popleft()
        except IndexError:  # none is left, or another thread has just closed the subscription
            return None

    def _deliver_in_turn(self) -> None:
        me = get_ident()
        with _turns:
            if self._delivering not in (None, me):
                return
            outermost = self._delivering is None
            self._delivering = me
        try:
            while (args := self._next_in_turn(outermost)) is not None:
                self._call(args)
        except BaseException:
            self._delivering = None
            raise

    def _next_in_turn(self, outermost: bool) -> tuple[Any, ...] | None:
        # The turn ends while nobody can add a call that would then be made by no one.
        with _turns:
            args = self._next()
            if args is None and outermost:
                self._delivering = None
            return args

    def _call(self, args: tuple[Any, ...]) -> None:
        try:
            result = self.fn(*args)
        except Exception:
            self.failed()
        else:
            if result is not None and inspect.isawaitable(result):
                self.later(result)

    def _service(self) -> Service | None:
        """The service whose tasks the coroutines are: of several one that can have tasks. `None` for the runtime."""
        services = [owner for owner in list(self._owners.values()) if hasattr(owner, "_spawn_internal")]
        return next((service for service in services if service._accepts_tasks), services[0] if services else None)

    def _begin(self) -> None:
        label = name_of(self.fn)
        try:
            service, runtime = self._service(), Runtime.current()
            if service is not None:
                self._task = service._spawn_internal(self._work, label)
            elif runtime is not None:
                self._task = runtime.start_task(self._work, label=label)
            else:
                raise RuntimeError(f"{label} is a coroutine function, and there is no runtime to run it in")
        except RuntimeError:
            self._drop()
            self.failed()

    async def _work(self) -> None:
        try:
            while self._waiting:
                try:
                    await self._waiting.popleft()
                except Exception:
                    self.failed()
        finally:
            self._task = None
            if self._waiting:
                self._pass_on()

    def _pass_on(self) -> None:
        """The owner ended in the middle: what waits is for another one, or nobody hears it."""
        service = self._service()
        if service is not None and service._accepts_tasks:
            self._begin()
        else:
            self._drop()

    def _drop(self) -> None:
        while self._waiting:
            forget(self._waiting.popleft())


def post(subscribers: Iterable[Subscriber], *args: Any) -> None:
    """Queue a call of each; see `Subscriber.post`."""
    for subscriber in subscribers:
        if subscriber._heard is _NO_QUEUE:
            subscriber._make_queues()
        subscriber._heard.append(args)


def deliver(subscribers: Iterable[Subscriber]) -> None:
    """Make the queued calls, one subscriber's after the other's; see `Subscriber.deliver`."""
    here = get_ident()
    for subscriber in subscribers:
        if subscriber.thread == here:
            subscriber._deliver()
        elif not subscriber._delivered_on_loop():
            subscriber._deliver_in_turn()


def _give(awaitable: Awaitable[Any]) -> Awaitable[Any]:
    return awaitable
