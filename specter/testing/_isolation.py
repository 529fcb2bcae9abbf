"""A bus and a registry of a test's own, under the names that everybody has imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specter._testing.fresh import fresh
from specter.event_bus import bus
from specter.service_registry import registry


@contextmanager
def isolated() -> Iterator[None]:
    """
    Have `bus` and `registry` empty in the block, and as they were after it.

    The objects stay the same ones: code that imported them long before, in whatever thread or task, sees the new state.
    Nests. What subscribed at its import is not heard in the block, and is again after it.
    """
    with fresh(bus, registry):
        yield
