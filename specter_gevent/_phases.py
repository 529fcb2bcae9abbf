"""Starting and stopping a service when that does not go by itself: errors, and several that do so at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gevent import getcurrent
from gevent.event import Event

import specter_gevent

from ._teardown import Teardown
from ._waiting import waiting_for, waits_for_caller

if TYPE_CHECKING:
    from .service import Service


def may_start(service: Service) -> bool:
    """
    Wait for the start and the stop that go on.

    Returns:
        Whether the service is stopped then, and to be started. Not if the end of one of these waits for the caller.
    """
    while service._running or service._specter.starting is not None:
        stopping = service._specter.stopping
        if stopping is not None:
            if not wait_for_stop(service, stopping):
                return False
        elif service._specter.starting is None or _must_not_wait(service, service._specter.starting):
            return False
        else:
            if service._specter.started is None:
                service._specter.started = Event()
            with waiting_for(service._specter.starting):
                service._specter.started.wait()
    return True


def wait_for_stop(service: Service, stopping: Teardown) -> bool:
    """Wait for the end of *stopping*. Returns False, at once, if that waits for the caller."""
    if _must_not_wait(service, stopping.greenlet):
        return False
    stopping.wait()
    return True


def fail_start(service: Service, error: BaseException) -> None:
    """Release what a start has acquired that failed."""
    if isinstance(error, Exception):
        specter_gevent.service.logger.error(
            "[SPECTER] Service '%s' failed to start: %s", service.name, error, exc_info=error
        )
    try:
        _release(service)
    finally:
        _settle(service)


def end_start(service: Service) -> None:
    """Tell who waits for the end of a start; if the service was stopped meanwhile, release what came after that."""
    try:
        if service._specter.stopping is not None or not service._running:
            _release(service)
        else:
            specter_gevent.service.logger.info("[SPECTER] Service '%s' started", service.name)
    finally:
        _settle(service)


def _settle(service: Service) -> None:
    service._specter.starting = None
    if service._specter.started is not None:
        service._specter.started.set()
        service._specter.started = None


def _release(service: Service) -> None:
    stopping = service._specter.stopping
    if stopping is not None and not wait_for_stop(service, stopping):
        return
    if service._running or service._specter:
        teardown = service._specter.stopping = Teardown(service, ())
        teardown.run()
        if teardown.error is not None:
            raise teardown.error


def _must_not_wait(service: Service, greenlet: Any) -> bool:
    """Whether the end of what *greenlet* does to the service waits for the caller, or will end it."""
    return waits_for_caller(greenlet) or getcurrent() in service._specter.tasks
