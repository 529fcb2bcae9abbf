"""Telling what the end of the graceful timeout cuts."""

from __future__ import annotations

import logging
from collections.abc import Sequence

log = logging.getLogger(__name__)

# Thousands of clients may have called the same handler.
MOST_TOLD = 10


def tell_cut(work: Sequence[str]) -> None:
    """
    Log what is cut: it is not done, and a client may have waited for it.

    Args:
        work: Requests and socket handlers, each with the line at which it waits where that is known.
    """
    for name in work[:MOST_TOLD]:
        log.warning("not done within the graceful timeout, and ended: %s", name)
    if len(work) > MOST_TOLD:
        log.warning("not done within the graceful timeout, and ended: %d more", len(work) - MOST_TOLD)
