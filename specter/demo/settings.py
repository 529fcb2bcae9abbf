"""What the page can set, and the schema that says what is right."""

from __future__ import annotations

from typing import Any

from specter import Field, Schema
from specter.demo.reading import ALGORITHMS

MAX_PATTERNS = 100
MAX_PAUSE_MS = 2000

DEFAULTS: dict[str, Any] = {
    "ignore": [
        ".git",
        ".hg",
        ".svn",
        "node_modules",
        ".venv",
        "venv",
        "__pycache__",
        ".*_cache",
        ".tox",
        ".hypothesis",
        ".DS_Store",
        "*.sw?",
        "*~",
    ],
    "algorithm": ALGORITHMS[0],
    "pause": 0,
}


def _short_list(patterns: list[str]) -> bool:
    return len(patterns) <= MAX_PATTERNS and all(0 < len(pattern.strip()) <= 200 for pattern in patterns)


def _short_pause(milliseconds: int) -> bool:
    return 0 <= milliseconds <= MAX_PAUSE_MS


SETTINGS = Schema(
    "settings",
    {
        "ignore": Field(list[str], required=True, validator=_short_list, label="Ignore"),
        "algorithm": Field(str, required=True, choices=list(ALGORITHMS), label="Hash"),
        "pause": Field(int, required=True, validator=_short_pause, label="Pause"),
    },
    strict=True,
)
