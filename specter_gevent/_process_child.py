"""A child of the standard library's Popen in a process where gevent may reap every child."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakSet

import gevent.os
from gevent.hub import Hub, get_hub, getcurrent, sleep
from gevent.monkey import get_original
from gevent.subprocess import Popen as GeventPopen

from specter._process_child import Child

_get_ident = get_original("_thread", "get_ident")

# With what gevent does not publish: the children that it watches, and the function by which it comes to do so.
_gevent_os: Any = gevent.os


class WatchedChild(Child):
    """
    A child process whose return code is known even if the hub of the main thread reaps it.

    As soon as gevent watches one child, as its own Popen has it do, that hub reaps all children of the process, and
    tells how they ended to those alone that watch too: the standard library's Popen takes the end of its child for a 0.
    So children are watched from that moment on. Not before: to watch one is what makes gevent reap all the others.

    Args:
        popen: As `subprocess.Popen` gave it.
        leads_group: Whether it was started in a process group of its own.
        begun: How the watchdog knows of it already.
    """

    def __init__(self, popen: Any, leads_group: bool = False, begun: str = "") -> None:
        # Made and closed in the thread of its hub.
        self._watcher: Any = None
        super().__init__(popen, leads_group, begun)
        if self.real and not isinstance(popen, GeventPopen) and not self._reaped:
            _reaper.add(self)

    def watch(self, hub: Hub) -> None:
        """Hear how the child has ended if *hub* reaps it. Called in the thread of that."""
        if self._watcher is None and not self._reaped:
            self._watcher = hub.loop.child(self.popen.pid, ref=False)
            self._watcher.start(self.poll)

    def unwatch(self) -> None:
        """Hear of nothing any more. Called in the thread that `watch` was called in."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None and watcher.loop.ptr:  # the loop of a hub that was destroyed has let go of it
            watcher.stop()
            watcher.close()

    def _taken(self) -> int | None:
        watcher = self._watcher
        if watcher is not None and not watcher.rpid and _reaper.is_here() and getcurrent() is not get_hub():
            # libuv's loop reaps first, and tells in the callbacks that it runs next.
            sleep(0)
        if watcher is None or not watcher.rpid:
            return None
        return os.waitstatus_to_exitcode(watcher.rstatus)

    def _reap(self) -> None:
        if not self._reaped:
            super()._reap()
            _reaper.discard(self)


class _Reaper:
    """The hub of the main thread, which reaps all children as soon as it watches one; and those that it may reap."""

    def __init__(self) -> None:
        # None until it watches a child.
        self._hub: Hub | None = None
        self._children: WeakSet[WatchedChild] = WeakSet()
        self._hears = False

    def add(self, child: WatchedChild) -> None:
        """A child has been started, in any thread, and since then no hub has run in that."""
        self._children.add(child)
        if not self._hears:
            self._hear()
        if self._hub is not None or _gevent_os._watched_children:
            self._begin()
        if self._hub is not None:
            self._run(child.watch, self._hub)

    def discard(self, child: WatchedChild) -> None:
        """It is reaped."""
        self._children.discard(child)
        if child._watcher is not None:
            self._run(child.unwatch)

    def is_here(self) -> bool:
        """Whether the caller runs in its thread."""
        return self._hub is not None and self._hub.thread_ident == _get_ident()

    def _hear(self) -> None:
        """Hear when gevent watches its first child: there is no event for that, and it reaps at its next turn."""
        self._hears = True
        watch_child = _gevent_os._watch_child

        @wraps(watch_child)
        def watch(*args: Any, **options: Any) -> None:
            watch_child(*args, **options)
            self._begin()

        _gevent_os._watch_child = watch

    def _begin(self) -> None:
        """Watch all children, if that is for the hub of the caller, and not done yet."""
        hub = get_hub()
        if hub.loop.default and hub is not self._hub:
            self._hub = hub
            for child in list(self._children):
                child.watch(hub)

    def _run(self, fn: Callable[..., None], *args: Any) -> None:
        assert self._hub is not None
        if self.is_here():
            fn(*args)
        elif self._hub.loop is not None:
            self._hub.loop.run_callback_threadsafe(fn, *args)


_reaper = _Reaper()
