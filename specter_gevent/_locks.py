"""
The lock around state that changes without a wait.

Such a section cannot be left by a greenlet in its middle, so other OS threads are all that it must keep out; the native
lock does that, at less cost than gevent's, which can lose a wake-up between threads. Never hold it across a switch: the
next greenlet of the thread would be let in. What waits or calls user code while it holds a lock takes a
`gevent.lock.BoundedSemaphore`.

Where every nanosecond counts it is taken by `acquire()`, right before a `try` whose `finally` releases it: nothing can
come between, and a `with` costs twice as much (on Python 3.13 three times), which is more than the section itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gevent.monkey import get_original

if TYPE_CHECKING:
    from _thread import RLock as StateLock
else:
    StateLock = get_original("_thread", "RLock")

__all__ = ["StateLock"]
