"""What lives in gevent's hub: greenlets, and what Specter has in services, bus and registry."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from traceback import walk_stack
from typing import Any

import gevent

from specter._testing.children import serves_child
from specter._testing.watch import Held, unended
from specter.sansio.callables import name_of
from specter_gevent import event_bus, service_registry
from specter_gevent._clock import Runner
from specter_gevent._where import where
from specter_gevent.manager import ServiceManager
from specter_gevent.process import ManagedProcess
from specter_gevent.service import Service

from . import _noting

# python-socketio's, which live as long as the server, or until some time after their client has gone; and what is a
# thread to a patched process, and told as one.
_EXPECTED = {"_service_task", "_send_ping", "_bootstrap"}

_OF_CHILDREN = {ManagedProcess._specter_see_to_end.__code__, ManagedProcess._specter_read.__code__}


def held() -> Iterator[Held]:
    """Give all that is there in the hub and was begun while somebody watched, but for the greenlet of the caller."""
    ours: list[Any] = [gevent.getcurrent()]
    for service in _noting.running_services():
        yield Held("services", service, unended(service, ServiceManager))
        yield from _held_by_service(service, ours)
    known = {id(greenlet) for greenlet in ours}
    for greenlet in list(_noting.greenlets):
        if not (greenlet.dead or id(greenlet) in known or _is_expected(greenlet)):
            yield Held("tasks", greenlet, f"greenlet {_name(greenlet)!r}", where=partial(where, greenlet))
    yield from listening()
    yield from provided()


def listening() -> Iterator[Held]:
    """Give the listeners of the bus."""
    names = {key: service.name for key, service in _noting.services.items()}
    for event, entries in list(event_bus.bus._listeners._subscribed.items()):
        for entry in list(entries.values()):
            owner = next(
                (names[holder] for holder in entry.holders if isinstance(holder, int) and holder in names), None
            )
            yield Held("subscriptions", entry, f"{event!r} by {name_of(entry.fn)}", owner)


def provided() -> Iterator[Held]:
    """Give the entries of the registry."""
    table, owners = service_registry.registry._table, service_registry.registry._owners
    for key, value in list(table.values.items()):
        owner = getattr(owners.get(key), "name", None)
        yield Held("registry", table._proofs.get(key), f"{key!r}, {type(value).__name__}", owner)


def _held_by_service(service: Service, ours: list[Any]) -> Iterator[Held]:
    ledger = service._specter
    for greenlet in list(ledger.tasks):
        ours.append(greenlet)
        if not greenlet.dead:
            yield Held("tasks", greenlet, f"task {_name(greenlet)!r}", service.name, partial(where, greenlet))
    for timer in [*ledger.intervals.values(), *ledger.timeouts.values()]:
        ours.append(timer)
        yield Held("timers", timer, _timer(timer), service.name)


def _timer(timer: Any) -> str:
    period = getattr(timer, "period", None)
    kind = "timeout" if period is None else f"interval of {period} s"
    return f"{kind}, {_name(timer)}"


def _name(it: Any) -> str:
    """What a greenlet or a timer calls."""
    function = _without_context(getattr(it, "fn", None) or getattr(it, "_target", None) or getattr(it, "_run", it))
    if getattr(function, "__name__", "") == "_runner" and function.__closure__:
        cells = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))
        return str(cells["label"].cell_contents or name_of(cells["callback"].cell_contents))
    return name_of(function)


def _without_context(function: Any) -> Any:
    return function.args[0] if isinstance(function, partial) and function.args else function


def _is_expected(greenlet: Any) -> bool:
    if isinstance(greenlet, Runner) or _name(greenlet).rpartition(".")[2] in _EXPECTED:
        return True
    return serves_child(walk_stack(greenlet.gr_frame) if greenlet.gr_frame else (), _OF_CHILDREN)
