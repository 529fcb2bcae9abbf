"""A bus and a registry of a test's own, under the names that everybody has imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specter._delivery import Subscriber
from specter._testing.fresh import fresh
from specter._testing.parts import parts_kept
from specter.event_bus import bus
from specter.sansio.listeners import Entry
from specter.service_registry import registry

if TYPE_CHECKING:
    from specter.manager import ServiceManager


_PARTS = ("_services", "_handlers", "_controllers", "_by_name")


@contextmanager
def isolated(*, imported: bool = False) -> Iterator[None]:
    """
    Have `bus` and `registry` empty in the block, and as they were after it; and managers know again what they knew.

    The objects stay the same ones: code that imported them long before, in whatever thread or task, sees the new state.
    Nests.

    Args:
        imported: Do not begin empty, but with what an application has provided before, and with what subscribed where
            no event loop ran, as modules do when they are imported. Changes in the block end with it all the same, and
            a key of before can be provided as if it were free.
    """
    with parts_kept(_managers(), *_PARTS), fresh(bus, registry) as (heard, provided):
        if imported:
            bus._listeners.take_over(heard["_listeners"], _again, _is_of_no_loop)
            registry._entries.take_over(provided["_entries"])
        yield


def _managers() -> list[ServiceManager]:
    module = sys.modules.get("specter.manager")
    return [] if module is None else list(module.made)


def _again(entry: Entry[Subscriber]) -> Subscriber:
    subscriber = Subscriber(entry.fn)
    subscriber.loop = None
    return subscriber


def _is_of_no_loop(entry: Entry[Subscriber]) -> bool:
    return entry.listener.loop is None
