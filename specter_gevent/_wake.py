"""Being woken by another greenlet, in whatever thread that is."""

from __future__ import annotations

from collections.abc import Callable

from gevent.hub import Waiter, get_hub

from ._locks import StateLock


class Wake:
    """
    Wakes the greenlet that has made it, from every thread.

    gevent's own events belong to one hub, and its semaphores may lose a wake-up between two. Who makes it closes it.
    """

    def __init__(self) -> None:
        hub = get_hub()
        self._waiter: Waiter[None] = Waiter(hub)
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


class Wakes(list[Wake]):
    """Those who wait for the end of one thing, oldest first. It changes under the lock of that thing."""

    def wait_while(self, goes_on: Callable[[], object], lock: StateLock) -> None:
        """Wait until `send` is called, or not at all if it does not go on."""
        wake = Wake()
        self.append(wake)
        try:
            # It may have ended before there was somebody to wake.
            if goes_on():
                wake.wait()
        finally:
            with lock:
                self.remove(wake)
                wake.close()

    def send(self, lock: StateLock) -> None:
        """Wake them all; called when it has ended."""
        with lock:
            for wake in self:
                wake.send()
