"""Serving as a command does: under a supervisor where there can be one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .options import SHUTDOWN_TIMEOUT, Options
from .shared import Shared


def serve(find: Callable[[], Any], options: Options) -> int:
    """
    Serve an application until a signal ends it.

    On Linux this process becomes the supervisor, and the application is found and served in one below: call it before
    anything of the application is imported, and before any thread is started.

    Args:
        find: Gives what the runtime of the options can serve: a Quart or a Flask app, a manager, an ASGI or WSGI app.
        options: Where and how; their target is how the application is called in messages.

    Returns:
        The exit code, on Linux in both processes: leave with it.

    Raises:
        Problem: It cannot begin; the text says what to mend.
    """
    shared = Shared(SHUTDOWN_TIMEOUT if options.shutdown_timeout is None else options.shutdown_timeout)

    def run(supervised: bool) -> int:
        # Not imported in the supervisor.
        package = "specter.serving.run" if options.backend == "asyncio" else "specter_gevent.serving"
        code: int = import_module(package).run_here(find, options, shared, supervised=supervised)
        return code

    if sys.platform != "linux":
        return run(supervised=False)
    from .reload import PARENT
    from .supervisor import die_with, supervise

    if parent := os.environ.pop(PARENT, None):
        die_with(int(parent), signal.SIGTERM)
    return supervise(lambda: run(supervised=True), shared)
