"""The boot of an application under test: who needs it first boots it, who needs it last shuts it down."""

from __future__ import annotations

from specter_gevent.manager import ServiceManager

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
                self._manager.shutdown()
