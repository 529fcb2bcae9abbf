"""What `specter run` does to the process that it runs in."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterable
from typing import NoReturn


def set_up_logging(talkative: Iterable[str]) -> None:
    """
    Show what is logged at info, unless the application has said what to do with it.

    Args:
        talkative: Loggers that say at info what `specter run` says itself, or every request: of them, warnings alone.
    """
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        for name in talkative:
            logging.getLogger(name).setLevel(logging.WARNING)


def exit_code(error: SystemExit | KeyboardInterrupt) -> int:
    """The exit code that the application asks for by raising *error*."""
    code = error.code if isinstance(error, SystemExit) else 128 + signal.SIGINT
    return code if isinstance(code, int) else bool(code)


def leave(code: int) -> NoReturn:
    """End the process although tasks or threads would hold it for good."""
    logging.shutdown()
    with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads it
        sys.stdout.flush()
    os._exit(code)
