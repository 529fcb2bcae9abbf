"""
Which greenlet waits for which.

A start or stop that is asked for from within itself (by its own hook, a task that it ends, the stop of a child, or
something that one of these waits for) returns at once instead of waiting for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gevent import getcurrent

import specter_gevent
from specter.sansio.waits import Waits

waits = Waits()


def waits_for_caller(other: object) -> bool:
    """Whether *other* is the caller or waits for it, directly or by way of others: never wait for it then."""
    return waits.leads(other, getcurrent())


@contextmanager
def waiting_for(awaited: object) -> Iterator[None]:
    """Note that the caller waits for *awaited*."""
    caller = getcurrent()
    waits.add(caller, awaited)
    try:
        yield
    finally:
        waits.remove(caller, awaited)


def kill_soon(greenlet: Any) -> None:
    """Have *greenlet* killed at the next turn of the hub. An error of that is logged."""
    try:
        greenlet.kill(block=False)
    except Exception as error:
        specter_gevent.service.logger.error("[SPECTER] %r cannot be killed: %s", greenlet, error, exc_info=True)
