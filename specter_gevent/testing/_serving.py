"""The boot of an application under test: who needs it first boots it, who needs it last shuts it down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specter_gevent.manager import ServiceManager, booted_managers

from ._target import Target

_served: dict[ServiceManager, Serving] = {}


class Serving:
    """
    One manager, from its boot to its shutdown.

    Args:
        manager: The manager.
    """

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self._parts = _Parts(manager)
        self._users = 0
        # Somebody else has booted it, and will shut it down.
        self._foreign = manager.booted

    @staticmethod
    def join(target: Target, *, take_over: bool = False) -> Serving | None:
        """
        Have the application served, from now to `leave`.

        Args:
            target: The application.
            take_over: Shut it down at the end although somebody else has booted it.

        Returns:
            `None` if the application has no manager.
        """
        if target.manager is None:
            return None
        serving = _served.setdefault(target.manager, Serving(target.manager))
        serving._users += 1
        serving._foreign = serving._foreign and not take_over
        try:
            target.manager.boot()
        except BaseException:
            serving.leave()
            raise
        return serving

    def leave(self) -> None:
        """Need it no more."""
        self._users -= 1
        if not self._users:
            del _served[self._manager]
            if not self._foreign:
                self._parts.shut_down()


class _Parts:
    """What was registered with a manager: its shutdown forgets that, and the next test would boot it without."""

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self._services, self._handlers = list(manager._services), list(manager._handlers)

    def shut_down(self) -> None:
        """Shut the manager down, and have it know again what it knew."""
        self._manager.shutdown()
        self._manager._services[:], self._manager._handlers[:] = self._services, self._handlers


@contextmanager
def shutting_down() -> Iterator[None]:
    """
    Shut down, at the end of the block, the managers that were booted in it.

    Quietly: the end of the program would do so, and that is not what a test ends with. Of all else that runs on at the
    end of a test somebody would have to think in the application as well, so it is told as a leak.
    """
    before = booted_managers()
    try:
        yield
    finally:
        for manager in reversed(booted_managers()):
            if manager not in before:
                _Parts(manager).shut_down()
