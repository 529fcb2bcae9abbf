"""
Flask's reloader: two processes import the application, and one of them only watches the files for the other.

    flask run --debug       the watching one is known before the application is imported: it boots nothing
    app.run(debug=True)     it is known when it starts the other one: what it has booted by then is shut down
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import specter_gevent

_hooked = False


def is_watching() -> bool:
    """Whether ``flask run`` watches the files in this process, and serves the application in another one."""
    if _is_served() or os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        return False
    import click
    from flask.helpers import get_debug_flag

    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "run":
        return False
    wanted = context.params.get("reload")
    return bool(get_debug_flag() if wanted is None else wanted)


def when_watching(end: Callable[[], object]) -> None:
    """
    Have *end* called if this process turns out to be the watching one, before it starts the other. Once in a process.

    Nobody is told of that, so it is put in front of the method that starts it.
    """
    global _hooked
    if _hooked or _is_served():
        return
    _hooked = True
    from werkzeug._reloader import ReloaderLoop

    restart = ReloaderLoop.restart_with_reloader

    @wraps(restart)
    def restart_with_reloader(loop: Any) -> int:
        specter_gevent.manager.logger.debug(
            "[SPECTER] Flask's reloader boots the application in another process: it is shut down in this one"
        )
        end()
        return restart(loop)

    setattr(ReloaderLoop, "restart_with_reloader", restart_with_reloader)  # noqa: B010


def _is_served() -> bool:
    return os.environ.get("WERKZEUG_RUN_MAIN") == "true"
