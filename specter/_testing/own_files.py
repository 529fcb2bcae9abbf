"""The open files of event loops and of helpers that live as long as the process: no test has left them."""

from __future__ import annotations

import gc
import sys
from _socket import socket  # in a patched process the public one is gevent's
from collections.abc import Iterator
from functools import cache
from typing import Any


def open_what_stays() -> None:
    """Have those opened by now that would else be opened within the test that comes first."""
    if uvloop := sys.modules.get("uvloop"):
        _open_pipe_of_signals(uvloop)


def numbers() -> set[int]:
    """Their file descriptors."""
    watchdog = getattr(sys.modules.get("specter._process_watchdog"), "watchdog", None)
    helpers = getattr(tracker(), "_fd", None), getattr(watchdog, "_pipe", None)
    return {fd for fd in (*helpers, *_of_the_loop()) if fd is not None}


def tracker() -> Any:
    """multiprocessing's helper."""
    module = sys.modules.get("multiprocessing.resource_tracker")
    return getattr(module, "_resource_tracker", None)


def _of_the_loop() -> Iterator[int]:
    """The sockets by which the running event loop hears of signals: uvloop makes new ones each time that it is run."""
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio else None
    return (one.fileno() for one in gc.get_referents(loop) if isinstance(one, socket))


@cache
def _open_pipe_of_signals(uvloop: Any) -> None:
    """Have uvloop open what it does with its first loop, and once for all."""
    uvloop.new_event_loop().close()
