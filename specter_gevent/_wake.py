"""Being woken by another greenlet, in whatever thread that is."""

from __future__ import annotations

from collections.abc import Callable

from gevent.hub import Waiter, get_hub
from gevent.monkey import get_original

from ._locks import StateLock

_get_ident = get_original("_thread", "get_ident")


class Wake:
    """
    Wakes the greenlet that has made it, from every thread.

    gevent's own events belong to one hub, and its semaphores may lose a wake-up between two. Who makes it closes it.
    """

    def __init__(self) -> None:
        self._hub = hub = get_hub()
        self._waiter: Waiter[None] = Waiter(hub)
        # Also keeps the hub from ending for want of anything else to do.
        self._watcher = hub.loop.async_()
        self._watcher.start(self._waiter.switch, None)

    def wait(self) -> None:
        """Wait until it is sent, or not at all if that was done meanwhile."""
        self._waiter.get()
        self._waiter.clear()

    def send(self) -> None:
        """Wake the greenlet. Not after `close`."""
        if self._hub.thread_ident == _get_ident():
            self._hub.loop.run_callback(self._waiter.switch, None)
        else:
            self._watcher.send()

    def close(self) -> None:
        """Release what it has of the hub."""
        self._watcher.stop()
        self._watcher.close()


class Wakes(list[Wake]):
    """
    Those who wait until something is free, oldest first. It changes under the lock of that thing.

    One is woken at a time, and wakes the next if it leaves the thing free: all at once would wait again, but for one.
    """

    def wait_while(self, taken: Callable[[], object], lock: StateLock) -> None:
        """Wait until *taken* is false; whoever makes it so calls `send`."""
        wake = Wake()
        self.append(wake)
        try:
            # Asked first: it may have got free before there was somebody to wake.
            while taken():
                wake.wait()
        finally:
            with lock:
                self.remove(wake)
                wake.close()
            # Also when it was killed, which may have been just after it was woken.
            if self and not taken():
                self.send(lock)

    def send(self, lock: StateLock) -> None:
        """Wake the one that has waited longest."""
        with lock:
            if self:
                self[0].send()
