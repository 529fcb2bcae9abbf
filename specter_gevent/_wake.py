"""Being woken by another greenlet, in whatever thread that is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gevent.hub import Hub, Waiter
from gevent.monkey import get_original

_get_ident = get_original("_thread", "get_ident")

if TYPE_CHECKING:
    _Waiter = Waiter[None]
else:
    _Waiter = Waiter


class Wake(_Waiter):
    """
    What wakes the greenlet that has made it, from every thread.

    gevent's own events belong to one hub, and its semaphores may lose a wake-up between two.
    """

    __slots__ = ("waits",)

    # Whether nobody has done so since the greenlet was added to those who wait.
    waits: bool
    hub: Any


class Wakes(deque[Wake]):
    """
    Those who wait until something is free, oldest first, in whatever threads.

    One is woken at a time, and wakes the next if it leaves the thing free: all at once would wait again, but for one.
    """

    def wait_while(self, taken: Callable[[], object]) -> None:
        """Wait until *taken* is false; whoever makes it so calls `send`."""
        wake = Wake()
        stay = _stay_of(wake.hub)
        stay.begin()
        wake.waits = True
        self.append(wake)
        try:
            # Asked first: it may have got free before there was somebody to wake.
            while taken():
                if wake.waits:
                    wake.get()
                    wake.clear()
                else:  # it was woken, but another greenlet came first
                    wake.waits = True
                    self.appendleft(wake)
        finally:
            stay.end()
            if wake.waits:
                self._forget(wake)
            # Also when it was killed, which may have been just after it was woken.
            if self and not taken():
                self.send()

    def send(self) -> None:
        """Wake the one that has waited longest."""
        try:
            wake = self.popleft()
        except IndexError:  # it has just left, and wakes the next one
            return
        wake.waits = False
        if wake.hub.thread_ident == _get_ident():
            wake.hub.loop.run_callback(wake.switch, None)
        else:
            wake.hub.loop.run_callback_threadsafe(wake.switch, None)

    def send_all(self) -> None:
        """Wake all of them: for what they need not take one after another."""
        for _ in range(len(self)):
            self.send()

    def _forget(self, wake: Wake) -> None:
        try:
            self.remove(wake)
        except ValueError:  # another thread has just taken it out
            return


class _Stay:
    """
    Keeps a hub from ending for want of anything else to do, while its greenlets wait for those of other threads.

    Args:
        hub: Whose greenlets wait. It is called in its thread alone.
    """

    def __init__(self, hub: Hub) -> None:
        self._waiting = 0
        # Never sent. One for all of the hub: a watcher takes longer to make than the rest of a wait.
        self._watcher: Any = hub.loop.async_()
        hub.specter_stay = self  # type: ignore[attr-defined]

    def begin(self) -> None:
        """A greenlet waits."""
        self._waiting += 1
        if self._waiting == 1:
            self._watcher.start(_nothing)

    def end(self) -> None:
        """It waits no more."""
        self._waiting -= 1
        if not self._waiting:
            self._watcher.stop()


def _stay_of(hub: Hub) -> _Stay:
    return getattr(hub, "specter_stay", None) or _Stay(hub)


def _nothing() -> None: ...
