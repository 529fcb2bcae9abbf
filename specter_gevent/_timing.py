"""The intervals and timeouts of a service: one heap of each hub serves them all."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent.hub
from gevent import GreenletExit, Timeout
from gevent.event import Event
from gevent.greenlet import Greenlet

import specter_gevent
from specter.sansio.callables import require_plain
from specter.sansio.timers import Timer, new_key

from ._clock import Clock, Runner, clock_here
from ._waiting import kill_soon, waits_for_caller

if TYPE_CHECKING:
    from .service import Service


# Another one in its place is a test's, which ids come from then. It takes as long as all the rest.
_UUID4 = uuid.uuid4

# {timer: set at its end}, of those whose end somebody waits for.
_ends: dict[ServiceTimer, Event] = {}


def start_timer(service: Service, kind: str, fn: Callable[[], Any], seconds: float) -> str:
    """
    Start a timer.

    Args:
        service: Whose.
        kind: ``interval`` or ``timeout``.
        fn: A plain function.
        seconds: How long to wait.

    Returns:
        Its id.

    Raises:
        RuntimeError: The service is not started.
        TypeError: *fn* is a coroutine function.
    """
    if not service._running:
        raise RuntimeError(f"[SPECTER] Cannot schedule {kind} for '{service.name}' before start()")
    require_plain(fn, f"the function of a timer ({kind})")
    timers = timers_of(service, kind)
    uuid4 = specter_gevent.service.uuid.uuid4
    key = new_key(kind, timers) if uuid4 is _UUID4 else f"{kind}_{uuid4().hex[:8]}"
    if _needs_greenlet(seconds):
        run = _interval if kind == "interval" else _timeout
        timers[key] = specter_gevent.service.gevent.spawn(run(service, key, fn, seconds))
        return key
    context = copy_context()
    timer = ServiceTimer(
        partial(context.run, fn) if context else fn,
        seconds if kind == "interval" else None,
        key,
        service,
        clock_here(),
    )
    timers[key] = timer
    timer.clock.add(timer, seconds)
    return key


def cancel_timer(service: Service, kind: str, key: str) -> None:
    """End a timer, and its call if that runs and is not the caller. Unknown keys are ignored."""
    timer = timers_of(service, kind).pop(key, None)
    if timer is not None:
        forget_timer(timer)


def forget_timer(timer: Any) -> Any:
    """
    Make sure that a timer calls no more.

    Returns:
        The greenlet of its call if that waits for the caller, or is the caller: it goes on. Else `None`: it is cut.
    """
    runner = getattr(timer, "task", None)
    if runner is None or not waits_for_caller(runner):
        kill_soon(timer)
        return None
    timer.cancel()
    return runner


def timers_of(service: Service, kind: str) -> dict[str, Any]:
    """``{id: what can be killed}``."""
    return service._specter.intervals if kind == "interval" else service._specter.timeouts


class ServiceTimer(Timer):
    """
    A timer of a service. It has those methods of a greenlet that are used with timers.

    Args:
        fn: What is to be called.
        period: Seconds between the end of a call and the next one; `None` for a single call.
        key: Its id.
        service: Whose.
        clock: What it goes by.
    """

    __slots__ = ("clock",)

    def __init__(self, fn: Callable[[], Any], period: float | None, key: str, service: Service, clock: Clock) -> None:
        super().__init__(fn, period, key, service)
        self.clock = clock

    @property
    def dead(self) -> bool:
        """Whether it calls nothing any more."""
        return self.cancelled and self.task is None

    def ready(self) -> bool:
        """The same as `dead`."""
        return self.dead

    def successful(self) -> bool:
        """The same as `dead`: an error in a call is not its end."""
        return self.dead

    def __bool__(self) -> bool:
        return not self.dead

    def start(self) -> None:
        """Do nothing: it is started when it is made."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is dead, for so many seconds at most."""
        self._end().wait(timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> None:
        """
        Wait until it is dead.

        Raises:
            Timeout: It was not in time, or is not dead and *block* is false.
        """
        if not (block or self.dead):
            raise Timeout
        with Timeout(timeout):
            self._end().wait()

    wait = join

    def rawlink(self, callback: Callable[[Any], object]) -> None:
        """Have *callback* called with the timer, in the hub, when it is dead."""
        self._end().rawlink(lambda end: callback(self))

    def kill(self, exception: Any = GreenletExit, block: bool = True, timeout: float | None = None) -> None:
        """End it, and its call if that runs."""
        self.cancel()
        runner = self.task
        if runner is not None:
            # It waits, and so calls nothing else after this: the kill can hit no other timer.
            runner.kill(exception, block=block, timeout=timeout)

    def cancel(self) -> None:
        """End it; a call that runs goes on."""
        self.clock.cancel(self)
        self._tell()

    def call(self, runner: Runner) -> bool:
        """
        Call what it is for.

        Args:
            runner: The greenlet that does so.

        Returns:
            Whether it is to fall due again.
        """
        service: Service = self.owner
        inside, single = service._specter, self.period is None
        if single:
            held = self.key in inside.timeouts
        else:
            held = not inside.shown or self.key in inside.intervals
        if self.cancelled or not service._running or not held:
            self.cancelled = True
            return False
        if single:
            del inside.timeouts[self.key]
            self.cancelled = True
        self.task = runner
        try:
            self.fn()
        except Exception as error:
            _log_failure(service, "timeout" if single else "interval", self.key, error)
        except BaseException:
            self.cancelled = True
            raise
        finally:
            self.task = None
            if runner.context:
                # It has set something there, which it finds again and other timers do not.
                self.fn = partial(runner.context.run, self.fn)
            if _ends:
                self._tell()
        return not self.cancelled

    def _end(self) -> Event:
        end = _ends.get(self)
        if end is None:
            end = Event()
            if self.dead:
                end.set()
            else:
                _ends[self] = end
        return end

    def _tell(self) -> None:
        end = _ends.pop(self, None) if self.dead else None
        if end is not None:
            end.set()


# Tests put fakes in the place of gevent's functions, which run at once what they are given, or of all of `gevent` as
# `service` has it. A timer then takes the way that shows in them: a greenlet of its own, which sleeps.


def _needs_greenlet(seconds: Any) -> bool:
    found = specter_gevent.service.gevent
    if found.spawn != Greenlet.spawn or found.sleep is not gevent.hub.sleep:
        return True
    # What cannot be waited for ends there with an error; without a wait there is one call at each turn of the hub.
    return type(seconds) not in (int, float) or not 0 < seconds < math.inf


def _interval(service: Service, key: str, callback: Callable[[], Any], seconds: Any) -> Callable[[], None]:
    timers = service._specter.intervals

    def _loop() -> None:
        while service._running and key in timers:
            specter_gevent.service.gevent.sleep(seconds)
            if not service._running or key not in timers:
                break
            try:
                callback()
            except Exception as error:
                _log_failure(service, "interval", key, error)

    return _loop


def _timeout(service: Service, key: str, callback: Callable[[], Any], seconds: Any) -> Callable[[], None]:
    timers = service._specter.timeouts

    def _delayed() -> None:
        specter_gevent.service.gevent.sleep(seconds)
        if service._running and timers.pop(key, None) is not None:
            try:
                callback()
            except Exception as error:
                _log_failure(service, "timeout", key, error)

    return _delayed


def _log_failure(service: Service, kind: str, key: str, error: Exception) -> None:
    specter_gevent.service.logger.error(
        "[SPECTER] %s error in '%s' (id=%s): %s", kind.capitalize(), service.name, key, error, exc_info=True
    )
