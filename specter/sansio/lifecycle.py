"""
The states of a service and the moves between them.

::

    stopped --start--> starting --started--> running --stop--> stopping --stopped--> stopped
                          |                                        ^
                          +-------------------stop----------------+
                            (the hook failed, was cancelled, or somebody stopped it)

A service counts as running in every state but `stopped`: its hooks may use all of it. What it may still acquire is
narrower: tasks and timers until its tasks are being ended.
"""

from __future__ import annotations

STOPPED = "stopped"
STARTING = "starting"
RUNNING = "running"
STOPPING = "stopping"

_MOVES = {
    (STOPPED, "start"): STARTING,
    (STARTING, "started"): RUNNING,
    (STARTING, "stop"): STOPPING,
    (RUNNING, "stop"): STOPPING,
    (STOPPING, "stopped"): STOPPED,
}


def move(state: str, event: str) -> str:
    """
    Give the state that follows.

    Args:
        state: One of the four above.
        event: ``start``, ``started``, ``stop`` or ``stopped``.

    Raises:
        KeyError: There is no such move.
    """
    return _MOVES[state, event]
