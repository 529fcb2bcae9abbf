"""Noting where greenlets, and what Specter makes, are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakSet

import gevent

from specter._testing import origins
from specter.sansio.listeners import Entry
from specter.sansio.timers import Timer
from specter_gevent.service import Service
from specter_gevent.service_registry import SPECTERRegistry

# Those that were spawned, and {id: service} of those that were started, while somebody watched. The latter are kept: a
# service that has neither timer nor greenlet is held by nobody else, and is to be stopped all the same.
greenlets: WeakSet[gevent.Greenlet[..., Any]] = WeakSet()
services: dict[int, Service] = {}

_watches = 0


def note_greenlets() -> Callable[[], None]:
    """
    Note each greenlet that is spawned from now on.

    Returns:
        A function that ends this.
    """

    global _watches
    _watches += 1

    def note(greenlet: gevent.Greenlet[..., Any]) -> None:
        greenlets.add(greenlet)
        origins.note(greenlet)

    def end() -> None:
        global _watches
        gevent.Greenlet.remove_spawn_callback(note)
        _watches -= 1
        if not _watches:
            services.clear()

    gevent.Greenlet.add_spawn_callback(note)
    return end


def running_services() -> list[Service]:
    """Give the services that were started while somebody watched, and are running; oldest first."""
    for key in [key for key, service in services.items() if not service.running]:
        del services[key]
    return list(services.values())


def _noting_start(start: Callable[[Service], Any]) -> Callable[[Service], Any]:
    @wraps(start)
    def noting(self: Service) -> Any:
        if not self._running:
            origins.note(self)
        result = start(self)
        services[id(self)] = self
        return result

    return noting


def _noting_entry(provide: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(provide)
    def noting(self: SPECTERRegistry, key: Any, *args: Any, **kwargs: Any) -> Any:
        value = provide(self, key, *args, **kwargs)
        origins.note(self._table._proofs.get(key.strip()))
        return value

    return noting


for made in (Entry, Timer):
    origins.note_at(made, "__init__", origins.noting_self)
origins.note_at(Service, "start", _noting_start)
origins.note_at(SPECTERRegistry, "provide", _noting_entry)
