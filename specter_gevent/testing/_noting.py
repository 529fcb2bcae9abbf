"""Noting where greenlets, and what Specter makes, are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakSet

import gevent

from specter._testing import origins
from specter._testing.noted import Noted
from specter.sansio.listeners import Entry
from specter.sansio.timers import Timer
from specter_gevent.service import Service
from specter_gevent.service_registry import SPECTERRegistry

# Those that were spawned, and services that were started, while somebody watched.
greenlets: WeakSet[gevent.Greenlet[..., Any]] = WeakSet()
services: Noted[None] = Noted()


def note_greenlets() -> Callable[[], None]:
    """
    Note each greenlet that is spawned from now on.

    Returns:
        A function that ends this.
    """

    def note(greenlet: gevent.Greenlet[..., Any]) -> None:
        greenlets.add(greenlet)
        origins.note(greenlet)

    gevent.Greenlet.add_spawn_callback(note)
    return lambda: gevent.Greenlet.remove_spawn_callback(note)


def _noting_start(start: Callable[[Service], Any]) -> Callable[[Service], Any]:
    @wraps(start)
    def noting(self: Service) -> Any:
        if not self._running:
            origins.note(self)
            services.add(self, None)
        return start(self)

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
