"""Starting and stopping a service, whoever asks, and however many do at once."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from ._deadline import stop_by
from ._shield import wait_regardless
from ._teardown import Teardown
from ._waiting import around, waiting_for, waits, waits_for_caller
from .runtime import _current
from .sansio.errors import ServiceError
from .sansio.lifecycle import RUNNING, STARTING, STOPPED, STOPPING
from .sansio.service import check_stop_timeout

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger("specter.service")

_NO_RUNTIME = """\
service {!r} cannot start: there is no runtime around it. Give it one in one of three ways:
    await owner.adopt(service)         # in another service
    async with service: ...            # opens a runtime of its own, or
    async with Runtime(): ...          # around the start, or a manager (boot(app, sio, services=[service]))"""


async def start(service: Service) -> None:
    """See `Service.start`."""
    while service._phase != STOPPED:
        if service._phase == RUNNING:
            return
        if waits_for_caller(service):
            if service._phase == STOPPING:
                raise RuntimeError(f"service {service.name!r} cannot be started by its own stop")
            return
        with waiting_for(service):
            await service._settling().wait()
    _enter_runtime(service)
    # As `waiting_for` does, which would take a good part of the time that a start or a stop takes.
    caller = around.get()
    if caller is not None:
        waits.add(caller, service)
    try:
        await _run_hooks(service)
    except BaseException as error:
        _log_failure(service, error)
        waiting = _begin_teardown(service)
        if waiting is not None:
            await waiting
        raise
    finally:
        if caller is not None:
            waits.remove(caller, service)
    service._set_phase("started")
    log.info("service %r started", service.name)


async def stop(service: Service) -> None:
    """See `Service.stop`."""
    # Noted before it begins: tasks that wait for the stop are not waited for by it.
    caller = around.get()
    if caller is not None:
        waits.add(caller, service)
    try:
        waiting = _begin_stop(service)
        if waiting is not None:
            await waiting
    finally:
        if caller is not None:
            waits.remove(caller, service)


def _begin_teardown(service: Service, *hooks: Callable[[], Any]) -> Awaitable[None] | None:
    """Tear down as far as nothing waits. Returns what the caller must await, if there is something."""
    teardown = Teardown(service, *hooks)
    return None if teardown.run_plain() else teardown.run()


def _begin_stop(service: Service) -> Awaitable[None] | None:
    if service._phase == STOPPED:
        return None
    if not service._runtime._loop.here():
        raise RuntimeError(
            f"service {service.name!r} runs on another event loop: use anyio.from_thread.run(service.stop)"
        )
    if service._phase == RUNNING:
        return _begin_teardown(service, *service._stop_hooks())
    if service._phase == STARTING:
        service._stop_wanted = True
        if service._start_scope is not None:
            service._start_scope.cancel()
    # Within its own start or stop: waiting for the end of that would never end.
    return None if waits_for_caller(service) else wait_regardless(service._settling(), stop_by.get())


def _enter_runtime(service: Service) -> None:
    runtime = service._find_runtime()
    if runtime is None or not runtime._open:
        raise RuntimeError(_NO_RUNTIME.format(service.name))
    # The one around the caller is on its loop.
    if service._parent is not None and not runtime._loop.here():
        raise RuntimeError(
            f"service {service.name!r} belongs to another event loop: use anyio.from_thread.run(service.start)"
        )
    check_stop_timeout(service.name, service.stop_timeout)  # a stop could not begin to end what was started
    parent = service._parent
    if parent is None or parent._phase == STOPPED:
        if runtime._closing.is_set():
            raise RuntimeError(f"service {service.name!r} cannot start: runtime {runtime.name!r} is being closed")
        runtime._services[id(service)] = service
    if parent is not None:
        parent._ledger.children[id(service)] = service
    service._runtime = runtime
    # Not the context of whoever calls spawn(): a request would live as long as what it caused.
    service._set_context(copy_context())
    service._accepts_tasks = True
    service._stop_wanted = False
    service._set_phase("start")


async def _run_hooks(service: Service) -> None:
    tokens = around.set(service), _current.set(service._runtime)
    try:
        for hook in service._start_hooks():
            waiting = hook()
            if waiting is not None and inspect.isawaitable(waiting):
                with service._runtime._loop.new_scope() as service._start_scope:
                    await waiting
            if service._stop_wanted:
                raise RuntimeError(f"service {service.name!r} was stopped while it started")
        # What the hooks have set is seen by the tasks.
        service._set_context(copy_context())
    finally:
        service._start_scope = None
        around.reset(tokens[0])
        _current.reset(tokens[1])


def _log_failure(service: Service, error: BaseException) -> None:
    """Log why a start failed, with its traceback unless the failed start of another service is in it."""
    if isinstance(error, ServiceError) or (isinstance(error, Exception) and failed_starts(error) > 1):
        log.error("service %r failed to start: %s", service.name, error)
    elif isinstance(error, Exception):
        log.exception("service %r failed to start", service.name)


def failed_starts(error: BaseException) -> int:
    """How many starts an error has come out of: each has logged it, the innermost one with its traceback."""
    return sum(frame.f_code is start.__code__ for frame, _ in walk_tb(error.__traceback__))
