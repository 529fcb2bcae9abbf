"""Being told that something may have changed: what both harnesses need for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from specter.sansio.listeners import Tap

from .points import Noted

# All that changes the table of a registry.
ENTRIES = ("provide", "unregister", "clear")

Told = Callable[[], object]
# Each is called to be told no more.
Ends = Iterator[Callable[[], Any]]


def tap(bus: Any, told: Told, make: Callable[[Callable[[Any], Any]], Any]) -> Ends:
    """
    Have *told* called for each event.

    Args:
        bus: A bus, or what records one.
        told: Called before the listeners are.
        make: Gives what the runtime keeps for a function of the data.
    """
    listeners, lock = bus._listeners, bus._lock
    added: Tap[Any] = Tap("*", lambda name, data: told(), make)

    def end() -> None:
        with lock:
            listeners.remove_tap(added)

    with lock:
        listeners.add_tap(added)
    yield end


def note(thing: Any, told: Told, *names: str) -> Ends:
    """Have *told* called after each call of these methods, in the thread of the call."""
    for name in names:
        yield Noted(thing, name, told).undo


def refusal(thing: object) -> TypeError:
    """Make the error that says what can be observed."""
    return TypeError(
        f"on= takes stores, models, services, watchers, buses, registries and recorders, got {thing!r}; "
        "without it, the predicate is asked again whenever something has run"
    )
