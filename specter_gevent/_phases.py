"""Starting and stopping a service, whoever asks, and however many do at once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gevent import getcurrent
from gevent.greenlet import Greenlet

from ._teardown import Teardown
from ._waiting import Phase, waits_for_caller

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger("specter_gevent.service")


def start(service: Service) -> None:
    """See `Service.start`."""
    while service._running or service._starting is not None:
        going_on = service._stopping or service._starting
        if going_on is None or _must_not_wait(service, going_on):
            return
        going_on.wait()
    starting = service._starting = Phase()
    starting.greenlet = getcurrent()
    service._running = True
    log.info("[SPECTER] Service '%s' starting", service.name)
    try:
        for hook in service._start_hooks():
            hook()
    except BaseException as error:
        if isinstance(error, Exception):
            log.exception("[SPECTER] Service '%s' failed to start: %s", service.name, error)
        _release(service)
        raise
    finally:
        service._starting = None
        starting.end()
    if service._stopping is None and service._running:
        log.info("[SPECTER] Service '%s' started", service.name)
    else:
        _release(service)


def stop(service: Service) -> None:
    """See `Service.stop`."""
    if not service._running:
        return
    stopping = service._stopping
    if stopping is not None:
        if not _must_not_wait(service, stopping):
            stopping.wait()
        return
    log.info("[SPECTER] Service '%s' stopping", service.name)
    stopping = service._stopping = Teardown(service, *service._stop_hooks())
    if getattr(getcurrent(), "specter_owned", False):
        # What owns this greenlet may kill it any moment, and would cut the stop.
        stopping.greenlet = Greenlet.spawn(stopping.run)
        stopping.wait()
    else:
        stopping.run()
    if stopping.error is not None:
        raise stopping.error


def _release(service: Service) -> None:
    """End what the start of a service has acquired that does not run."""
    stopping = service._stopping
    if stopping is not None:
        if _must_not_wait(service, stopping):
            return
        stopping.wait()
    if service._running or service._ledger:
        teardown = service._stopping = Teardown(service)
        teardown.run()
        if teardown.error is not None:
            raise teardown.error


def _must_not_wait(service: Service, phase: Phase) -> bool:
    """Whether the end of *phase* waits for the caller, or ends it."""
    return waits_for_caller(phase.greenlet) or getcurrent() in service._ledger.tasks
