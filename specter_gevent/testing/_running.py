"""Booting what is under test, and shutting it down again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from specter_gevent.manager import ServiceManager
from specter_gevent.service import Service

from ._serving import Serving
from ._target import Target

T = TypeVar("T")


@contextmanager
def running(it: T) -> Iterator[T]:
    """
    Have *it* run for as long as the block does.

    The block may be left in another greenlet than it was entered. What `boot` has booted already is shut down by the
    last block round it. Blocks round the same application, and clients of it, share one boot.

    Args:
        it: A `Service`, a `ServiceManager`, or a Flask application with one.

    Returns:
        A context manager that gives *it*.

    Raises:
        TypeError: *it* is nothing that can run.
        Exception: The start of the service has failed, by this error. A manager logs those of its services.
    """
    if isinstance(it, Service) and not isinstance(it, ServiceManager):
        with it:
            yield it
        return
    serving = Serving.join(Target.of(it), take_over=True)
    try:
        yield it
    finally:
        if serving is not None:
            serving.leave()
