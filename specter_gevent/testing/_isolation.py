"""A bus and a registry of a test's own, under the names that everybody has imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specter._testing.fresh import fresh
from specter.sansio.listeners import Entry
from specter_gevent.event_bus import bus
from specter_gevent.service_registry import registry


@contextmanager
def isolated(*, imported: bool = False) -> Iterator[None]:
    """
    Have `bus` and `registry` empty in the block, and as they were after it.

    The objects stay the same ones: code that imported them long before, in whatever thread or task, sees the new state.
    Nests.

    Args:
        imported: Do not begin empty, but with what an application has provided and subscribed before, as one does that
            boots when it is imported. Changes in the block end with it all the same, and a key of before can be
            provided as if it were free.
    """
    with fresh(bus, registry) as (heard, provided):
        if imported:
            bus._listeners.take_over(heard["_listeners"], _nothing, _all)
            registry._table.take_over(provided["_table"])
            registry._owners.update(provided["_owners"])
        yield


def _nothing(entry: Entry[None]) -> None:
    """What a runtime keeps for a listener here."""


def _all(entry: Entry[None]) -> bool:
    return True
