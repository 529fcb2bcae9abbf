"""The board: one Model with all that the page shows. Services write to it; the dashboard sends what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specter import Model, create_model
from specter.demo.settings import DEFAULTS

# How far back the page shows how many files were read in each second.
SPEED_SECONDS = 60


def create_board(folder: Path) -> Model:
    """Return the board of a folder, before anything is known of it."""
    slices: dict[str, Any] = {
        "folder": {
            "path": shown(str(folder)),
            "name": shown(folder.name or str(folder)),
            "alive": True,
            "truncated": False,
        },
        "totals": {"files": 0, "bytes": 0, "lines": 0, "problems": 0},
        "changes": {"added": 0, "modified": 0, "deleted": 0},
        "queue": {"pending": 0, "done": 0, "total": 0, "bytes": 0, "workers": 0, "current": []},
        "speed": [0] * SPEED_SECONDS,
        "summary": {"fresh": False, "computed": 0, "served": 0},
        "activity": [],
        "usage": {"command": "", "running": False, "returncode": None, "lines": []},
        "runtime": {"services": [], "tasks": []},
        "settings": dict(DEFAULTS),
    }
    return create_model("board", slices)


def shown(path: str) -> str:
    """Return a path as text that every encoder takes: bytes that are no UTF-8 become the replacement character."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
