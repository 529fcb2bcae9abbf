"""
`specter run` on gevent: a Flask application under gevent's own server, and its end.

    cli > command > supervisor > (fork) > run > application, sequence > server > calls
                                                                      > clients
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from specter.serving.options import Options
    from specter.serving.shared import Shared


def run_here(find: Callable[[], Any], options: Options, shared: Shared, *, supervised: bool) -> NoReturn:
    """
    Put gevent in place of what waits, then serve an application in this process until a signal ends it.

    Leaves with the exit code: does not return.

    Args:
        find: Gives the application: a Flask app, a manager or a WSGI app.
        options: Of the command line.
        shared: With the supervisor, or of this process alone.
        supervised: Whether there is a supervisor.

    Raises:
        Problem: It cannot begin; the text says what to mend.
    """
    from gevent import monkey

    monkey.patch_all()
    # After the patch, and with it all that the application imports.
    from .run import run

    run(find, options, shared, supervised=supervised)
