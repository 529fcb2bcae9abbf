"""
What Python imports first in a server that is measured, since this folder is on its path.

No garbage is collected, as in the processes that measure. If the environment names a folder, the server profiles
itself, and does what it is told by the pipe of that folder that has the name of its process id:

- ``begin``: forget what was found so far;
- ``end``: write what was found to ``PID.profile``.
"""

import _thread
import cProfile
import gc
import marshal
import os
from pathlib import Path

gc.disable()


profiler = cProfile.Profile()


def listen(pipe: Path) -> None:
    """Do what one is told. A thread does, since signals would reach a server only when it runs Python code."""
    with open(os.open(pipe, os.O_RDWR), encoding="ascii") as commands:  # for writing as well: it has no end
        for command in commands:
            if command == "begin\n":
                profiler.clear()
            else:
                # Not by `dump_stats`, which would end the profile of this thread, which has none.
                profiler.snapshot_stats()
                unfinished = pipe.with_suffix(".unfinished")
                unfinished.write_bytes(marshal.dumps(profiler.stats))  # type: ignore[attr-defined]
                unfinished.rename(pipe.with_suffix(".profile"))


def begin() -> None:
    """Make a profile of this thread, and a pipe for it."""
    pipe = Path(folder, str(os.getpid()))
    if not pipe.exists():  # as it does when a process has put another program in its place
        os.mkfifo(pipe)
    _thread.start_new_thread(listen, (pipe,))  # of the system even where gevent patches `threading`
    profiler.enable()


if folder := os.environ.get("BENCHMARK_PROFILES", ""):
    begin()
    os.register_at_fork(after_in_child=begin)
