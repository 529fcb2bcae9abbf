"""
A service owns what it starts: tasks, timers, bus subscriptions, children, processes, cleanups.

Stop it, and all of that goes, in a known order (`specter.sansio.ledger`), with nothing left running.
"""

from __future__ import annotations

import logging
import uuid as uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from operator import attrgetter
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

# This one and `uuid` are looked up here also for timers: tests put fakes in their places.
import gevent as gevent
from gevent import Greenlet, getcurrent
from gevent.event import Event

from specter.sansio.callables import is_coroutine_function, require_plain
from specter.sansio.ledger import Ledger
from specter.sansio.ordered_set import OrderedSet
from specter.sansio.ownership import require_owner

from . import _phases
from ._locks import StateLock
from ._overrides import is_ours
from ._teardown import Teardown, says_info
from ._timing import cancel_timer, start_timer
from ._waiting import kill_soon
from .event_bus import _ON, bus
from .ownership import resolve_cleanup

if TYPE_CHECKING:
    from .process import ManagedProcess

logger = logging.getLogger("specter.core.lifecycle")
T = TypeVar("T")


def _held(name: str) -> Any:
    """What the ledger holds, under the name that it has in 0.1.x, by which subclasses and tests reach it."""

    def hold(service: Service, value: Any) -> None:
        held = getattr(service._specter, name)
        copy = value.copy()  # it may be what is held
        held.clear()
        (held.extend if isinstance(held, list) else held.update)(copy)

    return property(attrgetter(f"_specter.{name}"), hold)


def _held_intervals() -> Any:
    """The same of the intervals, which from then on are `Inside.shown`."""
    intervals = _held("intervals")

    def get(service: Service) -> Any:
        service._specter.shown = True
        return intervals.fget(service)

    def hold(service: Service, value: Any) -> None:
        service._specter.shown = True
        intervals.fset(service, value)

    return property(get, hold)


def _held_set(name: str) -> Any:
    """The same of what the ledger holds in a dict, and was a set."""

    def get(service: Service) -> OrderedSet[Any]:
        return OrderedSet(getattr(service._specter, name))

    def hold(service: Service, value: Any) -> None:
        held, copy = getattr(service._specter, name), dict.fromkeys(value)
        held.clear()
        held.update(copy)

    return property(get, hold)


class Inside(Ledger):
    """
    What a service keeps for itself.

    In one attribute of it, since applications have subclasses with private names of their own.
    """

    __slots__ = ("heard", "shown", "started", "starting", "stopping")

    def __init__(self) -> None:
        super().__init__([])
        # Whether somebody has asked for the dict of the intervals, as tests do, and may have taken some out, which are
        # called no more. Only then each is looked up there before a call: where there are a hundred thousand, a tick
        # takes a third less time so.
        self.shown = False
        # The greenlet that starts the service, while it does, and what is set then, if somebody waits for that.
        self.starting: Any = None
        self.started: Event | None = None
        # The stop that goes on, if it does.
        self.stopping: Teardown | None = None
        # (those who are still to hear of a change, the state then); oldest first. Made for the first subscriber.
        self.heard: deque[tuple[Iterator[Callable[..., Any]], dict[str, Any]]] | None = None

    def forget_task(self, greenlet: Any) -> None:
        """Own a greenlet no more, which has ended."""
        self.tasks.pop(greenlet, None)


class Service:
    """
    The owner of tasks, timers, subscriptions, children and cleanups.

    Args:
        name: Shown in logs and in `health`.
        initial_state: The first `state`, copied.

    Attributes:
        name: As given.
        state: The state; change it by `set_state`, so that subscribers hear of it.
        priority: Free for the application; orders nothing.
        depends_on: Names of services that a manager starts before this one.
        stop_timeout: Seconds that `stop` takes at most. What waits longer is named in the log and cut; what works
            without a wait cannot be.
    """

    depends_on: tuple[str, ...] = ()
    stop_timeout: float = 30.0

    # What must be plain functions, since nothing awaits them here; and those of them that are not.
    _specter_hooks: ClassVar[tuple[str, ...]] = ("on_start", "on_stop", "start", "stop")
    _specter_refused: ClassVar[tuple[str, ...]] = ()
    # What a stop calls before it releases anything. Subclasses of this package add what they do whatever a hook of the
    # application does.
    _specter_stop_hooks: ClassVar[tuple[str, ...]] = ("on_stop",)

    # {id: what can be killed}
    _intervals: dict[str, Any] = _held_intervals()
    _timeouts: dict[str, Any] = _held("timeouts")
    _greenlets: OrderedSet[Any] = _held_set("tasks")
    _bus_unsubs: list[Callable[[], Any]] = _held("bus_unsubs")
    _cleanups: list[Callable[[], Any]] = _held("cleanups")
    _children: list[Service] = _held("children")
    _subscribers: OrderedSet[Callable[..., Any]] = _held_set("subscribers")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._specter_refused = tuple(name for name in cls._specter_hooks if is_coroutine_function(getattr(cls, name)))

    def __init__(self, name: str, initial_state: dict[str, Any] | None = None) -> None:
        self.name = name
        self.state: dict[str, Any] = dict(initial_state) if initial_state else {}
        self.priority = 100
        self._running = False
        self._state_lock = StateLock()
        self._specter = Inside()

    # Life cycle.

    def on_start(self) -> None:
        """Acquire what the service needs. Override it."""

    def on_stop(self) -> None:
        """End what only this service knows of; all that it owns is still there. Override it."""

    @property
    def running(self) -> bool:
        """Whether the service is started: from the beginning of its start to the end of its stop."""
        return self._running

    def start(self) -> Self:
        """
        Start the service: call `on_start`.

        Does nothing if it runs already. Two calls at once: the second waits for the first. If the hook fails, what was
        acquired so far is released.

        Returns:
            The service.

        Raises:
            TypeError: A hook is a coroutine function.
            Exception: What `on_start` raised, logged already.
        """
        if (self._running or self._specter.starting is not None) and not _phases.may_start(self):
            return self
        if self._specter_refused:
            _refuse(self)
        self._specter.starting = getcurrent()
        self._running = True
        informs = says_info()
        if informs:
            logger.info("[SPECTER] Service '%s' starting", self.name)
        try:
            self.on_start()
        except BaseException as error:
            _phases.fail_start(self, error)
            raise
        if self._specter.stopping is None and self._running and self._specter.started is None:
            self._specter.starting = None
            if informs:
                logger.info("[SPECTER] Service '%s' started", self.name)
        else:
            _phases.end_start(self)
        return self

    def stop(self) -> Self:
        """
        Stop the service and release all that it owns: hook, timers, tasks, subscriptions, children, cleanups.

        Does nothing if it is stopped. Concurrent calls wait for the one stop; a call from within it returns at once.
        A kill cuts the step that waits, no more; the caller hears of it when the stop is done. A greenlet of a service
        has another one stop for it, which goes on if it is killed. Takes at most `stop_timeout` seconds. An error in a
        step is logged, and the next one runs.

        Returns:
            The service.
        """
        if self._running:
            if self._specter.stopping is None:
                teardown = self._specter.stopping = Teardown(self, self._specter_stop_hooks)
                teardown.run()
                if teardown.error is not None:
                    raise teardown.error
            else:
                _phases.wait_for_stop(self, self._specter.stopping)
        return self

    def __enter__(self) -> Self:
        """Start the service."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the service."""
        self.stop()

    # State.

    def set_state(self, partial: dict[str, Any]) -> None:
        """
        Merge *partial* into the state, not deeply, and tell the subscribers. Safe from every thread.

        Returns when they have heard of it.
        """
        self._state_lock.acquire()
        try:
            self.state.update(partial)
            subscribers = self._specter.subscribers
            if not subscribers:
                return
            heard = self._specter.heard
            if heard is None:
                heard = self._specter.heard = deque()
            heard.append((iter([*subscribers]), dict(self.state)))
        finally:
            self._state_lock.release()
        # All hear of all changes in their order, also when a subscriber makes another change: then that goes on here.
        while heard:
            try:
                change = heard[0]
            except IndexError:  # another thread has just told the last one
                return
            fns, state = change
            for fn in fns:
                try:
                    fn(state, self)
                except Exception as error:
                    logger.warning("[SPECTER] Error in state subscriber for '%s': %s", self.name, error, exc_info=True)
            try:
                heard.remove(change)
            except ValueError:  # another thread, or a change by a subscriber, has done so
                continue

    def get_state(self) -> dict[str, Any]:
        """A copy of the state, not deep."""
        self._state_lock.acquire()
        try:
            return dict(self.state)
        finally:
            self._state_lock.release()

    def subscribe(
        self, fn: Callable[[dict[str, Any], Any], Any], immediate: bool = False, owner: Any = None
    ) -> Callable[[], None]:
        """
        Call ``fn(state, service)`` after each change, with a copy of the state.

        Args:
            fn: A plain function. Subscribed twice, it is called once.
            immediate: Also call it now.
            owner: Ends the subscription when it stops; anything with ``add_cleanup``.

        Returns:
            A plain function that ends the subscription.

        Raises:
            TypeError: *fn* is a coroutine function, or *owner* cannot own.
        """
        require_plain(fn, "a subscriber")
        if owner is not None:
            require_owner(owner)
        subscribers = self._specter.subscribers
        subscribers[fn] = None

        def unsubscribe() -> None:
            subscribers.pop(fn, None)

        if owner is not None:
            owner.add_cleanup(unsubscribe)
        if immediate:
            try:
                fn(self.get_state(), self)
            except Exception as error:
                logger.warning("[SPECTER] Error in immediate subscriber for '%s': %s", self.name, error, exc_info=True)
        return unsubscribe

    def watch(self, fn: Callable[[dict[str, Any], Any], Any], immediate: bool = True) -> Callable[[], None]:
        """Subscribe to the service's own state for as long as it runs; see `subscribe`."""
        return Service.subscribe(self, fn, immediate=immediate, owner=self)

    # Tasks.

    def spawn(
        self, callback: Callable[..., Any], *args: Any, label: str | None = None, **kwargs: Any
    ) -> Greenlet[..., Any]:
        """
        Start a task that the service owns. It runs from the next switch on; an error in it is logged.

        Args:
            callback: A plain function, called with *args* and *kwargs*.
            label: Its name in logs; the function's if not given.

        Returns:
            The greenlet. After an error its value is `None`.

        Raises:
            RuntimeError: The service is not started.
            TypeError: *callback* is a coroutine function.
        """
        if not self._running:
            raise RuntimeError(f"[SPECTER] Cannot spawn task for '{self.name}' before start()")
        require_plain(callback, "a task")

        # Tests tell tasks apart by what the closure of a function of this name has in it.
        def _runner() -> Any:
            try:
                return callback(*args, **kwargs)
            except Exception as error:
                _log_task(self, callback, label, "Greenlet", error)
                return None

        return self._track_greenlet(gevent.spawn(_runner))  # type: ignore[no-any-return]

    def spawn_later(
        self, seconds: float, callback: Callable[..., Any], *args: Any, label: str | None = None, **kwargs: Any
    ) -> Greenlet[..., Any]:
        """`spawn` after *seconds*; killing the greenlet before that means that *callback* is never called."""
        if not self._running:
            raise RuntimeError(f"[SPECTER] Cannot schedule task for '{self.name}' before start()")
        require_plain(callback, "a task")

        def _runner() -> Any:
            try:
                return callback(*args, **kwargs)
            except Exception as error:
                _log_task(self, callback, label, "Delayed greenlet", error)
                return None

        return self._track_greenlet(gevent.spawn_later(seconds, _runner))  # type: ignore[no-any-return]

    def cancel_task(self, handle: Any) -> Self:
        """Kill a greenlet that `spawn` returned. `None` is ignored."""
        if handle is not None:
            self._specter.tasks.pop(handle, None)
            kill_soon(handle)
        return self

    def cancel_greenlet(self, glet: Any) -> Self:
        """The same as `cancel_task`."""
        Service.cancel_task(self, glet)  # a subclass of 0.1.x may have another method of that name
        return self

    # Timers.

    def interval(self, callback: Callable[[], Any], seconds: float) -> str:
        """
        Call *callback* again and again: wait, call, and wait again when the call is done. Calls never overlap.

        Args:
            callback: A plain function. An error in it is logged, and the interval goes on.
            seconds: How long to wait.

        Returns:
            An id for `cancel_interval`.

        Raises:
            RuntimeError: The service is not started.
            TypeError: *callback* is a coroutine function.
        """
        return start_timer(self, "interval", callback, seconds)

    def timeout(self, callback: Callable[[], Any], seconds: float) -> str:
        """Call *callback* once, after *seconds*. Returns an id for `cancel_timeout`; see `interval`."""
        return start_timer(self, "timeout", callback, seconds)

    def cancel_interval(self, interval_id: str) -> None:
        """End an interval and its call that runs now, unless that is the caller. Unknown ids are ignored."""
        cancel_timer(self, "interval", interval_id)

    def cancel_timeout(self, timeout_id: str) -> None:
        """End a timeout; see `cancel_interval`."""
        cancel_timer(self, "timeout", timeout_id)

    # Bus.

    def listen(self, event: str, handler: Callable[[Any], Any]) -> Self:
        """
        Subscribe to a bus event until the service stops.

        Args:
            event: The name, or ``"a:*"`` for every event that starts with ``a:``.
            handler: A plain function of the data. Two services that listen with one function have it called once,
                until both have stopped.
        """
        if is_ours(bus.on, _ON):
            unsubscribe = bus._subscribe(event, handler, owner=self)
        else:  # the bus or its `on` is a test's
            unsubscribe = bus.on(event, handler)
        self._specter.bus_unsubs.append(unsubscribe)
        return self

    def emit(self, event: str, data: Any = None) -> Self:
        """Emit a bus event, and wait until all listeners are done with it; see `EventBus.emit`."""
        bus.emit(event, data)
        return self

    def emit_nowait(self, event: str, data: Any = None) -> Self:
        """Emit a bus event without waiting for coroutine listeners; see `EventBus.emit_nowait`."""
        bus.emit_nowait(event, data)
        return self

    # What else it owns.

    def adopt(self, child: Service | None, start: bool = True) -> Self:
        """
        Own a service: it stops with this one, the last adopted first.

        Args:
            child: `None` is ignored.
            start: Start it now. An error of that goes on.

        Raises:
            TypeError: *child* is no `Service`, or a hook of it is a coroutine function.
        """
        if child is None:
            return self
        if not isinstance(child, Service):
            got = type(child).__name__
            raise TypeError(f"[SPECTER] '{self.name}' can only adopt Service instances, got {got}")
        _refuse(child)
        self._specter.children.append(child)
        if start and not child.running:
            child.start()
        return self

    def own(self, resource: T, stop_method: str | None = None) -> T:
        """
        Own anything that can be ended.

        Args:
            resource: Ended at stop by the first of its methods ``stop, close, disconnect, destroy, terminate, kill``.
                `None` is ignored.
            stop_method: The name of the method to use instead.

        Returns:
            The resource.

        Raises:
            TypeError: It has no such method, or that is a coroutine function.
        """
        if resource is not None:
            self.add_cleanup(resolve_cleanup(resource, stop_method=stop_method))
        return resource

    def enter(self, context_manager: AbstractContextManager[T]) -> T:
        """
        Enter a context manager, and leave it at stop.

        Returns:
            What it yields.

        Raises:
            TypeError: It is no context manager.
            RuntimeError: The service is not started.
        """
        if not self._running:
            raise RuntimeError(f"cannot enter {type(context_manager).__name__} in {self.name!r}: it is not started")
        if not isinstance(context_manager, AbstractContextManager):
            kind = type(context_manager).__name__
            if isinstance(context_manager, AbstractAsyncContextManager):
                raise TypeError(
                    f"a context manager is needed, {kind} is an async one: gevent awaits nothing, see "
                    "specter.use_backend('asyncio')"
                )
            raise TypeError(f"a context manager is needed, got {kind}")
        value = context_manager.__enter__()
        self.add_cleanup(lambda: context_manager.__exit__(None, None, None))
        return value

    def start_process(self, args: Any, *, name: str | None = None, **popen: Any) -> ManagedProcess:
        """
        Start a child process that the service owns.

        Args:
            args: As `subprocess.Popen` takes them.
            name: For logs.
            popen: More keyword arguments for `subprocess.Popen`.

        Raises:
            OSError: The program cannot be started.
        """
        from .process import ManagedProcess

        process = ManagedProcess(name or f"{self.name}:process")
        process.start(args, owner=self, **popen)
        return process

    def add_cleanup(self, fn: Callable[[], Any]) -> Self:
        """Have *fn* (a plain function) called at stop, the last added first. What cannot be called is ignored."""
        if callable(fn):
            require_plain(fn, "a cleanup")
            self._specter.cleanups.append(fn)
        return self

    def _specter_forget_cleanup(self, fn: Callable[[], Any]) -> None:
        """Own *fn* no more: what it would have ended has ended by itself. Unknown ones are ignored."""
        if fn in self._specter.cleanups:
            self._specter.cleanups.remove(fn)

    def health(self) -> dict[str, Any]:
        """``{"status": "ok" or "stopped", "name": ...}``. Override it to add to it."""
        return {"status": "ok" if self._running else "stopped", "name": self.name}

    # For the modules that carry out its starts, stops, tasks and timers.

    def _track_greenlet(self, greenlet: Any) -> Any:
        """Own a greenlet until it ends."""
        # A fake may have ended before it is given to us, and a link to it calls back at once.
        self._specter.tasks[greenlet] = None
        if isinstance(greenlet, Greenlet):
            greenlet.specter_owned = True  # type: ignore[attr-defined]
        greenlet.rawlink(self._specter.forget_task)
        return greenlet


def _refuse(service: Service) -> None:
    """Refuse a service that has hooks which nothing would await."""
    for name in service._specter_refused:
        require_plain(getattr(service, name), f"{name} of {service.name!r}")


def _log_task(service: Service, fn: Any, label: str | None, what: str, error: Exception) -> None:
    label = label or getattr(fn, "__name__", "greenlet")
    logger.error("[SPECTER] %s error in '%s' (%s): %s", what, service.name, label, error, exc_info=True)
