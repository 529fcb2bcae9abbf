"""Being woken by another greenlet, in whatever thread that is."""

from __future__ import annotations

from gevent.hub import Waiter, get_hub


class Wake:
    """
    Wakes the greenlet that has made it, from every thread.

    gevent's own events belong to one hub, and its semaphores may lose a wake-up between two. Who makes it closes it.
    """

    def __init__(self) -> None:
        hub = get_hub()
        self._waiter = Waiter(hub)
        self._watcher = hub.loop.async_()
        self._watcher.start(self._waiter.switch, None)

    def wait(self) -> None:
        """Wait until it is sent, if it was not yet."""
        self._waiter.get()

    def send(self) -> None:
        """Wake the greenlet. Not after `close`."""
        self._watcher.send()

    def close(self) -> None:
        """Release what it has of the hub."""
        self._watcher.stop()
        self._watcher.close()
