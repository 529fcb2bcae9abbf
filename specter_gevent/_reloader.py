"""Flask's reloader: which of its two processes this is."""

from __future__ import annotations

import os


def is_reloader_parent() -> bool:
    """
    Whether ``flask run`` watches the files in this process, and serves the application in another one.

    Both import the application. Where the application itself calls ``app.run(debug=True)`` nothing tells, before that
    call, that there will be another process.
    """
    if os.environ.get("WERKZEUG_RUN_MAIN") == "true" or os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        return False
    import click
    from flask.helpers import get_debug_flag

    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "run":
        return False
    wanted = context.params.get("reload")
    return bool(get_debug_flag() if wanted is None else wanted)
