"""The intervals and timeouts of a service: one heap and one sleeping task of its runtime serve them all."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any

from ._calls import forget, name_of
from .sansio.duration import require_seconds
from .sansio.ownership import require_callable
from .sansio.timers import Timer, new_key
from .task import Task

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger("specter.service")

_WISHES = {"interval": "start an interval", "timeout": "start a timeout"}


def start_timer(service: Service, kind: str, fn: Callable[[], Any], seconds: float) -> str:
    """
    Start a timer.

    Args:
        service: Whose.
        kind: ``interval`` or ``timeout``.
        fn: Plain or a coroutine function.
        seconds: More than 0; a timeout's may be 0.

    Returns:
        Its id.

    Raises:
        RuntimeError: The service is not started.
        TypeError: *fn* cannot be called, or *seconds* is no number.
        ValueError: *seconds* is too small, or not finite.
    """
    require_callable(fn, "the function of a timer")
    require_seconds(seconds, kind, least=None if kind == "interval" else 0)
    # Asked here rather than by a call each: a seventh less time.
    if not service._accepts_tasks:
        service._require_started(_WISHES[kind])
    loop = service._runtime._loop
    if loop.thread == get_ident():
        return _start(service, kind, fn, seconds)
    return loop.run(_start, service, kind, fn, seconds)  # type: ignore[no-any-return]


def cancel_timer(service: Service, kind: str, key: str) -> None:
    """End a timer, and its call if that runs and is not the caller. Unknown keys are ignored."""
    timer = _timers(service, kind).pop(key, None)
    if timer is not None:
        service._runtime._loop.run(_cancel, timer)


def forget_timer(timer: Timer) -> None:
    """Make sure that a timer calls no more. A call that runs goes on."""
    timer.owner._runtime._timers.cancel(timer)


def fire(timer: Timer) -> bool:
    """
    Call what a timer is for. The task that does this serves the timers of all services: no error leaves it.

    Returns:
        Whether it is to fall due again now. If the call waits, that is decided at its end.
    """
    service: Service = timer.owner
    try:
        result = service._own_context().run(timer.fn)
        if result is not None and inspect.isawaitable(result):
            _go_on_in_task(service, timer, result)
            return False
    except Exception:
        _failed(timer)
    return _goes_on(timer)


def _start(service: Service, kind: str, fn: Callable[[], Any], seconds: float) -> str:
    ledger, period = service._ledger, None
    timers = ledger.timeouts
    if kind == "interval":
        timers, period = ledger.intervals, seconds
    key = new_key(kind, timers)
    timer = timers[key] = Timer(fn, period, key, service)
    service._runtime._add_timer(timer, seconds)
    return key


def _timers(service: Service, kind: str) -> dict[str, Timer]:
    return service._ledger.intervals if kind == "interval" else service._ledger.timeouts


def _cancel(timer: Timer) -> None:
    forget_timer(timer)
    if timer.task is not None and timer.task is not Task.current():
        timer.task.cancel()


def _go_on_in_task(service: Service, timer: Timer, waiting: Awaitable[Any]) -> None:
    try:
        timer.task = service._spawn_internal(_finish, name_of(timer.fn), timer, waiting)
    except RuntimeError:
        forget(waiting)
        raise
    timer.task.on_end = partial(forget, waiting)  # it may be cancelled before it begins


async def _finish(timer: Timer, waiting: Awaitable[Any]) -> None:
    try:
        await waiting
    except Exception:
        _failed(timer)
    finally:
        timer.task = None
        if _goes_on(timer):
            timer.owner._runtime._add_timer(timer, timer.period)


def _goes_on(timer: Timer) -> bool:
    """Whether it falls due again, now that it was called. A timeout does not, and is forgotten."""
    service: Service = timer.owner
    if timer.period is None:
        service._ledger.timeouts.pop(timer.key, None)
        return False
    return not timer.cancelled and service._accepts_tasks


def _failed(timer: Timer) -> None:
    log.exception("%s of %r failed (%s)", timer.key, timer.owner.name, name_of(timer.fn))
