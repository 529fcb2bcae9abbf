"""A bus and a registry of a test's own, under the names that everybody has imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specter._testing.fresh import fresh
from specter._testing.parts import parts_kept
from specter.sansio.listeners import Entry
from specter_gevent.event_bus import bus
from specter_gevent.service import Service
from specter_gevent.service_registry import registry

if TYPE_CHECKING:
    from specter_gevent.manager import ServiceManager


_PARTS = ("_services", "_handlers")


@contextmanager
def isolated(*, imported: bool = False) -> Iterator[None]:
    """
    Have `bus` and `registry` empty in the block, and as they were after it; and managers know again what they knew.

    The objects stay the same ones: code that imported them long before, in whatever thread or task, sees the new state.
    Nests.

    Args:
        imported: Do not begin empty, but with what an application has provided and subscribed before, as one does that
            boots when it is imported. Changes in the block end with it all the same, and a key of before can be
            provided as if it were free. What a service has is gone after the block if it has stopped in it.
    """
    running = _running()
    with parts_kept(_managers(), *_PARTS), fresh(bus, registry) as (heard, provided):
        if imported:
            bus._listeners.take_over(heard["_listeners"], _nothing, _all)
            registry._table.take_over(provided["_table"])
            registry._owners.update(provided["_owners"])
        yield
    for service in running:
        if not service.running:
            _forget(service)


def _managers() -> list[ServiceManager]:
    module = sys.modules.get("specter_gevent.manager")
    return [] if module is None else list(module.made)


def _running() -> list[Service]:
    """The services that run and are known to a manager or to the registry, and their children."""
    known = [*_managers(), *registry._table.values.values(), *registry._owners.values()]
    known += [service for manager in _managers() for service in manager._services]
    found: dict[int, Service] = {}
    while known:
        one = known.pop()
        if isinstance(one, Service) and one.running and id(one) not in found:
            found[id(one)] = one
            known += one._children
    return list(found.values())


def _forget(service: Service) -> None:
    """Take out what a service has in the bus and the registry."""
    for key in [key for key, owner in registry._owners.items() if owner is service]:
        registry.unregister(key)
    for table in list(bus._listeners._subscribed.values()):
        for entry in list(table.values()):
            bus._listeners.release(entry, id(service))


def _nothing(entry: Entry[None]) -> None:
    """What a runtime keeps for a listener here."""


def _all(entry: Entry[None]) -> bool:
    return True
