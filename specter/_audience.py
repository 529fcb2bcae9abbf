"""
Who hears of a state, and that all of them hear of its changes in the order in which these were made.

A change is made, and its calls are queued, under the lock of the state; they are made when the lock was left.

    change ──adds one item for──▶ Calls: one queue for each event loop ──called in its thread──▶ subscribers

A subscriber may change the state itself. The calls of that change are made before it returns, after those that were
left of the change before.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import RLock, get_ident
from typing import Any

from ._delivery import Subscriber, called_on
from ._loop import Loop

# Makes what one subscriber is called with of what all of them hear: a copy of its own. `None`: they share it.
Make = Callable[[Any], Any]


class Calls:
    """
    What is still to be called on one event loop, oldest first.

    Args:
        loop: `None` for whatever thread made the change.
        source: The second argument of each call.
    """

    __slots__ = ("_queued", "_source", "_thread", "_turn", "loop")

    def __init__(self, loop: Loop | None, source: Any) -> None:
        self.loop = loop
        # Compared at every change: most are made in the subscribers' own thread.
        self._thread = loop.thread if loop is not None else None
        self._source = source
        # An item for each change: whoever delivers it, also within one of its calls, goes on where it stands.
        self._queued: deque[tuple[Iterator[Hearer], Any, Make | None]] = deque()
        # Held by the thread that makes the calls, if there is no loop in whose thread that is. Nobody waits for it.
        self._turn = RLock()

    def add(self, hearers: Iterable[Hearer], value: Any, make: Make | None = None) -> None:
        """
        Queue the calls of a change: ``fn(make(value), source)``.

        Under the lock that orders the changes, so that they are heard in that order.
        """
        self._queued.append((iter(hearers), value, make))

    def deliver(self, *, in_turn: bool = False) -> bool:
        """
        Make the queued calls.

        Args:
            in_turn: They are made by this thread, whatever the loop.

        Returns:
            Whether all have been made. Without a loop another thread may be making some: then it makes these too, and
            nobody waits for it.
        """
        if self._thread != get_ident() and not in_turn:
            return self._delivered_elsewhere()
        # In one piece: a change has many subscribers, and nearly all of them do less than a further call takes.
        queued, source = self._queued, self._source
        while queued:
            try:
                item = queued[0]
            except IndexError:  # a thread has just made the calls of a loop that had stopped for a while
                break
            hearers, value, make = item
            for hearer in hearers:
                if hearer.closed:
                    continue
                # Called by a name: as an attribute of it, a hundred of them would take an eighth longer.
                fn = hearer.fn
                try:
                    result = fn(value if make is None else make(value), source)
                except Exception:
                    hearer.failed()
                else:
                    if result is not None and inspect.isawaitable(result):
                        hearer.later(result)
            try:
                queued.remove(item)
            except ValueError:
                continue  # it was delivered to its end within one of its calls
        return True

    def _delivered_elsewhere(self) -> bool:
        if called_on(self.loop, self.deliver):
            return True
        # Asked anew after each turn: who came too late for it has left its calls to this thread.
        while self._queued:
            if not self._turn.acquire(False):
                return False
            try:
                self.deliver(in_turn=True)
            finally:
                self._turn.release()
        return True


class Hearer(Subscriber):
    """
    A subscriber that hears of the changes of a source.

    Args:
        fn: Called with what is heard and with the source.
        calls: The queue that it is called from, on the event loop where it subscribes.
        owner: See `Subscriber`.
    """

    __slots__ = ("calls",)

    def __init__(self, fn: Callable[..., Any], calls: Calls, owner: Any = None) -> None:
        super().__init__(fn, owner=owner, loop=calls.loop)
        self.calls = calls


# All that hear of every change, by the queue that they are called from.
Audience = tuple[tuple[Calls, tuple[Hearer, ...]], ...]


def calls_here(hearers: Iterable[Hearer], source: Any) -> Calls:
    """The queue for who subscribes now: that of the others on this event loop, if there are some."""
    loop = Loop.current()
    return next((hearer.calls for hearer in hearers if hearer.loop is loop), None) or Calls(loop, source)


def audience(hearers: Iterable[Hearer]) -> Audience:
    """Put those together that are called from one queue."""
    found: dict[Calls, list[Hearer]] = {}
    for hearer in hearers:
        found.setdefault(hearer.calls, []).append(hearer)
    return tuple([(calls, tuple(members)) for calls, members in found.items()])
