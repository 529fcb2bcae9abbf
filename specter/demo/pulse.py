"""The pulse: once a second, what runs in this process, straight from the Runtime and the manager."""

from __future__ import annotations

import time
from typing import Any

from specter import Model, Runtime, Service, registry
from specter.runtime import RunningTask


class Pulse(Service):
    """Puts the services, and every task with its owner and the line it waits at, on the board."""

    def __init__(self, board: Model) -> None:
        super().__init__("pulse")
        self.board = board

    def on_start(self) -> None:
        """Look once a second."""
        self.interval(self.look, 1.0)

    def look(self) -> None:
        """Ask the manager and the runtime. An unchanged answer reaches nobody: a Model tells only of changes."""
        health = registry.require("service_manager").health()
        runtime = Runtime.current()
        tasks = runtime.tasks() if runtime else []
        self.board.set(
            "runtime",
            {
                "services": [{"name": name, "status": one["status"]} for name, one in health["services"].items()],
                "tasks": [described(task) for task in tasks],
            },
        )


def described(task: RunningTask) -> dict[str, Any]:
    """Return what the page shows of a task: since when it runs, in seconds of the wall clock, and not its age."""
    return {"owner": task.owner, "label": task.label, "where": task.where, "since": round(time.time() - task.age)}
