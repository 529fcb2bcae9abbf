"""
A service owns what it starts: tasks, timers, bus subscriptions, children, processes, cleanups.

Stop it, and all of that goes, in a known order (`specter.sansio.ledger`), with nothing left running.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import anyio

from . import _phases
from ._audience import Audience, audience
from ._calls import call, name_of
from ._held import enter_held
from ._loop import native_task
from ._observed import require_subscriber, share
from ._timing import cancel_timer, start_timer
from .event_bus import bus
from .runtime import Runtime
from .sansio.duration import require_seconds
from .sansio.ledger import Ledger
from .sansio.lifecycle import RUNNING, STOPPED, move
from .sansio.ownership import require_callable
from .sansio.ownership import stop_method as find_stop_method
from .sansio.service import checked_name, checked_state
from .task import Task

if TYPE_CHECKING:
    from .process import ManagedProcess

log = logging.getLogger(__name__)
T = TypeVar("T")


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
        stop_timeout: Seconds that `stop` takes at most. What has not ended by then is named in the log and left behind.

    Raises:
        TypeError: *name* is no non-empty string, or *initial_state* no dict.
    """

    depends_on: tuple[str, ...] = ()
    stop_timeout: float = 30.0

    # Who hears of the state; `None` when it is to be made anew.
    _audience: Audience | None = None

    # Set at each start.
    _runtime: Runtime
    _context: Context
    _context_is_own: bool

    def __init__(self, name: str, initial_state: dict[str, Any] | None = None) -> None:
        self.name = checked_name(name)
        self.state: dict[str, Any] = dict(checked_state(name, initial_state)) if initial_state is not None else {}
        self.priority = 100
        self._phase = STOPPED
        self._state_lock = threading.RLock()
        self._ledger = Ledger()
        self._accepts_tasks = False
        self._parent: Service | None = None
        # Set at the end of the start or stop that goes on; made when somebody waits for that.
        self._settled: anyio.Event | None = None
        # Round a start hook that waits, so that stop() can end it.
        self._start_scope: anyio.CancelScope | None = None
        self._stop_wanted = False
        # Of each `async with` of this service: its task, and the runtime that it has opened, if it did.
        self._blocks: tuple[tuple[Any, Runtime | None], ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self._phase}>"

    # Life cycle.

    def on_start(self) -> Awaitable[None] | None:
        """Acquire what the service needs. Override it, plain or `async`."""
        return None

    def on_stop(self) -> Awaitable[None] | None:
        """End what only this service knows of; all that it owns is still there. Override it, plain or `async`."""
        return None

    @property
    def running(self) -> bool:
        """Whether the service is started: from the beginning of its start to the end of its stop."""
        return self._phase != STOPPED

    async def start(self) -> Self:
        """
        Start the service: call `on_start` in the runtime of its parent, or in the one around the caller.

        Does nothing if it runs already. Two calls at once: the second waits for the first. If the hook fails or the
        start is cancelled, what was acquired so far is released.

        Returns:
            The service.

        Raises:
            RuntimeError: There is no runtime, or the service was stopped while it started.
            TypeError, ValueError: `stop_timeout` is no time; nothing was started.
            Exception: What `on_start` raised, logged already.
        """
        await _phases.start(self)
        return self

    async def stop(self) -> Self:
        """
        Stop the service and release all that it owns: hook, timers, tasks, subscriptions, children, cleanups.

        Does nothing if it is stopped. Concurrent calls wait for the one stop; a call from within it returns at once.
        Shielded: a caller that is cancelled hears of it when the stop is done. Takes at most `stop_timeout` seconds.
        An error in a step is logged, and the next one runs.

        Returns:
            The service.
        """
        await _phases.stop(self)
        return self

    async def __aenter__(self) -> Self:
        """Start the service, in a runtime of its own if there is none around it."""
        runtime = Runtime(self.name) if self._find_runtime() is None else None
        if runtime is not None:
            await runtime.__aenter__()
        self._blocks = (*self._blocks, (native_task(), runtime))
        try:
            return await self.start()
        except BaseException:
            await self._leave_block(*sys.exc_info())
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the service; a cancellation goes on after that."""
        try:
            await self.stop()
        finally:
            await self._leave_block(kind, error, trace)

    # State.

    def set_state(self, partial: dict[str, Any]) -> None:
        """
        Merge *partial* into the state, not deeply, and tell the subscribers. Safe from every thread.

        Returns when plain subscribers have heard of it; coroutine ones hear of it one change at a time and in order.

        Raises:
            TypeError: *partial* is no dict.
        """
        if not isinstance(partial, dict):
            checked_state(self.name, partial)
        # Half of what `with` costs, which is a tenth of a change that somebody hears of.
        self._state_lock.acquire()
        try:
            self.state.update(partial)
            hearing = self._audience
            if hearing is None:
                hearing = self._audience = audience(self._ledger.subscribers.values())
            if not hearing:
                return
            copy = dict(self.state)
            for calls, hearers in hearing:
                calls.add(hearers, copy)
        finally:
            self._state_lock.release()
        for calls, _ in hearing:
            calls.deliver()

    def get_state(self) -> dict[str, Any]:
        """A copy of the state, not deep."""
        with self._state_lock:
            return dict(self.state)

    def subscribe(
        self, fn: Callable[[dict[str, Any], Any], Any], immediate: bool = False, owner: Any = None
    ) -> Callable[[], None]:
        """
        Call ``fn(state, service)`` after each change, with a copy of the state.

        Args:
            fn: Plain or a coroutine function. Subscribed twice, it is called once.
            immediate: Also call it now.
            owner: Ends the subscription when it stops; anything with ``add_cleanup``.

        Returns:
            A plain function that ends the subscription.

        Raises:
            TypeError: *fn* cannot be called, or *owner* cannot own.
        """
        require_subscriber(fn, owner)
        now = (lambda: dict(self.state)) if immediate else None
        return share(self, self._ledger.subscribers, self._state_lock, fn, owner, now)

    def watch(self, fn: Callable[[dict[str, Any], Any], Any], immediate: bool = True) -> Callable[[], None]:
        """Subscribe to the service's own state for as long as it runs; see `subscribe`."""
        return Service.subscribe(self, fn, immediate=immediate, owner=self)

    # Tasks.

    def spawn(self, fn: Callable[..., Any], *args: Any, label: str | None = None, **kwargs: Any) -> Task:
        """
        Start a task that the service owns. It runs from the next switch on; an error in it is logged.

        Args:
            fn: Plain or a coroutine function, called with *args* and *kwargs*. A plain one runs in the event loop on
                asyncio, where ``asyncio.current_task()`` is `None`.
            label: Its name in logs; the function's if not given.

        Returns:
            A handle: ``cancel()``, ``done``, ``label``, ``await wait()``.

        Raises:
            RuntimeError: The service is not started, or its tasks were ended already.
        """
        require_callable(fn, "a task")
        return self._spawn_internal(fn, label or name_of(fn), *args, **kwargs)

    def spawn_later(
        self, seconds: float, fn: Callable[..., Any], *args: Any, label: str | None = None, **kwargs: Any
    ) -> Task:
        """`spawn` after *seconds*; cancelling the handle before that means that *fn* is never called."""
        require_callable(fn, "a task")
        require_seconds(seconds, "a delay", least=0)

        async def later() -> Any:
            await anyio.sleep(seconds)
            return await call(fn, *args, **kwargs)

        return self._spawn_internal(later, label or name_of(fn))

    def cancel_task(self, handle: Task | None) -> Self:
        """Cancel a task that `spawn` returned. `None` is ignored."""
        if handle is not None:
            handle.cancel()
        return self

    cancel_greenlet = cancel_task

    # Timers.

    def interval(self, fn: Callable[[], Any], seconds: float) -> str:
        """
        Call *fn* again and again: wait, call, and wait again when the call is done. Calls never overlap.

        Args:
            fn: Plain or a coroutine function. An error in it is logged, and the interval goes on.
            seconds: More than 0.

        Returns:
            An id for `cancel_interval`.

        Raises:
            RuntimeError: The service is not started.
            ValueError: *seconds* is not more than 0.
        """
        return start_timer(self, "interval", fn, seconds)

    def timeout(self, fn: Callable[[], Any], seconds: float) -> str:
        """Call *fn* once, after *seconds* (0 or more). Returns an id for `cancel_timeout`; see `interval`."""
        return start_timer(self, "timeout", fn, seconds)

    def cancel_interval(self, interval_id: str) -> None:
        """End an interval and its call that runs now, unless that is the caller. Unknown ids are ignored."""
        cancel_timer(self, "interval", interval_id)

    def cancel_timeout(self, timeout_id: str) -> None:
        """End a timeout; see `cancel_interval`."""
        cancel_timer(self, "timeout", timeout_id)

    # Bus.

    def listen(self, event: str, fn: Callable[[Any], Any]) -> Self:
        """
        Subscribe to a bus event until the service stops.

        Args:
            event: The name, or ``"a:*"`` for every event that starts with ``a:``.
            fn: Plain or a coroutine function of the data. Two services that listen with one function have it called
                once, until both have stopped.
        """
        loop = self._runtime._loop if self._phase != STOPPED else None
        self._ledger.bus_unsubs.append(bus._subscribe(event, fn, owner=self, loop=loop))
        return self

    async def emit(self, event: str, data: Any = None) -> Self:
        """Emit a bus event, and wait until all listeners are done with it; see `EventBus.emit`."""
        await bus.emit(event, data)
        return self

    def emit_nowait(self, event: str, data: Any = None) -> Self:
        """Emit a bus event without waiting for coroutine listeners; see `EventBus.emit_nowait`."""
        bus.emit_nowait(event, data)
        return self

    # What else it owns.

    async def adopt(self, child: Service | None, start: bool = True) -> Self:
        """
        Own a service: it stops with this one, the last adopted first.

        Args:
            child: `None` is ignored.
            start: Start it now. If that fails, it is not owned and the error goes on.

        Raises:
            TypeError: *child* is no `Service`.
            ValueError: *child* is this service, or one that owns it.
            RuntimeError: *child* runs in another runtime, which may end before this service does.
        """
        if child is None:
            return self
        if not isinstance(child, Service):
            raise TypeError(f"{self.name!r} can adopt a Service only, got {type(child).__name__}")
        if any(child is owner for owner in self._owners()):
            raise ValueError(f"{self.name!r} cannot adopt {child.name!r}, which owns it")
        if child._phase != STOPPED:
            self._take_over(child)
        child._parent = self
        if start:
            try:
                await child.start()
            except BaseException:
                self._let_go(child)
                raise
        return self

    def own(self, resource: T, stop_method: str | None = None) -> T:
        """
        Own anything that can be ended.

        Args:
            resource: Ended at stop by the first of its methods ``stop, close, aclose, disconnect, destroy, terminate,
                kill``, which may be `async`. `None` is ignored.
            stop_method: The name of the method to use instead.

        Returns:
            The resource.

        Raises:
            TypeError: It has no such method.
        """
        if resource is not None:
            self.add_cleanup(find_stop_method(resource, stop_method))
        return resource

    async def enter(self, context_manager: Any) -> Any:
        """
        Enter a context manager, sync or async, and leave it at stop.

        An async one is entered and left in one task of its own, so that it may hold task groups and cancel scopes.

        Returns:
            What it yields.

        Raises:
            TypeError: It is no context manager.
            RuntimeError: The service is not started.
        """
        if not self._accepts_tasks:
            raise RuntimeError(f"cannot enter {type(context_manager).__name__} in {self.name!r}: it is not started")
        return await enter_held(self, context_manager)

    async def start_process(self, args: Any, *, name: str | None = None, **popen: Any) -> ManagedProcess:
        """
        Start a child process that the service owns.

        Args:
            args: As `subprocess.Popen` takes them.
            name: For logs.
            popen: More keyword arguments for `subprocess.Popen`.

        Raises:
            RuntimeError: The service is not started: nothing would stop the process.
            OSError: The program cannot be started.
        """
        from .process import ManagedProcess

        if self._phase == STOPPED:
            raise RuntimeError(f"service {self.name!r} cannot start a process before start()")
        process = ManagedProcess(name or f"{self.name}:process")
        await process.start(args, owner=self, **popen)
        return process

    def add_cleanup(self, fn: Callable[[], Any]) -> Self:
        """Have *fn* (plain or a coroutine function) called at stop, the last added first."""
        require_callable(fn, "a cleanup")
        self._ledger.cleanups.append(fn)
        return self

    def _forget_cleanup(self, fn: Callable[[], Any]) -> None:
        """Own *fn* no more: what it would have ended has ended by itself. Unknown ones are ignored."""
        if fn in self._ledger.cleanups:
            self._ledger.cleanups.remove(fn)

    def health(self) -> dict[str, Any]:
        """``{"status": "ok" or "stopped", "name": ...}``. Override it to add to it."""
        return {"status": "ok" if self.running else "stopped", "name": self.name}

    # For subclasses of this package, which add what they do whatever a user's hooks do.

    def _start_hooks(self) -> tuple[Callable[[], Any], ...]:
        return (self.on_start,)

    def _stop_hooks(self) -> tuple[Callable[[], Any], ...]:
        return (self.on_stop,)

    def _find_runtime(self) -> Runtime | None:
        if self._parent is not None and self._parent._phase != STOPPED:
            return self._parent._runtime
        return Runtime.current()

    # For the modules that carry out its starts, stops, tasks and timers.

    def _set_context(self, context: Context) -> None:
        """Have tasks, timers and deliveries run in copies of *context*."""
        self._context = context
        self._context_is_own = False

    def _own_context(self) -> Context:
        if not self._context_is_own:
            # Late: most services stop without having needed it.
            self._runtime._make_own(self._context)
            self._context_is_own = True
        return self._context.copy()

    def _stops_as_planned(self) -> bool:
        """Whether `stop` is the one of this class, which a stop of its parent does without calling it."""
        return type(self).stop is Service.stop

    def _take_over(self, child: Service) -> None:
        """Be the owner of a service that runs, and has another one or the runtime for it."""
        if self._phase != STOPPED and child._runtime is not self._runtime:
            raise RuntimeError(f"{self.name!r} cannot adopt {child.name!r}: it runs in {child._runtime!r}")
        if child._parent is not None:
            child._parent._let_go(child)
        if self._phase != STOPPED:
            child._runtime._services.pop(id(child), None)
        self._ledger.children[id(child)] = child

    def _let_go(self, child: Service) -> None:
        """Own a child no more. As long as it runs it is the runtime's, which stops it at the end."""
        self._ledger.children.pop(id(child), None)
        if child._parent is not self:
            return  # it has found another owner meanwhile
        child._parent = None
        if child._phase != STOPPED:
            child._runtime._services[id(child)] = child

    def _be_stopped(self) -> None:
        self._accepts_tasks = False
        self._runtime._services.pop(id(self), None)
        if self._parent is not None:
            # It belongs to the parent again as soon as it is started again.
            self._parent._ledger.children.pop(id(self), None)
        self._set_phase("stopped")
        log.info("service %r stopped", self.name)

    def _set_phase(self, event: str) -> None:
        self._phase = move(self._phase, event)
        if self._settled is not None and self._phase in (RUNNING, STOPPED):
            self._settled.set()
            self._settled = None

    def _settling(self) -> anyio.Event:
        """Set when the start or stop that goes on has ended."""
        if self._settled is None:
            self._settled = anyio.Event()
        return self._settled

    async def _leave_block(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A fixture may leave it in another task than it has entered it.
        left = next((block for block in reversed(self._blocks) if block[0] is native_task()), self._blocks[-1])
        self._blocks = tuple(block for block in self._blocks if block is not left)
        _, runtime = left
        if runtime is not None:
            await runtime.__aexit__(kind, error, trace)

    def _spawn_internal(self, fn: Callable[..., Any], label: str, *args: Any, **kwargs: Any) -> Task:
        self._require_started("spawn a task")
        return self._runtime._loop.run(self._spawn_here, fn, label, args, kwargs)  # type: ignore[no-any-return]

    def _spawn_here(self, fn: Callable[..., Any], label: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Task:
        task = Task(self._runtime, self, label, self._ledger.tasks)
        self._runtime._start(task, fn, args, kwargs, self._own_context())
        return task

    def _piece(self, label: str) -> Task:
        """A task of the service that is a piece of another one; see `Task.run_here`."""
        return Task(self._runtime, self, label, self._ledger.tasks)

    def _require_started(self, wish: str) -> None:
        if not self._accepts_tasks:
            reason = "before start()" if self._phase == STOPPED else "any more: it is being stopped"
            raise RuntimeError(f"service {self.name!r} cannot {wish} {reason}")

    def _forget_subscribers(self) -> None:
        # What they have not heard yet they still hear: it was the state while they had subscribed.
        with self._state_lock:
            self._ledger.subscribers.clear()
            self._audience = None

    def _owners(self) -> Iterator[Service]:
        """The service itself, the one that owns it, and so on."""
        service: Service | None = self
        while service is not None:
            yield service
            service = service._parent
