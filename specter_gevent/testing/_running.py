"""Booting what is under test, and shutting it down again."""

from __future__ import annotations

from types import TracebackType
from typing import Generic, TypeVar

from specter._testing.blocks import PlainBlock
from specter_gevent.manager import ServiceManager
from specter_gevent.service import Service

from ._serving import Serving
from ._target import NEEDED, Target

T = TypeVar("T")


def running(it: T) -> Running[T]:
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
    return Running(it)


class Running(PlainBlock, Generic[T]):
    """Has something run. Made by `running`."""

    _made = "running(...)"

    def __init__(self, it: T) -> None:
        self._it = it
        self._service: Service | None = None
        self._serving: Serving | None = None

    def __enter__(self) -> T:
        it = self._it
        if isinstance(it, Service) and not isinstance(it, ServiceManager):
            it.__enter__()
            self._service = it
        else:
            self._serving = Serving.join(Target.of(it, f"a service, {NEEDED}"), take_over=True)
        return it

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._service is not None:
            self._service.__exit__(kind, error, trace)
        if self._serving is not None:
            self._serving.leave()
